import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseMarkdown, textOf } from "../conversation/markdown.ts";
import { excerpt } from "./excerpt.ts";

const shown = (text: string, wanted: string) =>
  excerpt(text, wanted)
    .map((piece) => (piece.isHit ? `[${piece.text}]` : piece.text))
    .join("");

test("hits are whole words, without regard to case and accents", () => {
  expect(shown("The Café is a cafeteria", "cafe")).toBe("The [Café] is a cafeteria");
  expect(shown("Привет, мир", "ПРИВЕТ")).toBe("[Привет], мир");
});

test("a last star stands for any ending, quotes mark each word", () => {
  expect(shown("disk full, disks fuller", "disk*")).toBe("[disk] full, [disks] fuller");
  expect(shown("we lost the link", '"the link"')).toBe("we lost [the] [link]");
});

test("a long text is cut around the first hit, and says so", () => {
  const text = `${"before ".repeat(100)}needle ${"after ".repeat(100)}`;
  const pieces = excerpt(text, "needle");
  expect(pieces[0]).toEqual({ text: "…", isHit: false });
  expect(pieces.at(-1)).toEqual({ text: "…", isHit: false });
  expect(pieces.filter(({ isHit }) => isHit).map(({ text: hit }) => hit)).toEqual(["needle"]);
  expect(pieces.map(({ text: part }) => part).join("").length).toBeLessThan(300);
});

test("it is read as the message is read: without the signs that dress it", () => {
  const text = "the **server** is `down`, ~~again~~:\n```\nserver exit 1\n```\n- ask _ann_";
  const plain = "the [server] is down, again:\n[server] exit 1\nask ann";
  expect(shown(text, "server")).toBe(plain);
});

test("nothing of what is read is changed, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, wanted) => {
      const whole = excerpt(text, wanted).map((piece) => piece.text);
      if (whole[0] === "…" && !text.startsWith("…")) whole.shift();
      if (whole.at(-1) === "…" && !text.endsWith("…")) whole.pop();
      expect(textOf(parseMarkdown(text)) || text).toContain(whole.join(""));
    }),
  );
});
