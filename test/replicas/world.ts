/** A few servers, what is between them, and what befalls them: all from one seed. */

import { Chance } from "../../sim/chance.ts";
import { Time } from "../../sim/clock.ts";
import type { PeerChange } from "../../src/replica/detector.ts";
import type { Receipt } from "../../src/replica/receipts.ts";
import {
  acknowledgedSurvives,
  answerIsAbout,
  converged,
  cursorIsTrue,
  goneIsGone,
  namesAreApart,
  oneEffect,
  receiptIsTrue,
  takenIsTrue,
} from "./checks.ts";
import { Network } from "./network.ts";
import { type WorldParts, WorldServer } from "./server.ts";
import { type TakenCursor, Workload } from "./workload.ts";

export type WorldOptions = {
  readonly seed: number;
  readonly servers?: number;
  readonly minCopies?: number;
  /** What stands over the replicas, for tests of more than them. */
  readonly started?: (server: WorldServer) => void;
};

export class World {
  readonly time = new Time();
  readonly chance: Chance;
  readonly network: Network;
  readonly servers: readonly WorldServer[];
  /** Processes that were resumed from the memory of one of the servers, on other hosts. */
  readonly twins: WorldServer[] = [];
  readonly work: Workload;
  private readonly everybody: WorldServer[];
  private readonly parts: WorldParts;
  readonly alarms = new Set<string>();
  readonly changes: string[] = [];
  /** Nobody suspected or lost anybody since the servers met, and nobody acted before. */
  isCalm = false;
  grown = 0;
  private readonly copies = new Map<string, number>();
  /** The first check that failed while the world went on. */
  failure: Error | null = null;

  constructor({ seed, servers = 3, minCopies = 1, started = () => {} }: WorldOptions) {
    this.chance = new Chance(seed);
    this.network = new Network(this.time, this.chance.fork());
    const { time, network, chance } = this;
    const heard = {
      folded: () => {},
      grown: (server: WorldServer, grown: readonly { n: number; receipt: never }[]) => {
        this.grown += grown.length;
        for (const { n, receipt } of grown) {
          this.copies.set(`${server.host} ${n}`, (receipt as Receipt).held.length);
          this.check(() => receiptIsTrue(this.everybody, server, n, receipt));
        }
      },
      peer: (server: WorldServer, other: string, change: PeerChange) => {
        const reason = change.what === "out_of_sync" ? ` ${change.reason}` : "";
        this.changes.push(
          `${Math.round(this.time.nowMs)} ${server.name}: ${other} ${change.what}${reason}`,
        );
        if (change.what === "lost" || change.what === "suspect") this.isCalm = false;
      },
      alarm: (_server: WorldServer, what: string) => this.alarms.add(what),
      started,
    };
    this.parts = { time, network, chance, heard: heard as never, minCopies };
    this.servers = Array.from({ length: servers }, (_, i) => {
      return new WorldServer(String.fromCharCode(97 + i), this.parts);
    });
    this.everybody = [...this.servers];
    this.work = new Workload(time, this.chance.fork(), this.everybody);
    this.work.onDone = (server, request, outcome) =>
      this.check(() => {
        receiptIsTrue(this.everybody, server, outcome.n, outcome.receipt);
        answerIsAbout(server, request, outcome);
      });
  }

