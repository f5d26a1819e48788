import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mutatedText, stamp } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { compareText } from "./bytes.ts";
import {
  COUNTER_MAX,
  compareStamps,
  laterStamp,
  MS_MAX,
  nextStamp,
  parseStamp,
  STAMP_TEXT_LENGTH,
  STAMP_ZERO,
  type Stamp,
  stampText,
} from "./stamp.ts";

const runs = { numRuns: heavy(1_000, 100_000) };

describe("stamps", () => {
  test("as text are read back, and have the order of the stamps", () => {
    fc.assert(
      fc.property(stamp, stamp, (a, b) => {
        expect(parseStamp(stampText(a))).toEqual(a);
        expect(stampText(a)).toHaveLength(STAMP_TEXT_LENGTH);
        expect(compareText(stampText(a), stampText(b))).toBe(Math.sign(compareStamps(a, b)));
        expect(compareStamps(laterStamp(a, b), a)).toBeGreaterThanOrEqual(0);
        expect([a, b]).toContainEqual(laterStamp(a, b));
      }),
      runs,
    );
  });

  test("are read from their one text only", () => {
    fc.assert(
      fc.property(mutatedText(stamp.map(stampText)), (text) => {
        const read = parseStamp(text);
        if (read !== null) expect(stampText(read)).toBe(text);
      }),
      runs,
    );
    expect(parseStamp("")).toBeNull();
    expect(parseStamp("000000000000v")).toBeNull(); // a stray bit
  });

  test("never go back, whatever the wall clock says", () => {
    const walls = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 5 }),
        fc.double({ min: -10, max: 2e15, noNaN: true }),
        fc.constantFrom(Number.NEGATIVE_INFINITY, MS_MAX - 1),
      ),
      { maxLength: 30 },
    );
    const start = stamp.filter(({ ms }) => ms < MS_MAX - 100);
    fc.assert(
      fc.property(start, walls, (first, readings) => {
        let high: Stamp = first;
        for (const wall of readings) {
          if (wall >= MS_MAX - 1) continue;
          const next = nextStamp(high, wall);
          expect(compareStamps(next, high)).toBeGreaterThan(0);
          expect(next.ms).toBeGreaterThanOrEqual(Math.floor(Math.max(0, wall)));
          expect(next.counter).toBeLessThanOrEqual(COUNTER_MAX);
          expect(Number.isInteger(next.ms)).toBe(true);
          high = next;
        }
      }),
      runs,
    );
  });

  test("of one ms that are used up go on in the next", () => {
    expect(nextStamp({ ms: 5, counter: COUNTER_MAX - 1 }, 5)).toEqual({
      ms: 5,
      counter: COUNTER_MAX,
    });
    expect(nextStamp({ ms: 5, counter: COUNTER_MAX }, 5)).toEqual({ ms: 6, counter: 0 });
    expect(nextStamp({ ms: 5, counter: 7 }, 6.9)).toEqual({ ms: 6, counter: 0 });
    expect(nextStamp(STAMP_ZERO, 0)).toEqual({ ms: 0, counter: 1 });
    expect(() => nextStamp({ ms: MS_MAX, counter: COUNTER_MAX }, 0)).toThrow("used up");
  });
});
