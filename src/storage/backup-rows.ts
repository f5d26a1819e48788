/**
 * Rows of a log as records of a backup's blocks, and back. Numbers are kept as they are in the log, so that a
 * restored one is the same log, op by op.
 *
 * Little-endian; `origin number` is what the log calls an origin by:
 *   op:     u32 origin number | f64 seq | u8 what follows | u32 length + envelope
 *           [u32 length + body] [f64 arrival number of what erased it] [16 bytes chain mark]
 *   origin: u32 origin number | u8 length + name | f64 seq | 16 bytes chain
 *   branch: u32 origin number | f64 seq | 16 bytes chain;   hole: u32 origin number | f64 seq
 */
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { BODY_BYTES_MAX, ENVELOPE_BYTES_MAX } from "../core/limits.ts";
import { CHAIN_BYTES } from "../core/op.ts";
import { StorageError } from "./failure.ts";

const HAS_BODY = 1;
const HAS_ERASER = 2;
const HAS_MARK = 4;
const FIRST_BYTES = 1 << 16;

export type OpRecord = {
  readonly o: number;
  readonly seq: number;
  readonly envelope: Uint8Array;
  readonly body: Uint8Array | null;
  readonly chain: Uint8Array | null;
  readonly erased_by: number | null;
};
export type OriginRecord = {
  readonly o: number;
  readonly origin: string;
  readonly seq: number;
  readonly chain: Uint8Array;
};
export type BranchRecord = Omit<OriginRecord, "origin">;
export type HoleRecord = { readonly o: number; readonly seq: number };

/** Collects records; grows as they come. */
export class Records {
  private bytes = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.bytes.buffer);
  length = 0;

  private room(more: number): number {
    const at = this.length;
    this.length += more;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  private u8(value: number): void {
    this.bytes[this.room(1)] = value;
  }

  private u32(value: number): void {
    const at = this.room(4);
    this.view.setUint32(at, value, true);
  }

  private f64(value: number): void {
    const at = this.room(8);
    this.view.setFloat64(at, value, true);
  }

  private raw(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
  }

  op({ o, seq, envelope, body, chain, erased_by }: OpRecord): void {
    this.u32(o);
    this.f64(seq);
    const follows =
      (body === null ? 0 : HAS_BODY) |
      (erased_by === null ? 0 : HAS_ERASER) |
      (chain === null ? 0 : HAS_MARK);
    this.u8(follows);
    this.u32(envelope.length);
    this.raw(envelope);
    if (body !== null) {
      this.u32(body.length);
      this.raw(body);
    }
    if (erased_by !== null) this.f64(erased_by);
    if (chain !== null) this.raw(chain);
  }

  origin({ o, origin, seq, chain }: OriginRecord): void {
    const name = utf8(origin);
    this.u32(o);
    this.u8(name.length);
    this.raw(name);
    this.f64(seq);
    this.raw(chain);
  }

  branch({ o, seq, chain }: BranchRecord): void {
    this.u32(o);
    this.f64(seq);
    this.raw(chain);
  }

  hole({ o, seq }: HoleRecord): void {
    this.u32(o);
    this.f64(seq);
  }

  /** What was collected, to be used before the next record comes. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length);
    this.length = 0;
    return taken;
  }
}

/** Reads the records of one block. Throws StorageError `damaged` for what no backup has. */
export class RecordReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isDone(): boolean {
    return this.at === this.bytes.length;
  }

  private need(length: number): number {
    const at = this.at;
    if (length > this.bytes.length - at) throw refused("a record goes past the end of its block");
    this.at += length;
    return at;
  }

  private u8(): number {
    return this.bytes[this.need(1)] as number;
  }

  private u32(): number {
    return this.view.getUint32(this.need(4), true);
  }

  private whole(least: number): number {
    const value = this.view.getFloat64(this.need(8), true);
    if (!Number.isSafeInteger(value) || value < least)
      throw refused(`a record with number ${value}`);
    return value;
  }

  private raw(length: number, most = length): Uint8Array {
    if (length > most) throw refused(`a record with a part of ${length} bytes`);
    const at = this.need(length);
    return this.bytes.slice(at, at + length);
  }

  private text(length: number): string {
    const bytes = this.raw(length);
    try {
      return fromUtf8(bytes);
    } catch {
      throw refused("a name that is no text");
    }
  }

  op(): OpRecord {
    const o = this.u32();
    const seq = this.whole(1);
    const follows = this.u8();
    if (follows > (HAS_BODY | HAS_ERASER | HAS_MARK)) throw refused("an op of an unknown form");
    const envelope = this.raw(this.u32(), ENVELOPE_BYTES_MAX);
    const body = (follows & HAS_BODY) === 0 ? null : this.raw(this.u32(), BODY_BYTES_MAX);
    const erased_by = (follows & HAS_ERASER) === 0 ? null : this.whole(-1);
    const chain = (follows & HAS_MARK) === 0 ? null : this.raw(CHAIN_BYTES);
    return { o, seq, envelope, body, chain, erased_by };
  }

  origin(): OriginRecord {
    const o = this.u32();
    const origin = this.text(this.u8());
    return { o, origin, seq: this.whole(0), chain: this.raw(CHAIN_BYTES) };
  }

  branch(): BranchRecord {
    return { o: this.u32(), seq: this.whole(0), chain: this.raw(CHAIN_BYTES) };
  }

  hole(): HoleRecord {
    return { o: this.u32(), seq: this.whole(1) };
  }
}

function refused(what: string): StorageError {
  return new StorageError("damaged", `it holds ${what}`);
}
