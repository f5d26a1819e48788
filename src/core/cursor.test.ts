import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { incarnation, mutatedText, seq, stamp } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { type Cursor, cursorText, parseCursor, partsOf } from "./cursor.ts";
import type { Incarnation } from "./ids.ts";
import { CURSOR_CHARACTERS_MAX, CURSOR_ORIGINS_MAX, CURSOR_PARTS_MAX } from "./limits.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));

const cursors: fc.Arbitrary<Cursor> = fc
  .record({
    store: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
    n: fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
    mark: fc.stringMatching(/^[A-Za-z0-9_-]{0,16}$/),
    stamp,
    digest: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    listed: fc.uniqueArray(fc.tuple(incarnation, seq), {
      selector: ([origin]) => origin,
      maxLength: CURSOR_ORIGINS_MAX,
    }),
  })
  .map((parts) => ({
    ...parts,
    listed: new Map(
      parts.listed.map(([origin, head]): [Incarnation, { seq: number }] => [origin, { seq: head }]),
    ),
  }));

describe("cursors", () => {
  test("are read back, within their bound", () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        const text = cursorText(cursor);
        expect(parseCursor(text)).toEqual(cursor);
        expect(text.length).toBeLessThanOrEqual(CURSOR_CHARACTERS_MAX);
      }),
      { numRuns: heavy(500, 50_000) },
    );
  });

  test("[R10] any text is none, or the one text of what is read from it", () => {
    fc.assert(
      fc.property(fc.oneof(mutatedText(cursors.map(cursorText)), fc.string()), (text) => {
        const read = parseCursor(text);
        if (read === null) return;
        expect(cursorText(read)).toBe(text);
        expect(Number.isSafeInteger(read.n)).toBe(true);
      }),
      { numRuns: heavy(1_000, 100_000) },
    );
  });

  test("[R6] of several servers are read back, each part once, as many as the bound takes", () => {
    const several = fc.uniqueArray(cursors, {
      selector: ({ store }) => store,
      minLength: 1,
      maxLength: CURSOR_PARTS_MAX + 2,
    });
    fc.assert(
      fc.property(several, ([first, ...also]) => {
        const text = cursorText({ ...(first as Cursor), also });
        expect(text.length).toBeLessThanOrEqual(CURSOR_CHARACTERS_MAX);
        const read = parseCursor(text);
        expect(read).not.toBeNull();
        if (read === null) return;
        expect(cursorText(read)).toBe(text);
        const { also: rest = [], ...own } = read;
        expect(own).toEqual(first as Cursor);
        for (const part of rest) expect(also).toContainEqual(part);
      }),
      { numRuns: heavy(200, 10_000) },
    );
    const [one] = fc.sample(cursors, 1) as [Cursor];
    const small = { ...one, listed: new Map() };
    const parts = (many: number) =>
      Array.from({ length: many }, (_, i) => cursorText({ ...small, store: `s${i}` })).join("!");
    expect(partsOf(parseCursor(parts(CURSOR_PARTS_MAX)) as Cursor)).toHaveLength(CURSOR_PARTS_MAX);
    expect(parseCursor(parts(CURSOR_PARTS_MAX + 1))).toBeNull();
    expect(parseCursor(`${cursorText(small)}!${cursorText(small)}`)).toBeNull();
  });

  test("with an origin twice, or a number that is none or has two texts, are none", () => {
    const text = (n: string, digest: string, listed: string) =>
      `1~store~${n}~mark~${"0".repeat(13)}~${digest}~${listed}`;
    const [a, b] = ["a.0123456789", "b.0123456789"];
    expect(parseCursor(text("7", "ff", `${a}:1,${b}:2`))).not.toBeNull();
    expect(parseCursor(text("7", "0", ""))).not.toBeNull();
    for (const wrong of [
      text("7", "ff", `${a}:1,${a}:2`),
      text("9007199254740993", "ff", ""),
      text("7", "ff", `${a}:9007199254740993`),
      text("07", "ff", ""),
      text("-7", "ff", ""),
      text("7", "0f", ""),
      text("7", "f".repeat(17), ""),
      text("7", "ff", `${a}:1,`),
      text("7", "ff", `${a}:01`),
    ])
      expect([wrong, parseCursor(wrong)]).toEqual([wrong, null]);
  });

  test("[R10] with more origins than one may list, or too long, are none", () => {
    const [one] = fc.sample(cursors, 1) as [Cursor];
    const listing = (many: number) => {
      const name = (i: number) => `a.${i.toString(32).padStart(10, "0")}` as Incarnation;
      const listed = new Map(Array.from({ length: many }, (_, i) => [name(i), { seq: 1 }]));
      return parseCursor(cursorText({ ...one, listed }));
    };
    expect(listing(CURSOR_ORIGINS_MAX)).not.toBeNull();
    expect(listing(CURSOR_ORIGINS_MAX + 1)).toBeNull();
    expect(parseCursor("~".repeat(CURSOR_CHARACTERS_MAX + 1))).toBeNull();
  });
});
