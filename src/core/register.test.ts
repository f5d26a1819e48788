import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { place } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { type Position, positionOf } from "./position.ts";
import { earliest, latest, merge, nextVersion, type Register } from "./register.ts";

const runs = { numRuns: heavy(1_000, 100_000) };

/** Writes of one register: a place says what was written there. */
const places = fc.uniqueArray(place.map(positionOf), { minLength: 3, maxLength: 3 });
const writes = fc
  .tuple(places, fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 }))
  .map(([ats, versions]) =>
    ats.map((at, i): Register<number> => ({ value: i, version: versions[i] as number, at })),
  );

describe("registers", () => {
  test("[R4] merge in any order and repetition to one winner", () => {
    fc.assert(
      fc.property(writes, (all) => {
        const [a, b, c] = all as [Register<number>, Register<number>, Register<number>];
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(a, a)).toEqual(a);
        expect(merge(merge(a, b), b)).toEqual(merge(a, b));
        expect(merge(undefined, a)).toEqual(a);
      }),
      runs,
    );
  });

  test("[R23] a write that has seen another one beats it, whatever the clocks say", () => {
    fc.assert(
      fc.property(places, ([a, b]) => {
        const first: Register<string> = {
          value: "first",
          version: nextVersion(undefined),
          at: a as Position,
        };
        const second = { value: "second", version: nextVersion(first), at: b as Position };
        expect(merge(first, second).value).toBe("second");
        expect(merge(second, first).value).toBe("second");
      }),
      runs,
    );
  });

  test("[R23] of writes of one version the one later in the total order wins", () => {
    fc.assert(
      fc.property(writes, (all) => {
        const same = all.map((write) => ({ ...write, version: 7 }));
        const last = same
          .map(({ at }) => at)
          .sort()
          .at(-1);
        expect(same.reduce((kept, write) => merge(kept, write)).at).toBe(last as Position);
      }),
      runs,
    );
  });
});

test("of places the earliest and the latest are kept", () => {
  fc.assert(
    fc.property(fc.array(place.map(positionOf), { minLength: 1 }), (all) => {
      const sorted = [...all].sort();
      const fold = (pick: typeof earliest) =>
        all.reduce<Position | undefined>((kept, one) => pick(kept, one), undefined);
      expect(fold(earliest)).toBe(sorted[0]);
      expect(fold(latest)).toBe(sorted.at(-1));
    }),
    runs,
  );
});
