/**
 * What will befall a world, drawn from its seed before anything happens: so that a fault can be left out without
 * moving the others, and a failing run made smaller.
 *
 * Each run has some kinds of faults and not others, more or fewer of them (swarm testing: Groce et al., "Swarm
 * Testing", 2012): with everything at once some states are never reached, because something else always comes
 * first.
 */
import { Chance } from "./chance.ts";
import { type Pace, steady } from "./pace.ts";

export const EARLY_KINDS = [
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
export const LATEST_KINDS = [
  "damage",
  "truncate",
  "join",
  "remove",
  "upgrade",
  "full-at-sign-up",
  "crash-at-sign-up",
  "clone",
  "clone-apart",
  "long-off",
] as const;
/** Seeds from here on have what was thought of later: what earlier ones found stays with them. */
export const LATER_FROM = 10_000;
/** The same once more: worlds that last for hours, and what befalls data directories, members and releases. */
export const LATEST_FROM = 40_000;
/** Of those each so many lasts for hours. */
export const LONG_EVERY = 20;

export type FaultKind = (typeof EARLY_KINDS)[number] | (typeof LATEST_KINDS)[number];

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
  /** How many times longer than in a short world. */
  readonly stretch: number;
};

/** Kinds that cost data of a disk: not in every run, or little would ever be held to be kept. */
const COSTLY: ReadonlySet<FaultKind> = new Set(["wipe", "roll-back", "damage", "truncate"]);
/** After these a server may have to join, for which its clock has to be right. */
const JOINING: ReadonlySet<FaultKind> = new Set([...COSTLY, "join", "remove"]);
/** Nothing comes of these in seconds. */
const LONG_ONLY: ReadonlySet<FaultKind> = new Set(["long-off"]);

export type Plan = {
  readonly seed: number;
  readonly servers: readonly string[];
  readonly people: number;
  /** Mean time between two deeds of one person, ms. */
  readonly everyMs: number;
  /** How it is during the storm. */
  readonly pace: Pace;
  /** Lasts for hours, most of them quiet. */
  readonly isLong: boolean;
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
  /** Whether there is an administrator, who invites people (steward.ts). */
  readonly hasSteward: boolean;
  /** Whether some servers come to be of a later release (later-release.ts). */
  readonly hasUpgrades: boolean;
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

const MINUTE_MS = 60_000;

/** `meanMs`: between two faults. */
type Course = Pick<Plan, "pace" | "isLong" | "stormMs"> & { readonly meanMs: number };

/** Hours with some people for a minute now and then, and trouble every few minutes. */
function longCourse(chance: Chance): Course {
  return {
    pace: {
      everyMs: chance.pick([1_000, 3_000, 10_000]),
      busyMs: chance.between(0.5, 3) * MINUTE_MS,
      quietMs: chance.between(5, 50) * MINUTE_MS,
    },
    isLong: true,
    stormMs: chance.between(60, 240) * MINUTE_MS,
    meanMs: chance.pick([2, 6, 15]) * MINUTE_MS,
  };
}

export function planOf(seed: number, less: Less = {}): Plan {
  const chance = new Chance(seed).fork();
  const count = chance.pick([3, 3, 3, 3, 3, 2, 4, 5, 1]);
  const servers = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
  const people = 2 + chance.below(4);
  const everyMs = chance.pick([60, 150, 400]);
  const shortMs = chance.between(4_000, 20_000);
  const early = EARLY_KINDS.filter((kind) => chance.happens(COSTLY.has(kind) ? 0.12 : 0.4));
  const meanMs = chance.pick([150, 500, 1_500]);
  const later = new Chance(seed);
  const isLater = seed >= LATER_FROM;
  const hasDevices = later.happens(0.6) && isLater;
  const goneAreSilent = later.happens(0.5) && isLater;
  const hasNewcomers = later.happens(0.5) && isLater;
  const latest = later.fork();
  const isLong = seed >= LATEST_FROM && seed % LONG_EVERY === 0;
  const short: Course = { pace: steady(everyMs), isLong, stormMs: shortMs, meanMs };
  const course = isLong ? longCourse(latest) : short;
  const kinds = [...early, ...(seed >= LATEST_FROM ? latestKinds(latest, isLong) : [])];
  const faults: Fault[] = [];
  for (let atMs = 0; kinds.length > 0; ) {
    atMs += chance.between(0, 2 * course.meanMs);
    if (atMs > course.stormMs) break;
    faults.push({
      n: faults.length,
      atMs,
      kind: chance.pick(kinds),
      servers: chance.shuffle(servers),
      person: chance.below(people),
      share: chance.next(),
      coin: chance.happens(0.5),
      stretch: isLong ? latest.pick([1, 10, 100]) : 1,
    });
  }
  const survivors = chance.shuffle(servers).slice(0, 1 + chance.below(servers.length));
  const clocksAreSet = chance.happens(0.5) || faults.some(({ kind }) => JOINING.has(kind));
  const left = less.only === undefined ? null : new Set(less.only);
  const stormMs = less.stormMs ?? course.stormMs;
  return {
    seed,
    servers,
    people: Math.min(people, less.people ?? people),
    everyMs,
    pace: course.pace,
    isLong,
    stormMs,
    faults: faults.filter(({ n, atMs }) => (left === null || left.has(n)) && atMs < stormMs),
    survivors,
    clocksAreSet,
    hasDevices,
    hasNewcomers,
    hasSteward: seed >= LATEST_FROM && latest.happens(0.4),
    hasUpgrades: kinds.includes("upgrade"),
    goneAreSilent,
  };
}

function latestKinds(chance: Chance, isLong: boolean): FaultKind[] {
  const kinds = LATEST_KINDS.filter((kind) => chance.happens(COSTLY.has(kind) ? 0.15 : 0.3));
  return kinds.filter((kind) => isLong || !LONG_ONLY.has(kind));
}
