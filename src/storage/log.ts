/**
 * The op log on SQLite: the port's side on the event loop.
 *
 * Problem: every message has to be synced to disk, and the event loop must never wait for that. Approach:
 * this side numbers ops, keeps the version vector and answers reads over a read-only connection; a worker
 * thread writes. What is durable is only what the worker reports: `lastN` and `vector` never run ahead.
 * Rejected: reading in the worker too (every page of history would wait for commits).
 */
import type { Database } from "bun:sqlite";
import { assert } from "../core/assert.ts";
import type { BranchBase } from "../core/branch.ts";
import type { Incarnation } from "../core/ids.ts";
import { CHAIN_START, type Op } from "../core/op.ts";
import type { Head, VersionVector } from "../core/vector.ts";
import type { Log, LogListener, Split, StoredOp } from "../replica/ports.ts";
import { StorageError, storageFailure } from "./failure.ts";
import { encodeBatch } from "./log-batch.ts";
import { OpCache } from "./log-cache.ts";
import { openReader } from "./log-file.ts";
import type { Erasure, FromWorker, NewHead, ToWorker, WorkerOptions } from "./log-messages.ts";
import { RowReader } from "./log-rows.ts";

/** Ops kept in memory. */
const CACHE_BYTES_MAX = 16 * 1024 * 1024;

/** What the log does besides its port. */
export interface StoredLog extends Log {
  /** Called once when the verification in the background has reached the end. */
  onScrubbed(act: (toN: number) => void): void;
}

type Origin = {
  readonly o: number;
  readonly origin: Incarnation;
  readonly base: BranchBase | undefined;
  /** Of the newest op appended, durable or not. */
  appended: number;
};

type SpaceReading = Extract<FromWorker, { type: "space" }>;

type OriginRow = {
  o: number;
  origin: Incarnation;
  seq: number;
  chain: Uint8Array;
  baseSeq: number | null;
  baseChain: Uint8Array | null;
};

const ORIGINS = `SELECT o, origin, o.seq AS seq, o.chain AS chain, b.seq AS baseSeq, b.chain AS baseChain
  FROM origins o LEFT JOIN branches b USING (o)`;

function headOf(seq: number, chain: Uint8Array, base: BranchBase | undefined): Head {
  return base === undefined ? { seq, chain } : { seq, chain, base };
}

function ended(): StorageError {
  return new StorageError("disk_failed", "log: its thread ended by itself");
}

/** Starts the worker; resolves when it has the log open. Throws StorageError. */
export async function openLog(options: WorkerOptions): Promise<StoredLog> {
  const worker = new Worker(new URL("./log-worker.ts", import.meta.url).href);
  try {
    await opened(worker, options);
    return new SqliteLog(worker, options);
  } catch (cause) {
    worker.terminate();
    throw cause;
  }
}

function opened(worker: Worker, options: WorkerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new StorageError("disk_failed", `log: ${event.message}`));
    worker.addEventListener("close", () => reject(ended()));
    worker.onmessage = ({ data: message }: MessageEvent<FromWorker>) => {
      if (message.type === "ready") resolve();
      else if (message.type === "failed") reject(errorOf(message));
    };
    worker.postMessage({ type: "open", options } satisfies ToWorker);
  });
}

function errorOf(message: Extract<FromWorker, { type: "failed" }>): StorageError {
  return new StorageError(message.code, message.message, { findings: message.findings });
}

class SqliteLog implements StoredLog {
  readonly storeId: string;
  private readonly worker: Worker;
  private readonly db: Database;
  private readonly rows: RowReader;
  private readonly cache = new OpCache(CACHE_BYTES_MAX);
  private readonly byName = new Map<Incarnation, Origin>();
  private readonly byNumber = new Map<number, Origin>();
  private readonly durable = new Map<Incarnation, Head>();
  /** Asked for and not on disk yet, in order. */
  private readonly splits: Split[] = [];
  /** Appended and not yet durable, in order. */
  private readonly pending: Op[] = [];
  private pendingFrom = 0;
  private durableN: number;
  /** The highest origin number given out. */
  private lastO = 0;
  private listener: LogListener | null = null;
  /** The last reading, for a listener that comes later. */
  private space: SpaceReading | null = null;
  private failure: Error | null = null;
  private scrubbedTo: number | null = null;
  private scrubListener: ((toN: number) => void) | null = null;
  /** From here on its thread may end. */
  private isOver = false;
  private readonly drained = Promise.withResolvers<void>();
  private readonly closed = Promise.withResolvers<void>();

