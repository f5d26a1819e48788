/** One run of one seed, from the first start to the last check. */
import { withoutReality } from "./forbidden.ts";
import { type Less, type Plan, planOf } from "./plan.ts";
import type { Line } from "./trace.ts";
import { World } from "./world.ts";

export type RunResult = {
  readonly seed: number;
  /** The same for the same seed, on every machine. */
  readonly hash: string;
  /** What did not hold; null if everything did. */
  readonly failure: string | null;
  readonly simulatedMs: number;
  readonly ops: number;
  readonly frames: number;
  readonly sometimes: readonly (readonly [string, number])[];
};

export type Run = RunResult & { readonly plan: Plan; readonly lines: readonly Line[] };

/** Lets the runtime tell of promises that were refused and that nobody looks at. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function run(seed: number, less: Less = {}, isRead = false): Promise<Run> {
  const plan = planOf(seed, less);
  const world = withoutReality(() => new World(plan, isRead));
  const unhandled: unknown[] = [];
  const heard = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", heard);
  let failure: string | null = null;
  try {
    withoutReality(() => world.run());
  } catch (error) {
    const { name, message, stack } = error as Error;
    failure = name === "Violation" ? message : (stack ?? message);
  }
  const simulatedMs = world.time.nowMs;
  const { hash, lines } = world.trace;
  withoutReality(() => world.end());
  await turn();
  process.off("unhandledRejection", heard);
  const [first] = unhandled;
  if (first !== undefined)
    failure ??= `[DEFECT] nobody looked at ${(first as Error).stack ?? first}`;
  return {
    seed,
    hash,
    failure,
    simulatedMs,
    ops: Math.max(...world.servers.map(({ disk }) => disk.ops.length)),
    frames: world.network.frames,
    sometimes: [...world.sometimes.counts],
    plan,
    lines: lines ?? [],
  };
}
