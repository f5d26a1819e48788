/**
 * Sums over what this log holds, kept up to date with each commit: one over all origins, one for each bucket
 * of origins, so that two servers find what differs in three messages whatever the number of origins.
 */

import { utf8 } from "../core/bytes.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import { VECTOR_BUCKETS } from "../core/limits.ts";
import { addShares, digestShare, type Head, subtractShares } from "../core/vector.ts";
import type { Log, StoredOp } from "./ports.ts";

/** How a commit moved one origin. */
export type Line = {
  readonly origin: Incarnation;
  /** Before the commit; null for an origin that is new. */
  readonly before: Head | null;
  readonly after: Head;
  /** The ops of this origin in the commit. */
  readonly ops: readonly StoredOp[];
};

export class VectorDigests {
  private readonly hash: Hash;
  private readonly log: Log;
  private readonly known: Map<Incarnation, Head>;
  private readonly buckets = new Array<bigint>(VECTOR_BUCKETS).fill(0n);
  total = 0n;

  constructor(hash: Hash, log: Log) {
    this.hash = hash;
    this.log = log;
    this.known = new Map(log.vector());
    for (const [origin, head] of this.known) this.add(origin, head);
  }

  /** Durable heads as of the last commit told to {@link advance}. */
  get heads(): ReadonlyMap<Incarnation, Head> {
    return this.known;
  }

  bucketOf(origin: Incarnation): number {
    return this.hash.sha256(utf8(origin))[0] as number;
  }

  bucketDigests(): readonly bigint[] {
    return this.buckets;
  }

  private add(origin: Incarnation, head: Head): void {
    const share = digestShare(this.hash, origin, head);
    const bucket = this.bucketOf(origin);
    this.total = addShares(this.total, share);
    this.buckets[bucket] = addShares(this.buckets[bucket] as bigint, share);
  }

  private subtract(origin: Incarnation, head: Head): void {
    const share = digestShare(this.hash, origin, head);
    const bucket = this.bucketOf(origin);
    this.total = subtractShares(this.total, share);
    this.buckets[bucket] = subtractShares(this.buckets[bucket] as bigint, share);
  }

  /** A commit is durable: what it moved. */
  advance(ops: readonly StoredOp[]): Line[] {
    const byOrigin = new Map<Incarnation, StoredOp[]>();
    for (const stored of ops) {
      const list = byOrigin.get(stored.op.origin);
      if (list === undefined) byOrigin.set(stored.op.origin, [stored]);
      else list.push(stored);
    }
    const vector = this.log.vector();
    const lines: Line[] = [];
    for (const [origin, mine] of byOrigin) {
      const before = this.known.get(origin) ?? null;
      const after = vector.get(origin) as Head;
      if (before !== null) this.subtract(origin, before);
      this.add(origin, after);
      this.known.set(origin, after);
      lines.push({ origin, before, after, ops: mine });
    }
    return lines;
  }
}
