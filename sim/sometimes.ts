/** What was reached: a check that nothing ever put to the test says nothing. */
import { EARLY_KINDS, LATER_FROM, LATEST_FROM, LATEST_KINDS } from "./plan.ts";

/** So many seeds reach everything that has to be reached, one in twenty of them a world of hours. */
export const LONG_RUN_SEEDS = 400;

/** States of a world that a long run has to come to, each because something is checked there. */
const EARLY_STATES = [
  "a client was told to read everything anew",
  "a client went to another server",
  "a deletion that left every disk",
  "a name got a suffix",
  "a name was taken",
  "a read was stale",
  "a receipt grew and its author was told",
  "a receipt named fewer, of what was minted twice",
  "a repeat got the receipt as of now",
  "a server was suspected",
  "acknowledged by 1 of 3",
  "acknowledged by 2 of 3",
  "acknowledged by 3 of 3",
  "acknowledged, and every disk of its receipt was lost",
  "an account was lost with its disks",
  "asked several servers at once",
  "flooded",
  "mended 1 of 3",
  "mended 2 of 3",
  "mended with a wrong clock",
  "message.delete acknowledged",
  "message.edit acknowledged",
  "message.post indefinite",
  "message.post refused: storage_full",
  "message.post refused: unavailable",
  "one effect was minted more than once",
  "one message was sent through all servers, and again",
  "repeated what was asked before",
  "said that it is deleted",
  "sent by the outbox",
  "sent nonsense",
  "signed in again",
  "somebody came new",
  "two devices edited one message",
  "two devices joined and left one channel",
  "two people wanted one name at once",
  "used an id again for something else",
] as const;

/** The same for seeds that have what was thought of last. */
const LATEST_STATES = [
  "a disk was full between an account and its session",
  "a guest came by an invitation",
  "a guest came with no good code",
  "a new server was let in",
  "a removed server left, having handed over",
  "a removed server was let in again",
  "a server crashed between an account and its session",
  "a quiet period had doubled",
  "a server was removed",
  "a session was ended for its age",
  "an invitation past its time was revoked",
  "an op of a kind that only a later release knows was stored",
  "views were compared: same",
  "whole again between two faults",
] as const;

const faults = (kinds: readonly string[]) => kinds.map((kind) => `fault: ${kind}`);

/** What seeds from one on have to reach. */
export function mustReach(from: number): readonly string[] {
  if (from < LATER_FROM) return [];
  const early = [...faults(EARLY_KINDS), ...EARLY_STATES];
  return from < LATEST_FROM ? early : [...early, ...faults(LATEST_KINDS), ...LATEST_STATES];
}

export class Sometimes {
  readonly counts = new Map<string, number>();
  /** In how many runs each was, of those that were added. */
  private readonly runs = new Map<string, number>();

  happened(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  /** What one run reached. */
  add(run: Iterable<readonly [string, number]>): void {
    for (const [what, times] of run) {
      this.happened(what, times);
      this.runs.set(what, (this.runs.get(what) ?? 0) + 1);
    }
  }

  /** Of these what was not reached. */
  never(what: readonly string[]): string[] {
    return what.filter((one) => (this.counts.get(one) ?? 0) === 0);
  }

  /** One line each: in how many runs, how often, what. First what has to be reached. */
  lines(must: readonly string[] = []): string[] {
    const others = [...this.counts.keys()].filter((what) => !must.includes(what));
    return [...[...must].sort(), ...others.sort()].map((what) => {
      const [runs, times] = [this.runs.get(what) ?? 0, this.counts.get(what) ?? 0];
      return `${String(runs).padStart(7)} ${String(times).padStart(9)}  ${what}`;
    });
  }
}
