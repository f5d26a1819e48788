/** Emptying the view's write-ahead log: repeated until it is done, whatever becomes of the thread. */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { ViewWal } from "./view-wal.ts";
import type { ViewWalDone, ViewWalWork } from "./view-wal-worker.ts";

/** A thread that does what a test says. */
class Thread extends EventTarget {
  onmessage: ((event: { data: ViewWalDone }) => void) | null = null;
  readonly asked: ViewWalWork[] = [];

  constructor() {
    super();
    threads.push(this);
  }

  postMessage(work: ViewWalWork): void {
    this.asked.push(work);
  }

  answer(done: boolean): void {
    this.onmessage?.({ data: { done } });
  }

  end(): void {
    this.dispatchEvent(new Event("close"));
  }

  terminate(): void {
    this.end();
  }

  unref(): void {}
}

const real = globalThis.Worker;
let threads: Thread[] = [];
let wal: ViewWal;
beforeEach(() => {
  threads = [];
  globalThis.Worker = Thread as unknown as typeof Worker;
  jest.useFakeTimers();
  wal = new ViewWal("view.db");
});
afterEach(() => {
  jest.useRealTimers();
  globalThis.Worker = real;
});

const pass = () => jest.advanceTimersByTime(60_000);
const asked = () => threads.map(({ asked }) => asked.length);

test("[R9] it is tried until it has succeeded after the last that was asked, and not more often", () => {
  wal.empty();
  threads[0]?.answer(false);
  pass();
  expect(asked()).toEqual([2]);
  wal.empty(); // while it is at it: perhaps too late for this time
  wal.empty();
  threads[0]?.answer(true);
  pass();
  expect(asked()).toEqual([3]);
  threads[0]?.answer(true);
  pass();
  expect(asked()).toEqual([3]);
});

test("[R9] a thread that ends by itself is replaced, and what it left undone is done", () => {
  wal.empty();
  threads[0]?.end();
  pass();
  expect(asked()).toEqual([1, 1]);
  threads[1]?.answer(true);
  threads[1]?.end(); // between two tasks
  pass();
  expect(asked()).toEqual([1, 1]);
  wal.empty();
  expect(asked()).toEqual([1, 1, 1]);
});

test("after a stop nothing begins again", () => {
  wal.empty();
  wal.stop();
  pass();
  expect(asked()).toEqual([1]);
});
