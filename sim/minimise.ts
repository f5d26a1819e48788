/**
 * Makes a failing run smaller: fewer people, a shorter storm, fewer faults, as long as it fails by the same rule.
 *
 * Simple halving (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), within a
 * number of runs: a smaller run is for people to read, not a proof that nothing is smaller.
 */
import type { Less } from "./plan.ts";
import { planOf } from "./plan.ts";
import { run } from "./run.ts";

const RUNS_MAX = 60;
/** Of real time: worlds of hours take long. */
const SEARCH_MS_MAX = 600_000;

/** The rule that a failure is about. */
export function ruleOf(failure: string): string {
  return /^\[[^\]]+\]/.exec(failure)?.[0] ?? failure.split("\n", 1)[0] ?? "";
}

/** The line that repeats a run. */
export function replayLine(seed: number, less: Less = {}): string {
  const { only, people, stormMs } = less;
  return [
    `npm run sim -- --seed ${seed}`,
    ...(people === undefined ? [] : [`--people ${people}`]),
    ...(stormMs === undefined ? [] : [`--storm ${Math.ceil(stormMs)}`]),
    ...(only === undefined ? [] : [`--only ${only.length === 0 ? "none" : only.join()}`]),
  ].join(" ");
}

export async function minimise(seed: number, failure: string, from: Less = {}): Promise<Less> {
  const rule = ruleOf(failure);
  let best = from;
  let runs = 0;
  const untilMs = performance.now() + SEARCH_MS_MAX;
  const fails = async (less: Less): Promise<boolean> => {
    if (runs >= RUNS_MAX || performance.now() > untilMs) return false;
    runs++;
    const result = await run(seed, less);
    if (result.failure === null || ruleOf(result.failure) !== rule) return false;
    best = less;
    return true;
  };
  for (let people = 1; people < planOf(seed, best).people; people++) {
    if (await fails({ ...best, people })) break;
  }
  let faults = planOf(seed, best).faults.map(({ n }) => n);
  for (let size = Math.ceil(faults.length / 2); size >= 1 && runs < RUNS_MAX; ) {
    let isSmaller = false;
    for (let at = 0; at < faults.length; ) {
      const less = [...faults.slice(0, at), ...faults.slice(at + size)];
      if (less.length < faults.length && (await fails({ ...best, only: less }))) {
        faults = less;
        isSmaller = true;
      } else at += size;
    }
    if (size === 1 && !isSmaller) break;
    size = Math.max(1, Math.floor(size / 2));
    if (faults.length === 0) break;
  }
  const last = planOf(seed, best).faults.at(-1);
  if (last !== undefined) await fails({ ...best, stormMs: last.atMs + 1_000 });
  return best;
}
