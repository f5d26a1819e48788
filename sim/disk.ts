/** Disks that outlive processes, and logs on them that lose with a process what was not durable yet. */
import { assert } from "../src/core/assert.ts";
import { type BranchBase, branchName, plainOrigin } from "../src/core/branch.ts";
import { equalBytes } from "../src/core/bytes.ts";
import type { Incarnation } from "../src/core/ids.ts";
import { FREE_SPACE_INTERVAL_MS } from "../src/core/limits.ts";
import { CHAIN_START, chainHash, type Op } from "../src/core/op.ts";
import type { Head, VersionVector } from "../src/core/vector.ts";
import type { Log, LogListener, Split, StoredOp } from "../src/replica/ports.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import type { Chance } from "./chance.ts";
import type { ProcessClock } from "./clock.ts";

/** Of each op after `base` its arrival number, and the chain hash after it. */
type OriginOps = {
  readonly base: BranchBase;
  readonly ns: number[];
  readonly chains: Uint8Array[];
};

const BEGINNING: BranchBase = { seq: 0, chain: CHAIN_START };
const RESERVE_BYTES = 1_000_000;
const NO_ROOM_RETRY_MS = 200;

/** A disk that failed, as opposed to a defect. */
export class DiskError extends Error {
  override name = "DiskError";
}

/** What one store holds. */
export class Disk {
  readonly storeId: string;
  /** Tells a disk that was put back from what it was before. */
  readonly life: string;
  readonly ops: Op[] = [];
  readonly heads = new Map<Incarnation, Head>();
  readonly erasedBy = new Map<number, number>();
  /** What was erased: older copies of this disk have it. */
  private readonly bodies = new Map<number, Uint8Array>();
  private readonly origins = new Map<Incarnation, OriginOps>();
  freeBytes = 1e12;
  /** How long a commit takes, ms: at least and at most. */
  commitMs: readonly [number, number] = [0.2, 3];
  /** The next commit is an error of the disk: the process must not go on after it. */
  failsNext = false;
  /** When it was put back to an older copy, and to how many ops. */
  readonly rollbacks: { readonly atMs: number; readonly toN: number }[] = [];
  /** What of it went on as another store, by the numbers here, with the numbers there. */
  heir: { readonly disk: Disk; readonly ns: ReadonlyMap<number, number> } | null = null;
  /** Called for each op that is durable. */
  onStored: (op: Op, n: number) => void = () => {};

  constructor(storeId: string, life = storeId) {
    this.storeId = storeId;
    this.life = life;
  }

  store(op: Op): StoredOp {
    const of = this.originOps(op.origin, BEGINNING);
    const before = this.heads.get(op.origin) ?? of.base;
    assert(op.seq === before.seq + 1, `ops of ${op.origin} come without gaps`);
    const chain = chainHash(sha256, before.chain, op.bytes);
    this.heads.set(op.origin, headOf(op.seq, chain, of.base));
    this.ops.push(op);
    of.ns.push(this.ops.length);
    of.chains.push(chain);
    this.onStored(op, this.ops.length);
    return { n: this.ops.length, op };
  }

  /** A branch begins with these. */
  begin(branch: Incarnation, base: BranchBase): void {
    this.originOps(branch, base);
  }

  private originOps(origin: Incarnation, base: BranchBase): OriginOps {
    const known = this.origins.get(origin);
    if (known !== undefined) return known;
    const of = { base, ns: [], chains: [] };
    this.origins.set(origin, of);
    return of;
  }

  split({ origin, afterSeq, branch }: Split): void {
    const of = this.origins.get(origin) as OriginOps;
    const { seq, chain } = this.heads.get(origin) as Head;
    const kept = afterSeq - of.base.seq;
    const base = { seq: afterSeq, chain: of.chains[kept - 1] ?? of.base.chain };
    const moved = { base, ns: of.ns.splice(kept), chains: of.chains.splice(kept) };
    this.origins.set(branch, moved);
    this.heads.set(branch, headOf(seq, chain, base));
    if (kept === 0) this.heads.delete(origin);
    else this.heads.set(origin, headOf(afterSeq, base.chain, of.base));
    for (const n of moved.ns) {
      this.ops[n - 1] = { ...(this.ops[n - 1] as Op), origin: branch };
    }
  }

  nOf(origin: Incarnation, seq: number): number | undefined {
    const of = this.origins.get(origin);
    return of?.ns[seq - of.base.seq - 1];
  }

  unproven(limit: number): StoredOp[] {
    const found: StoredOp[] = [];
    for (const [i, op] of this.ops.entries()) {
      if (found.length === limit) break;
      const isErased = op.body === null && op.bodyHash !== null;
      if (isErased && !this.erasedBy.has(i + 1)) found.push({ n: i + 1, op });
    }
    return found;
  }

  /** Whether it holds this very op, under whatever name of a branch. */
  has({ origin, seq, bytes }: Op): boolean {
    const plain = plainOrigin(origin);
    for (const name of this.origins.keys()) {
      if (plainOrigin(name) !== plain) continue;
      const n = this.nOf(name, seq);
      if (n !== undefined && equalBytes((this.ops[n - 1] as Op).bytes, bytes)) return true;
    }
    return false;
  }

