import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bytes, incarnation, seq } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { sha256 } from "../storage/log-hash.ts";
import type { Incarnation } from "./ids.ts";
import { addShares, covers, digestShare, type Head, seqOf, subtractShares } from "./vector.ts";

const runs = { numRuns: heavy(300, 20_000) };
const heads = fc
  .uniqueArray(fc.record({ origin: incarnation, seq, chain: bytes(16) }), {
    selector: ({ origin }) => origin,
    maxLength: 12,
  })
  .map((all) => new Map(all.map(({ origin, ...head }): [Incarnation, Head] => [origin, head])));

function digest(entries: Iterable<readonly [Incarnation, Head]>): bigint {
  let sum = 0n;
  for (const [origin, head] of entries) sum = addShares(sum, digestShare(sha256, origin, head));
  return sum;
}

describe("version vectors", () => {
  test("have one digest, in whatever order it is summed, and another one after any change", () => {
    fc.assert(
      fc.property(heads, fc.nat(), (vector, which) => {
        const all = [...vector];
        expect(digest(all.toReversed())).toBe(digest(all));
        expect(digest(all)).toBeLessThan(1n << 64n);
        const changed = all[which % Math.max(1, all.length)];
        if (changed === undefined) return;
        const [origin, head] = changed;
        const without = subtractShares(digest(all), digestShare(sha256, origin, head));
        expect(without).toBe(digest(all.filter(([other]) => other !== origin)));
        const chain = Uint8Array.from(head.chain, (byte, i) => (i === 0 ? byte ^ 1 : byte));
        const others = [
          { ...head, seq: head.seq === 1 ? 2 : head.seq - 1 },
          { ...head, chain }, // a branch: the same numbers, other ops
        ];
        for (const other of others) {
          const moved = addShares(without, digestShare(sha256, origin, other));
          expect(moved).not.toBe(digest(all));
          expect(subtractShares(moved, digestShare(sha256, origin, other))).toBe(without);
        }
      }),
      runs,
    );
  });

  test("cover what has no higher seq anywhere", () => {
    fc.assert(
      fc.property(heads, heads, (a, b) => {
        const naive = [...b].every(([origin, head]) => (a.get(origin)?.seq ?? 0) >= head.seq);
        expect(covers(a, b)).toBe(naive);
        expect(covers(a, a)).toBe(true);
        for (const [origin, head] of a) expect(seqOf(a, origin)).toBe(head.seq);
      }),
      runs,
    );
  });
});
