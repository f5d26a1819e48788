/**
 * How far this server has come in taking over what others hold, told now and then while that is much: a server
 * that was away for a day must not look as if it did nothing.
 */
import { CATCH_UP_OPS_MIN, CATCH_UP_TELL_MS } from "../core/limits.ts";

export type CatchUpProgress = {
  readonly doneOps: number;
  readonly totalOps: number;
  readonly perSecond: number;
  readonly isOver: boolean;
};

export class CatchUp {
  /** Null while nothing much is missing. */
  progress: CatchUpProgress | null = null;
  private readonly tell: (progress: CatchUpProgress) => void;
  private startedMs = 0;
  private toldMs = 0;

  constructor(tell: (progress: CatchUpProgress) => void) {
    this.tell = tell;
  }

  /** So many ops are missing now. */
  look(lagOps: number, nowMs: number): void {
    if (this.progress === null) {
      if (lagOps < CATCH_UP_OPS_MIN) return;
      this.startedMs = nowMs;
      this.toldMs = nowMs - CATCH_UP_TELL_MS;
    }
    const known = this.progress ?? { doneOps: 0, totalOps: 0 };
    const totalOps = Math.max(known.totalOps, lagOps, known.doneOps + lagOps);
    const doneOps = totalOps - lagOps;
    const seconds = (nowMs - this.startedMs) / 1_000;
    const perSecond = seconds > 0 ? Math.round(doneOps / seconds) : 0;
    const isOver = lagOps === 0;
    const progress = { doneOps, totalOps, perSecond, isOver };
    this.progress = isOver ? null : progress;
    if (!isOver && nowMs - this.toldMs < CATCH_UP_TELL_MS) return;
    this.toldMs = nowMs;
    this.tell(progress);
  }
}
