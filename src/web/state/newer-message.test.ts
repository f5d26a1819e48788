/** Versions of a message that cross. */
import { expect, test } from "bun:test";
import type { Message } from "../../client/index.ts";
import { newerOf, withAuthor } from "./newer-message.ts";

const plain: Message = {
  id: "m_1",
  conversation: "c_1",
  author: { id: "a_bob", name: "bob" },
  text: "hello",
  at: 1,
  position: "p1",
};
const edited: Message = { ...plain, text: "hallo", edited: true };
const again: Message = { ...plain, text: "hi", edited: true };
const deleted: Message = { ...plain, text: "", deleted: true };

test("what cannot be undone is never taken back; otherwise what came last counts", () => {
  expect(newerOf(plain, edited)).toBe(edited);
  expect(newerOf(edited, plain)).toBe(edited);
  expect(newerOf(edited, again)).toBe(again);
  for (const other of [plain, edited, again]) {
    expect(newerOf(deleted, other)).toBe(deleted);
    expect(newerOf(other, deleted)).toBe(deleted);
  }
  const moved = { ...plain, position: "p0" };
  expect(newerOf(plain, moved)).toBe(moved);
});

test("an author is shown as of now, and nothing else changes", () => {
  const renamed = withAuthor(plain, { id: "a_bob", name: "bobby" });
  expect(renamed).toEqual({ ...plain, author: { id: "a_bob", name: "bobby" } });
  expect(withAuthor(plain, { id: "a_ann", name: "ann" })).toBe(plain);
  expect(withAuthor(plain, { id: "a_bob", name: "bob" })).toBe(plain);
});
