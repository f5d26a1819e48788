/**
 * Stamps for new ops: a hybrid logical clock (Kulkarni et al. 2014) with a contained wall clock.
 *
 * Problem: wall clocks leap, and one that is wrong must neither order messages into next year nor drag
 * others along. Approach: the wall is read once and checked against the monotonic clock ever after; a reading
 * that leapt is not used, the time since the last good one is. What others' stamps say is merged only up to
 * a bound ahead of the wall. Rejected: refusing ops for their stamp (a wrong clock would lose messages).
 *
 * Invariants: 1. stamps of one server never go back, across restarts too (`high` starts at the log's highest).
 * 2. what is merged never moves `high` further than the bound ahead of the wall.
 */
import { STAMP_AHEAD_MS_MAX } from "../core/limits.ts";
import { laterStamp, nextStamp, type Stamp } from "../core/stamp.ts";
import type { Clock } from "./ports.ts";

export type ClockAlarm = {
  /** How far the wall clock lies from where the monotonic clock expects it, ms. */
  readonly leapMs: number;
};

export class StampClock {
  private high: Stamp;
  private readonly clock: Clock;
  private goodWallMs: number;
  private goodMonotonicMs: number;
  private leapMs = 0;

  /** `high` is the highest stamp in the log. */
  constructor(clock: Clock, high: Stamp) {
    this.clock = clock;
    this.high = high;
    this.goodWallMs = clock.wallMs();
    this.goodMonotonicMs = clock.monotonicMs();
  }

  /** ms since 1970 as far as this server trusts its clock. */
  trustedWallMs(): number {
    const monotonic = this.clock.monotonicMs();
    const expected = this.goodWallMs + (monotonic - this.goodMonotonicMs);
    const wall = this.clock.wallMs();
    const leap = wall - expected;
    if (Math.abs(leap) > STAMP_AHEAD_MS_MAX) {
      this.leapMs = leap;
      return expected;
    }
    this.leapMs = 0;
    this.goodWallMs = wall;
    this.goodMonotonicMs = monotonic;
    return wall;
  }

  /** The stamp of a new op. */
  next(): Stamp {
    this.high = nextStamp(this.high, this.trustedWallMs());
    return this.high;
  }

  /** Takes in a stamp seen elsewhere: later ones of this server come after it, within the bound. */
  merge(stamp: Stamp): void {
    const bound = Math.floor(this.trustedWallMs() + STAMP_AHEAD_MS_MAX);
    this.high = laterStamp(this.high, stamp.ms <= bound ? stamp : { ms: bound, counter: 0 });
  }

  /** What is wrong with the wall clock, if something is. */
  alarm(): ClockAlarm | null {
    return this.leapMs === 0 ? null : { leapMs: this.leapMs };
  }

  get highest(): Stamp {
    return this.high;
  }
}
