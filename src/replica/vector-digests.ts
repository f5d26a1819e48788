/**
 * Sums over what this log holds, kept up to date with each commit: one over all origins, one for each bucket
 * of origins, so that two servers find what differs in three messages whatever the number of origins.
 */

import { BoundedMap } from "../core/bounded-map.ts";
import { utf8 } from "../core/bytes.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import { VECTOR_BUCKETS } from "../core/limits.ts";
import { CHAIN_START } from "../core/op.ts";
import { addShares, digestShare, type Head, subtractShares } from "../core/vector.ts";
import type { Log, StoredOp } from "./ports.ts";
import type { Mark } from "./store-marks.ts";

/** How a commit moved one origin. */
export type Line = {
  readonly origin: Incarnation;
  /** Before the commit; for an origin that is new, where it begins. */
  readonly before: Mark;
  readonly after: Head;
  /** The ops of this origin in the commit. */
  readonly ops: readonly StoredOp[];
};

/** Chain hashes that are remembered: peers speak of the ends of commits and frames, mostly the last ones. */
const CHAINS_MAX = 4_096;

export class VectorDigests {
  private readonly hash: Hash;
  private readonly log: Log;
  private readonly known: Map<Incarnation, Head>;
  private readonly buckets = new Array<bigint>(VECTOR_BUCKETS).fill(0n);
  private readonly chains = new BoundedMap<string, Uint8Array>(CHAINS_MAX);
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

  /** Up to where an origin is durable here. */
  seqOf(origin: Incarnation): number {
    return this.known.get(origin)?.seq ?? 0;
  }

  /** The chain hash of an origin at a seq that is durable here; null where it is not known. */
  chainAt(origin: Incarnation, seq: number): Uint8Array | null {
    const head = this.known.get(origin);
    if (head === undefined || seq > head.seq) return null;
    if (seq === head.seq) return head.chain;
    return this.chains.get(`${origin} ${seq}`) ?? this.log.chainAt(origin, seq);
  }

  /** A chain hash that somebody may ask for once the op is durable. */
  remember(origin: Incarnation, { seq, chain }: Mark): void {
    this.chains.set(`${origin} ${seq}`, chain);
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
      const known = this.known.get(origin);
      const after = vector.get(origin) as Head;
      const before = known ?? after.base ?? { seq: 0, chain: CHAIN_START };
      if (known !== undefined) this.subtract(origin, known);
      this.add(origin, after);
      this.known.set(origin, after);
      this.remember(origin, after);
      lines.push({ origin, before, after, ops: mine });
    }
    return lines;
  }
}
