/**
 * A world: servers, people, a network between them, a plan of what befalls them, and how it ends.
 *
 * It begins in peace, so that what only holds in peace is seen to hold; then comes the storm; then some servers
 * are mended, alone, and must come to work and to agree; then all. Last, everything is looked at.
 */
import {
  LINK_BACKLOG_BYTES_MAX,
  PENDING_BYTES_MAX,
  PENDING_OPS_MAX,
  QUIET_MS_MIN,
} from "../src/core/limits.ts";
import { memberSet } from "../src/ops/member.ts";
import type { Left } from "../src/server/leaving.ts";
import { Chance } from "./chance.ts";
import { Time } from "./clock.ts";
import { Devices } from "./devices.ts";
import type { Disk } from "./disk.ts";
import { calm, strike } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { LaterRelease } from "./later-release.ts";
import { Moments } from "./moments.ts";
import { Network } from "./network.ts";
import { Newcomers } from "./newcomers.ts";
import { steady } from "./pace.ts";
import { Person, type Write } from "./person.ts";
import type { Plan } from "./plan.ts";
import { Probe } from "./probe.ts";
import { Rude } from "./rude.ts";
import { SimServer } from "./server.ts";
import { Sometimes } from "./sometimes.ts";
import { Steward } from "./steward.ts";
import { Trace } from "./trace.ts";
import { judge } from "./verdict.ts";
import { type Copy, isKept, Witness } from "./witness.ts";
import { type Stranger, Workload } from "./workload.ts";

const LOOK_MS = 50;
const STEP_MS = 10_000;
/** Who removed a server knows of it at once, and everybody when all have met. */
const REMOVED_LATELY_MS = 20_000;
/** A clock that is wrong by a twentieth would be off by a quarter of an hour in the end. */
const LONG_DRIFT_SHARE = 100;
const PEACE_MS = 1_500;
/** Within so much simulated time after the last fault: */
const MEET_MS = 30_000;
const MENDED_MS = 120_000;
const WRITES_MS = 30_000;
const SETTLED_MS = 90_000;

/** A promise of the product that did not hold. */
export class Violation extends Error {
  override name = "Violation";
}

export class World {
  readonly plan: Plan;
  readonly time = new Time();
  readonly chance: Chance;
  readonly trace: Trace;
  readonly network: Network;
  readonly sometimes = new Sometimes();
  readonly fleet: Fleet;
  /** Those that are members. */
  readonly servers: readonly SimServer[];
  readonly people: readonly Person[];
  readonly strangers: readonly Stranger[];
  readonly urls: readonly string[];
  readonly writes: Write[] = [];
  readonly witness: Witness;
  readonly work: Workload;
  isStormy = false;
  troubledUntilMs = 0;
  readonly moments: Moments;
  private failure: Violation | null = null;
  private wholeMs: number | null = null;

  constructor(plan: Plan, isRead: boolean) {
    this.plan = plan;
    this.chance = new Chance(plan.seed);
    this.trace = new Trace(this.time, isRead);
    this.network = new Network(this.time, this.chance.fork(), this.trace);
    this.moments = new Moments(this.time, this.sometimes);
    this.fleet = this.makeFleet();
    this.servers = this.fleet.members;
    this.witness = new Witness({
      servers: this.servers,
      everybody: this.fleet.everybody,
      under: (name) => this.fleet.under(name),
      sometimes: this.sometimes,
      nowMs: () => this.time.nowMs,
      minted: (server, op) => this.moments.minted(server, op),
      mix: (content) => this.trace.mix(content),
      wholeSinceMs: () => this.wholeMs,
      fail: (rule, what) => this.fail(rule, what),
    });
    this.urls = this.servers.map(({ url }) => url);
    this.people = Array.from(
      { length: plan.people },
      (_, i) => new Person(`p${i}`, this, this.chance.fork()),
    );
    this.strangers = [
      new Rude("of-rude", this, this.chance.fork()),
      ...(plan.hasDevices ? [new Devices("of-devices", this, this.chance.fork())] : []),
      ...(plan.hasSteward ? [new Steward(this, new Chance(2 * plan.seed + 5))] : []),
      ...(plan.hasUpgrades ? [new LaterRelease(this, new Chance(2 * plan.seed + 3))] : []),
      ...(plan.hasNewcomers ? [new Newcomers(this, this.chance.fork())] : []),
    ];
    this.work = new Workload(this);
  }

  private makeFleet(): Fleet {
    const { time, network, trace, sometimes, chance, plan } = this;
    const world = {
      time,
      network,
      trace,
      sometimes,
      watch: (server: SimServer) => this.witness.watch(server),
      watchDisk: (server: SimServer) => this.witness.watchDisk(server),
      suspected: () => {
        this.wholeMs = null;
        sometimes.happened("a server was suspected");
      },
      left: (server: SimServer, left: Left) => this.fleet.left(server, left),
      defect: (server: SimServer, what: string) => this.fail("DEFECT", `${server.name}: ${what}`),
      fail: (rule: string, what: string) => this.fail(rule, what),
    };
    const servers = plan.servers.map((name) => {
      const server = new SimServer(name, plan.servers, world, chance.fork());
      server.wallAheadMs = chance.between(-1_000, 1_000);
      const drift = chance.happens(0.2) ? chance.between(-0.05, 0.05) : 0;
      server.drift = 1 + (plan.isLong ? drift / LONG_DRIFT_SHARE : drift);
      return server;
    });
    return new Fleet(servers, world, new Chance(2 * plan.seed + 1));
  }

