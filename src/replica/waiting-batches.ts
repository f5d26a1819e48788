/**
 * Batches of ops from one peer that wait until there is room on the disk, oldest first.
 *
 * Problem: what comes behind them is heard at once, or a full disk would hold up every write of others that waits for
 * that answer. But "all that I have up to 138" (`upTo`) counts the ops before it on the link too, and those are
 * not here. Approach: what is said of arrival numbers stays behind the last batch that waits, as if that had said it.
 */
import type { PeerOps } from "../protocol/peer-ops.ts";

export class WaitingBatches {
  private batches: PeerOps[] = [];

  get first(): PeerOps | undefined {
    return this.batches[0];
  }

  push(batch: PeerOps): void {
    this.batches.push(batch);
  }

  shift(): PeerOps | undefined {
    return this.batches.shift();
  }

  clear(): void {
    this.batches = [];
  }

  /** What a frame that came behind them says counts now: all of it, or nothing until they are taken. */
  claimable(upTo: number): number {
    const last = this.batches.at(-1);
    if (last === undefined) return upTo;
    if (upTo > 0) this.batches[this.batches.length - 1] = { ...last, upTo };
    return 0;
  }

  /** All that the peer has was just compared, and what waits here with it: to say it once more would be a step back. */
  compared(): void {
    this.batches = this.batches.map((batch) => ({ ...batch, upTo: 0 }));
  }
}
