/**
 * Ops without a body, of which nobody can show any more what erased them: ended once more from here.
 *
 * Problem: an op that came without its body is passed on with the op that erased it as proof. Where that one is lost
 * on the last disk that had it (damaged, put back, gone with its server), everything after the op stays here, and
 * text that others still hold would come back. Approach: the log knows which ops lack their eraser. If it does not
 * come although all servers are there and send nothing old any more, this server mints the same ending anew, in the
 * name of whom it was about: an ordinary op, that erases everywhere and is the proof from now on. Rejected: to keep
 * proofs on disk (of no use where the disk with the proof is the one that is damaged); an op of its own kind for
 * lost proofs (older releases could not check it); to give the op up as a gap (its text comes back); to wait until nothing
 * is missing here (two servers may each lack what stands behind such an op of the other).
 *
 * Invariant: nothing is ended of which this log does not show that it was erased.
 */
import type { Hash } from "../core/hash.ts";
import {
  PROOF_LOST_AFTER_MS,
  PROOF_LOST_LATEST_MS,
  UNPROVEN_LOOK_MS,
  UNPROVEN_OPS_MAX,
} from "../core/limits.ts";
import type { Proposal } from "./minter.ts";
import type { Log } from "./ports.ts";
import { endingOf } from "./proof.ts";

export type LostProofsParts = {
  readonly hash: Hash;
  readonly log: Log;
  /** All other members are linked and heard. */
  readonly hearsAll: () => boolean;
  readonly mintOnce: (proposals: readonly Proposal[]) => void;
};

export class LostProofs {
  private readonly parts: LostProofsParts;
  /** When each was first seen, by arrival number; as of the last look. */
  private seenMs: ReadonlyMap<number, number> = new Map();
  private lookedMs = 0;
  /** Since when all are heard and nothing old comes. */
  private completeSinceMs: number | null = null;

  constructor(parts: LostProofsParts) {
    this.parts = parts;
  }

  /** Ops of others came, the newest of them so old: while a server catches up, what is missed may come next. */
  took(ageMs: number): void {
    if (ageMs >= PROOF_LOST_AFTER_MS) this.completeSinceMs = null;
  }

  /** Every beat. */
  tick(nowMs: number): void {
    const { log, hash, hearsAll, mintOnce } = this.parts;
    this.completeSinceMs = hearsAll() ? (this.completeSinceMs ?? nowMs) : null;
    if (nowMs - this.lookedMs < UNPROVEN_LOOK_MS) return;
    this.lookedMs = nowMs;
    const seenMs = new Map<number, number>();
    const endings: Proposal[] = [];
    for (const { n, op } of log.unproven(UNPROVEN_OPS_MAX)) {
      const sinceMs = this.seenMs.get(n) ?? nowMs;
      seenMs.set(n, sinceMs);
      const ending = this.isLost(sinceMs, nowMs) ? endingOf(hash, op) : null;
      if (ending !== null) endings.push(ending);
    }
    this.seenMs = seenMs;
    if (endings.length > 0) mintOnce(endings);
  }

  private isLost(sinceMs: number, nowMs: number): boolean {
    if (nowMs - sinceMs >= PROOF_LOST_LATEST_MS) return true;
    const fromMs = Math.max(sinceMs, this.completeSinceMs ?? nowMs);
    return nowMs - fromMs >= PROOF_LOST_AFTER_MS;
  }
}
