/**
 * The ledger of seeds: what was run, on which commit, and what came of it, a line each in `sim/ledger.jsonl`.
 *
 * What counts towards a promise is what ran with what servers decide and store as it is now, known by the hashes of these
 * folders: older lines stay, as history. Rejected: to go by commits (a rebase gives them other names). A run of a tree with changes that are not committed is not entered: nobody could repeat it.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ManyResult } from "./many.ts";

const ROOT = dirname(import.meta.dir);
const FILE = join(ROOT, "sim/ledger.jsonl");
const COUNTED = ["src/replica", "src/ops", "src/storage"];

type Entry = {
  readonly date: string;
  readonly commit: string;
  /** Of the folders that count. */
  readonly tree: string;
  readonly from: number;
  readonly seeds: number;
  readonly failed: readonly number[];
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
};

export function git(...args: string[]): string {
  const { stdout, exitCode } = Bun.spawnSync(["git", ...args], { cwd: ROOT });
  if (exitCode !== 0) throw new Error(`git ${args[0]} failed: the ledger needs a checkout`);
  return stdout.toString().trim();
}

/** Whether runs of this tree can be entered. */
export function isCommitted(folders = ["src", "sim"]): boolean {
  return git("status", "--porcelain", "--", ...folders).length === 0;
}

export function countedTree(): string {
  const trees = git("rev-parse", ...COUNTED.map((folder) => `HEAD:${folder}`));
  return Bun.hash.wyhash(trees).toString(16);
}

export function enter(from: number, { runs, failures, simulatedMs, wallMs }: ManyResult): void {
  const entry: Entry = {
    date: new Date().toISOString(),
    commit: git("rev-parse", "HEAD"),
    tree: countedTree(),
    from,
    seeds: runs,
    failed: failures.map(({ seed }) => seed),
    simulatedSeconds: Math.round(simulatedMs / 1_000),
    wallSeconds: Math.round(wallMs / 1_000),
  };
  appendFileSync(FILE, `${JSON.stringify(entry)}\n`);
}

/** What ran with what servers decide and store as it is now, and in all. */
export function sums(): string[] {
  const lines = existsSync(FILE) ? readFileSync(FILE, "utf8").trim().split("\n") : [];
  const entries = lines.map((line) => JSON.parse(line) as Entry);
  const now = countedTree();
  const counted = entries.filter(({ tree }) => tree === now);
  return [`with ${COUNTED.join(", ")} as they are: ${sumOf(counted)}`, `in all: ${sumOf(entries)}`];
}

function sumOf(entries: readonly Entry[]): string {
  const total = (of: (entry: Entry) => number) => entries.reduce((sum, one) => sum + of(one), 0);
  const simulated = total(({ simulatedSeconds }) => simulatedSeconds);
  const failed = total((entry) => entry.failed.length);
  return `${total(({ seeds }) => seeds)} seeds, ${failed} failed, ${(simulated / 86_400).toFixed(2)} simulated days`;
}
