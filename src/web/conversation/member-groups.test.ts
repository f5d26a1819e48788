import { expect, test } from "bun:test";
import type { Member } from "../../client/index.ts";
import { groupsOf, matching } from "./member-groups.ts";

const member = (name: string, standing: Member["standing"], online = false): Member => ({
  id: `a_${name}`,
  name,
  displayName: name === "bob" ? "Robert Example" : "",
  standing,
  online,
});

const all = [
  member("ada", "member"),
  member("bob", "owner"),
  member("cyd", "member", true),
  member("dan", "banned"),
  member("eve", "invited", true),
];

test("who is here comes first, the others keep their order", () => {
  const shown = groupsOf(all).map(({ label, members }) => [label, members.map(({ name }) => name)]);
  expect(shown).toEqual([
    ["Members", ["cyd", "ada", "bob"]],
    ["Invited", ["eve"]],
    ["Banned", ["dan"]],
  ]);
  expect(groupsOf([])).toEqual([]);
});

test("members are found by name and shown name", () => {
  const found = (typed: string) => matching(all, typed).map(({ name }) => name);
  expect(found(" @AD")).toEqual(["ada"]);
  expect(found("example")).toEqual(["bob"]);
  expect(found("nobody")).toEqual([]);
  expect(found("")).toHaveLength(5);
});