  constructor(worker: Worker, options: WorkerOptions) {
    this.worker = worker;
    this.storeId = options.meta.storeId;
    this.db = openReader(options.logPath);
    this.rows = new RowReader(this.db, (o) => this.byNumber.get(o));
    for (const { o, origin, seq, chain, baseSeq, baseChain } of this.db
      .query<OriginRow, []>(ORIGINS)
      .all()) {
      const isBase = baseSeq !== null && baseChain !== null;
      const base = isBase ? { seq: baseSeq, chain: baseChain } : undefined;
      this.number(o, origin, seq, base);
      this.durable.set(origin, headOf(seq, chain, base));
    }
    this.durableN =
      this.db.query<{ n: number | null }, []>("SELECT max(n) AS n FROM ops").get()?.n ?? 0;
    for (const { promise } of [this.drained, this.closed]) promise.catch(() => {}); // told by `failed`
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.hear(data);
    worker.onerror = (event) => this.fail(new StorageError("disk_failed", `log: ${event.message}`));
    worker.addEventListener("close", () => {
      if (!this.isOver) this.fail(ended());
    });
  }

  private number(o: number, name: Incarnation, appended: number, base?: BranchBase): Origin {
    const origin: Origin = { o, origin: name, base, appended };
    this.lastO = Math.max(this.lastO, o);
    this.byName.set(name, origin);
    this.byNumber.set(o, origin);
    return origin;
  }

  private post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  get lastN(): number {
    return this.durableN;
  }

  /** A live view, O(1): copy it to keep it. */
  vector(): VersionVector {
    return this.durable;
  }

  op(n: number): Op {
    assert(
      Number.isSafeInteger(n) && n >= 1 && n <= this.durableN,
      "an op that is asked for is durable",
    );
    const cached = this.cache.get(n);
    if (cached !== undefined) return cached;
    const op = this.read(() => this.rows.op(n));
    this.cache.put(n, op);
    return op;
  }

  ops(fromN: number, limit: number): StoredOp[] {
    const toN = Math.min(this.durableN, fromN + limit - 1);
    if (toN < fromN) return [];
    const inMemory: StoredOp[] = [];
    for (let n = Math.max(fromN, 1); n <= toN; n++) {
      const op = this.cache.get(n);
      if (op === undefined) return this.fromDisk(fromN, toN);
      inMemory.push({ n, op });
    }
    return inMemory;
  }

  private fromDisk(fromN: number, toN: number): StoredOp[] {
    const ops = this.read(() => this.rows.ops(fromN, toN - fromN + 1));
    for (const { n, op } of ops) this.cache.put(n, op);
    return ops;
  }

  chainAt(origin: Incarnation, seq: number): Uint8Array | null {
    const head = this.durable.get(origin);
    if (head === undefined || seq < (head.base?.seq ?? 1) || seq > head.seq) return null;
    if (seq === head.seq) return head.chain;
    if (seq === head.base?.seq) return head.base.chain;
    return this.read(() => this.rows.chainAt(this.byName.get(origin)!.o, seq));
  }

  run(origin: Incarnation, fromSeq: number, limit: number): StoredOp[] {
    const toSeq = Math.min(this.durable.get(origin)?.seq ?? 0, fromSeq + limit - 1);
    if (toSeq < fromSeq) return [];
    return this.read(() => this.rows.run(this.byName.get(origin)!.o, fromSeq, toSeq));
  }

  eraserOf(n: number): number | null {
    return this.read(() => this.rows.eraserOf(n));
  }

  unproven(limit: number): StoredOp[] {
    return this.read(() => this.rows.unproven(limit));
  }

