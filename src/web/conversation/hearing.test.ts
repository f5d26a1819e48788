import { expect, test } from "bun:test";
import { listed, spokenOf, typingText } from "./hearing.ts";

const says = (name: string, text: string) => ({ name, text });

test("few messages are said one by one, without their marks", () => {
  expect(spokenOf([])).toBe("");
  expect(spokenOf([says("Bob", "hello\n*there*")])).toBe("Bob: hello there");
  expect(spokenOf([says("Bob", "a"), says("Ada", "`b`")])).toBe("Bob: a. Ada: b");
});

test("many messages are counted", () => {
  const four = ["Bob", "Ada", "Bob", "Bob"].map((name) => says(name, "x"));
  expect(spokenOf(four)).toBe("4 new messages from Bob and Ada");
});

test("a long message is cut between characters", () => {
  const spoken = spokenOf([says("Bob", "😀".repeat(1_000))]);
  expect(spoken).toBe(`Bob: ${"😀".repeat(240)}, and more`);
});

test("names in a row", () => {
  expect(listed([])).toBe("");
  expect(listed(["Bob"])).toBe("Bob");
  expect(listed(["Bob", "Ada", "Eve"])).toBe("Bob, Ada and Eve");
  expect(listed(["Bob", "Ada", "Eve", "Dan"])).toBe("Bob, Ada and 2 others");
});

test("who is typing", () => {
  expect(typingText([])).toBe("");
  expect(typingText(["Bob"])).toBe("Bob is typing");
  expect(typingText(["Bob", "Ada"])).toBe("Bob and Ada are typing");
  expect(typingText(["Bob", "Ada", "Eve"])).toBe("Several people are typing");
});
