import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { foldName, literalPrefix, matchesWildcard, SUFFIX_MARK } from "./names.ts";

const runs = { numRuns: heavy(3_000, 300_000) };

function asRegex(pattern: string): RegExp {
  const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const parts = [...pattern].map((c) => (c === "*" ? "[^]*" : c === "?" ? "[^]" : quoted(c)));
  return new RegExp(`^${parts.join("")}$`);
}

const letters = fc.constantFrom("a", "b", ".", "[", "\\");
const names = fc.array(letters, { maxLength: 8 }).map((all) => all.join(""));
const patterns = fc
  .array(fc.oneof(letters, fc.constantFrom("*", "?")), { maxLength: 8 })
  .map((all) => all.join(""));

describe("wildcards", () => {
  test("match what the regular expression of the same meaning does", () => {
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        expect(matchesWildcard(pattern, name)).toBe(asRegex(pattern).test(name));
      }),
      runs,
    );
  });

  test("have a literal start that every match has", () => {
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        const prefix = literalPrefix(pattern);
        expect(prefix).not.toMatch(/[*?]/);
        expect(pattern.startsWith(prefix)).toBe(true);
        if (matchesWildcard(pattern, name)) expect(name.startsWith(prefix)).toBe(true);
      }),
      runs,
    );
  });

  test("[R10] take no time that grows with the number of ways to match", () => {
    const name = "a".repeat(64);
    let matched = 0;
    for (let i = 0; i < 1_000; i++) if (matchesWildcard(`${"*a".repeat(31)}*b`, name)) matched++;
    expect(matched).toBe(0);
  });
});

describe("names", () => {
  test("[R24] fold to one text whatever the case, and to a name or to nothing", () => {
    const near = fc.oneof(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,33}$/), fc.string());
    fc.assert(
      fc.property(near, (text) => {
        const folded = foldName(text);
        expect(folded === null).toBe(!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(text));
        if (folded === null) return;
        expect(foldName(folded)).toBe(folded);
        expect(foldName(text.toUpperCase())).toBe(folded);
        expect(folded).not.toContain(SUFFIX_MARK);
      }),
      runs,
    );
    for (const bad of [
      "",
      "-a",
      ".a",
      "a b",
      "a~1",
      "ä",
      "\u212a",
      "\u017f",
      "bob\n",
      "x".repeat(33),
    ])
      expect(foldName(bad)).toBeNull();
  });
});
