import { expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { BoundedMap } from "./bounded-map.ts";

test("[R10.16] never holds more than its bound: what was put first goes first, and is told", () => {
  const steps = fc.array(
    fc.record({ key: fc.nat({ max: 9 }), put: fc.boolean(), drop: fc.boolean() }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, max) => {
      const map = new BoundedMap<number, number>(max);
      let held: { key: number; value: number }[] = [];
      for (const [value, { key, put, drop }] of all.entries()) {
        if (drop) {
          map.delete(key);
          held = held.filter((entry) => entry.key !== key);
        }
        if (put) {
          const known = held.find((entry) => entry.key === key);
          if (known === undefined) held.push({ key, value });
          else known.value = value; // it keeps its place
          const gone = held.length > max ? (held.shift() ?? null) : null;
          expect(map.set(key, value)).toEqual(gone);
        }
        expect(map.size).toBe(held.length);
        expect(map.size).toBeLessThanOrEqual(max);
        expect([...map.keys()]).toEqual(held.map((entry) => entry.key));
        for (const entry of held) expect(map.get(entry.key)).toBe(entry.value);
      }
    }),
    { numRuns: heavy(500, 50_000) },
  );
});
