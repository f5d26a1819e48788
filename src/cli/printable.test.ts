import { expect, test } from "bun:test";
import fc from "fast-check";
import { hostile } from "../../test/cli-hostile-text.ts";
import { cells, clip, graphemes, pad, printable, printableLines, safeJson } from "./printable.ts";

const ACTS = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u;

test("nothing that a terminal acts on gets through", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(printable(text)).not.toMatch(ACTS);
      for (const line of printableLines(text)) expect(line).not.toMatch(ACTS);
    }),
  );
});

test("harmless text stays as it is", () => {
  for (const text of ["plain", "größer", "日本語", "नमस्ते", "می‌خواهم", "👩‍💻 ❤️", "e\u0301"]) {
    expect(printable(text)).toBe(text);
  }
});

test("an attempt is seen, an override of the order vanishes", () => {
  expect(printable("a\x1b[31mb\x07")).toBe("a␛[31mb␇");
  expect(printable("\x9b31m\x7f")).toBe("\ufffd31m␡");
  expect(printable("abc\u202edef\u2069")).toBe("abcdef");
  expect(printable("one\ntwo\r\nthree")).toBe("one⏎two⏎three");
  expect(printableLines("one\ntwo\r\nthree\u2028four")).toEqual(["one", "two", "three", "four"]);
});

test("stacked marks are cut", () => {
  expect(printable(`z${"\u0335".repeat(40)}y`)).toBe(`z${"\u0335".repeat(8)}y`);
});

test("JSON stays the same value and holds nothing that a terminal acts on", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const json = safeJson({ text });
      expect(json).not.toMatch(ACTS);
      expect(json).not.toMatch(/\p{Cf}/u);
      expect(JSON.parse(json)).toEqual({ text });
    }),
  );
});

test("clipped text is never wider than asked, padded text exactly as wide", () => {
  fc.assert(
    fc.property(hostile, fc.integer({ min: 0, max: 30 }), (text, width) => {
      const line = printable(text);
      expect(cells(clip(line, width))).toBeLessThanOrEqual(width);
      expect(Bun.stringWidth(clip(line, width))).toBeLessThanOrEqual(width);
      expect(cells(pad(line, width))).toBe(width);
      if (cells(line) <= width) expect(clip(line, width)).toBe(line);
    }),
  );
});

test("columns are counted rather too high than too low", () => {
  expect(cells("abc")).toBe(3);
  expect(cells("日本")).toBe(4);
  expect(cells("e\u0301")).toBe(1);
  fc.assert(
    fc.property(hostile, (text) => {
      expect(cells(printable(text))).toBeGreaterThanOrEqual(Bun.stringWidth(printable(text)));
    }),
  );
});

test("characters are not torn", () => {
  expect(graphemes("a👩‍💻e\u0301")).toEqual(["a", "👩‍💻", "e\u0301"]);
  expect(clip("👩‍💻👩‍💻", 5)).toBe("👩‍💻…");
});
