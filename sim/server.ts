/**
 * A server of a simulated world: a disk that stays, and a process that comes and goes.
 *
 * The process is the real thing (fold on SQLite, replica, gateway, mesh, cluster), put together as
 * src/server/start.ts does; only what touches the machine is simulated: log on a disk, clock, chance, network,
 * and passwords that cost nothing.
 */
import { createPrivateKey } from "node:crypto";
import { STOP_DEADLINE_MS } from "../src/core/limits.ts";
import { Gateway } from "../src/gateway/gateway.ts";
import type { PasswordHasher } from "../src/gateway/ports.ts";
import { ServerKey } from "../src/mesh/server-key.ts";
import { Replica } from "../src/replica/replica.ts";
import { Cluster, type ClusterParts } from "../src/server/cluster.ts";
import type { Config } from "../src/server/config.ts";
import { ServerKeyring } from "../src/server/keyring.ts";
import type { ServerLog } from "../src/server/log.ts";
import { clusterIdOf, deriveKey, type Secrets } from "../src/server/secret.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { SqliteView } from "../src/storage/view.ts";
import type { Chance } from "./chance.ts";
import { ClientLines, type LineWatch } from "./client-lines.ts";
import { ProcessClock, type Time } from "./clock.ts";
import { Disk, DiskError, DiskLog } from "./disk.ts";
import type { Network, Process } from "./network.ts";
import { servePeers, wireDialler } from "./peer-wires.ts";
import type { Trace } from "./trace.ts";

const SECRET = new Uint8Array(32).fill(7);
const SECRETS: Secrets = {
  secret: SECRET,
  cluster: clusterIdOf(SECRET),
  generation: 0,
  former: [],
};
const RELEASE = "0.0.0";
/** PKCS #8 around the 32 bytes of an Ed25519 seed (RFC 8410). */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
/** From the start of the process until it serves, ms. */
const STARTING_MS: readonly [number, number] = [20, 300];

/** What a server needs of its world. */
export type ServerWorld = {
  readonly time: Time;
  readonly network: Network;
  readonly trace: Trace;
  /** Looks at what is said to this server's clients. */
  watch(server: SimServer): LineWatch;
  /** A new disk, or one whose content changed. */
  watchDisk(server: SimServer): void;
  /** A peer of this server fell silent or was lost. */
  suspected(server: SimServer): void;
  /** Something happened that never may. */
  defect(server: SimServer, what: string): void;
};

type Running = {
  readonly process: Process;
  readonly log: DiskLog;
  readonly view: SqliteView;
  readonly replica: Replica;
  readonly gateway: Gateway;
  readonly cluster: Cluster;
  readonly lines: ClientLines;
};

/** A hash that costs nothing: what argon2id costs is not what a simulation is about. */
function passwordsOf(clock: ProcessClock): PasswordHasher {
  const digest = (password: string) => Bun.hash.wyhash(password).toString(36);
  const later = <T>(value: T) =>
    new Promise<T>((resolve) => clock.schedule(5, () => resolve(value)));
  return {
    hash: (password) => later(digest(password)),
    verify: (password, hash) => later(digest(password) === hash),
  };
}

export class SimServer {
  readonly name: string;
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
  private readonly world: ServerWorld;
  private readonly chance: Chance;
  private readonly key: ServerKey;
  private stores = 0;
  private isStarting = false;
  private isStopping = false;
  /** To be started as soon as it has stopped. */
  private startsAgain = false;

  constructor(name: string, all: readonly string[], world: ServerWorld, chance: Chance) {
    this.name = name;
    this.url = `http://${name}:7300`;
    this.peers = all.filter((other) => other !== name).map((other) => `${other}:7300`);
    this.world = world;
    this.chance = chance;
    const seed = Buffer.concat([ED25519_PKCS8, chance.bytes(32)]);
    this.key = new ServerKey(createPrivateKey({ key: seed, format: "der", type: "pkcs8" }));
    this.disk = this.newDisk();
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
    const process = { host: this.name, clock };
    const log = new DiskLog(this.disk, clock, this.chance.fork());
    const view = SqliteView.open({ path: ":memory:", hash: sha256, log }).view;
    while (view.catchUp());
    const random = this.chance.fork();
    const { name, url, key } = this;
    const parts = { name, key: key.publicText, url, hash: sha256, clock, random, log, view };
    const replica = new Replica(parts);
    const cluster = new Cluster(this.clusterParts(process, replica, random));
    const lines = new ClientLines(network, process, this.world.watch(this));
    const gateway = this.openGateway(clock, replica, cluster, lines, random);
    replica.listen({
      folded: () => {},
      alarm: (what, message, clear) => {
        trace.note(`${name}: alarm ${what}${clear ? " over" : ""}: ${message}`);
      },
      peer: (other, change) => {
        const reason = change.what === "out_of_sync" ? ` (${change.reason})` : "";
        trace.note(`${name}: ${other} ${change.what}${reason}`);
        if (change.what !== "joined" && change.what !== "in_sync") this.world.suspected(this);
      },
    });
    this.running = { process, log, view, replica, gateway, cluster, lines };
    lines.serve(gateway);
    servePeers(network, process, cluster.mesh);
    cluster.start(gateway);
    trace.note(`${name} serves, ${this.disk.ops.length} ops`);
  }

  private clusterParts(process: Process, replica: Replica, random: Chance): ClusterParts {
    const { trace, network } = this.world;
    const quiet = () => {};
    const note = (_fields: object, message: string) => trace.note(`${this.name}: ${message}`);
    return {
      config: { process: { name: this.name, peers: this.peers } } as unknown as Config,
      log: { info: quiet, warn: note, error: note } as unknown as ServerLog,
      replica,
      storeId: this.disk.storeId,
      key: this.key,
      keyring: new ServerKeyring("nowhere", SECRETS),
      url: this.url,
      release: RELEASE,
      ca: null,
      clock: process.clock,
      random: random.fork(),
      connect: wireDialler(network, process),
    };
  }

  private openGateway(
    clock: ProcessClock,
    replica: Replica,
    cluster: Cluster,
    lines: ClientLines,
    random: Chance,
  ): Gateway {
    return new Gateway({
      replica,
      clock,
      random: random.fork(),
      hash: sha256,
      passwords: passwordsOf(clock),
      derive: (label) => deriveKey(SECRET, label),
      cluster: clusterIdOf(SECRET),
      version: RELEASE,
      servers: () => cluster.servers(),
      links: () => cluster.links(),
      signUp: "open",
      writesPerSecond: 0,
      broadcast: lines,
      log: {
        info: () => {},
        warn: () => {},
        error: (fields, message) => {
          if (!("what" in fields)) this.world.defect(this, `${message}\n${fields.stack ?? ""}`);
        },
      },
      observe: () => {},
      observeClose: () => {},
    });
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
