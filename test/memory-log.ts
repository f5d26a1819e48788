/** A log in memory: the read side for folds, and all of the port with commits at the test's word. */
import { assert } from "../src/core/assert.ts";
import type { BranchBase } from "../src/core/branch.ts";
import type { Incarnation } from "../src/core/ids.ts";
import { CHAIN_START, chainHash, type Op } from "../src/core/op.ts";
import type { Head, VersionVector } from "../src/core/vector.ts";
import type { Log, LogListener, LogReader, StoredOp } from "../src/replica/ports.ts";
import { sha256 } from "../src/storage/log-hash.ts";

/** Ops in order of arrival, in any order and as often as a test likes. */
export class ArrayLog implements LogReader {
  readonly storeId: string;
  readonly held: Op[];

  constructor(ops: readonly Op[], storeId = "array") {
    this.held = [...ops];
    this.storeId = storeId;
  }

  get lastN(): number {
    return this.held.length;
  }

  op(n: number): Op {
    const op = this.held[n - 1];
    if (op === undefined) throw new Error(`no op ${n}`);
    return op;
  }

  ops(fromN: number, limit: number): StoredOp[] {
    return this.held.slice(fromN - 1, fromN - 1 + limit).map((op, i) => ({ n: fromN + i, op }));
  }

  /** The ops of one origin from a seq on. */
  run(origin: Incarnation, fromSeq: number, limit: number): StoredOp[] {
    const found: StoredOp[] = [];
    for (const [i, op] of this.held.entries()) {
      if (op.origin !== origin || op.seq < fromSeq || found.length === limit) continue;
      found.push({ n: i + 1, op });
    }
    return found;
  }

  /** The body leaves, as after an erasure. */
  dropBody(n: number): void {
    this.held[n - 1] = { ...this.op(n), body: null };
  }
}

/** The whole port. Nothing is durable before the test says so. */
export class ScriptedLog implements Log {
  readonly storeId: string;
  readonly batches: (readonly Op[])[] = [];
  readonly erasures: { readonly n: number; readonly by: number }[] = [];
  listener: LogListener | null = null;
  private readonly stored: ArrayLog;
  private readonly heads = new Map<Incarnation, Head>();
  private readonly erasedBy = new Map<number, number>();
  private readonly bases = new Map<Incarnation, BranchBase>();

  constructor(ops: readonly Op[] = [], storeId = "scripted") {
    this.storeId = storeId;
    this.stored = new ArrayLog([], storeId);
    for (const op of ops) this.store(op);
  }

  private store(op: Op): StoredOp {
    const base = this.bases.get(op.origin);
    const head = this.heads.get(op.origin) ?? base ?? { seq: 0, chain: CHAIN_START };
    assert(op.seq === head.seq + 1, `ops of ${op.origin} come without gaps`);
    const chain = chainHash(sha256, head.chain, op.bytes);
    this.heads.set(op.origin, { seq: op.seq, chain, ...(base && { base }) });
    this.stored.held.push(op);
    return { n: this.stored.lastN, op };
  }

  get lastN(): number {
    return this.stored.lastN;
  }

  op(n: number): Op {
    return this.stored.op(n);
  }

  ops(fromN: number, limit: number): StoredOp[] {
    return this.stored.ops(fromN, limit);
  }

  vector(): VersionVector {
    return this.heads;
  }

  chainAt(origin: Incarnation, seq: number): Uint8Array | null {
    const base = this.bases.get(origin) ?? { seq: 0, chain: CHAIN_START };
    const ops = this.run(origin, base.seq + 1, seq - base.seq);
    if (ops.length !== seq - base.seq) return null;
    return ops.reduce((chain, { op }) => chainHash(sha256, chain, op.bytes), base.chain);
  }

  run(origin: Incarnation, fromSeq: number, limit: number): StoredOp[] {
    const found = this.stored.run(origin, fromSeq, limit);
    const gap = found.findIndex(({ op }, i) => op.seq !== fromSeq + i);
    return gap < 0 ? found : found.slice(0, gap);
  }

  eraserOf(n: number): number | null {
    return this.erasedBy.get(n) ?? null;
  }

  unproven(limit: number): StoredOp[] {
    const isUnproven = ({ n, op }: StoredOp) =>
      op.body === null && op.bodyHash !== null && !this.erasedBy.has(n);
    return this.stored.ops(1, this.lastN).filter(isUnproven).slice(0, limit);
  }

  listen(listener: LogListener): void {
    this.listener = listener;
  }

  append(ops: readonly Op[]): void {
    this.batches.push(ops);
  }

  begin(branch: Incarnation, base: BranchBase): void {
    this.bases.set(branch, base);
  }

  split(): void {
    throw new Error("this log has no branches");
  }

  /** The oldest batch is on disk now. */
  commit(): void {
    const batch = this.batches.shift();
    assert(batch !== undefined, "there is a batch to commit");
    this.arrive(batch);
  }

  /** Ops are on disk that this server did not mint. */
  arrive(ops: readonly Op[]): void {
    this.listener?.durable({ ops: ops.map((op) => this.store(op)), tookMs: 1 });
  }

  erase(items: readonly { readonly n: number; readonly by: number }[]): void {
    this.erasures.push(...items);
  }

  /** All erasures asked for are done. */
  finishErasures(): void {
    const done = this.erasures.splice(0);
    const ns = done.map(({ n }) => n);
    for (const { n, by } of done) {
      this.stored.dropBody(n);
      this.erasedBy.set(n, by);
    }
    this.listener?.erased(ns);
  }

  async close(): Promise<void> {}
}
