import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { accountId, place } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { type FoldedName, foldName } from "../core/names.ts";
import { positionOf } from "../core/position.ts";
import type { FoldView, NameClaim } from "../core/view.ts";
import { sha256 } from "../storage/log-hash.ts";
import { shownNames } from "./names.ts";

const BOB = "bob" as FoldedName;
const runs = { numRuns: heavy(500, 50_000) };
const hexOf = (holder: string) =>
  Buffer.from(sha256.sha256(new TextEncoder().encode(holder))).toString("hex");

const claims: fc.Arbitrary<NameClaim[]> = fc.uniqueArray(
  fc.record({ holder: accountId, at: place.map(positionOf) }),
  { minLength: 1, maxLength: 40, selector: ({ holder }) => holder },
);

function shown(all: readonly NameClaim[], hash: FoldView["hash"] = sha256): Map<string, string> {
  return shownNames({ hash } as FoldView, BOB, all);
}

describe("[R24] of several claims of one name", () => {
  test("the earliest shows it bare, each other one with hex digits of a hash of its holder", () => {
    fc.assert(
      fc.property(claims, (all) => {
        const names = shown(all);
        const [first, ...others] = all.toSorted((a, b) => (a.at < b.at ? -1 : 1));
        if (others.every(({ at }) => at !== first?.at)) {
          expect(names.get(first?.holder as string)).toBe(BOB);
        }
        expect([...names.values()].filter((name) => name === BOB)).toHaveLength(1);
        expect(new Set(names.values()).size).toBe(all.length);
        for (const [holder, name] of names) {
          if (name === BOB) continue;
          const suffix = /^bob~([0-9a-f]{2,})$/.exec(name)?.[1];
          expect(hexOf(holder).startsWith(suffix ?? "none")).toBe(true);
          expect(foldName(name)).toBeNull(); // nobody can take it for a name of theirs
        }
      }),
      runs,
    );
  });

  test("who shows what depends on the claims alone, not on their order", () => {
    fc.assert(
      fc.property(
        claims.chain((all) =>
          fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
          ),
        ),
        ([all, shuffled]) => {
          expect([...shown(shuffled)].sort()).toEqual([...shown(all)].sort());
        },
      ),
      runs,
    );
  });

  test("hashes that begin alike give longer suffixes, so that no two show one name", () => {
    const alike: FoldView["hash"] = {
      sha256: (bytes) => new Uint8Array(32).fill(7, 0, 3).fill(bytes.at(-2) ?? 0, 3),
    };
    const all = ["A", "B", "C", "D"].map((letter, i) => ({
      holder: `a_${letter.repeat(21)}A`,
      at: positionOf({ stamp: { ms: i + 1, counter: 0 }, origin: "a.0000000000" as never, seq: 1 }),
    })) as NameClaim[];
    expect([...shown(all, alike).values()]).toEqual(["bob", "bob~07", "bob~070", "bob~0707"]);
  });
});