  chainAt(origin: Incarnation, seq: number): Uint8Array | null {
    const of = this.origins.get(origin);
    if (of === undefined) return null;
    if (seq === of.base.seq && seq > 0) return of.base.chain;
    return of.chains[seq - of.base.seq - 1] ?? null;
  }

  /** The same content as another store: a copied data directory. */
  copy(storeId: string): Disk {
    const copy = new Disk(storeId);
    for (const [origin, { base }] of this.origins) copy.begin(origin, base);
    for (const op of this.ops) copy.store(op);
    for (const [n, by] of this.erasedBy) copy.erasedBy.set(n, by);
    return copy;
  }

  /** An older copy of the data directory is put in its place. */
  rollBack(toN: number, atMs: number): void {
    this.rollbacks.push({ atMs, toN });
    const older = this.ops.slice(0, toN).map((_, i) => this.opAsOf(i + 1, toN));
    const { onStored } = this;
    this.onStored = () => {};
    const bases = [...this.origins].map(([origin, { base }]) => ({ origin, base }));
    this.ops.length = 0;
    this.heads.clear();
    this.origins.clear();
    for (const { origin, base } of bases) this.begin(origin, base);
    for (const op of older) this.store(op);
    this.onStored = onStored;
    for (const [n, by] of this.erasedBy) if (n > toN || by > toN) this.erasedBy.delete(n);
  }

  /**
   * What a salvage of this disk keeps, as another store: without the ops of these arrival numbers. What stands
   * above a gap is a branch of its own, as in src/storage/store-survey.ts. Of an op whose eraser is lost it is kept that
   * it was erased.
   */
  salvaged(storeId: string, lost: ReadonlySet<number>): Disk {
    const pieces = new Map<Incarnation, { readonly base: BranchBase; readonly ns: number[] }>();
    const keep = (origin: Incarnation, base: BranchBase, ns: number[]) => {
      if ((pieces.get(origin)?.ns.length ?? 0) < ns.length) pieces.set(origin, { base, ns });
    };
    for (const [origin, { base: begin, ns }] of this.origins) {
      let from = 0;
      for (let i = 0; i <= ns.length; i++) {
        if (i < ns.length && !lost.has(ns[i] as number)) continue;
        const piece = ns.slice(from, i);
        const [first] = piece;
        if (first !== undefined && from === 0) keep(origin, begin, piece);
        else if (first !== undefined) {
          const base = { seq: begin.seq + from, chain: CHAIN_START };
          const chain = chainHash(sha256, base.chain, (this.ops[first - 1] as Op).bytes);
          keep(branchName(origin, chain), base, piece);
        }
        from = i + 1;
      }
    }
    const names = new Map<number, { readonly origin: Incarnation; readonly base: BranchBase }>();
    for (const [origin, { base, ns }] of pieces) for (const n of ns) names.set(n, { origin, base });
    const kept = new Disk(storeId);
    const moved = new Map<number, number>();
    for (const [i, op] of this.ops.entries()) {
      const line = names.get(i + 1);
      if (line === undefined) continue;
      if (line.base !== BEGINNING) kept.begin(line.origin, line.base);
      moved.set(i + 1, kept.store({ ...op, origin: line.origin }).n);
    }
    for (const [n, by] of this.erasedBy) {
      const [at, eraser] = [moved.get(n), moved.get(by)];
      if (at !== undefined && eraser !== undefined) kept.erasedBy.set(at, eraser);
    }
    this.heir = { disk: kept, ns: moved };
    return kept;
  }

  /** The disk as it was some ops ago: put back from a copy. */
  rolledBack(ops: number): Disk {
    const kept = this.ops.length - ops;
    const old = new Disk(this.storeId, `${this.life}+`);
    for (const [origin, { base }] of this.origins) {
      if (base !== BEGINNING) old.begin(origin, base);
    }
    for (let n = 1; n <= kept; n++) old.store(this.opAsOf(n, kept));
    for (const [n, by] of this.erasedBy) if (by <= kept) old.erasedBy.set(n, by);
    for (const [n, body] of this.bodies) if (n <= kept) old.bodies.set(n, body);
    return old;
  }

  /** With the body that was erased only after this disk had come to `toN`. */
  private opAsOf(n: number, toN: number): Op {
    const op = this.ops[n - 1] as Op;
    const by = this.erasedBy.get(n) ?? 0;
    return by > toN ? { ...op, body: this.bodies.get(n) ?? null } : op;
  }

  eraseBody(n: number, by: number): void {
    const { body } = this.ops[n - 1] as Op;
    if (body !== null) this.bodies.set(n, body);
    this.ops[n - 1] = { ...(this.ops[n - 1] as Op), body: null };
    this.erasedBy.set(n, by);
  }
}

