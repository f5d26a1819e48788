/**
 * What will befall a world, drawn from its seed before anything happens: so that a fault can be left out without
 * moving the others, and a failing run made smaller.
 *
 * Each run has some kinds of faults and not others, more or fewer of them (swarm testing: Groce et al., "Swarm
 * Testing", 2012): with everything at once some states are never reached, because something else always comes
 * first.
 */
import { Chance } from "./chance.ts";

export const FAULT_KINDS = [
  "crash",
  "crash-all",
  "stop",
  "freeze",
  "kill-the-acknowledger",
  "cut-off",
  "one-way",
  "bridge",
  "split",
  "cut-client",
  "break-link",
  "break-clients",
  "clog",
  "clog-client",
  "slow-network",
  "slow-disk",
  "stalled-disk",
  "fsync-error",
  "disk-full",
  "wipe",
  "roll-back",
  "leap",
  "vanish",
  "freeze-client",
] as const;
/** Seeds from here on have what was thought of later: what earlier ones found stays with them. */
export const LATER_FROM = 10_000;

export type FaultKind = (typeof FAULT_KINDS)[number];

export type Fault = {
  /** Counts from 0: names it for leaving it out. */
  readonly n: number;
  /** After the storm began. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** The servers in the order in which it takes them. */
  readonly servers: readonly string[];
  readonly person: number;
  /** How long it lasts: in [0, 1) of what its kind allows. */
  readonly share: number;
  readonly coin: boolean;
};

/** Kinds that cost data of a disk: not in every run, or little would ever be held to be kept. */
const COSTLY: ReadonlySet<FaultKind> = new Set(["wipe", "roll-back"]);

export type Plan = {
  readonly seed: number;
  readonly servers: readonly string[];
  readonly people: number;
  /** Mean time between two deeds of one person, ms. */
  readonly everyMs: number;
  readonly stormMs: number;
  readonly faults: readonly Fault[];
  /** Who is healed first, alone; the others come back later. */
  readonly survivors: readonly string[];
  /**
   * Whether wrong wall clocks are set right when it is over. Servers that know each other need no right clock to
   * meet; one whose disk forgot the others joins, and who joins needs one (R93).
   */
  readonly clocksAreSet: boolean;
  /** Whether people have second devices (devices.ts). */
  readonly hasDevices: boolean;
  /** Whether people sign up all along (newcomers.ts). */
  readonly hasNewcomers: boolean;
  /** Who is gone while the survivors are mended answers nothing, and closes nothing: as after a power cut. */
  readonly goneAreSilent: boolean;
};

/** What is left out of the plan of a seed, to see whether it fails all the same. */
export type Less = {
  /** The faults that are left. */
  readonly only?: readonly number[];
  readonly people?: number;
  readonly stormMs?: number;
};

export function planOf(seed: number, less: Less = {}): Plan {
  const chance = new Chance(seed).fork();
  const count = chance.pick([3, 3, 3, 3, 3, 2, 4, 5, 1]);
  const servers = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
  const people = 2 + chance.below(4);
  const everyMs = chance.pick([60, 150, 400]);
  const stormMs = chance.between(4_000, 20_000);
  const kinds = FAULT_KINDS.filter((kind) => chance.happens(COSTLY.has(kind) ? 0.12 : 0.4));
  const meanMs = chance.pick([150, 500, 1_500]);
  const faults: Fault[] = [];
  for (let atMs = 0; kinds.length > 0; ) {
    atMs += chance.between(0, 2 * meanMs);
    if (atMs > stormMs) break;
    faults.push({
      n: faults.length,
      atMs,
      kind: chance.pick(kinds),
      servers: chance.shuffle(servers),
      person: chance.below(people),
      share: chance.next(),
      coin: chance.happens(0.5),
    });
  }
  const survivors = chance.shuffle(servers).slice(0, 1 + chance.below(servers.length));
  const clocksAreSet = chance.happens(0.5) || faults.some(({ kind }) => COSTLY.has(kind));
  const later = new Chance(seed);
  const isLater = seed >= LATER_FROM;
  const hasDevices = later.happens(0.6) && isLater;
  const goneAreSilent = later.happens(0.5) && isLater;
  const hasNewcomers = later.happens(0.5) && isLater;
  const left = less.only === undefined ? null : new Set(less.only);
  const end = less.stormMs ?? stormMs;
  return {
    seed,
    servers,
    people: Math.min(people, less.people ?? people),
    everyMs,
    stormMs: end,
    faults: faults.filter(({ n, atMs }) => (left === null || left.has(n)) && atMs < end),
    survivors,
    clocksAreSet,
    hasDevices,
    hasNewcomers,
    goneAreSilent,
  };
}