  /** Whatever goes wrong while reading is a StorageError. */
  private read<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      throw storageFailure("read the log", cause);
    }
  }

  listen(listener: LogListener): void {
    assert(this.listener === null, "a log has one listener");
    this.listener = listener;
    if (this.failure !== null) listener.failed(this.failure);
    if (this.space !== null) listener.space(this.space.freeBytes, this.space.reserveBytes);
  }

  append(ops: readonly Op[]): void {
    assert(this.listener !== null, "a log is listened to before it is written");
    if (this.failure !== null) throw this.failure;
    if (ops.length === 0) return;
    const numbers: number[] = [];
    for (const op of ops) {
      const origin = this.byName.get(op.origin) ?? this.number(++this.lastO, op.origin, 0);
      assert(op.seq === origin.appended + 1, `ops of ${op.origin} come without gaps`);
      assert(
        op.body === null || op.bodyHash !== null,
        "a body belongs to the hash in its envelope",
      );
      origin.appended = op.seq;
      numbers.push(origin.o);
      this.pending.push(op);
    }
    const batch = encodeBatch(ops, numbers);
    this.post({ type: "append", batch }, [batch]);
  }

  begin(branch: Incarnation, base: BranchBase): void {
    assert(!this.byName.has(branch), "a branch begins once");
    const { o } = this.number(++this.lastO, branch, base.seq, base);
    this.post({ type: "begin", branch: { o, origin: branch, ...base } });
  }

  split(split: Split): void {
    if (this.failure !== null) throw this.failure;
    const { origin, afterSeq, branch } = split;
    const head = this.durable.get(origin);
    const from = this.byName.get(origin);
    assert(head !== undefined && from?.appended === head.seq, "what is split is on disk");
    const chain = afterSeq === 0 ? CHAIN_START : this.chainAt(origin, afterSeq);
    assert(chain !== null && afterSeq < head.seq, "there is something to split off");
    const base = { seq: afterSeq, chain };
    const { o } = this.number(++this.lastO, branch, head.seq, base);
    this.splits.push(split);
    this.post({ type: "split", split: { o: from.o, to: { o, origin: branch, ...base } } });
  }

  private splitDone(): void {
    const split = this.splits.shift();
    assert(split !== undefined, "a split was asked for");
    const { origin, afterSeq, branch } = split;
    const from = this.byName.get(origin)!;
    const { seq, chain } = this.durable.get(origin)!;
    const { base } = this.byName.get(branch)!;
    this.durable.set(branch, headOf(seq, chain, base));
    from.appended = afterSeq;
    if (afterSeq === (from.base?.seq ?? 0)) this.durable.delete(origin);
    else this.durable.set(origin, headOf(afterSeq, base!.chain, from.base));
    this.cache.clear();
    this.listener?.split?.(split);
  }

  erase(items: readonly Erasure[]): void {
    if (this.failure !== null) throw this.failure;
    const appendedN = this.durableN + this.pending.length - this.pendingFrom;
    for (const { n, by } of items) {
      assert(n >= 1 && n <= appendedN && by >= 1 && by <= appendedN, "erasures name stored ops");
    }
    if (items.length > 0) this.post({ type: "erase", items });
  }

  onScrubbed(act: (toN: number) => void): void {
    if (this.scrubbedTo === null) this.scrubListener = act;
    else act(this.scrubbedTo);
  }

  private hear(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        break;
      case "scrubbed":
        this.scrubbedTo = message.toN;
        this.scrubListener?.(message.toN);
        break;
      case "failed":
        this.fail(errorOf(message));
        break;
      case "drained":
        this.drained.resolve();
        break;
      case "closed":
        this.closed.resolve();
        break;
      case "space":
        this.space = message;
        this.listener?.space(message.freeBytes, message.reserveBytes);
        break;
      case "durable":
        this.publish(message.count, message.tookMs, message.heads);
        break;
      case "split":
        this.splitDone();
        break;
      case "erased":
        for (const n of message.ns) this.cache.remove(n);
        this.listener?.erased(message.ns);
        break;
    }
  }

  private publish(count: number, tookMs: number, heads: readonly NewHead[]): void {
    const ops: StoredOp[] = [];
    for (let i = 0; i < count; i++) {
      const op = this.pending[this.pendingFrom++] as Op;
      const n = ++this.durableN;
      this.cache.put(n, op);
      ops.push({ n, op });
    }
    if (this.pendingFrom > 4_096 || this.pendingFrom === this.pending.length) {
      this.pending.splice(0, this.pendingFrom);
      this.pendingFrom = 0;
    }
    for (const { o, seq, chain } of heads) {
      const { origin, base } = this.byNumber.get(o)!;
      this.durable.set(origin, headOf(seq, chain, base));
    }
    this.listener?.durable({ ops, tookMs });
  }

  private fail(error: Error): void {
    if (this.failure !== null) return; // said once
    this.failure = error;
    this.drained.reject(error);
    this.closed.reject(error);
    this.listener?.failed(error);
  }

  async close(): Promise<void> {
    try {
      this.post({ type: "drain" });
      await this.drained.promise;
      this.rows.close();
      this.db.close();
      this.post({ type: "close" });
      await this.closed.promise;
    } finally {
      this.isOver = true;
      this.worker.terminate();
    }
  }
}
