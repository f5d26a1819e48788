/**
 * Names of the branches of an incarnation.
 *
 * Two processes resumed from one memory snapshot mint different ops under the same incarnation. Its ops then are
 * a tree. Where it forks, the op with the smallest chain hash goes on under the name that led there, and every
 * other begins a branch, `PLAIN/HASH`, named by its own chain hash. So what an op is called follows from the ops
 * alone, whoever learns of them in whatever order.
 */
import { toBase32Hex } from "./bytes.ts";
import type { Incarnation } from "./ids.ts";

const HASH_BYTES = 7;
const HASH_CHARACTERS = 10;

/** Where a branch leaves what it shares with others: the seq and chain hash before its first op. */
export type BranchBase = { readonly seq: number; readonly chain: Uint8Array };

/** The incarnation that a branch belongs to; itself for one that is none. This is what envelopes name. */
export function plainOrigin(origin: Incarnation): Incarnation {
  const cut = origin.indexOf("/");
  return cut < 0 ? origin : (origin.slice(0, cut) as Incarnation);
}

export function isBranch(origin: Incarnation): boolean {
  return origin.includes("/");
}

/** `chain` is the chain hash after the branch's first op. */
export function branchName(origin: Incarnation, chain: Uint8Array): Incarnation {
  const hash = toBase32Hex(chain.subarray(0, HASH_BYTES)).slice(0, HASH_CHARACTERS);
  return `${plainOrigin(origin)}/${hash}` as Incarnation;
}

/** Of two ops after one fork, whether the one with chain hash `a` keeps the name that led there. */
export function keepsName(a: Uint8Array, b: Uint8Array): boolean {
  return toBase32Hex(a) < toBase32Hex(b);
}
