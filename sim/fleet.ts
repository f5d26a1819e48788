/**
 * The servers of a world: those that are members, those that were removed, and those that joined later.
 *
 * Who is a member is what the views of the servers that run say, whatever became of the request that changed it: an
 * answer may be lost, and a change come to the others only when the one that took it is mended.
 */
import { Refusal } from "../src/core/errors.ts";
import { operatorId, requestIdFrom } from "../src/core/ids.ts";
import { nextServerVersion, serverRemove } from "../src/ops/server.ts";
import type { Proposal } from "../src/replica/minter.ts";
import type { Left } from "../src/server/leaving.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import type { Chance } from "./chance.ts";
import { type ServerWorld, SimServer } from "./server.ts";

/** More cost time, and show nothing else. */
const FLEET_MAX = 5;

export type FleetWorld = ServerWorld & { fail(rule: string, what: string): void };

export class Fleet {
  readonly members: SimServer[];
  /** All that ever were, members or not. */
  readonly everybody: SimServer[];
  /** Copies that run, and what they are copies of. */
  private readonly copies = new Map<SimServer, SimServer>();
  /** Those that left, and did not come back. */
  private readonly gone = new Set<SimServer>();
  private readonly world: FleetWorld;
  private readonly chance: Chance;

  constructor(first: readonly SimServer[], world: FleetWorld, chance: Chance) {
    this.members = [...first];
    this.everybody = [...first];
    this.world = world;
    this.chance = chance;
  }

  /** A new server is let in by one that runs, as by a join token, and starts. */
  join(by: SimServer): void {
    const replica = by.running?.replica;
    if (replica === undefined || this.members.length >= FLEET_MAX) return;
    const name = String.fromCharCode(97 + this.everybody.length);
    const names = [...this.members.map((server) => server.name), name];
    const server = new SimServer(name, names, this.world, this.chance.fork());
    this.everybody.push(server);
    this.admit(by, server);
  }

  /** One that was removed is let in again, with its old disk. */
  letBack(by: SimServer): void {
    const server = this.everybody.find((one) => !this.members.includes(one));
    if (server === undefined) this.join(by);
    else this.admit(by, server);
  }

  private admit(by: SimServer, { name, publicKey: key, url }: SimServer): void {
    const replica = by.running?.replica;
    const proposal = replica?.members.toAdmit({ name, key, url }) ?? null;
    if (replica === undefined || proposal === null) return;
    const { author, id, kind, content } = proposal;
    this.ask(() => replica.earlier(author, id, kind, content) ?? replica.mint(proposal));
    this.world.trace.note(`${by.name} lets ${name} in`);
  }

  /** An operator removes a server, at another one. */
  remove(server: SimServer, by: SimServer): void {
    const running = by.running;
    if (running === null || by === server || this.members.length < 2) return;
    const { replica, view } = running;
    const version = nextServerVersion(view.get("server", server.name));
    if (view.get("server", server.name)?.standing === undefined) return;
    const proposal = {
      author: operatorId(sha256),
      id: requestIdFrom(1_700_000_000_000, this.chance.bytes(10)),
      kind: serverRemove as unknown as Proposal["kind"],
      content: { scope: null, data: { name: server.name, version }, body: null },
      changes: [],
    };
    this.ask(() => replica.mint(proposal));
    this.world.trace.note(`${by.name} removes ${server.name}`);
  }

  /** A copy of its data directory is started on another machine, beside it. */
  copy(server: SimServer): SimServer {
    const names = this.members.map(({ name }) => name);
    const copy = new SimServer(server.name, names, this.world, this.chance.fork(), server);
    this.copies.set(copy, server);
    copy.start();
    return copy;
  }

  /** One of the two that have one name is stopped for good, and its disk thrown away. */
  settle(copy: SimServer, isKept: boolean): void {
    const server = this.copies.get(copy);
    if (server === undefined) return;
    this.copies.delete(copy);
    copy.kill();
    copy.isDead = true;
    if (!isKept) {
      server.lost.push({ disk: copy.disk, atMs: this.world.time.nowMs });
      return;
    }
    server.takeOver(copy);
    server.start();
  }

  settleAll(): void {
    for (const copy of [...this.copies.keys()]) this.settle(copy, false);
  }

  /** Processes under one name, its own and that of a copy. */
  under(name: string): SimServer[] {
    return [...this.everybody, ...this.copies.keys()].filter((server) => server.name === name);
  }

  /** What comes of it is seen in the views. */
  private ask(act: () => unknown): void {
    const asked = async () => await act();
    asked().catch((error) => {
      if (!(error instanceof Refusal)) throw error;
    });
  }

  /** Takes over what the views say: the last word on each, as far as somebody who runs knows it. */
  follow(): void {
    for (const server of this.everybody) {
      const [last] = this.members
        .flatMap(({ running }) => running?.view.get("server", server.name)?.standing ?? [])
        .sort((a, b) => b.version - a.version || (a.at < b.at ? 1 : -1));
      if (last === undefined) continue;
      const isIn = this.members.includes(server);
      if (last.value === "removed" && isIn) this.out(server);
      else if (last.value === "member" && !isIn) this.in(server);
    }
  }

  private in(server: SimServer): void {
    this.members.push(server);
    this.gone.delete(server);
    this.world.suspected(server);
    server.isDead = false;
    server.start();
    this.world.sometimes.happened(
      server.starts === 0 ? "a new server was let in" : "a removed server was let in again",
    );
  }

  private out(server: SimServer): void {
    this.members.splice(this.members.indexOf(server), 1);
    this.world.suspected(server);
    this.world.sometimes.happened("a server was removed");
  }

  /** R97: a removed server says that all it had is with the others. */
  left(server: SimServer, { isHandedOver, words }: Left): void {
    const { time, trace, sometimes } = this.world;
    trace.note(`${server.name} leaves: ${words}`);
    sometimes.happened(
      `a removed server left, ${isHandedOver ? "having" : "not having"} handed over`,
    );
    if (isHandedOver) {
      // Also with one that was removed, too, and hands over what it has in its turn; or with a copy of one.
      const others = this.everybody.filter((other) => other !== server && !this.gone.has(other));
      const holders = [...others, ...this.copies.keys()];
      const lost = server.disk.ops.find((op) => !holders.some(({ disk }) => disk.has(op)));
      if (lost !== undefined) {
        this.world.fail(
          "R97",
          `${server.name} has ${lost.origin} ${lost.seq} alone, and left: ${words}`,
        );
      }
    }
    this.gone.add(server);
    time.at(0, () => {
      server.kill();
      server.isDead = !this.members.includes(server);
    });
  }
}