function headOf(seq: number, chain: Uint8Array, base: BranchBase): Head {
  return base === BEGINNING ? { seq, chain } : { seq, chain, base };
}

/** The port on a disk, for one process. */
export class DiskLog implements Log {
  readonly storeId: string;
  private readonly disk: Disk;
  private readonly clock: ProcessClock;
  private readonly chance: Chance;
  private listener: LogListener | null = null;
  /** Handed over and not durable, oldest first. */
  private readonly pending: (readonly Op[])[] = [];
  private readonly appended = new Map<Incarnation, number>();
  private busy = false;

  constructor(disk: Disk, clock: ProcessClock, chance: Chance) {
    this.disk = disk;
    this.clock = clock;
    this.chance = chance;
    this.storeId = disk.storeId;
    for (const [origin, { seq }] of disk.heads) this.appended.set(origin, seq);
  }

  get lastN(): number {
    return this.disk.ops.length;
  }

  op(n: number): Op {
    const op = this.disk.ops[n - 1];
    assert(op !== undefined, "an op that is asked for is durable");
    return op;
  }

  ops(fromN: number, limit: number): StoredOp[] {
    return this.disk.ops.slice(fromN - 1, fromN - 1 + limit).map((op, i) => ({ n: fromN + i, op }));
  }

  vector(): VersionVector {
    return this.disk.heads;
  }

  chainAt(origin: Incarnation, seq: number): Uint8Array | null {
    return this.disk.chainAt(origin, seq);
  }

  run(origin: Incarnation, fromSeq: number, limit: number): StoredOp[] {
    const found: StoredOp[] = [];
    for (let seq = fromSeq; found.length < limit; seq++) {
      const n = this.disk.nOf(origin, seq);
      if (n === undefined) break;
      found.push({ n, op: this.op(n) });
    }
    return found;
  }

  eraserOf(n: number): number | null {
    return this.disk.erasedBy.get(n) ?? null;
  }

  unproven(limit: number): StoredOp[] {
    return this.disk.unproven(limit);
  }

  listen(listener: LogListener): void {
    this.listener = listener;
    this.tellSpace();
  }

  private tellSpace(): void {
    this.listener?.space(this.disk.freeBytes, RESERVE_BYTES);
    this.clock.schedule(FREE_SPACE_INTERVAL_MS, () => this.tellSpace());
  }

  append(ops: readonly Op[]): void {
    for (const { origin, seq } of ops) {
      assert(seq === (this.appended.get(origin) ?? 0) + 1, `${origin} without gaps`);
      this.appended.set(origin, seq);
    }
    this.pending.push(ops);
    this.commitNext();
  }

  begin(branch: Incarnation, base: BranchBase): void {
    this.disk.begin(branch, base);
    this.appended.set(branch, base.seq);
  }

  split(split: Split): void {
    const { origin, afterSeq, branch } = split;
    const seq = this.disk.heads.get(origin)?.seq ?? 0;
    assert(this.appended.get(origin) === seq, "what is split is on disk");
    assert(seq > afterSeq, "there is something to split off");
    this.appended.set(branch, seq);
    this.clock.schedule(this.chance.between(...this.disk.commitMs), () => {
      this.disk.split(split);
      this.appended.set(origin, afterSeq);
      this.listener?.split?.(split);
    });
  }

  private commitNext(): void {
    if (this.busy || this.pending.length === 0) return;
    this.busy = true;
    const [least, most] = this.disk.commitMs;
    const tookMs = this.chance.between(least, most);
    this.clock.schedule(tookMs, () => this.commitDone(tookMs));
  }

  private commitDone(tookMs: number): void {
    if (this.disk.failsNext) {
      this.disk.failsNext = false;
      if (this.chance.happens(0.5)) this.commit(); // it was written after all
      this.pending.length = 0;
      this.busy = false;
      this.listener?.failed(new DiskError("fsync: input/output error"));
      return;
    }
    if (this.disk.freeBytes <= 0) {
      // Taken back whole, and tried again until there is room.
      this.listener?.space(this.disk.freeBytes, RESERVE_BYTES);
      this.clock.schedule(NO_ROOM_RETRY_MS, () => this.commitDone(tookMs));
      return;
    }
    const ops = this.commit();
    this.listener?.durable({ ops, tookMs });
    this.listener?.space(this.disk.freeBytes, RESERVE_BYTES);
    this.commitNext();
  }

  private commit(): StoredOp[] {
    this.busy = false;
    return (this.pending.shift() ?? []).map((op) => this.disk.store(op));
  }

  erase(items: readonly { readonly n: number; readonly by: number }[]): void {
    this.clock.schedule(this.chance.between(1, 20), () => {
      for (const { n, by } of items) this.disk.eraseBody(n, by);
      this.listener?.erased(items.map(({ n }) => n));
    });
  }

  /** The process dies: what waits is lost, unless it had just been written and nobody heard of it. */
  crash(): void {
    if (this.busy && this.chance.happens(0.3)) this.commit();
    this.pending.length = 0;
  }

  async close(): Promise<void> {}
}
