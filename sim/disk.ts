/** Disks that outlive processes, and logs on them that lose with a process what was not durable yet. */
import { assert } from "../src/core/assert.ts";
import type { Incarnation } from "../src/core/ids.ts";
import { CHAIN_START, chainHash, type Op } from "../src/core/op.ts";
import type { Head, VersionVector } from "../src/core/vector.ts";
import type { Log, LogListener, StoredOp } from "../src/replica/ports.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import type { Chance } from "./chance.ts";
import type { ProcessClock } from "./clock.ts";

type OriginOps = { readonly ns: number[]; readonly chains: Uint8Array[] };

/** What one store holds. */
export class Disk {
  readonly storeId: string;
  readonly ops: Op[] = [];
  readonly heads = new Map<Incarnation, Head>();
  readonly erasedBy = new Map<number, number>();
  private readonly origins = new Map<Incarnation, OriginOps>();
  freeBytes = 1e12;
  /** How long a commit takes, ms: at least and at most. */
  commitMs: readonly [number, number] = [0.2, 3];

  constructor(storeId: string) {
    this.storeId = storeId;
  }

  store(op: Op): StoredOp {
    const head = this.heads.get(op.origin) ?? { seq: 0, chain: CHAIN_START };
    assert(op.seq === head.seq + 1, `ops of ${op.origin} come without gaps`);
    const chain = chainHash(sha256, head.chain, op.bytes);
    this.heads.set(op.origin, { seq: op.seq, chain });
    this.ops.push(op);
    let of = this.origins.get(op.origin);
    if (of === undefined) {
      of = { ns: [], chains: [] };
      this.origins.set(op.origin, of);
    }
    of.ns.push(this.ops.length);
    of.chains.push(chain);
    return { n: this.ops.length, op };
  }

  nOf(origin: Incarnation, seq: number): number | undefined {
    return this.origins.get(origin)?.ns[seq - 1];
  }

  chainAt(origin: Incarnation, seq: number): Uint8Array | null {
    return this.origins.get(origin)?.chains[seq - 1] ?? null;
  }

  /** The same content as another store: a copied data directory. */
  copy(storeId: string): Disk {
    const copy = new Disk(storeId);
    for (const op of this.ops) copy.store(op);
    for (const [n, by] of this.erasedBy) copy.erasedBy.set(n, by);
    return copy;
  }

  eraseBody(n: number, by: number): void {
    this.ops[n - 1] = { ...(this.ops[n - 1] as Op), body: null };
    this.erasedBy.set(n, by);
  }
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

  listen(listener: LogListener): void {
    this.listener = listener;
    listener.space(this.disk.freeBytes, 1_000_000);
  }

  append(ops: readonly Op[]): void {
    for (const { origin, seq } of ops) {
      assert(seq === (this.appended.get(origin) ?? 0) + 1, `${origin} without gaps`);
      this.appended.set(origin, seq);
    }
    this.pending.push(ops);
    this.commitNext();
  }

  private commitNext(): void {
    if (this.busy || this.pending.length === 0) return;
    this.busy = true;
    const [least, most] = this.disk.commitMs;
    const tookMs = this.chance.between(least, most);
    this.clock.schedule(tookMs, () => {
      const ops = this.commit();
      this.listener?.durable({ ops, tookMs });
      this.listener?.space(this.disk.freeBytes, 1_000_000);
      this.commitNext();
    });
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
