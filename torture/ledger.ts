/**
 * The ledger of rounds: what was run, on which commit, and what came of it, a line each in `torture/ledger.jsonl`. As in
 * sim/ledger.ts, what counts is what ran with what servers decide and store as it is now; older lines stay, as history.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { countedTree, git, isCommitted as isTreeCommitted } from "../sim/ledger.ts";
import type { Options } from "./options.ts";
import type { Tally } from "./report.ts";

const FILE = join(import.meta.dir, "ledger.jsonl");

type Entry = {
  readonly date: string;
  readonly commit: string;
  readonly tree: string;
  readonly seed: number;
  readonly rounds: number;
  /** Rounds without a fault, whether anything grew. */
  readonly isSoak?: true;
  readonly faults: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  readonly wallSeconds: number;
  readonly failures: number;
};

export function isCommitted(): boolean {
  return isTreeCommitted(["src", "torture", "test/hosts"]);
}

export function enter({ seed, isSoak }: Options, tally: Tally): void {
  const entry: Entry = {
    date: new Date().toISOString(),
    commit: git("rev-parse", "HEAD"),
    tree: countedTree(),
    seed,
    rounds: tally.rounds,
    ...(isSoak ? { isSoak } : {}),
    faults: Object.fromEntries([...tally.kinds].sort(([a], [b]) => (a < b ? -1 : 1))),
    acknowledged: tally.sums.acknowledged,
    wallSeconds: Math.round(tally.wallSeconds),
    failures: tally.failed,
  };
  appendFileSync(FILE, `${JSON.stringify(entry)}\n`);
}

export function sums(): string[] {
  const lines = existsSync(FILE) ? readFileSync(FILE, "utf8").trim().split("\n") : [];
  const entries = lines.map((line) => JSON.parse(line) as Entry);
  const now = countedTree();
  const sumOf = (list: readonly Entry[]) => {
    const total = (of: (entry: Entry) => number) => list.reduce((sum, one) => sum + of(one), 0);
    return `${total(({ rounds }) => rounds)} rounds, ${total(({ failures }) => failures)} failed`;
  };
  const stormy = entries.filter(({ isSoak }) => isSoak !== true);
  const counted = stormy.filter(({ tree }) => tree === now);
  return [`with servers as they are now: ${sumOf(counted)}`, `in all: ${sumOf(stormy)}`];
}
