import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  commandSuggestions,
  ranked,
  SUGGESTIONS_MAX,
  type Suggestion,
  taken,
  wantedAt,
} from "./completion.ts";

/** The caret is where `|` is. */
function at(marked: string) {
  const caret = marked.indexOf("|");
  return wantedAt(marked.replace("|", ""), caret);
}

describe("what is completed", () => {
  test.each([
    ["@|", "person", "", 0, 1],
    ["hi @Bo|", "person", "bo", 3, 6],
    ["hi (@b|ob) x", "person", "b", 4, 8],
    ["*#o|", "channel", "o", 1, 3],
    ["/|", "command", "", 0, 1],
    ["/to|", "command", "to", 0, 3],
    ["/t|op rest", "command", "t", 0, 4],
    ["/join o|", "channel", "o", 6, 7],
    ["/join #o|", "channel", "o", 6, 8],
    ["/msg |", "person", "", 5, 5],
    ["/msg #o|", "channel", "o", 5, 7],
    ["/topic see @b|", "person", "b", 11, 13],
    ["//x @b|", "person", "b", 4, 6],
  ] as const)("%s", (marked, is, query, from, to) => {
    expect(at(marked)).toEqual({ is, query, from, to });
  });
  test.each([
    "|",
    "a|",
    "me@b|",
    "a#b|",
    "`@b|",
    "@bob |",
    "|/to",
    "/topic a|",
    "/msg bob hi|",
    "@é|",
  ])("nothing: %s", (marked) => expect(at(marked)).toBeUndefined());
});

const bob: Suggestion = { is: "person", handle: "@bob", about: "Bob Example" };

test("what is taken stands in the place of what was typed, with one space behind it", () => {
  const into = (marked: string) => {
    const caret = marked.indexOf("|");
    const text = marked.replace("|", "");
    const wanted = wantedAt(text, caret);
    if (wanted === undefined) throw new Error(`nothing to complete in ${marked}`);
    const made = taken(text, wanted, bob);
    return `${made.text.slice(0, made.caret)}|${made.text.slice(made.caret)}`;
  };
  expect(into("hi @b|")).toBe("hi @bob |");
  expect(into("hi @b|o, you")).toBe("hi @bob |, you");
  expect(into("hi @b| you")).toBe("hi @bob |you");
  expect(into("/msg b|")).toBe("/msg @bob |");
});

test("names that begin so come before others, and whoever is here before who is not", () => {
  const people: Suggestion[] = [
    { is: "person", handle: "@abbo", about: "" },
    { is: "person", handle: "@carl", about: "Carl Bo" },
    { is: "person", handle: "@bob", about: "Bob", online: false },
    { is: "person", handle: "@bobby", about: "", online: true },
    { is: "person", handle: "@bo", about: "" },
    { is: "person", handle: "@bob", about: "Bob again" },
    { is: "person", handle: "@eve", about: "" },
  ];
  const handles = ranked(people, "bo").map(({ handle }) => handle);
  expect(handles).toEqual(["@bo", "@bobby", "@bob", "@carl", "@abbo"]);
  expect(ranked(people, "")).toHaveLength(6);
  const many = Array.from({ length: 30 }, (_, i) => ({ ...bob, handle: `@bob${i}` }));
  expect(ranked(many, "b")).toHaveLength(SUGGESTIONS_MAX);
  expect(ranked(commandSuggestions, "to").map(({ handle }) => handle)).toEqual(["/to", "/topic"]);
});

test("oneself comes behind others who are as good, and before those who are not", () => {
  const people: Suggestion[] = [
    { is: "person", handle: "@maya", about: "", online: true, isSelf: true },
    { is: "person", handle: "@max", about: "", online: false },
    { is: "person", handle: "@tom", about: "" },
  ];
  const handles = (query: string) => ranked(people, query).map(({ handle }) => handle);
  expect(handles("ma")).toEqual(["@max", "@maya"]);
  expect(handles("m")).toEqual(["@max", "@maya", "@tom"]);
});

test("whatever is typed, wherever the caret is: what is taken leaves the rest as it was", () => {
  const text = fc.array(fc.constantFrom(..."@#/ab.~ \n(é😀".split(""))).map((all) => all.join(""));
  fc.assert(
    fc.property(text, fc.nat(40), (typed, place) => {
      const caret = Math.min(place, typed.length);
      const wanted = wantedAt(typed, caret);
      if (wanted === undefined) return;
      expect(wanted.from).toBeLessThanOrEqual(caret);
      expect(wanted.to).toBeGreaterThanOrEqual(caret);
      const made = taken(typed, wanted, bob);
      expect(made.text.slice(0, wanted.from)).toBe(typed.slice(0, wanted.from));
      expect(made.text.slice(made.caret).trimStart()).toBe(typed.slice(wanted.to).trimStart());
      expect(made.text.slice(wanted.from, made.caret).trimEnd()).toBe("@bob");
    }),
  );
});
