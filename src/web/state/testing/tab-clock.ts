/** The real clock, and time that passes at a word: timers that come due by it run at once, in order. */
import { type Clock, realClock } from "../../../client/index.ts";

type Timer = { readonly dueMs: number; readonly run: () => void; readonly cancel: () => void };

export class TabClock implements Clock {
  private aheadMs = 0;
  private readonly timers = new Set<Timer>();

  monotonicMs(): number {
    return realClock.monotonicMs() + this.aheadMs;
  }

  wallMs(): number {
    return Math.floor(realClock.wallMs() + this.aheadMs);
  }

  schedule(ms: number, act: () => void): () => void {
    const run = () => {
      this.timers.delete(timer);
      act();
    };
    const cancel = realClock.schedule(ms, run);
    const timer = { dueMs: this.monotonicMs() + ms, run, cancel };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
      cancel();
    };
  }

  jump(ms: number): void {
    this.aheadMs += ms;
    const now = this.monotonicMs();
    const due = [...this.timers].filter(({ dueMs }) => dueMs <= now);
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs)) {
      if (!this.timers.has(timer)) continue;
      timer.cancel();
      timer.run();
    }
  }
}
