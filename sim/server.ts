/** A server of a simulated world: a disk that stays, and a process (running.ts) that comes and goes. */
import { createPrivateKey } from "node:crypto";
import { STOP_DEADLINE_MS } from "../src/core/limits.ts";
import { ServerKey } from "../src/mesh/server-key.ts";
import type { PeerChange } from "../src/replica/detector.ts";
import type { Left } from "../src/server/leaving.ts";
import type { Chance } from "./chance.ts";
import type { LineWatch } from "./client-lines.ts";
import { ProcessClock, type Time } from "./clock.ts";
import { Disk, DiskError } from "./disk.ts";
import type { Network } from "./network.ts";
import { openProcess, type Running } from "./running.ts";
import type { Sometimes } from "./sometimes.ts";
import type { Trace } from "./trace.ts";

/** PKCS #8 around the 32 bytes of an Ed25519 seed (RFC 8410). */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
/** From the start of the process until it serves, ms. */
const STARTING_MS: readonly [number, number] = [20, 300];

/** What a server needs of its world. */
export type ServerWorld = {
  readonly time: Time;
  readonly network: Network;
  readonly trace: Trace;
  readonly sometimes: Sometimes;
  /** Looks at what is said to this server's clients. */
  watch(server: SimServer): LineWatch;
  /** A new disk, or one whose content changed. */
  watchDisk(server: SimServer): void;
  /** A peer of this server fell silent or was lost. */
  suspected(server: SimServer): void;
  /** It was removed from the cluster and may stop. */
  left(server: SimServer, left: Left): void;
  /** Something happened that never may. */
  defect(server: SimServer, what: string): void;
};

function newKey(chance: Chance): ServerKey {
  const seed = Buffer.concat([ED25519_PKCS8, chance.bytes(32)]);
  return new ServerKey(createPrivateKey({ key: seed, format: "der", type: "pkcs8" }));
}

export class SimServer {
  readonly name: string;
  readonly host: string;
  readonly url: string;
  readonly peers: readonly string[];
  disk: Disk;
  running: Running | null = null;
  /** Disks that were lost, and when. */
  readonly lost: { readonly disk: Disk; readonly atMs: number }[] = [];
  wallAheadMs = 0;
  drift = 1;
  /** Never comes back, until the world is whole again at its end. */
  isDead = false;
  starts = 0;
  isLaterRelease = false;
  private readonly world: ServerWorld;
  private readonly chance: Chance;
  private readonly key: ServerKey;
  private stores = 0;
  private isStarting = false;
  private isStopping = false;
  /** To be started as soon as it has stopped. */
  private startsAgain = false;

  /** `of`: the one whose data directory it was started with a copy of. */
  constructor(
    name: string,
    all: readonly string[],
    world: ServerWorld,
    chance: Chance,
    of?: SimServer,
  ) {
    this.name = name;
    this.host = of === undefined ? name : `${name}-copy`;
    this.url = `http://${this.host}:7300`;
    this.peers = all.filter((other) => other !== name).map((other) => `${other}:7300`);
    this.world = world;
    this.chance = chance;
    this.key = of?.key ?? newKey(chance);
    this.disk = of?.disk.copy(of.disk.storeId) ?? this.newDisk();
  }

  get publicKey(): string {
    return this.key.publicText;
  }

  private newDisk(): Disk {
    this.stores++;
    return new Disk(`store-${this.name}-${this.stores}`);
  }

  get isUp(): boolean {
    return this.running !== null;
  }

  get isFrozen(): boolean {
    return this.running?.process.clock.isFrozen ?? false;
  }

  /** The process begins; it serves a little later. */
  start(): void {
    this.startsAgain = this.isStopping;
    if (this.running !== null || this.isStarting || this.isDead) return;
    this.isStarting = true;
    this.world.time.at(this.chance.between(...STARTING_MS), () => {
      this.isStarting = false;
      if (this.running === null && !this.isDead) this.open();
    });
  }

