/**
 * Stamps for new ops: a hybrid logical clock (Kulkarni et al. 2014) with a contained wall clock.
 *
 * Problem: wall clocks leap, and one that is wrong must neither order messages into next year nor drag
 * others along. Approach: the wall is read once and checked against the monotonic clock ever after; a reading
 * that leapt is not used, the time since the last good one is; one that lies far from the median of all
 * servers' clocks is corrected by that. What others' stamps say is merged only up to a bound ahead of the wall.
 * Rejected: refusing ops for their stamp (a wrong clock would lose messages).
 *
 * Invariants: 1. stamps of one server never go back, across restarts too (`high` starts at its own highest).
 * 2. what is merged never moves `high` further than the bound ahead of the wall.
 */
import { STAMP_AHEAD_MS_MAX } from "../core/limits.ts";
import { laterStamp, nextStamp, type Stamp } from "../core/stamp.ts";
import type { Clock } from "./ports.ts";

export type ClockAlarm = {
  /** How far the wall clock lies from where the monotonic clock expects it, ms. */
  readonly leapMs: number;
  /** How far the clocks of most servers are ahead of it, ms. */
  readonly apartMs: number;
};

export class StampClock {
  private high: Stamp;
  private readonly clock: Clock;
  private goodWallMs: number;
  private goodMonotonicMs: number;
  private leapMs = 0;
  private apartMs = 0;

  /** `high` is the highest stamp that this server minted; those of others are merged. */
  constructor(clock: Clock, high: Stamp) {
    this.clock = clock;
    this.high = high;
    this.goodWallMs = clock.wallMs();
    this.goodMonotonicMs = clock.monotonicMs();
  }

  /** ms since 1970 as far as this server trusts its clock. */
  trustedWallMs(): number {
    return this.readingMs() + this.apartMs;
  }

  /** The wall clock as others' clocks are compared with it, ms since 1970: a leap is left out of it. */
  readingMs(): number {
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

  /**
   * How far the wall clocks of other servers are ahead of this one's reading, ms: a leap of the wall that the
   * monotonic clock has taken out is not taken out twice. Two others at least, of which it takes most, can tell
   * that this one is wrong.
   */
  compare(offsetsMs: readonly number[]): void {
    const all = [0, ...offsetsMs].sort((a, b) => a - b);
    const median = all[(all.length - 1) >> 1] as number;
    const isWrong = offsetsMs.length >= 2 && Math.abs(median) > STAMP_AHEAD_MS_MAX;
    this.apartMs = isWrong ? Math.round(median) : 0;
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
    if (this.leapMs === 0 && this.apartMs === 0) return null;
    return { leapMs: this.leapMs, apartMs: this.apartMs };
  }

  get highest(): Stamp {
    return this.high;
  }
}

/** What to tell an operator. */
export function clockMessage(alarm: ClockAlarm | null): string {
  if (alarm === null) return "the wall clock agrees with the monotonic clock again";
  if (alarm.leapMs === 0) {
    const seconds = Math.round(alarm.apartMs / 1000);
    return `the wall clocks of most servers are ${seconds} s ahead of this one's: messages are stamped by theirs; set this one right`;
  }
  return `the wall clock leapt by ${Math.round(alarm.leapMs / 1000)} s: messages are stamped by the monotonic clock; if the wall clock is right now, restart this server`;
}
