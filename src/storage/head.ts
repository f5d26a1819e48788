/**
 * The head file: where the log ended, outside the log.
 *
 * Problem: SQLite takes a damaged or missing WAL for the ragged end of a crash and silently opens an older
 * state; the log alone can't tell that something acknowledged is missing. Approach: after each commit the
 * log's head goes to a file of its own, synced every second and at a clean stop; a log shorter than its head
 * is refused with the missing range. Two slots of 4 KiB: the one that was synced last is left alone until the
 * other is synced, so a power cut can tear one of them at most; the valid one with the higher counter counts.
 * The file also says whose store it is, so that a foreign one is recognised without opening a database.
 * Rejected: fsync at each commit (doubles its price; the page cache survives a killed process anyway).
 *
 * Slot, little-endian: 8 bytes magic | 16 bytes checksum of all that follows | u16 format of the log |
 * u64 counter | u64 n | u8 length + store id | u8 length + cluster id | u8 length + server |
 * u8 count, then per origin: u8 length + name | u64 seq | 16 bytes chain. The last op's origin comes first.
 */
import { closeSync, fchmodSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { assert } from "../core/assert.ts";
import { equalBytes, fromUtf8, utf8 } from "../core/bytes.ts";
import { CHAIN_BYTES } from "../core/op.ts";
import { sha256 } from "./log-hash.ts";

export const HEAD_SLOT_BYTES = 4096;
/** Origins named in a head: the last that got an op. */
export const HEAD_ORIGINS_MAX = 32;
const MAGIC = utf8("HFheadv1");
const CHECKSUM_AT = 8;
const CHECKED_FROM = CHECKSUM_AT + 16;
const COUNTER_AT = CHECKED_FROM + 2;
const N_AT = COUNTER_AT + 8;

export type OriginHead = {
  readonly origin: string;
  readonly seq: number;
  readonly chain: Uint8Array;
};

export type LogHead = {
  /** The log's format version. */
  readonly format: number;
  readonly storeId: string;
  readonly clusterId: string;
  readonly server: string;
  /** Arrival number of the last op; 0 for none. */
  readonly n: number;
  /** Newest first; the first is the origin of the last op. */
  readonly origins: readonly OriginHead[];
};

function checksum(slot: Uint8Array): Uint8Array {
  return sha256.sha256(slot.subarray(CHECKED_FROM)).subarray(0, 16);
}

/** One slot of the file. */
export function encodeHead(head: LogHead, counter: number): Uint8Array<ArrayBuffer> {
  assert(head.origins.length <= HEAD_ORIGINS_MAX, "origins of a head within their bound");
  const slot = new Uint8Array(HEAD_SLOT_BYTES);
  const view = new DataView(slot.buffer);
  slot.set(MAGIC, 0);
  view.setUint16(CHECKED_FROM, head.format, true);
  view.setBigUint64(COUNTER_AT, BigInt(counter), true);
  view.setBigUint64(N_AT, BigInt(head.n), true);
  let at = N_AT + 8;
  const put = (text: string) => {
    const bytes = utf8(text);
    assert(bytes.length <= 255, "text of a head fits its length byte");
    slot[at] = bytes.length;
    slot.set(bytes, at + 1);
    at += 1 + bytes.length;
  };
  put(head.storeId);
  put(head.clusterId);
  put(head.server);
  slot[at++] = head.origins.length;
  for (const { origin, seq, chain } of head.origins) {
    put(origin);
    view.setBigUint64(at, BigInt(seq), true);
    slot.set(chain, at + 8);
    at += 8 + CHAIN_BYTES;
  }
  slot.set(checksum(slot), CHECKSUM_AT);
  return slot;
}

type ReadHead = { readonly head: LogHead; readonly counter: number };

/** null if the slot is not one that {@link encodeHead} made. */
export function decodeHead(slot: Uint8Array): ReadHead | null {
  if (slot.length !== HEAD_SLOT_BYTES || !equalBytes(slot.subarray(0, 8), MAGIC)) return null;
  if (!equalBytes(slot.subarray(CHECKSUM_AT, CHECKED_FROM), checksum(slot))) return null;
  try {
    return readSlot(slot);
  } catch {
    return null; // somebody else can compute the checksum, too
  }
}

/** Throws for texts that are none, and for what goes past the end. */
function readSlot(slot: Uint8Array): ReadHead {
  const view = new DataView(slot.buffer, slot.byteOffset, slot.length);
  let at = N_AT + 8;
  const take = (): string => {
    const length = slot[at] as number;
    at += 1 + length;
    return fromUtf8(slot.subarray(at - length, at));
  };
  const storeId = take();
  const clusterId = take();
  const server = take();
  const count = slot[at++] as number;
  const origins: OriginHead[] = [];
  for (let i = 0; i < count; i++) {
    const origin = take();
    const seq = Number(view.getBigUint64(at, true));
    origins.push({ origin, seq, chain: slot.slice(at + 8, at + 8 + CHAIN_BYTES) });
    at += 8 + CHAIN_BYTES;
  }
  const counter = Number(view.getBigUint64(COUNTER_AT, true));
  const n = Number(view.getBigUint64(N_AT, true));
  const format = view.getUint16(CHECKED_FROM, true);
  return { head: { format, storeId, clusterId, server, n, origins }, counter };
}

export type HeadReading =
  | { readonly state: "missing" }
  | { readonly state: "damaged" }
  | {
      readonly state: "valid";
      readonly head: LogHead;
      readonly counter: number;
      /** 0 or 1: where the newest head stands. */
      readonly slot: number;
    };

/** The newest valid slot among the bytes of a head file. */
export function newestHead(bytes: Uint8Array): HeadReading {
  let newest: HeadReading = { state: "damaged" };
  for (const slot of [0, 1]) {
    const from = slot * HEAD_SLOT_BYTES;
    const read = decodeHead(bytes.subarray(from, from + HEAD_SLOT_BYTES));
    if (read === null) continue;
    if (newest.state === "valid" && newest.counter >= read.counter) continue;
    newest = { state: "valid", slot, ...read };
  }
  return newest;
}

/** Reads the file without changing anything. Throws the system's error if it may not be read. */
export function readHead(path: string): HeadReading {
  try {
    return newestHead(readFileSync(path));
  } catch (cause) {
    if ((cause as { code?: string }).code === "ENOENT") return { state: "missing" };
    throw cause;
  }
}

/** Writes heads. Lives in the log's worker; syncing blocks. */
export class HeadFile {
  private readonly fd: number;
  private counter: number;
  private slot: number;
  private dirty = false;

  /** Goes on after what the file holds, or makes it. */
  constructor(path: string) {
    const before = readHead(path);
    this.counter = before.state === "valid" ? before.counter : 0;
    // What is there may be the only synced one: the other slot is written first.
    this.slot = before.state === "valid" ? 1 - before.slot : 0;
    this.fd = openSync(path, before.state === "missing" ? "wx+" : "r+", 0o600);
    if (before.state === "missing") fchmodSync(this.fd, 0o600);
  }

  write(head: LogHead): void {
    const slot = encodeHead(head, ++this.counter);
    const written = writeSync(this.fd, slot, 0, HEAD_SLOT_BYTES, this.slot * HEAD_SLOT_BYTES);
    if (written !== HEAD_SLOT_BYTES) throw new Error("the head file was written in part");
    this.dirty = true;
  }

  /** Syncs what was written since the last time; from now on the other slot is written. */
  sync(): void {
    if (!this.dirty) return;
    fdatasyncSync(this.fd);
    this.dirty = false;
    this.slot = 1 - this.slot;
  }

  /** Leaves the head in both slots, so that damage to one hides nothing. */
  close(head: LogHead): void {
    this.write(head);
    this.sync();
    this.write(head);
    this.sync();
    closeSync(this.fd);
  }

  /** Lets go of the file without writing, after a failure. */
  abandon(): void {
    closeSync(this.fd);
  }
}
