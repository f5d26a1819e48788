/**
 * The thread that owns the log's write connection: the event loop of the server never waits for a disk.
 *
 * Group commit: whatever arrived while the last transaction was being synced goes into the next one, up to
 * COMMIT_OPS_MAX and COMMIT_BYTES_MAX. Order is kept: an erasure waits for the batches before it. Any
 * failure is said once and nothing is done after it: an fsync that failed may have lost its pages, and a
 * repeat would lie. A disk without room is none: it is waited for, with nothing lost and nothing promised.
 * Rejected: a commit timer (adds its delay to a lone message for nothing), a second thread for checkpoints
 * (under load it never catches up with the writer, and the WAL grows without a bound).
 */
import { statfsSync } from "node:fs";
import { assert } from "../core/assert.ts";
import { NoRoom } from "../core/errors.ts";
import {
  COMMIT_BYTES_MAX,
  COMMIT_OPS_MAX,
  FREE_SPACE_INTERVAL_MS,
  HEAD_SYNC_INTERVAL_MS,
  RESERVE_BYTES_MAX,
  RESERVE_BYTES_MIN,
  RESERVE_SHARE,
} from "../core/limits.ts";
import { storageFailure } from "./failure.ts";
import { batchCount } from "./log-batch.ts";
import type {
  Erasure,
  FromWorker,
  SplitOrder,
  ToOpenLog,
  ToWorker,
  WorkerOptions,
} from "./log-messages.ts";
import { SCRUB_INTERVAL_MS, Scrub } from "./log-scrub.ts";
import { LogWriter } from "./log-writer.ts";

declare const self: {
  onmessage: ((event: { data: ToWorker }) => void) | null;
  postMessage(message: FromWorker): void;
};

/** Between two tries to empty the WAL while readers are in the way. */
const TRUNCATE_RETRY_MS = 20;
/** Between two tries to write where the disk had no room. */
const NO_ROOM_RETRY_MS = 200;

type Task =
  | { readonly type: "append"; readonly batch: ArrayBuffer }
  | { readonly type: "erase"; readonly items: readonly Erasure[] }
  | { readonly type: "split"; readonly split: SplitOrder };

class LogWorker {
  private readonly options: WorkerOptions;
  private readonly writer: LogWriter;
  private readonly queue: Task[] = [];
  /** Bodies that are out of the log but perhaps not yet out of its WAL. */
  private leaving: number[] = [];
  private scheduled = false;
  private draining = false;
  private stopped = false;
  private killCountdown: number;
  private readonly timers: NodeJS.Timeout[];
  private scrub: Scrub | null;

  constructor(options: WorkerOptions) {
    this.options = options;
    this.killCountdown = options.killAt?.count ?? 0;
    this.writer = new LogWriter(options.logPath, options.headPath, options.meta);
    this.scrub = options.scrubTo > 0 ? new Scrub(options.logPath, options.scrubTo) : null;
    this.timers = [
      setInterval(
        () => this.guard("sync the head file", () => this.writer.syncHead()),
        HEAD_SYNC_INTERVAL_MS,
      ),
      setInterval(
        () => this.guard("read free space", () => this.tellSpace()),
        FREE_SPACE_INTERVAL_MS,
      ),
      setInterval(() => this.guard("verify the log", () => this.stepScrub()), SCRUB_INTERVAL_MS),
    ];
  }

  start(): void {
    this.guard("read free space", () => this.tellSpace());
  }

  take(message: ToOpenLog): void {
    if (this.stopped) return;
    switch (message.type) {
      case "append":
      case "erase":
      case "split":
        this.queue.push(message);
        this.schedule();
        break;
      case "begin":
        this.writer.begin(message.branch);
        break;
      case "drain":
        this.draining = true;
        this.schedule();
        break;
      case "close":
        this.guard("close the log", () => {
          this.stop();
          this.scrub?.close();
          this.writer.close();
          self.postMessage({ type: "closed" });
        });
        break;
    }
  }

