/**
 * `npm run sim:mutants`: what the simulator's checks are worth. Plants one fault after the other in the real code,
 * and runs seed after seed until a check complains.
 *
 *   npm run sim:mutants                     all of them
 *   npm run sim:mutants -- --only cursor    those with this in their name
 *
 * More: --seeds N to try at most (60), --from N the first one (10000), --jobs N at once.
 *
 * The code as it is runs each seed with which one is caught, too: where it fails there the seed is named and counts for
 * nothing, so that nothing is taken for caught that fails anyhow. A mutant is caught when a check gives its verdict; a run that breaks in another way
 * proves nothing of the checks.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { SimProcess } from "./many.ts";
import { ruleOf } from "./minimise.ts";
import { MUTANTS } from "./mutant-list.ts";
import { type Mutant, MutantTree, mutated, textOf } from "./mutant-tree.ts";
import { LATEST_FROM, LATEST_KINDS, planOf } from "./plan.ts";

const HEAD = "mutants: ";
const SEEDS = 60;
/** Seeds with everything that people and faults do: see plan.ts. */
const FROM = 10_000;
/** What a misspelt mutant comes to, rather than a wrong server. */
const MISSPELT = /\b(ReferenceError|SyntaxError|TypeError)\b/;

export type Hunt = {
  readonly mutant: Mutant;
  /** How many seeds it took, and what the last of them complained of; null if none did. */
  readonly caught: { readonly seeds: number; readonly seed: number; readonly by: string } | null;
  /** How runs ended that broke without a verdict. */
  readonly broken: readonly string[];
  readonly seconds: number;
};

/** Which seeds hold with the code as it is. Each is run once. */
export class Control {
  readonly failing = new Set<number>();
  private readonly tree = new MutantTree();
  private readonly process = new SimProcess(this.tree.root);
  private readonly known = new Map<number, Promise<boolean>>();
  private last: Promise<unknown> = Promise.resolve();

  holds(seed: number): Promise<boolean> {
    const known = this.known.get(seed) ?? this.last.then(() => this.run(seed));
    this.known.set(seed, known);
    this.last = known;
    return known;
  }

  private async run(seed: number): Promise<boolean> {
    const { failure } = await this.process.run(seed);
    if (failure !== null) this.failing.add(seed);
    return failure === null;
  }

  end(): void {
    this.process.end();
    this.tree.remove();
  }
}

/** The seeds that may show a mutant, from one on. */
export function seedsFor({ needs }: Mutant, from: number, count: number): number[] {
  const isLatest = (LATEST_KINDS as readonly string[]).includes(needs ?? "");
  const seeds: number[] = [];
  for (let seed = isLatest ? Math.max(from, LATEST_FROM) : from; seeds.length < count; seed++) {
    const { faults, isLong } = planOf(seed);
    if (isLong) continue; // for one of these many others are run
    if (needs === undefined || faults.some(({ kind }) => kind === needs)) seeds.push(seed);
  }
  return seeds;
}

/** Tries one mutant with seed after seed. */
export async function hunt(
  tree: MutantTree,
  mutant: Mutant,
  seeds: readonly number[],
  control: Pick<Control, "holds">,
): Promise<Hunt> {
  const begunMs = performance.now();
  const broken: string[] = [];
  const caught = await tree.with(mutant, async () => {
    const process = new SimProcess(tree.root);
    try {
      for (const [i, seed] of seeds.entries()) {
        const { failure } = await process.run(seed);
        if (failure === null || !(await control.holds(seed))) continue;
        if (isVerdict(failure)) return { seeds: i + 1, seed, by: failure };
        broken.push(`seed ${seed}: ${failure.split("\n", 1)[0]}`);
      }
      return null;
    } catch (error) {
      broken.push((error as Error).message);
      return null;
    } finally {
      process.end();
    }
  });
  return { mutant, caught, broken, seconds: (performance.now() - begunMs) / 1_000 };
}

function isVerdict(failure: string): boolean {
  return ruleOf(failure).startsWith("[") && !MISSPELT.test(failure);
}

function told({ mutant, caught, broken, seconds }: Hunt): string {
  const what = caught === null ? "NOT CAUGHT" : `${caught.seeds}`;
  const by =
    caught === null
      ? broken.slice(0, 3).join("; ")
      : `seed ${caught.seed} ${caught.by.split("\n", 1)[0]?.slice(0, 110)}`;
  return `${what.padStart(10)}  ${seconds.toFixed(0).padStart(4)} s  ${mutant.name}\n${" ".repeat(20)}${by}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half] as number;
  return ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      only: { type: "string", default: "" },
      seeds: { type: "string", default: String(SEEDS) },
      from: { type: "string", default: String(FROM) },
      jobs: { type: "string", default: String(availableParallelism()) },
    },
  });
  const [count, from, jobs] = [flags.seeds, flags.from, flags.jobs].map(numberOf) as [
    number,
    number,
    number,
  ];
  const mutants = MUTANTS.filter(({ name }) => name.includes(flags.only));
  if (mutants.length === 0) refuse(`--only ${flags.only}: no mutant has that in its name`);
  for (const mutant of mutants) mutated(mutant, textOf(mutant.file));

  console.log(`${HEAD}seeds needed, time, what is wrong, what complained of it:`);
  const control = new Control();
  try {
    const hunts = await huntAll(mutants, control, { from, count, jobs });
    summary(hunts, control);
  } finally {
    control.end();
  }
}

async function huntAll(
  mutants: readonly Mutant[],
  control: Control,
  { from, count, jobs }: { from: number; count: number; jobs: number },
): Promise<Hunt[]> {
  const hunts: Hunt[] = [];
  let next = 0;
  const lane = async () => {
    const tree = new MutantTree();
    try {
      while (next < mutants.length) {
        const mutant = mutants[next++] as Mutant;
        const done = await hunt(tree, mutant, seedsFor(mutant, from, count), control);
        hunts.push(done);
        console.log(told(done));
      }
    } finally {
      tree.remove();
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  return hunts;
}

function summary(hunts: readonly Hunt[], { failing }: Control): void {
  if (failing.size > 0) console.log(`${HEAD}fail anyhow, and do not count: ${[...failing].join()}`);
  const needed = hunts.flatMap(({ caught }) => (caught === null ? [] : [caught.seeds]));
  for (const { mutant, caught } of hunts) {
    if (caught === null) console.log(`${HEAD}not caught: ${mutant.name}`);
  }
  const middle = needed.length === 0 ? "none" : median(needed);
  console.log(`${HEAD}${needed.length} of ${hunts.length} caught, median ${middle} seeds`);
  if (needed.length < hunts.length) process.exitCode = 1;
}

function numberOf(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  return refuse(`${text}: give a whole number from 1 on`);
}

function refuse(what: string): never {
  console.error(`${HEAD}${what}`);
  process.exit(2);
}

if (import.meta.main) await main();
