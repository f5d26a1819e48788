/**
 * Runs decoders on hostile input, and keeps what was interesting.
 *
 * A decoder says in a word what became of an input ("taken", or the code that a rule states), and in more words
 * why. Every outcome must be one of those stated, and all of them must be reached, or the run shows nothing. What is
 * answered for a new reason joins the inputs that mutations start from, so that they get past one check after
 * the other.
 *
 * HOLDFAST_TEST_SEED=N repeats a run. HOLDFAST_TEST_KEEP=1 writes what a run found into the corpus.
 */

import { heapStats } from "bun:jsc";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { count, heavy } from "../heavy.ts";
import { type Input, keep, kept } from "./corpus.ts";
import { Dice } from "./dice.ts";
import { removeFolders } from "./folder.ts";
import { mutateBytes, mutateJson, mutateText } from "./mutate.ts";

export type Form = "bytes" | "text" | "json";

export type Decoder = {
  /** What it reads; also the name of its corpus. */
  readonly name: string;
  /** The functions of src that do it, as `path function`. */
  readonly of: readonly string[];
  readonly form: Form;
  /** What its encoder makes. */
  good(): readonly Input[];
  /** What is whole, and has another outcome. */
  also?(): readonly Input[];
  /** The outcome, and behind `: ` the reason. Throws for what no rule says. */
  decode(input: Input): string | Promise<string>;
  /** Every outcome there is. */
  readonly outcomes: readonly string[];
  /** Puts right what an attacker could put right as well, such as a checksum. */
  dress?(input: Input): Input;
  /** So many times dearer than most: fewer of it in `npm test`. */
  readonly cost?: number;
};

const SHARE = 20_000;
const FULL = 1_000_000;
const POOL_MAX = 300;
/** What is chosen again and again must not be long. */
const POOL_BYTES_MAX = 4_096;
/** No input within the bounds may take so much of a processor. */
const CPU_MS_MAX = 1_000;
const GROWTH_BYTES_MAX = 24 * 2 ** 20;

export const asText = (input: Input) =>
  typeof input === "string" ? input : Buffer.from(input).toString("latin1");
export const asBytes = (input: Input) =>
  typeof input === "string" ? new Uint8Array(Buffer.from(input)) : input;

/** Reasons that differ in numbers and quotations only are one. */
function reason(told: string): string {
  return told.replace(/"[^"]*"|\d+/g, "#").slice(0, 120);
}

const outcomeOf = (told: string) => told.split(": ", 1)[0] as string;

export function mutated(dice: Dice, form: Form, pool: readonly Input[]): Input {
  const [good, other] = [dice.pick(pool), dice.pick(pool)];
  if (form === "bytes") return mutateBytes(dice, asBytes(good), asBytes(other));
  const mutate = form === "json" ? mutateJson : mutateText;
  return mutate(dice, asText(good), asText(other));
}

async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** What it was told, checked; a failure names the seed and the input. */
async function tell(decoder: Decoder, input: Input): Promise<string> {
  const started = performance.now();
  const answer = decoder.decode(input);
  const told = typeof answer === "string" ? answer : await answer;
  if (performance.now() - started > CPU_MS_MAX) {
    const took = await cpuMs(() => decoder.decode(input));
    if (took > CPU_MS_MAX) throw new Error(`it took ${took} ms of a processor`);
  }
  if (!decoder.outcomes.includes(outcomeOf(told))) throw new Error(`no stated outcome: ${told}`);
  return told;
}

function heapBytes(): number {
  Bun.gc(true);
  return heapStats().heapSize;
}

async function run(decoder: Decoder, runs: number, dice: Dice): Promise<Map<string, number>> {
  const pool: Input[] = [
    ...decoder.good(),
    ...(decoder.also?.() ?? []),
    ...kept(decoder.name).map(({ input }) => input),
  ];
  const reached = new Map<string, number>();
  const reasons = new Set<string>();
  let heapAtHalf = 0;
  for (let i = 0; i < runs; i++) {
    if (i === runs >> 1) heapAtHalf = heapBytes();
    const changed = mutated(dice, decoder.form, pool);
    const input = decoder.dress !== undefined && !dice.chance(8) ? decoder.dress(changed) : changed;
    let told: string;
    try {
      told = await tell(decoder, input);
    } catch (cause) {
      const shown = JSON.stringify(asText(input)).slice(0, 2_000);
      const what = `HOLDFAST_TEST_SEED=${dice.seed}: ${decoder.name}, input ${i}`;
      throw new Error(`${what}: ${cause}\n${shown}`, { cause });
    }
    const outcome = outcomeOf(told);
    reached.set(outcome, (reached.get(outcome) ?? 0) + 1);
    const why = reason(told);
    if (reasons.has(why) || pool.length >= POOL_MAX || input.length > POOL_BYTES_MAX) continue;
    reasons.add(why);
    pool.push(input);
    keep(decoder.name, outcome, why, input);
  }
  const grown = heapBytes() - heapAtHalf;
  if (grown > GROWTH_BYTES_MAX) throw new Error(`${decoder.name} kept ${grown} bytes of ${runs}`);
  return reached;
}

/** Tests of these decoders: what they take, what was kept, and what nobody has sent yet. */
export function fuzzAll(family: string, decoders: readonly Decoder[]): void {
  setDefaultTimeout(heavy(120_000, 3_600_000));
  afterAll(removeFolders);
  describe(`[R10] ${family}: what each decoder is given`, () => {
    for (const decoder of decoders) {
      test(`${decoder.name}: what its encoder makes is taken, what was kept is answered as before`, async () => {
        for (const input of decoder.good())
          expect(outcomeOf(await tell(decoder, input))).toBe("taken");
        for (const { is, input, why } of kept(decoder.name)) {
          expect([why, outcomeOf(await tell(decoder, input))]).toEqual([why, is]);
        }
      });
      test(`${decoder.name}: anything at all has a stated outcome`, async () => {
        const runs = heavy(Math.ceil(SHARE / (decoder.cost ?? 1)), FULL);
        const reached = await run(decoder, runs, new Dice());
        expect([...reached.keys()].sort()).toEqual([...decoder.outcomes].sort());
        count(`hostile inputs: ${decoder.name}`, runs);
      });
    }
  });
}
