/** A server of a world: a disk that stays, and a process that comes and goes. */

import type { Chance } from "../../sim/chance.ts";
import { ProcessClock, type Time } from "../../sim/clock.ts";
import { Disk, DiskLog } from "../../sim/disk.ts";
import type { Incarnation } from "../../src/core/ids.ts";
import { LINK_SILENT_MS, SUSPECT_AFTER_MS } from "../../src/core/limits.ts";
import type { Op } from "../../src/core/op.ts";
import type { PeerChange } from "../../src/replica/detector.ts";
import type { Folded } from "../../src/replica/ports.ts";
import { type Grown, Replica } from "../../src/replica/replica.ts";
import { sha256 } from "../../src/storage/log-hash.ts";
import { SqliteView } from "../../src/storage/view.ts";
import type { Network } from "./network.ts";

export type Heard = {
  folded(server: WorldServer, batch: readonly Folded[]): void;
  grown(server: WorldServer, grown: readonly Grown[]): void;
  peer(server: WorldServer, other: string, change: PeerChange): void;
  alarm(server: WorldServer, what: string): void;
  /** A process of it has begun: what stands over the replica is made now. */
  started(server: WorldServer): void;
};

type Process = {
  readonly clock: ProcessClock;
  readonly log: DiskLog;
  readonly view: SqliteView;
  readonly replica: Replica;
};

export type WorldParts = {
  readonly time: Time;
  readonly network: Network;
  readonly chance: Chance;
  readonly heard: Heard;
  readonly minCopies: number;
};

/** What of a replica's memory outlives its process in a snapshot. */
type Memory = { readonly minter: { current: Incarnation | null; seq: number } };

export class WorldServer {
  readonly name: string;
  readonly host: string;
  disk: Disk;
  process: Process | null = null;
  /** Disks that were lost, and when. */
  readonly lost: { readonly disk: Disk; readonly atMs: number }[] = [];
  wallAheadMs = 0;
  drift = 1;
  private readonly time: Time;
  private readonly network: Network;
  private readonly chance: Chance;
  private readonly heard: Heard;
  private readonly minCopies: number;
  private stores = 0;

  constructor(name: string, world: WorldParts, host = name) {
    this.name = name;
    this.host = host;
    this.time = world.time;
    this.network = world.network;
    this.chance = world.chance.fork();
    this.heard = world.heard;
    this.minCopies = world.minCopies;
    this.disk = this.newDisk();
  }

  private newDisk(): Disk {
    return new Disk(`store-${this.name}-${++this.stores}`);
  }

  get isUp(): boolean {
    return this.process !== null;
  }

  get isFrozen(): boolean {
    return this.process?.clock.isFrozen ?? false;
  }

  get replica(): Replica {
    if (this.process === null) throw new Error(`${this.name} is down`);
    return this.process.replica;
  }

  get clock(): ProcessClock {
    if (this.process === null) throw new Error(`${this.name} is down`);
    return this.process.clock;
  }

  get view(): SqliteView {
    if (this.process === null) throw new Error(`${this.name} is down`);
    return this.process.view;
  }

  start(): void {
    if (this.process !== null) return;
    const clock = new ProcessClock(this.time, this.wallAheadMs, this.drift);
    const log = new DiskLog(this.disk, clock, this.chance);
    const view = SqliteView.open({ path: ":memory:", hash: sha256, log }).view;
    while (view.catchUp());
    const url = `http://${this.name}.example:7300`;
    const replica = new Replica({
      name: this.name,
      key: `key of ${this.name}`,
      url,
      minCopies: this.minCopies,
      hash: sha256,
      clock,
      random: this.chance.fork(),
      log,
      view,
    });
    replica.listen({
      folded: (batch) => this.heard.folded(this, batch),
      alarm: (what, _message, clear) => {
        if (!clear) this.heard.alarm(this, what);
      },
      held: (grown) => this.heard.grown(this, grown),
      peer: (other, change) => this.heard.peer(this, other, change),
    });
    this.process = { clock, log, view, replica };
    const { storeId } = this.disk;
    const identity = {
      name: this.name,
      storeId,
      key: `key of ${this.name}`,
      url,
      wallMs: Math.floor(clock.wallMs()),
      release: "test",
    };
    this.heard.started(this);
    this.network.up({ host: this.host, identity, clock, listener: replica });
  }

  kill(): void {
    if (this.process === null) return;
    const { clock, log, view } = this.process;
    clock.kill();
    log.crash();
    this.network.down(this.host);
    this.process = null;
    view.close();
  }

  /** Comes back with an empty disk. */
  wipe(): void {
    this.kill();
    this.replaceDisk(this.newDisk());
  }

  /** Some ops of its disk are damaged; what is left is kept as another store. Returns how many were lost. */
  damage(share: number): number {
    this.kill();
    const lost = new Set<number>();
    for (let n = 1; n <= this.disk.ops.length; n++) if (this.chance.happens(share)) lost.add(n);
    this.replaceDisk(this.disk.salvaged(`store-${this.name}-${++this.stores}`, lost));
    return lost.size;
  }

  /** An older copy of its disk is put back. */
  rollBack(ops: number): void {
    this.kill();
    this.replaceDisk(this.disk.rolledBack(Math.min(ops, this.disk.ops.length)));
  }

  private replaceDisk(disk: Disk): void {
    this.lost.push({ disk: this.disk, atMs: this.time.nowMs });
    this.disk = disk;
  }

  /**
   * Another process goes on from the memory of this one, on a copy of its disk. False if something is on its way
   * between the two: then there is nothing to go on from.
   */
  resumeIn(twin: WorldServer): boolean {
    if (this.process === null || this.isFrozen || twin.isUp) return false;
    const { pendingOps, commitsInFlight } = this.replica.figures();
    if (pendingOps > 0 || commitsInFlight > 0) return false;
    twin.disk = this.disk.copy(this.disk.storeId);
    twin.wallAheadMs = this.wallAheadMs;
    twin.start();
    const [mine, theirs] = [this.replica, twin.replica].map(
      (replica) => replica as unknown as Memory,
    );
    Object.assign(theirs?.minter as object, {
      current: mine?.minter.current,
      seq: mine?.minter.seq,
    });
    twin.replica.seen(this.replica.highStamp);
    return true;
  }

  freeze(): void {
    this.process?.clock.freeze();
  }

  thaw(): void {
    this.process?.clock.thaw();
  }

  /** Whether its disk holds an op; or one that was lost so lately that nobody can have heard of it. */
  holds(op: Op): boolean {
    if (this.disk.has(op)) return true;
    const fromMs = this.time.nowMs - LINK_SILENT_MS - 2 * SUSPECT_AFTER_MS;
    return this.lost.some(({ disk, atMs }) => atMs > fromMs && disk.has(op));
  }

  /** What is folded here, by origin. */
  foldedSeqs(): Map<Incarnation, number> {
    const seqs = new Map<Incarnation, number>();
    for (const op of this.disk.ops.slice(0, this.view.foldedN)) seqs.set(op.origin, op.seq);
    return seqs;
  }
}