  note(text: string): void {
    this.trace.note(text);
  }

  /** Noted, and thrown when this event is over: whoever found it may be deep in a server. */
  fail(rule: string, what: string): void {
    this.failure ??= new Violation(`[${rule}] ${what}`);
  }

  /** R6: what only a server has that was removed is not waited for, also where it was let in again since. */
  isKept(write: Write): boolean {
    const inUse = this.disksInUse;
    const isMember = ({ holder }: Copy) => !this.wasRemovedLately(holder);
    return this.witness.acknowledged.some(
      ({ id, copies, atMs }) =>
        id === write.id && copies.some((copy) => isMember(copy) && isKept(copy, atMs, inUse)),
    );
  }

  private wasRemovedLately(server: string): boolean {
    const atMs = this.moments.removedMs.get(server);
    return atMs !== undefined && atMs > this.time.nowMs - REMOVED_LATELY_MS;
  }

  isDeletedSomewhere(message: string): boolean {
    return this.servers.some(
      ({ name, disk }) =>
        !this.wasRemovedLately(name) && this.witness.index(disk).deletion(message) !== undefined,
    );
  }

  wasBanned(channel: string, account: string | null): boolean {
    return this.servers.some(({ disk }) =>
      disk.ops.some(
        ({ kind, scope, data }) =>
          kind === memberSet.number &&
          scope === channel &&
          data.includes('"banned"') &&
          account !== null &&
          data.includes(account),
      ),
    );
  }

  get disksInUse(): ReadonlySet<Disk> {
    return new Set(this.servers.map(({ disk }) => disk));
  }

  // Time.

  pass(ms: number): void {
    this.time.pass(ms);
    if (this.failure !== null) throw this.failure;
  }

  /** Throws if it does not come true within this simulated time. */
  until(what: string, withinMs: number, holds: () => boolean): void {
    const endMs = this.time.nowMs + withinMs;
    while (!holds()) {
      if (this.time.nowMs >= endMs) {
        throw new Violation(
          `[LIVENESS] not within ${withinMs / 1_000} s: ${what}\n${this.restless()}\n${this.picture()}`,
        );
      }
      this.pass(LOOK_MS);
      this.fleet.follow();
      this.bounds();
    }
  }

  /** What comes of a promise, as time goes on. */
  wait<T>(what: string, withinMs: number, promise: Promise<T>): T {
    let result: { value: T } | { error: unknown } | null = null;
    promise.then(
      (value) => {
        result = { value };
      },
      (error) => {
        result = { error };
      },
    );
    this.until(what, withinMs, () => result !== null);
    const came = result as unknown as { value: T } | { error: unknown };
    if ("error" in came) throw came.error;
    return came.value;
  }

  private picture(): string {
    return this.servers
      .map(({ name, running, disk }) =>
        running === null
          ? `${name} down`
          : `${name} ${disk.ops.length} ops ${JSON.stringify(running.replica.status())}`,
      )
      .join("\n");
  }

  private bounds(): void {
    for (const { name, running } of this.servers) {
      if (running === null) continue;
      const { pendingOps, pendingBytes } = running.replica.figures();
      if (pendingOps > PENDING_OPS_MAX || pendingBytes > 2 * PENDING_BYTES_MAX) {
        this.fail("R10", `${name}: ${pendingOps} ops, ${pendingBytes} bytes wait for the disk`);
      }
    }
    if (this.network.longestBacklog > 2 * LINK_BACKLOG_BYTES_MAX) {
      this.fail("R10", `a connection has a backlog of ${this.network.longestBacklog} bytes`);
    }
  }

  // The course of things.

  run(): void {
    const { plan } = this;
    for (const server of this.servers) server.start();
    this.until("all servers meet", MEET_MS, () => this.isWhole(this.servers));
    this.wholeMs = this.time.nowMs;
    for (const person of this.people) person.start();
    const often = steady(plan.everyMs);
    this.work.begin(often);
    this.pass(PEACE_MS);
    if (plan.isLong) this.work.begin(plan.pace);
    this.storm();
    if (plan.isLong) this.work.begin(often);
    this.mend();
    this.restore();
    judge(this);
  }

  private storm(): void {
    this.isStormy = this.plan.faults.length > 0;
    const begunMs = this.time.nowMs;
    for (const fault of this.plan.faults) {
      this.passTo(begunMs + fault.atMs);
      this.wholeMs = null;
      strike(fault, this);
    }
    this.passTo(begunMs + this.plan.stormMs);
    this.isStormy = false;
  }