  private open(): void {
    const { time, network, trace } = this.world;
    this.starts++;
    this.world.watchDisk(this);
    const clock = new ProcessClock(time, this.wallAheadMs, this.drift);
    clock.onThrow = (error) => this.ended(error);
    const { name, host, url, peers, key, disk, chance, isLaterRelease } = this;
    this.running = openProcess({
      name,
      host,
      url,
      peers,
      key,
      disk,
      clock,
      chance,
      network,
      isLaterRelease,
      watch: this.world.watch(this),
      note: (text) => trace.note(`${host}: ${text}`),
      peer: (other, change) => this.heardOf(other, change),
      defect: (what) => this.world.defect(this, what),
      left: (left) => this.world.left(this, left),
    });
    trace.note(`${host} serves, ${this.disk.ops.length} ops`);
  }

  private heardOf(other: string, change: PeerChange): void {
    const { trace, sometimes } = this.world;
    const reason = change.what === "out_of_sync" ? ` (${change.reason})` : "";
    trace.note(`${this.host}: ${other} ${change.what}${reason}`);
    sometimes.happened(`a server was found ${change.what}${reason}`);
    if (change.what !== "joined" && change.what !== "in_sync") this.world.suspected(this);
  }

  /** Something was thrown, and nothing of the process goes on. */
  private ended(error: unknown): void {
    if (!(error instanceof DiskError)) {
      this.world.defect(this, `ended by ${(error as Error).stack ?? error}`);
    }
    this.kill();
    this.world.trace.note(`${this.name} ended by itself: ${(error as Error).message}`);
  }

  kill(): void {
    const { running } = this;
    if (running === null) return;
    this.running = null;
    this.isStopping = false;
    for (const [found, times] of Object.entries(running.viewCheck.found)) {
      if (times > 0) this.world.sometimes.happened(`views were compared: ${found}`, times);
    }
    running.process.clock.kill();
    running.log.crash();
    this.world.network.gone(running.process);
    // What the last event resolved may still look at the view.
    this.world.time.at(0, () => running.view.close());
    if (this.startsAgain) this.start();
  }

  /** As after SIGTERM: takes nothing new, answers, leaves. */
  stop(): void {
    const { running } = this;
    if (running === null || this.isFrozen) return;
    const { gateway, replica, cluster, lines, process } = running;
    this.isStopping = true;
    lines.stopTaking();
    let isOver = false;
    const leave = () => {
      if (isOver || this.running !== running) return;
      isOver = true;
      cluster.stop();
      process.clock.schedule(250, () => {
        if (this.running === running) this.kill();
      });
    };
    void gateway.stop().then(leave);
    process.clock.schedule(STOP_DEADLINE_MS - 1_500, () => {
      if (!isOver) replica.abandon();
      leave();
    });
  }

  /** The disk is lost for good; the server comes back with an empty one. */
  wipe(): void {
    this.kill();
    this.lost.push({ disk: this.disk, atMs: this.world.time.nowMs });
    this.disk = this.newDisk();
  }

  /** Of the ops on its disk some are damaged, and given up. */
  salvage(lost: ReadonlySet<number>): void {
    this.kill();
    this.lost.push({ disk: this.disk, atMs: this.world.time.nowMs });
    this.stores++;
    this.disk = this.disk.salvaged(`store-${this.name}-${this.stores}`, lost);
  }

  /** The copy of its data directory that ran beside it is its own from now on. */
  takeOver(copy: SimServer): void {
    this.kill();
    this.lost.push({ disk: this.disk, atMs: this.world.time.nowMs });
    this.disk = copy.disk;
  }

  /** Its data directory is put back to how it was so many ops ago. */
  rollBack(ops: number): void {
    this.kill();
    this.disk.rollBack(Math.max(0, this.disk.ops.length - ops), this.world.time.nowMs);
  }

  freeze(): void {
    this.running?.process.clock.freeze();
  }

  thaw(): void {
    if (this.isDead) return;
    this.running?.process.clock.thaw();
  }

  /** Its wall clock is set right; how fast it runs stays as it is. */
  setClock(): void {
    this.leap(-this.wallAheadMs);
  }

  /** Its wall clock is set. */
  leap(ms: number): void {
    this.wallAheadMs += ms;
    this.running?.process.clock.leap(ms);
  }
}
