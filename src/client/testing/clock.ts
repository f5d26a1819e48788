/** Virtual time for tests: nothing happens but by `advance`, and the same happens every time. */
import type { Clock, Random } from "../ports.ts";

/** Turns of the microtask queue that let everything come to rest that waits for no timer. */
const SETTLE_TURNS = 60;

export async function settle(): Promise<void> {
  for (let i = 0; i < SETTLE_TURNS; i++) await Promise.resolve();
}

type Timer = { dueAt: number; order: number; run: () => void };

export class FakeClock implements Clock {
  now = 0;
  private order = 0;
  private timers: Timer[] = [];

  monotonicMs(): number {
    return this.now;
  }

  wallMs(): number {
    return 1_800_000_000_000 + this.now;
  }

  schedule(ms: number, run: () => void): () => void {
    const timer = { dueAt: this.now + ms, order: ++this.order, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    await settle();
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.timers) {
        if (timer.dueAt > until) continue;
        const earlier = next === undefined || timer.dueAt < next.dueAt;
        if (earlier || (timer.dueAt === next?.dueAt && timer.order < next.order)) next = timer;
      }
      if (next === undefined) break;
      const due = next;
      this.timers = this.timers.filter((other) => other !== due);
      this.now = Math.max(this.now, due.dueAt);
      due.run();
      await settle();
    }
    this.now = until;
  }

  /** The machine sleeps: time passes, no timer fires until it is over. */
  sleep(ms: number): void {
    this.now += ms;
  }
}

/** Bytes of a small generator (mulberry32), or, with `always`, the same byte each time. */
export class FakeRandom implements Random {
  private state: number;
  private readonly always: number | undefined;

  constructor(seed: number, always?: number) {
    this.state = seed;
    this.always = always;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.always ?? this.byte());
  }

  private byte(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  }
}
