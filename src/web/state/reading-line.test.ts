/** Where the line goes. */
import { expect, test } from "bun:test";
import type { Message } from "../../client/index.ts";
import type { Range } from "./message-range.ts";
import { lineOf, type Opening } from "./reading-line.ts";

const ME = "a_ann";

/** `b` by bob, `a` by ann (the reader), `x` deleted. */
function range(sketch: string, ends: { oldest?: boolean; newest?: boolean } = {}, from = 0): Range {
  const messages = [...sketch].map(
    (letter, n): Message => ({
      id: `m_${from + n}`,
      conversation: "c_1",
      author: { id: letter === "a" ? ME : "a_bob", name: letter },
      text: "",
      at: from + n,
      position: `p${String(from + n).padStart(3, "0")}`,
      ...(letter === "x" ? { deleted: true as const } : {}),
    }),
  );
  return {
    messages,
    reachesOldest: ends.oldest ?? true,
    reachesNewest: ends.newest ?? true,
  };
}

const at = (n: number) => `p${String(n).padStart(3, "0")}`;
const opening = (unread: number, marker?: number, newest = 9): Opening => ({
  unread,
  marker: marker === undefined ? undefined : at(marker),
  newest: at(newest),
});

test("before the first message of somebody else behind the marker", () => {
  expect(lineOf(opening(2, 1), range("bbaxbb"), ME)).toEqual({ at: at(4) });
  expect(lineOf(opening(0, 1), range("bbbb"), ME)).toEqual({ at: undefined });
});

test("as long as the marker lies above what is held, nobody knows", () => {
  const later = range("bbb", { oldest: false }, 5);
  expect(lineOf(opening(8, 1), later, ME)).toBe("unknown");
  expect(lineOf(opening(3, 5), later, ME)).toEqual({ at: at(6) });
  expect(lineOf(opening(8, 1), range("bbb", { oldest: true }, 5), ME)).toEqual({ at: at(5) });
});

test("only what came late is unread: there is no line", () => {
  expect(lineOf(opening(1, 3, 3), range("bbbb"), ME)).toEqual({ at: undefined });
  expect(lineOf(opening(1, 3, 9), range("bbbb", { newest: false }), ME)).toBe("unknown");
});

test("where nothing was ever marked it is counted from the end as it was then", () => {
  expect(lineOf(opening(2, undefined, 5), range("bbbabb"), ME)).toEqual({ at: at(4) });
  expect(lineOf(opening(2, undefined, 3), range("bbabbb"), ME)).toEqual({ at: at(1) });
  expect(lineOf(opening(9, undefined, 2), range("bbb"), ME)).toEqual({ at: at(0) });
  expect(lineOf(opening(9, undefined, 2), range("bbb", { oldest: false }), ME)).toBe("unknown");
  expect(lineOf(opening(1, undefined, 8), range("bbb", { newest: false }), ME)).toBe("unknown");
  expect(lineOf(opening(1, undefined, 8), range("", { newest: true }), ME)).toEqual({
    at: undefined,
  });
});
