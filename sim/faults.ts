/** What each kind of fault does to a world; everything that lasts ends by itself. */
import { accountCreate } from "../src/ops/account.ts";
import { Chance } from "./chance.ts";
import type { Time } from "./clock.ts";
import type { Fleet } from "./fleet.ts";
import type { Moments } from "./moments.ts";
import type { Network } from "./network.ts";
import { Person, type PersonWorld } from "./person.ts";
import type { Fault, FaultKind, Plan } from "./plan.ts";
import type { SimServer } from "./server.ts";
import type { Sometimes } from "./sometimes.ts";
import { FREEZE_MS_MAX } from "./witness.ts";

const QUICK_DISK_MS: readonly [number, number] = [0.2, 3];
const QUICK_NETWORK_MS: readonly [number, number] = [0.1, 2];
/** Wrong by more than any server takes for right. */
const CLOCK_OFF_MS = 300_000;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

export type FaultWorld = PersonWorld & {
  readonly time: Time;
  readonly network: Network;
  readonly servers: readonly SimServer[];
  readonly fleet: Fleet;
  readonly moments: Moments;
  readonly people: readonly Person[];
  readonly sometimes: Sometimes;
  readonly plan: Plan;
  /** When the last of what lasts is over. */
  troubledUntilMs: number;
  /** Until everything is to be mended. */
  readonly isStormy: boolean;
  note(text: string): void;
};

/** The servers of a fault, in its order, and what it needs of them. */
class Deed {
  readonly fault: Fault;
  readonly world: FaultWorld;
  readonly all: readonly SimServer[];
  readonly first: SimServer;
  readonly second: SimServer;
  readonly person: Person;

  constructor(fault: Fault, world: FaultWorld) {
    this.fault = fault;
    this.world = world;
    const named = world.servers.filter(({ name }) => fault.servers.includes(name));
    named.sort((a, b) => fault.servers.indexOf(a.name) - fault.servers.indexOf(b.name));
    const joined = world.servers.filter((server) => !named.includes(server));
    this.all = fault.coin ? [...joined, ...named] : [...named, ...joined];
    this.first = this.all[0] as SimServer;
    this.second = this.all[1] ?? this.first;
    this.person = world.people[fault.person % world.people.length] as Person;
  }

  /** Between two bounds, the same for the same fault. */
  share(least: number, most: number): number {
    return least + this.fault.share * (most - least);
  }

  /** ms between two bounds that hold for a short world. */
  ms(least: number, most: number): number {
    return this.share(least, most) * this.fault.stretch;
  }

  later(ms: number, act: () => void): void {
    this.lasts(ms);
    this.world.time.at(ms, act);
  }

  lasts(ms: number): void {
    const { world } = this;
    world.troubledUntilMs = Math.max(world.troubledUntilMs, world.time.nowMs + ms);
  }

  clog(from: string, to: string): void {
    const ms = this.ms(50, 5_000);
    this.lasts(ms);
    this.world.network.clog(from, to, ms);
  }

  startLater(server: SimServer, ms: number): void {
    this.later(ms, () => server.start());
  }

  /** Two hosts, in one direction or both, for a while. */
  cut(from: string, to: string, bothWays: boolean, ms: number): void {
    const { network } = this.world;
    network.cut(from, to);
    if (bothWays) network.cut(to, from);
    this.later(ms, () => {
      network.heal(from, to);
      if (bothWays) network.heal(to, from);
    });
  }
}

