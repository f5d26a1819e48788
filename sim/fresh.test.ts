/** Worlds that nobody has seen before: a minute of them, or 2,000. A failure is printed by the line that repeats it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { count, heavy } from "../test/heavy.ts";
import { runMany } from "./many.ts";
import { replayLine } from "./minimise.ts";

setDefaultTimeout(heavy(600_000, 6 * 3_600_000));

test("[R1, R2, R4, R5, R6, R7, R8, R9, R10, R11, R54, R55] worlds from seeds of this moment", async () => {
  const sum = await runMany({
    from: Date.now() % 2 ** 40,
    seeds: heavy(Number.MAX_SAFE_INTEGER, 2_000),
    untilMs: heavy(performance.now() + 60_000, Number.POSITIVE_INFINITY),
    jobs: heavy(1, 2),
    keepGoing: true,
  });
  const failures = sum.failures.map(({ seed, failure }) => `${replayLine(seed)}\n${failure}`);
  expect(failures).toEqual([]);
  expect(sum.runs).toBeGreaterThan(0);
  count("simulated worlds", sum.runs);
  count("simulated seconds", Math.round(sum.simulatedMs / 1_000));
});