  /** At the end of this turn, so that everything that has arrived shares one transaction. */
  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.guard("commit", () => this.work());
    });
  }

  private work(): void {
    const first = this.queue[0];
    try {
      if (first?.type === "erase") this.erase(first.items);
      else if (first?.type === "split") this.split(first.split);
      else if (first !== undefined) this.commit(this.nextBatches());
    } catch (cause) {
      if (!(cause instanceof NoRoom)) throw cause;
      this.waitForRoom();
      return;
    }
    if (this.queue.length > 0) this.schedule();
    else if (this.draining && this.leaving.length === 0) self.postMessage({ type: "drained" });
  }

  /** Keeps what is queued for another try. A server that stops does not wait: nobody was promised any of it. */
  private waitForRoom(): void {
    this.tellSpace();
    if (this.draining) {
      self.postMessage({ type: "drained" });
      return;
    }
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      this.guard("commit", () => this.work());
    }, NO_ROOM_RETRY_MS);
  }

  private erase(items: readonly Erasure[]): void {
    this.writer.erase(items);
    this.queue.shift();
    for (const { n } of items) this.leaving.push(n);
    this.emptyWal();
  }

  private split(split: SplitOrder): void {
    this.writer.split(split);
    this.queue.shift();
    this.scrub?.close(); // what it read of the origins no longer holds: the next start goes through all anew
    this.scrub = null;
    self.postMessage({ type: "split" });
  }

  /** Stay queued until they are committed. */
  private nextBatches(): ArrayBuffer[] {
    const batches: ArrayBuffer[] = [];
    let ops = 0;
    let bytes = 0;
    for (const task of this.queue) {
      if (task.type !== "append") break;
      ops += batchCount(task.batch);
      bytes += task.batch.byteLength;
      if (batches.length > 0 && (ops > COMMIT_OPS_MAX || bytes > COMMIT_BYTES_MAX)) break;
      batches.push(task.batch);
    }
    return batches;
  }

  private commit(batches: ArrayBuffer[]): void {
    const startMs = performance.now();
    const { count, heads } = this.writer.commit(batches, {
      before: () => this.killPoint("before-commit"),
      after: () => this.killPoint("after-commit"),
    });
    const tookMs = performance.now() - startMs;
    this.queue.splice(0, batches.length);
    self.postMessage({ type: "durable", count, tookMs, heads });
    this.tellSpace();
    this.writer.checkpointIfDue();
  }

  /** A WAL still holds the pages from before an erasure: only an empty one is proof that they are gone. */
  private emptyWal(): void {
    if (this.leaving.length === 0 || this.stopped) return;
    let retryMs = TRUNCATE_RETRY_MS;
    try {
      if (this.writer.truncate()) {
        self.postMessage({ type: "erased", ns: this.leaving });
        this.leaving = [];
        if (this.draining) this.schedule();
        return;
      }
    } catch (cause) {
      if (!(cause instanceof NoRoom)) throw cause;
      if (this.draining) {
        self.postMessage({ type: "drained" }); // the view still has it on its list: the next start goes on
        return;
      }
      retryMs = NO_ROOM_RETRY_MS;
    }
    setTimeout(() => this.guard("empty the WAL", () => this.emptyWal()), retryMs);
  }

  private stepScrub(): void {
    if (this.scrub?.step() !== false) return;
    this.scrub.close();
    this.scrub = null;
    self.postMessage({ type: "scrubbed", toN: this.options.scrubTo });
  }

  private tellSpace(): void {
    const { bavail, blocks, bsize } = statfsSync(this.options.logPath);
    const share = Math.min(
      Math.max(blocks * bsize * RESERVE_SHARE, RESERVE_BYTES_MIN),
      RESERVE_BYTES_MAX,
    );
    const reserveBytes = this.options.reserveBytes ?? Math.floor(share);
    self.postMessage({ type: "space", freeBytes: bavail * bsize, reserveBytes });
  }

  private killPoint(point: "before-commit" | "after-commit"): void {
    if (this.options.killAt?.point !== point || --this.killCountdown > 0) return;
    Bun.sleepSync(20); // so that an answer that goes out too early does go out
    process.kill(process.pid, "SIGKILL");
  }

  private guard(doing: string, act: () => void): void {
    if (this.stopped) return;
    try {
      act();
    } catch (cause) {
      this.stop();
      fail(doing, cause);
    }
  }

  private stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
  }
}

function fail(doing: string, cause: unknown): void {
  const { code, message, findings } = storageFailure(`log: ${doing}`, cause);
  self.postMessage({ type: "failed", code, message, findings });
}

let worker: LogWorker | null = null;

self.onmessage = ({ data: message }) => {
  if (message.type !== "open") {
    worker?.take(message);
    return;
  }
  try {
    assert(worker === null, "a log worker opens one log");
    worker = new LogWorker(message.options);
    self.postMessage({ type: "ready" });
    worker.start();
  } catch (cause) {
    fail("open", cause);
  }
};