const DEEDS: Readonly<Record<FaultKind, (deed: Deed) => void>> = {
  crash: (deed) => {
    deed.first.kill();
    deed.startLater(deed.first, deed.ms(0, 4_000));
  },
  "crash-all": (deed) => {
    for (const server of deed.all) server.kill();
    for (const [i, server] of deed.all.entries()) deed.startLater(server, i * deed.ms(0, 1_500));
  },
  stop: (deed) => {
    deed.first.stop();
    deed.startLater(deed.first, deed.ms(300, 6_000));
  },
  freeze: (deed) => {
    deed.first.freeze();
    deed.later(deed.share(30, FREEZE_MS_MAX), () => deed.first.thaw());
  },
  "kill-the-acknowledger": (deed) => {
    const { first, all } = deed;
    for (const server of all.slice(1)) server.freeze();
    deed.later(deed.share(300, 3_000), () => {
      if (deed.world.isStormy) first.kill();
      for (const server of all.slice(1)) server.thaw();
    });
    deed.startLater(first, deed.ms(3_500, 6_000));
  },
  "cut-off": (deed) => {
    for (const other of deed.all.slice(1)) {
      deed.cut(deed.first.name, other.name, true, deed.ms(50, 7_000));
    }
  },
  "one-way": (deed) => deed.cut(deed.first.name, deed.second.name, false, deed.ms(50, 7_000)),
  bridge: (deed) => deed.cut(deed.first.name, deed.second.name, true, deed.ms(50, 7_000)),
  split: (deed) => {
    for (const [i, a] of deed.all.entries()) {
      for (const b of deed.all.slice(i + 1)) deed.cut(a.name, b.name, true, deed.ms(50, 7_000));
    }
  },
  "cut-client": (deed) => {
    const { first, person, fault } = deed;
    const [from, to] = fault.coin ? [first.name, person.host] : [person.host, first.name];
    deed.cut(from, to, fault.share > 0.3, deed.ms(50, 7_000));
  },
  "break-link": (deed) => {
    deed.world.network.break(deed.first.name, deed.second.name);
  },
  "break-clients": (deed) => {
    for (const { host } of deed.world.people) deed.world.network.break(deed.first.name, host);
  },
  clog: (deed) => deed.clog(deed.first.name, deed.second.name),
  "clog-client": (deed) => {
    const { first, person, fault } = deed;
    const [from, to] = fault.coin ? [first.name, person.host] : [person.host, first.name];
    deed.clog(from, to);
  },
  "slow-network": (deed) => {
    const { network } = deed.world;
    network.delayMs = [0.5, deed.share(10, 300)];
    deed.later(deed.ms(500, 5_000), () => {
      network.delayMs = QUICK_NETWORK_MS;
    });
  },
  "slow-disk": (deed) => slowDisk(deed, [20, deed.share(50, 500)], deed.ms(500, 6_000)),
  "stalled-disk": (deed) => slowDisk(deed, [2_000, 2_500], 100),
  "fsync-error": (deed) => {
    const { disk } = deed.first;
    disk.failsNext = true;
    const endMs = deed.ms(1_000, 5_000);
    if (deed.world.plan.isLong) deed.later(endMs, () => (disk.failsNext = false));
    deed.startLater(deed.first, endMs);
  },
  "disk-full": (deed) => {
    const { disk } = deed.first;
    disk.freeBytes = deed.fault.coin ? 0 : 500_000;
    deed.later(deed.ms(200, 5_000), () => {
      disk.freeBytes = 1e12;
    });
  },
  wipe: (deed) => {
    deed.first.wipe();
    deed.startLater(deed.first, deed.ms(0, 4_000));
  },
  "roll-back": (deed) => {
    deed.first.rollBack(Math.ceil(deed.share(1, 60)));
    deed.startLater(deed.first, deed.ms(0, 3_000));
  },
  damage: (deed) => {
    // Bits flip: an op here and there.
    const { length } = deed.first.disk.ops;
    const chance = new Chance(deed.fault.n * 2 ** 32 + length);
    const lost = Array.from({ length }, (_, i) => i + 1).filter(() => chance.happens(0.04));
    salvage(deed, lost);
  },
  truncate: (deed) => {
    const { length } = deed.first.disk.ops;
    const kept = Math.max(0, length - Math.ceil(deed.share(1, 60)));
    salvage(
      deed,
      Array.from({ length: length - kept }, (_, i) => kept + i + 1),
    );
  },
  join: (deed) => {
    if (deed.fault.coin) deed.world.fleet.letBack(deed.first);
    else deed.world.fleet.join(deed.first);
  },
  remove: (deed) => deed.world.fleet.remove(deed.second, deed.first),
  upgrade: (deed) => {
    // Its next process is of another release, later or earlier; both are known to each other.
    deed.first.stop();
    deed.first.isLaterRelease = !deed.first.isLaterRelease;
    deed.startLater(deed.first, deed.ms(300, 3_000));
  },
  "full-at-sign-up": (deed) => {
    const { disk } = deed.first;
    deed.world.moments.when(deed.first, accountCreate.number, () => {
      deed.world.sometimes.happened("a disk was full between an account and its session");
      disk.freeBytes = 0;
      deed.later(deed.share(500, 12_000), () => {
        disk.freeBytes = 1e12;
      });
    });
  },
  "crash-at-sign-up": (deed) => {
    deed.world.moments.when(deed.first, accountCreate.number, () => {
      deed.world.sometimes.happened("a server crashed between an account and its session");
      // The event in which this is goes on to its end.
      deed.world.time.at(0, () => deed.first.kill());
      deed.startLater(deed.first, deed.ms(100, 4_000));
    });
  },
  clone: (deed) => cloned(deed, deed.ms(500, 6_000)),
  "clone-apart": (deed) => {
    const copy = cloned(deed, deed.ms(4_000, 10_000));
    const { first, all, fault } = deed;
    const apart = fault.coin ? first.host : copy.host;
    // Until shortly before one of them is stopped they do not meet.
    for (const { host } of all.slice(1)) deed.cut(apart, host, true, deed.ms(3_000, 8_000));
    deed.cut(first.host, copy.host, true, deed.ms(3_000, 8_000));
  },
  "long-off": (deed) => {
    for (const server of deed.all) server.kill();
    // Either for weeks, or for longer than a session is good.
    deed.world.time.skip(
      deed.fault.coin ? deed.share(1, 60) * DAY_MS : deed.share(401, 500) * DAY_MS,
    );
    for (const [i, server] of deed.all.entries()) deed.startLater(server, i * deed.ms(0, 1_500));
  },
  leap: (deed) => {
    const { share, coin } = deed.fault;
    // Most leaps are about the bound of five minutes; some go for a year.
    const ms = share < 0.8 ? share * 800_000 : (share - 0.8) * 5 * YEAR_MS;
    deed.first.leap(coin ? ms : -ms);
  },
  vanish: (deed) => {
    deed.person.vanish();
    deed.later(deed.ms(0, 6_000), () => deed.person.start());
  },
  "freeze-client": (deed) => {
    deed.person.freeze();
    deed.later(deed.ms(50, 6_000), () => deed.person.thaw());
  },
};

