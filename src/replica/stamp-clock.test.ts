import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { ManualClock } from "../../test/manual-clock.ts";
import { STAMP_AHEAD_MS_MAX } from "../core/limits.ts";
import { compareStamps, STAMP_ZERO, type Stamp } from "../core/stamp.ts";
import { StampClock } from "./stamp-clock.ts";

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

type Step =
  | { do: "pass"; ms: number }
  | { do: "leap"; ms: number }
  | { do: "merge"; aheadMs: number; counter: number }
  | { do: "next" }
  | { do: "restart" };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ do: fc.constant("pass"), ms: fc.double({ min: 0, max: HOUR, noNaN: true }) }),
    fc.record({ do: fc.constant("leap"), ms: fc.integer({ min: -YEAR, max: YEAR }) }),
    fc.record({ do: fc.constant("leap"), ms: fc.integer({ min: -1_000, max: 1_000 }) }),
    fc.record({
      do: fc.constant("merge"),
      aheadMs: fc.oneof(
        fc.integer({ min: -HOUR, max: YEAR }),
        fc.integer({ min: STAMP_AHEAD_MS_MAX - 2, max: STAMP_AHEAD_MS_MAX + 2 }),
      ),
      counter: fc.nat({ max: 65_535 }),
    }),
    fc.constant({ do: "next" }),
    fc.constant({ do: "next" }),
    fc.constant({ do: "restart" }),
  ),
  { maxLength: 40 },
);

describe("the stamp clock", () => {
  test("[R55] never goes back, whatever wall clock, others and restarts do", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const clock = new ManualClock();
        let stamps = new StampClock(clock, STAMP_ZERO);
        let minted: Stamp = STAMP_ZERO;
        for (const step of all) {
          const before = stamps.highest;
          if (step.do === "pass") clock.pass(step.ms);
          else if (step.do === "leap") clock.wallOffsetMs += step.ms;
          else if (step.do === "merge") {
            const ms = Math.max(0, Math.floor(stamps.trustedWallMs() + step.aheadMs));
            stamps.merge({ ms, counter: step.counter });
          } else if (step.do === "restart") stamps = new StampClock(clock, minted);
          else {
            const next = stamps.next();
            expect(compareStamps(next, minted)).toBeGreaterThan(0);
            minted = next;
          }
          expect(Number.isInteger(stamps.highest.ms)).toBe(true);
          if (step.do !== "restart") {
            expect(compareStamps(stamps.highest, before)).toBeGreaterThanOrEqual(0);
          }
        }
      }),
      { numRuns: heavy(1_000, 100_000) },
    );
  });

  test("[R55] a stamp from far ahead is merged up to the bound only", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: YEAR }),
        fc.nat({ max: 65_535 }),
        (aheadMs, counter) => {
          const clock = new ManualClock();
          const stamps = new StampClock(clock, STAMP_ZERO);
          const seen = { ms: clock.wallMs() + aheadMs, counter };
          stamps.merge(seen);
          const next = stamps.next();
          expect(next.ms).toBeLessThanOrEqual(clock.wallMs() + STAMP_AHEAD_MS_MAX + 1);
          if (aheadMs <= STAMP_AHEAD_MS_MAX) expect(compareStamps(next, seen)).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("[R55] a wall clock that leaps is not used, raises the alarm, and is used again when it is right", () => {
    for (const leap of [YEAR, -YEAR, HOUR, -HOUR]) {
      const clock = new ManualClock();
      const stamps = new StampClock(clock, STAMP_ZERO);
      const right = clock.wallOffsetMs;
      stamps.next();
      expect(stamps.alarm()).toBeNull();
      clock.wallOffsetMs += leap;
      clock.pass(10_000);
      expect(stamps.next()).toEqual({ ms: right + 10_000, counter: 0 });
      expect(stamps.alarm()?.leapMs).toBe(leap);
      clock.wallOffsetMs = right;
      clock.pass(5_000);
      expect(stamps.next()).toEqual({ ms: right + 15_000, counter: 0 });
      expect(stamps.alarm()).toBeNull();
    }
  });

  test("[R55] a leap is taken out once, also where the other servers see it", () => {
    const clock = new ManualClock();
    const stamps = new StampClock(clock, STAMP_ZERO);
    const others = clock.wallOffsetMs;
    for (const leap of [HOUR, -HOUR, 0]) {
      clock.wallOffsetMs = others + leap;
      clock.pass(10_000);
      const offset = others + clock.monotonicMs() - stamps.readingMs();
      stamps.compare([offset, offset]);
      expect(stamps.trustedWallMs()).toBe(others + clock.monotonicMs());
      expect(stamps.alarm()).toEqual(leap === 0 ? null : { leapMs: leap, apartMs: 0 });
    }
  });

  test("a drift within the bound is followed", () => {
    const clock = new ManualClock();
    const stamps = new StampClock(clock, STAMP_ZERO);
    for (let i = 0; i < 100; i++) {
      clock.pass(60_000);
      clock.wallOffsetMs += 30_000; // half as fast again
      expect(stamps.next().ms).toBe(clock.wallMs());
      expect(stamps.alarm()).toBeNull();
    }
  });
});
