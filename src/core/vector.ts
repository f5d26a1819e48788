/**
 * Version vectors (Parker et al. 1983): what a log holds, as `origin -> (seq, chain hash at seq)`.
 * Ops of an origin are stored without gaps, so one number an origin says it all; the hash tells two
 * branches under one incarnation apart.
 */
import type { BranchBase } from "./branch.ts";
import { concatBytes, utf8 } from "./bytes.ts";
import type { Hash } from "./hash.ts";
import type { Incarnation } from "./ids.ts";

export type Head = {
  readonly seq: number;
  readonly chain: Uint8Array;
  /** Of a branch: where it begins. All others begin with seq 1. */
  readonly base?: BranchBase;
};

export type VersionVector = ReadonlyMap<Incarnation, Head>;

export function seqOf(vector: VersionVector, origin: Incarnation): number {
  return vector.get(origin)?.seq ?? 0;
}

/** Whether `vector` holds everything that `other` does. */
export function covers(vector: VersionVector, other: ReadonlyMap<Incarnation, { seq: number }>) {
  for (const [origin, head] of other) if (seqOf(vector, origin) < head.seq) return false;
  return true;
}

/**
 * The share of one origin in a digest. Digests are sums of shares modulo 2^64, so one changes in O(1) when
 * an origin grows, whatever the number of origins: 10,000 restarts cost a heartbeat nothing.
 */
export function digestShare(hash: Hash, origin: Incarnation, head: Head): bigint {
  const bytes = hash.sha256(concatBytes(utf8(`${origin}\0${head.seq}\0`), head.chain));
  let share = 0n;
  for (let i = 0; i < 8; i++) share = (share << 8n) | BigInt(bytes[i] as number);
  return share;
}

export function addShares(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a + b);
}

export function subtractShares(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a - b);
}
