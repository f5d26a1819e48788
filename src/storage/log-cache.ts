/**
 * The ops that were read or committed last, in memory: the fold reads each op right after its commit, and
 * people read the same newest pages again and again.
 *
 * Two generations of half the bound each: when the young one is full the old one is dropped as a whole; what
 * is used moves to the young one. Rejected: strict least-recently-used by the order of one Map (finding its
 * first key walks over all that were deleted before it: a third of the throughput, measured).
 */
import type { Op } from "../core/op.ts";

/** What an op weighs besides its bytes: strings, objects, map entry. */
const OVERHEAD_BYTES = 700;

export class OpCache {
  private readonly halfBytes: number;
  private young = new Map<number, Op>();
  private old = new Map<number, Op>();
  private youngBytes = 0;

  constructor(bytesMax: number) {
    this.halfBytes = bytesMax / 2;
  }

  get(n: number): Op | undefined {
    const op = this.young.get(n);
    if (op !== undefined) return op;
    const older = this.old.get(n);
    if (older !== undefined) this.put(n, older);
    return older;
  }

  put(n: number, op: Op): void {
    this.young.set(n, op);
    this.youngBytes += OVERHEAD_BYTES + op.bytes.length + (op.body?.length ?? 0);
    if (this.youngBytes <= this.halfBytes) return;
    this.old = this.young;
    this.young = new Map();
    this.youngBytes = 0;
  }

  clear(): void {
    this.young = new Map();
    this.old = new Map();
    this.youngBytes = 0;
  }

  remove(n: number): void {
    this.young.delete(n);
    this.old.delete(n);
  }
}
