/**
 * When a request goes to a second server too, and how often that may happen.
 *
 * Problem: a server that freezes says nothing for a second before it counts as dead, and whoever waits for it
 * notices; but when all servers are slow, asking twice makes them slower. Approach ("The Tail at Scale", Dean and
 * Barroso 2013): a request is overdue once it takes longer than answers usually do, by the mean and the mean
 * deviation of what they took (as TCP's timer, Jacobson 1988), and never before a quarter of a beat; each request
 * sent earns a twentieth of a hedge, up to a few. So hedges are one in twenty at most, and when all is slow the
 * time until they are due grows with it. Rejected: a fixed wait (right for one network only); hedges without a
 * budget (they double the load exactly when there is too much of it).
 */
import type { Timing } from "./timing.ts";

/** So many hedges may follow each other: what a quiet client needs when its server freezes. */
const HEDGES_MAX = 10;
/** So many requests that are sent earn one. */
const REQUESTS_PER_HEDGE = 20;
const MEAN_GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
const DEVIATIONS = 4;

export class Hedging {
  private readonly timing: Timing;
  /** Undefined until there was an answer. */
  private meanMs: number | undefined;
  private deviationMs = 0;
  /** In requests. */
  private earned = HEDGES_MAX * REQUESTS_PER_HEDGE;

  constructor(timing: Timing) {
    this.timing = timing;
  }

  /** Ms after which a request is overdue. */
  get afterMs(): number {
    const { hedgeMs, beatMs } = this.timing;
    if (this.meanMs === undefined) return Math.max(hedgeMs, beatMs); // it may be far away
    return Math.max(hedgeMs, this.meanMs + DEVIATIONS * this.deviationMs);
  }

  /** A request was sent, for the first time. */
  sent(): void {
    this.earned = Math.min(HEDGES_MAX * REQUESTS_PER_HEDGE, this.earned + 1);
  }

  /** An answer took so long. */
  took(ms: number): void {
    if (this.meanMs === undefined) {
      this.meanMs = ms;
      this.deviationMs = ms / 2;
      return;
    }
    this.deviationMs += DEVIATION_GAIN * (Math.abs(ms - this.meanMs) - this.deviationMs);
    this.meanMs += MEAN_GAIN * (ms - this.meanMs);
  }

  /** Takes one hedge, if there is one. */
  spend(): boolean {
    if (this.earned < REQUESTS_PER_HEDGE) return false;
    this.earned -= REQUESTS_PER_HEDGE;
    return true;
  }
}
