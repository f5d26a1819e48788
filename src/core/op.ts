/**
 * An op: the immutable record from which everything else is computed.
 *
 * Problem: ops are hashed, stored and relayed by servers of different releases for years, and what is
 * personal in them must be erasable without breaking a hash. Approach: an envelope in a fixed binary form,
 * kept and passed on as the original bytes, that commits to a salted body stored beside it; when salt and
 * body are erased nobody can test a guess against the hash. Rejected: JSON (100 bytes more per message, and
 * several texts for one value); encryption of bodies with a key each (the key then needs the same erasure).
 *
 * Envelope, format 1 (`uv` = unsigned LEB128):
 *   u8 format | u8 length + origin | uv seq | 8 bytes stamp | 16 bytes author | 16 bytes id | uv kind |
 *   u8 scope tag (0 none, 1 account, 2 channel) [+ 16 bytes] | uv length + data | u8 has body [+ 16 bytes hash]
 */
import { assert } from "./assert.ts";
import { concatBytes, fromUtf8, utf8 } from "./bytes.ts";
import { Refusal } from "./errors.ts";
import type { Hash } from "./hash.ts";
import {
  type AccountId,
  accountIdOf,
  areRequestId,
  type ChannelId,
  channelIdOf,
  ID_BYTES,
  idBytes,
  isAccountId,
  isIncarnation,
  type RequestId,
  requestIdBytes,
  requestIdOf,
} from "./ids.ts";
import { BODY_BYTES_MAX, ENVELOPE_DATA_BYTES_MAX, KIND_MAX } from "./limits.ts";
import type { Place } from "./position.ts";
import { readStamp, STAMP_BYTES, type Stamp, writeStamp } from "./stamp.ts";

export const ENVELOPE_FORMAT = 1;
export const BODY_HASH_BYTES = 16;
export const CHAIN_BYTES = 16;
export const SALT_BYTES = 16;

/** Where an op belongs: a channel, or the other account of a direct conversation. */
export type Scope = AccountId | ChannelId | null;

export type Envelope = Place & {
  readonly author: AccountId;
  readonly id: RequestId;
  /** A number of the registry in src/ops/kinds.ts; unknown ones are kept and passed on. */
  readonly kind: number;
  readonly scope: Scope;
  /** What is not personal: JSON text, or empty. */
  readonly data: string;
  /** First 16 bytes of SHA-256 over salt and body; null for an op without a body. */
  readonly bodyHash: Uint8Array | null;
};

/** Salt and body as stored and relayed: 16 bytes of salt, then JSON text. */
export type SealedBody = Uint8Array;

export type Op = Envelope & {
  /** The original bytes of the envelope. */
  readonly bytes: Uint8Array;
  /** null when there is none, or when it was erased. */
  readonly body: SealedBody | null;
};

const SCOPE_NONE = 0;
const SCOPE_ACCOUNT = 1;
const SCOPE_CHANNEL = 2;
/** Format, length of the origin, tag of the scope, mark of the body. */
const FIXED_BYTES = 4;

function varintBytes(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Fills an envelope from its front. */
class Writer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }
  byte(value: number): void {
    this.bytes[this.at++] = value;
  }
  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
  varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }
  stamp(stamp: Stamp): void {
    writeStamp(stamp, this.bytes, this.at);
    this.at += STAMP_BYTES;
  }
}

export function encodeEnvelope(op: Envelope): Uint8Array<ArrayBuffer> {
  const { seq, kind, scope, bodyHash } = op;
  const origin = utf8(op.origin);
  const data = utf8(op.data);
  assert(data.length <= ENVELOPE_DATA_BYTES_MAX, "op data within its bound");
  assert(seq >= 1 && kind >= 1 && kind <= KIND_MAX, "op numbers within their bounds");
  const ids = (scope === null ? 2 : 3) * ID_BYTES;
  const texts = origin.length + data.length + (bodyHash?.length ?? 0);
  const varints = varintBytes(seq) + varintBytes(kind) + varintBytes(data.length);
  const writer = new Writer(FIXED_BYTES + STAMP_BYTES + ids + texts + varints);
  writer.byte(ENVELOPE_FORMAT);
  writer.byte(origin.length);
  writer.put(origin);
  writer.varint(seq);
  writer.stamp(op.stamp);
  writer.put(idBytes(op.author));
  writer.put(requestIdBytes(op.id));
  writer.varint(kind);
  if (scope === null) writer.byte(SCOPE_NONE);
  else {
    writer.byte(isAccountId(scope) ? SCOPE_ACCOUNT : SCOPE_CHANNEL);
    writer.put(idBytes(scope));
  }
  writer.varint(data.length);
  writer.put(data);
  writer.byte(bodyHash === null ? 0 : 1);
  if (bodyHash !== null) writer.put(bodyHash);
  return writer.bytes;
}

