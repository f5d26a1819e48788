import { expect, test } from "bun:test";
import fc from "fast-check";
import { hostile } from "../../test/cli-hostile-text.ts";
import type { Message } from "../client/index.ts";
import {
  type Calendar,
  changedLines,
  dayKey,
  dayText,
  entryLines,
  messageLines,
  messageRow,
  noticeLines,
  ruleLine,
  tableLines,
} from "./format.ts";
import { coloursOf, named, paint, plain, type Span, spanCells, wrap } from "./paint.ts";

const utc: Calendar = (ms) => {
  const date = new Date(ms);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  };
};

function message(text: string, more: Partial<Message> = {}): Message {
  return {
    id: "m_1",
    conversation: "c_1",
    author: { id: "a_1", name: "ann" },
    text,
    at: Date.UTC(2026, 10, 22, 9, 5),
    position: "p",
    ...more,
  };
}

const textOf = (lines: Span[][]) =>
  lines.map((line) => line.map(({ text }) => text).join("")).join("\n");
const ACTS = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u;

test("a message is time, author, text; where it is said if asked", () => {
  const look = { width: 60, calendar: utc };
  expect(textOf(messageLines(message("hi"), look))).toBe("09:05 ann: hi");
  expect(textOf(messageLines(message("hi"), { ...look, where: "#ops" }))).toBe(
    "09:05 #ops ann: hi",
  );
});

test("edited, late, deleted and deleted accounts are said", () => {
  const look = { width: 60, calendar: utc };
  expect(textOf(messageLines(message("hi", { edited: true, late: true }), look))).toBe(
    "09:05 ann: hi (edited, late)",
  );
  expect(textOf(messageLines(message("", { deleted: true }), look))).toBe("09:05 ann: (deleted)");
  const gone = { id: "a_2", name: "(account deleted)", deleted: true } as const;
  expect(textOf(messageLines(message("hi", { author: gone }), look))).toBe(
    "09:05 (account deleted): hi",
  );
  expect(textOf(changedLines(message("new", { edited: true }), look))).toBe(
    "09:05 ann edited: new",
  );
  expect(textOf(changedLines(message("", { deleted: true }), look))).toBe("09:05 ann: (deleted)");
});

test("long text is broken between words and indented under the time", () => {
  const lines = textOf(
    messageLines(message("one two three four five"), { width: 20, calendar: utc }),
  );
  expect(lines).toBe("09:05 ann: one two\n      three four\n      five");
  expect(textOf(messageLines(message("a\nb"), { width: 20, calendar: utc }))).toBe(
    "09:05 ann: a\n      b",
  );
});

test("whatever others write: no line is wider than asked or moves the cursor", () => {
  fc.assert(
    fc.property(hostile, hostile, fc.integer({ min: 1, max: 90 }), (text, name, width) => {
      const author = { id: "a_1", name };
      const look = { width, calendar: utc, where: name };
      const all = [
        ...messageLines(message(text, { author, edited: true }), look),
        ...changedLines(message(text, { author, edited: true }), look),
        ...noticeLines(text, width),
        ...tableLines(
          [
            [name, text],
            ["a", "b"],
          ],
          width,
        ),
        ruleLine(text, width),
      ];
      for (const line of all) {
        expect(spanCells(line)).toBeLessThanOrEqual(width);
        expect(textOf([line])).not.toMatch(ACTS);
        expect(Bun.stripANSI(paint(line, "256"))).toBe(textOf([line]));
      }
      expect(messageRow(message(text, { author }), name)).not.toMatch(ACTS);
    }),
  );
});

test("broken text loses nothing but spaces", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "bc", "def", "ghijklmnop", "日本"), { maxLength: 12 }),
      fc.integer({ min: 4, max: 30 }),
      (words, width) => {
        const lines = wrap([plain(words.join(" "))], width, 1);
        expect(textOf(lines).replaceAll(/[ \n]/g, "")).toBe(words.join(""));
      },
    ),
  );
});

test("a row for logs is one line", () => {
  expect(messageRow(message("one\ntwo", { edited: true }), "#ops")).toBe(
    "2026-11-22T09:05:00Z #ops ann: one⏎two (edited)",
  );
});

test("days", () => {
  const moment = utc(Date.UTC(2026, 10, 22));
  expect(dayKey(moment)).toBe("2026-11-22");
  expect(dayText(moment)).toBe("Sunday, 22 November 2026");
});

test("columns line up", () => {
  expect(
    textOf(
      tableLines(
        [
          ["a", "long one"],
          ["bbb", "x"],
        ],
        40,
      ),
    ),
  ).toBe("a    long one\nbbb  x");
  expect(textOf(entryLines("/msg", "sends a message to somebody", 6, 24))).toBe(
    "/msg    sends a message\n        to somebody",
  );
  expect(textOf(entryLines("/conversations", "all of them", 6, 24))).toBe(
    "/conversations\n  all of them",
  );
});

test("colours: the account decides, the terminal's wish is heard", () => {
  const one = paint([named("ann", "a_1")], "256");
  expect(one).toStartWith("\x1b[38;5;");
  expect(one).toEndWith("mann\x1b[0m");
  expect(paint([named("ann", "a_1")], "256")).toBe(one);
  expect(paint([named("ann", "a_1")], "none")).toBe("ann");
  const keys = Array.from({ length: 40 }, (_, i) => paint([named("x", `a_${i}`)], "256"));
  expect(new Set(keys).size).toBeGreaterThan(8);
  expect(coloursOf({ TERM: "xterm-256color" }, true)).toBe("256");
  expect(coloursOf({ TERM: "xterm" }, true)).toBe("16");
  expect(coloursOf({ TERM: "xterm-256color", NO_COLOR: "1" }, true)).toBe("none");
  expect(coloursOf({ TERM: "xterm-256color" }, false)).toBe("none");
  expect(coloursOf({ TERM: "dumb" }, true)).toBe("none");
});
