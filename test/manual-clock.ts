/** Time that passes at the test's word, and random bytes from a count. */
import type { Clock, Random } from "../src/replica/ports.ts";

type Entry = { dueMs: number; order: number; act: () => void };

export class ManualClock implements Clock {
  private nowMs = 0;
  /** What the wall clock shows beside the monotonic one. */
  wallOffsetMs = 1_700_000_000_000;
  private readonly timers = new Set<Entry>();
  private order = 0;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs + this.wallOffsetMs;
  }

  schedule(delayMs: number, act: () => void) {
    const entry = { dueMs: this.nowMs + delayMs, order: this.order++, act };
    this.timers.add(entry);
    return { cancel: () => void this.timers.delete(entry) };
  }

  /** Runs everything that comes due, in order. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const due = [...this.timers]
        .filter(({ dueMs }) => dueMs <= untilMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.nowMs = Math.max(this.nowMs, due.dueMs);
      due.act();
    }
    this.nowMs = untilMs;
  }
}

export class CountedRandom implements Random {
  private state: number;

  constructor(seed = 1) {
    this.state = seed;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => {
      this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
      return this.state >>> 24;
    });
  }
}