  /** In hours there are times without trouble: then all come to be whole again. */
  private passTo(endMs: number): void {
    const calmMs = this.troubledUntilMs + MENDED_MS;
    if (this.plan.isLong && calmMs < endMs) {
      this.pass(Math.max(0, calmMs - this.time.nowMs));
      const areRight = this.servers.every(({ wallAheadMs }) => Math.abs(wallAheadMs) < 60_000);
      if (areRight) {
        this.until("all are whole, without trouble for a while", LOOK_MS, () =>
          this.isWhole(this.servers),
        );
        this.wholeMs = this.time.nowMs;
        this.sometimes.happened("whole again between two faults");
      }
    }
    while (this.time.nowMs < endMs) {
      this.pass(Math.min(STEP_MS, endMs - this.time.nowMs));
      this.fleet.follow();
      this.bounds();
      this.seeQuiet();
    }
  }

  private seeQuiet(): void {
    for (const { running } of this.servers) {
      const all = running?.replica.status().servers ?? [];
      const isLong = all.some(({ quietMs }) => quietMs > QUIET_MS_MIN);
      if (isLong) this.sometimes.happened("a quiet period had doubled");
    }
  }

  /** Some servers are mended and the others are gone: writes complete and lag ends. */
  private mend(): void {
    const { survivors } = this.plan;
    this.note(`-- mended: ${survivors.join()}`);
    this.fleet.follow();
    const chosen = this.servers.filter(({ name }) => survivors.includes(name));
    const alive = chosen.length > 0 ? chosen : this.servers.slice(0, 1);
    for (const server of this.fleet.everybody) {
      if (alive.includes(server)) continue;
      this.wholeMs = null;
      server.isDead = true;
      if (!this.plan.goneAreSilent) server.kill();
    }
    calm(this);
    for (const server of this.fleet.everybody) if (server.isDead) server.freeze();
    for (const server of alive) server.start();
    // What was asked in the storm may be done only now: one of them may be removed, and leave.
    const left = () => {
      this.fleet.follow();
      return alive.filter((server) => this.servers.includes(server));
    };
    this.until("the servers that are left are of one mind", MENDED_MS, () => this.isEven(left()));
    for (const server of left()) {
      const probe = new Probe(this, server);
      this.wait(`a write through ${server.name}`, WRITES_MS, probe.write());
      probe.end();
    }
    this.sometimes.happened(`mended ${alive.length} of ${this.servers.length}`);
  }

  /** All servers are there again, and everybody comes to rest. */
  private restore(): void {
    this.note("-- restored");
    for (const server of this.fleet.everybody) {
      if (server.isDead) server.kill();
      server.isDead = !this.servers.includes(server);
      server.start();
    }
    for (const person of this.people) person.start();
    this.until("all servers are whole", MENDED_MS, () => this.isWhole(this.servers));
    this.wholeMs = this.time.nowMs;
    this.pass(PEACE_MS);
    this.work.isOver = true;
    this.until("everybody is told what became of it", SETTLED_MS, () => this.isAtRest());
    this.pass(PEACE_MS);
    this.until("all servers hold the same", MENDED_MS, () => this.isEven(this.servers));
  }

  /** Who waits for what. */
  private restless(): string {
    return this.people
      .map(({ host, client, isSettled, hasOpenCalls }) => {
        const outbox = client?.outbox.entries.filter(({ state }) => state !== "failed") ?? [];
        const account = client?.account?.id ?? "nobody";
        return `${host} as ${account}: settled ${isSettled}, calls ${hasOpenCalls}, outbox ${outbox.length}`;
      })
      .join("\n");
  }

  private isAtRest(): boolean {
    return (
      this.writes.every(({ told, person }) => told.is !== "open" || !this.awaits(person)) &&
      this.people.every(
        ({ client, isSettled }) =>
          client !== null &&
          isSettled &&
          client.account !== undefined &&
          client.outbox.entries.every(({ state }) => state === "failed"),
      )
    );
  }

  /** A write whose process died is never told of; those of a living one are. */
  private awaits(host: string): boolean {
    const person = this.people.find((one) => one.host === host);
    return person?.hasOpenCalls ?? false;
  }

  /** Every one of them takes every other for in sync. */
  isWhole(servers: readonly SimServer[]): boolean {
    return servers.every(({ running }) => {
      if (running === null) return false;
      const { faultBudget } = running.replica.status();
      return faultBudget === servers.length - 1;
    });
  }

  /** They hold the same ops, and know it. */
  isEven(servers: readonly SimServer[]): boolean {
    const [first] = servers;
    return servers.every(({ running, disk }) => {
      if (running === null || first === undefined) return false;
      if (running.replica.isBehind || running.view.foldedN !== disk.ops.length) return false;
      return sameHeads(disk, first.disk);
    });
  }

  /** Lets go of what the runtime keeps. */
  end(): void {
    for (const person of this.people) person.vanish();
    for (const server of this.fleet.everybody) server.kill();
    this.time.pass(1);
  }
}

function sameHeads(a: Disk, b: Disk): boolean {
  if (a.heads.size !== b.heads.size) return false;
  for (const [origin, { seq, chain }] of a.heads) {
    const other = b.heads.get(origin);
    if (other?.seq !== seq || Buffer.compare(other.chain, chain) !== 0) return false;
  }
  return true;
}
