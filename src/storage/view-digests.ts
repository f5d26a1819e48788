/**
 * Digests of the view of a running server: asked for on the event loop, made on a thread of its own.
 *
 * One range at a time, in the order in which they were asked for; who asks for too much at once is refused.
 * The thread ends when nobody asks for a while.
 */
import { Refusal } from "../core/errors.ts";
import { DIGESTS_WAITING_MAX } from "../core/limits.ts";
import type { RangeAsk, RangeDigest } from "../core/view-range.ts";
import { isRangeAsk, type Paths } from "./view-digest.ts";
import type { DigestDone, DigestWork } from "./view-digest-worker.ts";

const IDLE_MS = 10_000;

type Waiting = {
  readonly ask: RangeAsk;
  readonly resolve: (range: RangeDigest) => void;
  readonly reject: (error: unknown) => void;
};

export class ViewDigests {
  private readonly paths: Paths;
  private readonly waiting: Waiting[] = [];
  private worker: Worker | null = null;
  private idle: NodeJS.Timeout | null = null;
  private isBusy = false;
  private isStopped = false;
  private stopped: (() => void) | null = null;

  constructor({ viewPath, logPath }: Paths) {
    this.paths = { viewPath, logPath };
  }

  /** Rejects with a Refusal: `invalid`, or `unavailable` where it can't be read now. */
  range(ask: RangeAsk): Promise<RangeDigest> {
    return new Promise((resolve, reject) => {
      if (!isRangeAsk(ask)) reject(new Refusal("invalid", "this is no range of the view"));
      else if (this.isStopped) reject(new Refusal("shutting_down", "this server is stopping"));
      else if (this.waiting.length >= DIGESTS_WAITING_MAX) {
        reject(new Refusal("rate_limited", "too many digests are asked for at once", 1_000));
      } else {
        this.waiting.push({ ask, resolve, reject });
        this.next();
      }
    });
  }

  private next(): void {
    const [first] = this.waiting;
    if (this.isBusy || first === undefined) return;
    if (this.idle !== null) clearTimeout(this.idle);
    this.idle = null;
    this.isBusy = true;
    this.worker ??= this.open();
    this.worker.postMessage({ paths: this.paths, ask: first.ask } satisfies DigestWork);
  }

  private open(): Worker {
    const worker = new Worker(new URL("./view-digest-worker.ts", import.meta.url).href);
    worker.unref();
    worker.onmessage = ({ data }: MessageEvent<DigestDone>) => this.done(data);
    worker.addEventListener("close", () => {
      if (this.worker !== worker) return;
      this.worker = null;
      if (this.isBusy) this.done({ problem: "its thread ended by itself" });
    });
    return worker;
  }

  private done(done: DigestDone): void {
    const first = this.waiting.shift();
    this.isBusy = false;
    if ("range" in done) first?.resolve(done.range);
    else first?.reject(new Refusal("unavailable", `no digest of the view: ${done.problem}`));
    this.stopped?.();
    if (this.waiting.length > 0) this.next();
    else this.idle = setTimeout(() => this.end(), IDLE_MS).unref();
  }

  private end(): void {
    const { worker } = this;
    this.worker = null;
    if (this.idle !== null) clearTimeout(this.idle);
    worker?.terminate();
  }

  /** Resolves when nothing is read any more: the view can be closed as the last one then. */
  async stop(): Promise<void> {
    const gone = new Refusal("shutting_down", "this server is stopping");
    for (const { reject } of this.waiting.splice(this.isBusy ? 1 : 0)) reject(gone);
    this.isStopped = true;
    if (this.isBusy) await new Promise<void>((resolve) => (this.stopped = resolve));
    this.end();
  }
}
