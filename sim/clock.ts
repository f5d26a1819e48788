/**
 * Virtual time: one queue of events for the whole world, run in order of time. What belongs to a process dies
 * with it, and stands still while it is frozen.
 *
 * Between two events every promise that can go on does, to the end: the same in every run, and no turn of the
 * real event loop is needed for it. Rejected: awaiting a few turns of the microtask queue (a chain that is one
 * turn longer goes on in the next event, or in none).
 */
import { drainMicrotasks } from "bun:jsc";
import type { Clock, Timer } from "../src/replica/ports.ts";

/** The shortest wait there is: what is added to the time moves it. */
const TICK_MS = 0.001;
/** So many events at one moment: somebody waits for a time that never comes. */
const AT_ONCE_MAX = 500_000;

type Event = { readonly atMs: number; readonly order: number; act: (() => void) | null };

/** A binary heap by (time, order). */
class EventHeap {
  private readonly all: Event[] = [];

  get first(): Event | undefined {
    return this.all[0];
  }

  push(event: Event): void {
    const { all } = this;
    all.push(event);
    for (let i = all.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!before(all[i] as Event, all[parent] as Event)) break;
      this.swap(i, parent);
      i = parent;
    }
  }

  pop(): Event | undefined {
    const { all } = this;
    const [first] = all;
    const last = all.pop();
    if (first === undefined || last === undefined || all.length === 0) return first;
    all[0] = last;
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      const right = left + 1;
      let least = i;
      if (left < all.length && before(all[left] as Event, all[least] as Event)) least = left;
      if (right < all.length && before(all[right] as Event, all[least] as Event)) least = right;
      if (least === i) return first;
      this.swap(i, least);
      i = least;
    }
  }

  private swap(i: number, j: number): void {
    const kept = this.all[i] as Event;
    this.all[i] = this.all[j] as Event;
    this.all[j] = kept;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export class Time {
  nowMs = 0;
  /** What a right wall clock says at `nowMs` 0. */
  private epochMs = 1_700_000_000_000;
  /** Of when and in which order everything ran: two runs that differ anywhere soon differ here. */
  sum = 0;
  /** Called after each event and all that followed from it. */
  onSettled: () => void = () => {};
  private readonly heap = new EventHeap();
  private order = 0;
  private atOnce = 0;

  /** Time in which nothing runs: everybody's clock has gone on after it. */
  skip(ms: number): void {
    this.epochMs += ms;
  }

  get epoch(): number {
    return this.epochMs;
  }

  at(delayMs: number, act: () => void): Timer {
    const waitMs = delayMs > 0 ? Math.max(TICK_MS, delayMs) : 0;
    const event: Event = { atMs: this.nowMs + waitMs, order: this.order++, act };
    this.heap.push(event);
    return {
      cancel: () => {
        event.act = null;
      },
    };
  }

  /** Runs everything that comes due within this time; what it resolves goes on before the next event. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    drainMicrotasks();
    for (let next = this.heap.first; next !== undefined; next = this.heap.first) {
      if (next.atMs > untilMs) break;
      this.heap.pop();
      const { act, order } = next;
      if (act === null) continue;
      this.atOnce = next.atMs > this.nowMs ? 0 : this.atOnce + 1;
      if (this.atOnce > AT_ONCE_MAX) throw new Error(`time stands still at ${this.nowMs} ms`);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.sum = (Math.imul(this.sum ^ order, 0x01000193) + Math.floor(this.nowMs * 1000)) | 0;
      act();
      drainMicrotasks();
      this.onSettled();
    }
    this.nowMs = untilMs;
  }
}

/** The clocks of one process: its wall clock may be wrong, leap, and run fast or slow. */
export class ProcessClock implements Clock {
  private readonly time: Time;
  private readonly startMs: number;
  private wallAheadMs: number;
  private readonly drift: number;
  private dead = false;
  private held: (() => void)[] | null = null;
  /** What is thrown within the process: nothing of it goes on after that. */
  onThrow: (error: unknown) => void = (error) => {
    throw error;
  };

  constructor(time: Time, wallAheadMs: number, drift: number) {
    this.time = time;
    this.startMs = time.nowMs;
    this.wallAheadMs = wallAheadMs;
    this.drift = drift;
  }

  get isDead(): boolean {
    return this.dead;
  }

  monotonicMs(): number {
    return this.time.nowMs - this.startMs;
  }

  wallMs(): number {
    return this.time.epoch + this.wallAheadMs + this.time.nowMs * this.drift;
  }

  /** Somebody sets the wall clock. */
  leap(ms: number): void {
    this.wallAheadMs += ms;
  }

  schedule(delayMs: number, act: () => void): Timer {
    let cancelled = false;
    const timer = this.time.at(delayMs, () =>
      this.run(() => {
        if (!cancelled) act();
      }),
    );
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** Runs it now, when the process thaws, or never. */
  run(act: () => void): void {
    if (this.dead) return;
    if (this.held !== null) {
      this.held.push(act);
      return;
    }
    try {
      act();
    } catch (error) {
      this.onThrow(error);
    }
  }

  kill(): void {
    this.dead = true;
    this.held = null;
  }

  freeze(): void {
    if (!this.dead) this.held ??= [];
  }

  thaw(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const act of held) this.time.at(0, () => this.run(act));
  }

  get isFrozen(): boolean {
    return this.held !== null;
  }
}