/** A copy of a server's data directory runs beside it for a while, and has a visitor; then one of the two is stopped. */
function cloned(deed: Deed, ms: number): SimServer {
  const { first, world, fault } = deed;
  const copy = world.fleet.copy(first);
  const visitor = new Person(`visitor${fault.n}`, knowing(world, copy), new Chance(fault.n));
  visitor.start();
  const speak = () => {
    if (visitor.id !== null) visitor.send(visitor.id, `v${fault.n}`);
  };
  for (const part of [0.3, 0.6, 0.9]) deed.later(part * ms, speak);
  deed.later(ms, () => {
    visitor.vanish();
    world.fleet.settle(copy, fault.coin);
  });
  return copy;
}

/** The world of somebody who was given the address of one server only. */
function knowing(world: PersonWorld, { url }: SimServer): PersonWorld {
  const { time, network, sometimes, writes } = world;
  return {
    time,
    network,
    sometimes,
    writes,
    urls: [url],
    isDeletedSomewhere: (message) => world.isDeletedSomewhere(message),
    fail: (rule, what) => world.fail(rule, what),
    note: (text) => world.note(text),
  };
}

/** A store that finds itself damaged refuses to start; its operator starts it with `--accept-loss`. */
function salvage(deed: Deed, lost: readonly number[]): void {
  deed.first.salvage(new Set(lost));
  deed.startLater(deed.first, deed.ms(300, 4_000));
}

function slowDisk(deed: Deed, commitMs: readonly [number, number], ms: number): void {
  const { disk } = deed.first;
  disk.commitMs = commitMs;
  deed.later(ms, () => {
    disk.commitMs = QUICK_DISK_MS;
  });
}

export function strike(fault: Fault, world: FaultWorld): void {
  const deed = new Deed(fault, world);
  world.note(`-- fault ${fault.n}: ${fault.kind} of ${fault.servers.join()}`);
  world.sometimes.happened(`fault: ${fault.kind}`);
  DEEDS[fault.kind](deed);
}

/** The storm is over: nothing is cut, frozen, slow or full any more. */
export function calm(world: FaultWorld): void {
  world.moments.forget();
  world.fleet.settleAll();
  world.network.healAll();
  world.network.delayMs = QUICK_NETWORK_MS;
  for (const server of world.fleet.everybody) {
    server.thaw();
    server.disk.commitMs = QUICK_DISK_MS;
    server.disk.freeBytes = 1e12;
    server.disk.failsNext = false;
    if (world.plan.clocksAreSet) server.setClock();
    else if (Math.abs(server.wallAheadMs) > CLOCK_OFF_MS) {
      world.sometimes.happened("mended with a wrong clock");
    }
  }
  for (const person of world.people) person.thaw();
}
