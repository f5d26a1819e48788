import { expect, test } from "bun:test";
import { EARLY_KINDS, LATEST_FROM, LONG_EVERY, type Plan, planOf } from "./plan.ts";

const SAMPLE = [2, 119, 1227, 10_061, 21_159, 39_999];

/** What a plan was made of before seeds from LATEST_FROM on had more. */
function early({ servers, people, stormMs, faults, survivors, clocksAreSet }: Plan): string {
  const struck = faults.map(({ atMs, kind, servers: order, share }) => [atMs, kind, order, share]);
  return JSON.stringify([servers, people, stormMs, struck, survivors, clocksAreSet]);
}

test("seeds from before keep their meaning: a seed that found something goes on looking there", () => {
  const all = SAMPLE.map((seed) => early(planOf(seed))).join("\n");
  expect(Bun.hash.wyhash(all).toString(16)).toBe("cce10db364a3406");
  for (const seed of SAMPLE) {
    const { faults, isLong } = planOf(seed);
    expect(isLong).toBe(false);
    expect(faults.every(({ kind, stretch }) => stretch === 1 && isEarly(kind))).toBe(true);
  }
});

test("one in so many of the latest seeds lasts for hours, the others for seconds", () => {
  for (let seed = LATEST_FROM; seed < LATEST_FROM + 2 * LONG_EVERY; seed++) {
    const { isLong, stormMs } = planOf(seed);
    expect(isLong).toBe(seed % LONG_EVERY === 0);
    expect(stormMs > 3_000_000).toBe(isLong);
  }
});

test("a fault that is left out moves none of the others", () => {
  const whole = planOf(LATEST_FROM + 1).faults;
  const [first, ...rest] = whole;
  const less = planOf(LATEST_FROM + 1, { only: rest.map(({ n }) => n) }).faults;
  expect(first).toBeDefined();
  expect(less).toEqual(rest);
});

function isEarly(kind: string): boolean {
  return (EARLY_KINDS as readonly string[]).includes(kind);
}
