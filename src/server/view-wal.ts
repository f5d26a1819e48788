/** Sees to it that erased words leave the view's write-ahead log; repeats until they have. */
const PAUSE_MS = 2_000;

export class ViewWal {
  private readonly path: string;
  private worker: Worker | null = null;
  private wanted = false;
  private busy = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Something was erased from the view's tables. */
  empty(): void {
    this.wanted = true;
    this.next();
  }

  private next(): void {
    if (!this.wanted || this.busy || this.timer !== null) return;
    this.wanted = false;
    this.busy = true;
    this.worker ??= this.open();
    this.worker.postMessage(this.path);
  }

  private open(): Worker {
    const worker = new Worker(new URL("./view-wal-worker.ts", import.meta.url).href);
    worker.unref();
    worker.onmessage = ({ data: emptied }: MessageEvent<boolean>) => {
      this.busy = false;
      if (!emptied) this.wanted = true;
      // A stream of deletions shares one emptying.
      this.timer = setTimeout(() => {
        this.timer = null;
        this.next();
      }, PAUSE_MS).unref();
    };
    return worker;
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.wanted = false;
    this.worker?.terminate();
  }
}
