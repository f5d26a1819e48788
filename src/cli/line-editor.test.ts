import { expect, test } from "bun:test";
import fc from "fast-check";
import { hostile } from "../../test/cli-hostile-text.ts";
import { type Key, KeyDecoder, type KeyName } from "./keys.ts";
import { EMPTY, type Line, press, textOf, view } from "./line-editor.ts";
import { cells } from "./printable.ts";

const decode = (...pieces: string[]): Key[] => {
  const decoder = new KeyDecoder();
  return pieces.flatMap((piece) => decoder.decode(new TextEncoder().encode(piece)));
};
const names = (...pieces: string[]) =>
  decode(...pieces).map((key) => (key.kind === "key" ? key.name : `${key.kind}:${key.text}`));

function typed(...keys: (string | KeyName[])[]): Line {
  let line = EMPTY;
  for (const part of keys) {
    if (typeof part === "string") line = press(line, { kind: "text", text: part }).line;
    else for (const name of part) line = press(line, { kind: "key", name }).line;
  }
  return line;
}

test("keys of terminals are known, also with modifiers and in their other forms", () => {
  expect(names("\x1b[A\x1bOB\x1b[1;5C\x1b[1;3D\x1b[H\x1b[4~\x1b[3~\x1bb\x1b\x7f")).toEqual([
    "up",
    "down",
    "word-right",
    "word-left",
    "home",
    "end",
    "delete",
    "word-left",
    "erase-word",
  ]);
  expect(names("\x03\x04\r\x7f")).toEqual(["interrupt", "end-of-input", "enter", "backspace"]);
});

test("a sequence or character that is cut in two stays whole", () => {
  expect(names("a\x1b[", "1;5", "Db")).toEqual(["text:a", "word-left", "text:b"]);
  const bytes = new TextEncoder().encode("é");
  const decoder = new KeyDecoder();
  expect(decoder.decode(bytes.slice(0, 1))).toEqual([]);
  expect(decoder.decode(bytes.slice(1))).toEqual([{ kind: "text", text: "é" }]);
});

test("unknown sequences are passed over whole", () => {
  expect(names("a\x1b[?1;2cb\x1b[200;5;7xc\x1bOPd\x1bq")).toEqual([
    "text:a",
    "text:b",
    "text:c",
    "text:d",
  ]);
  expect(names("\x1b")).toEqual(["escape"]);
});

test("a paste is text, whatever it holds", () => {
  expect(names("\x1b[200~one\rtwo\x03\x1b[A", "three\x1b[201~x")).toEqual([
    "paste:one\ntwo\x03\x1b[Athree",
    "text:x",
  ]);
});

test("no bytes make the decoder fail or keep more than it may", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (pieces) => {
      const decoder = new KeyDecoder();
      for (const piece of pieces) decoder.decode(piece);
    }),
  );
});

test("edits at the cursor", () => {
  expect(textOf(typed("hello", ["left", "left"], "X"))).toBe("helXlo");
  expect(textOf(typed("one two", ["word-left"], "X"))).toBe("one Xtwo");
  expect(textOf(typed("one two", ["erase-word"]))).toBe("one ");
  expect(textOf(typed("one two", ["home", "delete", "word-right", "erase-after"]))).toBe("ne");
  expect(textOf(typed("one two", ["word-left", "erase-before"]))).toBe("two");
  expect(textOf(typed("👩‍💻e\u0301", ["backspace"]))).toBe("👩‍💻");
  expect(textOf(typed("👩‍💻", ["backspace", "backspace"]))).toBe("");
  expect(typed("e", "\u0301").characters).toEqual(["e\u0301"]);
});

test("Enter gives the line, Ctrl+D leaves on an empty line only", () => {
  const enter = press(typed("hi"), { kind: "key", name: "enter" });
  expect(enter.outcome).toEqual({ kind: "line", text: "hi" });
  expect(textOf(enter.line)).toBe("");
  expect(press(EMPTY, { kind: "key", name: "end-of-input" }).outcome.kind).toBe("end");
  const inside = press(typed("hi", ["home"]), { kind: "key", name: "end-of-input" });
  expect([textOf(inside.line), inside.outcome.kind]).toEqual(["i", "editing"]);
});

test("goes back to earlier lines and returns to the draft; secrets are not remembered", () => {
  let line = typed("one", ["enter"], "two", ["enter"], "dra", ["up", "up", "up"]);
  expect(textOf(line)).toBe("one");
  line = press(line, { kind: "key", name: "down" }).line;
  expect(textOf(line)).toBe("two");
  line = press(line, { kind: "key", name: "down" }).line;
  expect(textOf(line)).toBe("dra");
  const secret = press(typed("pass word"), { kind: "key", name: "enter" }, false);
  expect(secret.line.past).toEqual([]);
});

test("the view is never wider than asked and never torn, wherever the cursor stands", () => {
  fc.assert(
    fc.property(hostile, fc.nat(60), fc.integer({ min: 0, max: 40 }), (text, back, width) => {
      const line = typed(
        text,
        Array.from({ length: back }, () => "left" as const),
      );
      const { before, after } = view(line, width);
      expect(cells(before) + cells(after)).toBeLessThanOrEqual(width);
      expect(before + after).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(view(line, width, "*").before).toMatch(/^\**$/);
    }),
  );
});

test("the view shows all of a short line, and the cursor's surroundings of a long one", () => {
  expect(view(typed("hello", ["left"]), 10)).toEqual({ before: "hell", after: "o" });
  expect(view(typed("0123456789"), 4)).toEqual({ before: "6789", after: "" });
  expect(view(typed("0123456789", ["home"]), 4)).toEqual({ before: "", after: "0123" });
  expect(view(typed("a\nb"), 10).before).toBe("a⏎b");
});