class Reader {
  private at = 0;
  private readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  /** Where so many bytes stand, and goes past them. */
  pass(length: number): number {
    const from = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw malformed("it is cut short");
    return from;
  }
  byte(): number {
    return this.bytes[this.pass(1)] as number;
  }
  take(length: number): Uint8Array {
    const from = this.pass(length);
    return this.bytes.slice(from, this.at); // a view of so little costs more than its copy
  }
  varint(max: number): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (value > max) throw malformed("a number is out of bounds");
      if (byte < 128) {
        if (byte === 0 && scale > 1) throw malformed("a number has two forms");
        return value;
      }
      scale *= 128;
      if (scale > max) throw malformed("a number is out of bounds");
    }
  }
  text(length: number): string {
    if (length === 0) return "";
    const bytes = this.take(length);
    try {
      return fromUtf8(bytes);
    } catch {
      throw malformed("text is not UTF-8");
    }
  }
  end(): void {
    if (this.at !== this.bytes.length) throw malformed("bytes follow its end");
  }
}

function malformed(why: string): Refusal {
  return new Refusal("invalid", `op envelope refused: ${why}`);
}

/** Reads an envelope; throws Refusal `invalid` for anything that {@link encodeEnvelope} cannot have made. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const reader = new Reader(bytes);
  if (reader.byte() !== ENVELOPE_FORMAT) throw malformed("unknown format");
  const origin = reader.text(reader.byte());
  if (!isIncarnation(origin)) throw malformed("bad origin");
  const seq = reader.varint(Number.MAX_SAFE_INTEGER);
  if (seq < 1) throw malformed("seq starts at 1");
  const stamp = readStamp(bytes, reader.pass(STAMP_BYTES));
  const author = accountIdOf(bytes, reader.pass(ID_BYTES));
  const idAt = reader.pass(ID_BYTES);
  if (!areRequestId(bytes, idAt)) throw malformed("id is no UUIDv7");
  const id = requestIdOf(bytes, idAt);
  const kind = reader.varint(KIND_MAX);
  if (kind < 1) throw malformed("kind starts at 1");
  const scope = readScope(reader, bytes);
  const data = reader.text(reader.varint(ENVELOPE_DATA_BYTES_MAX));
  const hasBody = reader.byte();
  if (hasBody > 1) throw malformed("bad body mark");
  const bodyHash = hasBody === 1 ? reader.take(BODY_HASH_BYTES) : null;
  reader.end();
  return { origin, seq, stamp, author, id, kind, scope, data, bodyHash };
}

function readScope(reader: Reader, bytes: Uint8Array): Scope {
  switch (reader.byte()) {
    case SCOPE_NONE:
      return null;
    case SCOPE_ACCOUNT:
      return accountIdOf(bytes, reader.pass(ID_BYTES));
    case SCOPE_CHANNEL:
      return channelIdOf(bytes, reader.pass(ID_BYTES));
    default:
      throw malformed("unknown scope");
  }
}

export function hashBody(hash: Hash, body: SealedBody): Uint8Array {
  return hash.sha256(body).slice(0, BODY_HASH_BYTES);
}

/** Salt and JSON text of a body as one piece of bytes. */
export function sealBody(salt: Uint8Array, json: string): SealedBody {
  assert(salt.length === SALT_BYTES, "salt length");
  const sealed = concatBytes(salt, utf8(json));
  assert(sealed.length <= BODY_BYTES_MAX, "op body within its bound");
  return sealed;
}

/** JSON text of a body. Throws TypeError if it is not UTF-8. */
export function openBody(body: SealedBody): string {
  return fromUtf8(body.slice(SALT_BYTES));
}

export const CHAIN_START: Uint8Array = new Uint8Array(CHAIN_BYTES);

/** The chain hash after one more op of an origin: SHA-256 over the hash before and the envelope, 16 bytes. */
export function chainHash(hash: Hash, before: Uint8Array, envelope: Uint8Array): Uint8Array {
  return hash.sha256(concatBytes(before, envelope)).slice(0, CHAIN_BYTES);
}