  private check(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.failure ??= error as Error;
    }
  }

  server(name: string): WorldServer {
    return this.servers.find((server) => server.name === name) as WorldServer;
  }

  /** The server, or twin of one, on a host. */
  at(host: string): WorldServer {
    return this.everybody.find((server) => server.host === host) as WorldServer;
  }

  /**
   * A second process goes on from the memory of a server. Each of the others sees one of the two, until the
   * network heals. Null if there was no moment to do it.
   */
  twin(name: string, sees: (other: string) => boolean = () => this.chance.happens(0.5)) {
    const original = this.server(name);
    const twin = new WorldServer(name, this.parts, `${name}${"'".repeat(this.twins.length + 1)}`);
    if (!original.isUp || !original.resumeIn(twin)) return null;
    for (const other of this.servers) {
      if (other === original) continue;
      const hidden = sees(other.name) ? original : twin;
      this.network.cut(hidden.host, other.host);
      this.network.cut(other.host, hidden.host);
      this.network.break(hidden.host, other.host);
    }
    this.twins.push(twin);
    this.everybody.push(twin);
    return twin;
  }

  /** Each twin has its time in place of the original, until all others have what it has. */
  private async endTwins(withinMs: number): Promise<void> {
    for (const twin of this.twins) twin.kill();
    for (const twin of this.twins) {
      const original = this.server(twin.name);
      original.kill();
      twin.start();
      const rest = this.servers.map((server) => (server === original ? twin : server));
      for (const server of rest) server.start();
      await this.until(() => isWhole(rest) && isEven(rest), withinMs);
      await this.pass(1_000);
      for (const server of rest) {
        const lost = twin.disk.ops.find((op) => !server.disk.has(op));
        if (lost !== undefined) throw new Error(`[R2] ${server.name} lacks an op of ${twin.host}`);
      }
      twin.kill();
      original.start();
    }
  }

  startAll(): void {
    for (const server of this.servers) server.start();
  }

  /** All meet, and each takes every other for in sync. */
  async meet(): Promise<void> {
    this.startAll();
    await this.until(() => this.isWhole, 30_000);
    this.isCalm = true;
  }

  get isWhole(): boolean {
    return isWhole(this.servers);
  }

  /** Who has no link to another counts it all the same. */
  isReachedAround(): boolean {
    const links = this.servers.map((server) => server.replica.status().servers);
    return this.isWhole && links.some((all) => all.some(({ link }) => link === "through"));
  }

  get isEven(): boolean {
    return isEven(this.servers);
  }

  /** Of every op without body all know what erased it. */
  get isProven(): boolean {
    return this.servers.every(({ disk }) => disk.unproven(1).length === 0);
  }

  async pass(ms: number): Promise<void> {
    this.time.pass(ms);
    if (this.failure !== null) throw this.failure;
  }

  /** Fails if it does not come true within this simulated time. */
  async until(holds: () => boolean, withinMs: number): Promise<void> {
    const endMs = this.time.nowMs + withinMs;
    while (!holds()) {
      if (this.time.nowMs >= endMs) {
        const states = this.servers.map((server) =>
          server.isUp ? JSON.stringify(server.replica.status()) : `${server.name} down`,
        );
        throw new Error(
          `[liveness] not within ${withinMs} ms: ${holds}\n${states.join("\n")}\n${this.changes.slice(-30).join("\n")}`,
        );
      }
      await this.pass(20);
    }
  }

  /** One of the things that may happen to servers. */
  trouble(): void {
    const server = this.chance.pick(this.servers);
    const other = this.chance.pick(this.servers);
    const doing = this.chance.next();
    if (doing < 0.03) {
      server.wipe();
      server.start();
    } else if (doing < 0.25) {
      server.kill();
    } else if (doing < 0.5) {
      this.chance.pick([...this.servers]).start();
    } else if (doing < 0.6) {
      server.freeze();
      this.time.at(this.chance.between(50, 4_000), () => server.thaw());
    } else if (doing < 0.75) {
      if (server === other) return;
      this.network.cut(server.name, other.name);
      if (this.chance.happens(0.7)) this.network.cut(other.name, server.name);
    } else if (doing < 0.85) {
      this.network.heal();
    } else if (doing < 0.95) {
      this.network.break(server.name, other.name);
    } else {
      server.disk.commitMs = this.chance.happens(0.5) ? [50, 400] : [0.2, 3];
    }
  }

  /** Everything is repaired; then all must come together, and every check must hold. */
  async heal(withinMs = 90_000): Promise<void> {
    this.work.isOver = true;
    this.network.heal();
    this.network.delayMs = [0.1, 3];
    for (const server of this.servers) {
      server.thaw();
      server.disk.commitMs = [0.2, 3];
    }
    await this.endTwins(withinMs);
    this.startAll();
    await this.pass(20); // a link that broke last is seen as broken
    await this.until(() => this.isWhole && this.isEven && this.isProven, withinMs);
    const last = this.servers.map((server) => {
      const request = this.work.post();
      this.work.ask(request, server);
      return request;
    });
    const isFull = () =>
      last.every(({ answers: [answer] }) => {
        if (answer?.what !== "done") return false;
        return answer.outcome.receipt.held.length === this.servers.length;
      });
    await this.until(isFull, 5_000);
    await this.pass(3_000);
    this.checkAll();
  }

  checkAll(): void {
    const { servers } = this;
    const { requests, cursors } = this.work;
    if (this.failure !== null) throw this.failure;
    acknowledgedSurvives(servers, requests);
    converged(servers);
    oneEffect(servers, requests);
    const stores = new Set(servers.map(({ disk }) => disk.life));
    goneIsGone(servers, requests);
    for (const server of servers) {
      namesAreApart(server, requests, this.isCalm);
      takenIsTrue(server, requests);
      if (this.twins.length > 0) continue; // what was seen is noted under names that may have changed
      for (const cursor of cursors) {
        if (!this.isPutBack(cursor)) cursorIsTrue(server, cursor, stores);
      }
    }
  }

  /** How many copies a server last said that an op has come to; undefined if it said nothing. */
  grownOf(host: string, n: number): number | undefined {
    return this.copies.get(`${host} ${n}`);
  }

  /** What a server says now of who holds an op. */
  checkReceipt(host: string, n: number, receipt: Receipt): void {
    receiptIsTrue(this.everybody, this.at(host), n, receipt);
  }

  /** Its store was put back to an older copy since: its arrival numbers mean two things (docs/VERIFICATION.md). */
  private isPutBack({ storeId }: TakenCursor): boolean {
    return this.servers.some(({ disk }) => disk.life.startsWith(`${storeId}+`));
  }

  /** Cursors taken anywhere, looked at wherever they can be. */
  checkCursors(): void {
    const stores = new Set(this.servers.map(({ disk }) => disk.life));
    for (const server of this.servers) {
      if (!server.isUp) continue;
      for (const cursor of this.work.cursors) {
        if (!this.isPutBack(cursor)) this.check(() => cursorIsTrue(server, cursor, stores));
      }
    }
  }

  end(): void {
    for (const server of this.everybody) server.kill();
  }
}

/** All are up, and each has every other in sync. */
function isWhole(servers: readonly WorldServer[]): boolean {
  return servers.every(
    (server) => server.isUp && server.replica.status().faultBudget === servers.length - 1,
  );
}

function isEven(servers: readonly WorldServer[]): boolean {
  return servers.every((server) => server.isUp && server.replica.status().lagOps === 0);
}
