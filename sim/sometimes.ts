/** What was reached: a check that nothing ever put to the test says nothing. */
import { FAULT_KINDS } from "./plan.ts";

/** So many seeds reach everything that has to be reached. */
export const LONG_RUN_SEEDS = 200;

/** States of a world that a long run has to come to, each because something is checked there. */
const STATES = [
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

export const MUST_REACH: readonly string[] = [
  ...FAULT_KINDS.map((kind) => `fault: ${kind}`),
  ...STATES,
];

export class Sometimes {
  readonly counts = new Map<string, number>();

  happened(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [what, times] of other) this.happened(what, times);
  }

  /** What has to be reached and was not. */
  never(): string[] {
    return MUST_REACH.filter((what) => (this.counts.get(what) ?? 0) === 0);
  }

  /** One line each, by name. */
  lines(): string[] {
    const all = [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return all.map(([what, times]) => `${String(times).padStart(9)}  ${what}`);
  }
}
