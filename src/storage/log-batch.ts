/**
 * A batch of ops as one buffer, handed from the event loop to the log's worker.
 *
 * Problem: a structured clone of 1,000 op objects costs both threads more than writing them. Approach: the
 * bytes laid end to end in one ArrayBuffer that is transferred, not copied; the worker takes views of it and
 * binds them to SQLite as they are.
 *
 * Layout, little-endian: u32 count, then per op: u32 origin number | f64 seq | u32 length + envelope |
 * u32 length + body (NO_BODY for none).
 */
import type { Op } from "../core/op.ts";

const NO_BODY = 0xffffffff;
const OP_HEAD_BYTES = 4 + 8 + 4 + 4;

/** What the worker needs of an op. */
export type RawOp = {
  readonly o: number;
  readonly seq: number;
  readonly envelope: Uint8Array;
  readonly body: Uint8Array | null;
};

/** Bytes that an op takes in a batch. */
export function batchBytes(op: Op): number {
  return OP_HEAD_BYTES + op.bytes.length + (op.body?.length ?? 0);
}

/** `numbers[i]` is the origin number of `ops[i]`. */
export function encodeBatch(ops: readonly Op[], numbers: readonly number[]): ArrayBuffer {
  let length = 4;
  for (const op of ops) length += batchBytes(op);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ops.length, true);
  let at = 4;
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as Op;
    view.setUint32(at, numbers[i] as number, true);
    view.setFloat64(at + 4, op.seq, true);
    view.setUint32(at + 12, op.bytes.length, true);
    view.setUint32(at + 16, op.body === null ? NO_BODY : op.body.length, true);
    at += OP_HEAD_BYTES;
    bytes.set(op.bytes, at);
    at += op.bytes.length;
    if (op.body !== null) {
      bytes.set(op.body, at);
      at += op.body.length;
    }
  }
  return bytes.buffer;
}

/** How many ops a batch holds. */
export function batchCount(batch: ArrayBuffer): number {
  return new DataView(batch).getUint32(0, true);
}

/** Views into the buffer: nothing is copied. */
export function decodeBatch(buffer: ArrayBuffer): RawOp[] {
  const view = new DataView(buffer);
  const count = view.getUint32(0, true);
  const ops: RawOp[] = new Array(count);
  let at = 4;
  for (let i = 0; i < count; i++) {
    const o = view.getUint32(at, true);
    const seq = view.getFloat64(at + 4, true);
    const envelopeBytes = view.getUint32(at + 12, true);
    const bodyBytes = view.getUint32(at + 16, true);
    at += OP_HEAD_BYTES;
    const envelope = new Uint8Array(buffer, at, envelopeBytes);
    at += envelopeBytes;
    const body = bodyBytes === NO_BODY ? null : new Uint8Array(buffer, at, bodyBytes);
    if (body !== null) at += bodyBytes;
    ops[i] = { o, seq, envelope, body };
  }
  return ops;
}
