/**
 * Sees to it that the view's write-ahead log stays short, and that erased words leave it.
 *
 * One worker, one piece of work at a time; what is asked for meanwhile is done once, afterwards.
 */
import type { ViewWalDone, ViewWalWork } from "./view-wal-worker.ts";

/** Emptying that was not possible is tried again after this long; a stream of deletions shares one. */
const PAUSE_MS = 2_000;

export class ViewWal {
  private readonly path: string;
  private worker: Worker | null = null;
  private checkpointWanted = false;
  private emptyWanted = false;
  private doing: ViewWalWork | null = null;
  private pause: NodeJS.Timeout | null = null;
  private waiting: (() => void)[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** The fold has written: moves the write-ahead log into the view if it is long. */
  checkpoint(): void {
    this.checkpointWanted = true;
    this.next();
  }

  /** Something was erased from the view's tables: empties the write-ahead log, and repeats until it is. */
  empty(): void {
    this.emptyWanted = true;
    this.next();
  }

  /** Resolves when nothing is at work: who makes a view anew waits, so that it does not outrun the disk. */
  idle(): Promise<void> {
    if (this.doing === null) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private next(): void {
    if (this.doing !== null) return;
    const empty = this.emptyWanted && this.pause === null;
    if (!empty && !this.checkpointWanted) return;
    if (empty) this.emptyWanted = false;
    this.checkpointWanted = false;
    this.worker ??= this.open();
    this.doing = { path: this.path, empty };
    this.worker.postMessage(this.doing);
  }

  private open(): Worker {
    const worker = new Worker(new URL("./view-wal-worker.ts", import.meta.url).href);
    worker.unref();
    worker.onmessage = ({ data }: MessageEvent<ViewWalDone>) => this.did(data.done);
    worker.addEventListener("close", () => {
      if (this.worker !== worker) return; // it was stopped
      this.worker = null; // it ended by itself: the next piece of work starts another one
      if (this.doing !== null) this.did(false);
    });
    return worker;
  }

  private did(done: boolean): void {
    const work = this.doing;
    this.doing = null;
    if (work?.empty === true) {
      if (!done) this.emptyWanted = true;
      this.pause = setTimeout(() => {
        this.pause = null;
        this.next();
      }, PAUSE_MS);
      this.pause.unref();
    }
    for (const resolve of this.waiting.splice(0)) resolve();
    this.next();
  }

  stop(): void {
    if (this.pause !== null) clearTimeout(this.pause);
    this.emptyWanted = false;
    this.checkpointWanted = false;
    const worker = this.worker;
    this.worker = null;
    this.doing = null;
    worker?.terminate();
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
