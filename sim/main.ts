/**
 * `npm run sim`: tries to break every promise in simulated worlds.
 *
 *   npm run sim -- --seed 7            one world again; --trace prints what happened
 *   npm run sim -- --seeds 100         many, each another one; --from 1 for the same as last time
 *   npm run sim -- --for 60s           as many as fit into a minute
 *
 * Of 400 seeds and more it fails also where something was never reached that has to be (sometimes.ts).
 *
 * More: --jobs N processes at once, --keep-going after a failure, --ledger to enter what came of it into
 * sim/ledger.jsonl, --whole to leave a failing run as it is, and --people, --storm, --only as a failure's replay
 * line has them.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { enter, isCommitted, sums } from "./ledger.ts";
import { linesOf, type ManyResult, runMany } from "./many.ts";
import { minimise, replayLine } from "./minimise.ts";
import type { Less } from "./plan.ts";
import { type RunResult, run } from "./run.ts";
import { LONG_RUN_SEEDS, mustReach, Sometimes } from "./sometimes.ts";

const HEAD = "sim: ";
const PROGRESS_MS = 2_000;

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string" },
    for: { type: "string" },
    jobs: { type: "string" },
    people: { type: "string" },
    storm: { type: "string" },
    only: { type: "string" },
    trace: { type: "boolean" },
    whole: { type: "boolean" },
    "keep-going": { type: "boolean" },
    ledger: { type: "boolean" },
    worker: { type: "boolean" },
  },
});

function numberOf(name: "seed" | "seeds" | "from" | "jobs" | "people" | "storm"): number | null {
  const text = flags[name];
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(`--${name} ${text}: give a whole number`);
}

function refuse(what: string): never {
  console.error(`${HEAD}${what}`);
  process.exit(2);
}

function msOf(text: string): number {
  const [, digits, unit] =
    /^(\d+)(s|m|h)$/.exec(text) ?? refuse(`--for ${text}: such as 60s or 5m`);
  return Number(digits) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as "s" | "m" | "h"];
}

function lessOf(): Less {
  const people = numberOf("people");
  const stormMs = numberOf("storm");
  const { only } = flags;
  return {
    ...(people === null ? {} : { people }),
    ...(stormMs === null ? {} : { stormMs }),
    ...(only === undefined ? {} : { only: only === "none" ? [] : only.split(",").map(Number) }),
  };
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1);
const speed = (simulatedMs: number, wallMs: number) =>
  `${(simulatedMs / wallMs).toFixed(1)} simulated seconds per second`;

async function one(seed: number): Promise<void> {
  const less = lessOf();
  const begunMs = performance.now();
  const result = await run(seed, less, flags.trace);
  const wallMs = performance.now() - begunMs;
  for (const { atMs, text } of result.lines) console.log(`${seconds(atMs).padStart(8)}  ${text}`);
  const { plan, hash, simulatedMs, ops, frames, failure } = result;
  const what = `${plan.servers.length} servers, ${plan.people} people, ${plan.faults.length} faults`;
  console.log(`${HEAD}seed ${seed}: ${what}, ${ops} ops, ${frames} frames, trace ${hash}`);
  console.log(`${HEAD}${seconds(simulatedMs)} s simulated, ${speed(simulatedMs, wallMs)}`);
  const reached = new Sometimes();
  reached.add(result.sometimes);
  printReached(reached);
  if (failure !== null) await failed(result, less);
}

function printReached(reached: Sometimes, from = 0): void {
  console.log(`${HEAD}reached, in so many seeds, so often:`);
  for (const line of reached.lines(mustReach(from))) console.log(line);
}

/** Says what did not hold, and how to see it again. */
async function failed({ seed, failure }: RunResult, less: Less = {}): Promise<void> {
  process.exitCode = 1;
  console.log(`\n${HEAD}FAILED ${failure}\n${HEAD}again: ${replayLine(seed, less)}`);
  if (flags.whole || flags.trace) return;
  const smaller = await minimise(seed, failure as string, less);
  console.log(`${HEAD}smaller: ${replayLine(seed, smaller)} --trace`);
}

async function many(): Promise<void> {
  const seeds = numberOf("seeds") ?? Number.MAX_SAFE_INTEGER;
  const from = numberOf("from") ?? Math.floor(Date.now() % 2 ** 40);
  const jobs = numberOf("jobs") ?? Math.max(1, availableParallelism());
  if (flags.ledger && !isCommitted())
    refuse("--ledger: commit what is changed in src and sim first");
  const untilMs = flags.for === undefined ? Infinity : performance.now() + msOf(flags.for);
  console.log(`${HEAD}from seed ${from} on, ${jobs} at once`);
  let toldMs = performance.now();
  const sum = await runMany({
    from,
    seeds,
    untilMs,
    jobs,
    keepGoing: flags["keep-going"] ?? false,
    progress: ({ seed, failure }, { runs, failures, simulatedMs, wallMs }) => {
      if (failure !== null)
        console.log(`${HEAD}${replayLine(seed)}\n     ${failure.slice(0, 400)}`);
      if (performance.now() - toldMs < PROGRESS_MS) return;
      toldMs = performance.now();
      const rate = speed(simulatedMs, wallMs);
      console.log(`${HEAD}${runs} seeds, ${failures.length} failed, ${rate}`);
    },
  });
  if (flags.ledger) enter(from, sum);
  for (const line of flags.ledger ? sums() : []) console.log(`${HEAD}${line}`);
  await report(sum, from);
}

async function report(sum: ManyResult, from: number): Promise<void> {
  printReached(sum.sometimes, from);
  const { runs, ops, frames, simulatedMs, wallMs, failures } = sum;
  console.log(`${HEAD}${runs} seeds, ${failures.length} failed; ${ops} ops, ${frames} frames`);
  console.log(
    `${HEAD}${seconds(simulatedMs)} s simulated in ${seconds(wallMs)} s: ${speed(simulatedMs, wallMs)}`,
  );
  const never = sum.sometimes.never(mustReach(from));
  if (never.length > 0) console.log(`${HEAD}never reached: ${never.join("; ")}`);
  if (never.length > 0 && runs >= LONG_RUN_SEEDS) {
    process.exitCode = 1;
    console.log(`${HEAD}FAILED: ${runs} seeds have to reach all that: see sim/sometimes.ts`);
  }
  const [first] = failures;
  if (first !== undefined) await failed(first);
}

/** Seeds come in by lines, results go out by lines. */
async function work(): Promise<void> {
  for await (const line of linesOf(Bun.stdin.stream())) {
    const { plan: _, lines: __, ...result } = await run(Number(line));
    console.log(JSON.stringify(result));
  }
}

const seed = numberOf("seed");
if (flags.worker) await work();
else if (seed !== null) await one(seed);
else if (flags.seeds !== undefined || flags.for !== undefined) await many();
else refuse("say --seed N, --seeds N or --for 60s");
