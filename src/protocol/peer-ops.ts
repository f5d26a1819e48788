/**
 * Batches of ops between servers: one binary frame.
 *
 * An op travels as the original bytes of its envelope, so that hashes hold and unknown kinds pass through.
 * One whose body was erased travels with the envelope of the op that erased it, as proof; whether it proves
 * that is the fold's to say. For each origin the frame names the first seq and the chain hash before it: two
 * branches under one incarnation are never spliced. Layout, little-endian:
 *
 *   u8 FRAME_OPS | f64 arrival number (see `upTo` in peer.ts) | u32 lines | u32 ops
 *   per line: u8 length + origin | f64 first seq | 16 bytes chain hash before it
 *   per op:   u8 what | u32 length + envelope | [u32 length + body or proof]
 *
 * what: 0 the op has no body, 1 its body follows, 2 its body was erased and the proof follows.
 */
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { type Incarnation, isIncarnation } from "../core/ids.ts";
import { BODY_BYTES_MAX, ENVELOPE_BYTES_MAX, PEER_OPS_MAX } from "../core/limits.ts";
import { CHAIN_BYTES } from "../core/op.ts";

export const FRAME_OPS = 1;

const HEAD_BYTES = 1 + 8 + 4 + 4;
const LINE_BYTES = 1 + 8 + CHAIN_BYTES;
const WHAT_NONE = 0;
const WHAT_BODY = 1;
const WHAT_ERASED = 2;

/** An op as it travels: nothing of it is believed yet. */
export type PeerOp = {
  readonly envelope: Uint8Array;
  /** Salt and text; null for none or erased. */
  readonly body: Uint8Array | null;
  /** Envelope of the op that erased the body; null unless it was erased. */
  readonly proof: Uint8Array | null;
};

/** Where the ops of one origin in a frame begin. */
export type PeerLine = {
  readonly origin: Incarnation;
  readonly seq: number;
  /** Of the op before: all zero where `seq` is 1. */
  readonly chain: Uint8Array;
};

export type PeerOps = {
  readonly upTo: number;
  readonly lines: readonly PeerLine[];
  readonly ops: readonly PeerOp[];
};

/** Bytes that an op takes in a frame. */
export function peerOpBytes({ envelope, body, proof }: PeerOp): number {
  const rest = body ?? proof;
  return 5 + envelope.length + (rest === null ? 0 : 4 + rest.length);
}

export function encodePeerOps({ upTo, lines, ops }: PeerOps): Uint8Array<ArrayBuffer> {
  const origins = lines.map(({ origin }) => utf8(origin));
  let length = HEAD_BYTES;
  for (const origin of origins) length += LINE_BYTES + origin.length;
  for (const op of ops) length += peerOpBytes(op);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[0] = FRAME_OPS;
  view.setFloat64(1, upTo, true);
  view.setUint32(9, lines.length, true);
  view.setUint32(13, ops.length, true);
  let at = HEAD_BYTES;
  for (const [i, { seq, chain }] of lines.entries()) {
    const origin = origins[i] as Uint8Array;
    bytes[at] = origin.length;
    bytes.set(origin, at + 1);
    at += 1 + origin.length;
    view.setFloat64(at, seq, true);
    bytes.set(chain, at + 8);
    at += 8 + CHAIN_BYTES;
  }
  const piece = (content: Uint8Array) => {
    view.setUint32(at, content.length, true);
    bytes.set(content, at + 4);
    at += 4 + content.length;
  };
  for (const { envelope, body, proof } of ops) {
    bytes[at++] = body !== null ? WHAT_BODY : proof !== null ? WHAT_ERASED : WHAT_NONE;
    piece(envelope);
    const rest = body ?? proof;
    if (rest !== null) piece(rest);
  }
  return bytes;
}

/** Copies: whoever keeps one of its ops does not keep the frame. Throws Refusal `invalid` for what {@link encodePeerOps} cannot have made. */
export function decodePeerOps(frame: Uint8Array): PeerOps {
  if (frame.length < HEAD_BYTES || frame[0] !== FRAME_OPS) throw malformed("it is no batch");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const upTo = view.getFloat64(1, true);
  if (!Number.isSafeInteger(upTo) || upTo < 0) throw malformed("its arrival number is none");
  const lineCount = view.getUint32(9, true);
  const count = view.getUint32(13, true);
  if (count < 1 || count > PEER_OPS_MAX) throw malformed(`it says ${count} ops`);
  if (lineCount < 1 || lineCount > count) throw malformed(`it says ${lineCount} origins`);
  let at = HEAD_BYTES;
  const pass = (length: number): number => {
    if (at + length > frame.length) throw malformed("it is cut off");
    at += length;
    return at - length;
  };
  const take = (length: number): Uint8Array => {
    const from = pass(length);
    return frame.slice(from, at);
  };
  const lines: PeerLine[] = [];
  for (let i = 0; i < lineCount; i++) {
    const origin = originOf(take(frame[pass(1)] as number));
    const seq = view.getFloat64(pass(8), true);
    if (!Number.isSafeInteger(seq) || seq < 1) throw malformed("a first seq is none");
    lines.push({ origin, seq, chain: take(CHAIN_BYTES) });
  }
  const piece = (bytesMax: number): Uint8Array => {
    const length = view.getUint32(pass(4), true);
    if (length < 1 || length > bytesMax) throw malformed(`a part of it has ${length} bytes`);
    return take(length);
  };
  const ops: PeerOp[] = [];
  for (let i = 0; i < count; i++) {
    const what = frame[at++];
    if (what === undefined || what > WHAT_ERASED)
      throw malformed("an op is neither with nor without body");
    const envelope = piece(ENVELOPE_BYTES_MAX);
    const body = what === WHAT_BODY ? piece(BODY_BYTES_MAX) : null;
    const proof = what === WHAT_ERASED ? piece(ENVELOPE_BYTES_MAX) : null;
    ops.push({ envelope, body, proof });
  }
  if (at !== frame.length) throw malformed("something follows its end");
  return { upTo, lines, ops };
}

function originOf(bytes: Uint8Array): Incarnation {
  let text = "";
  try {
    text = fromUtf8(bytes);
  } catch {
    // told below
  }
  if (!isIncarnation(text)) throw malformed("an origin in it is none");
  return text;
}

function malformed(why: string): Refusal {
  return new Refusal("invalid", `batch of ops refused: ${why}`);
}
