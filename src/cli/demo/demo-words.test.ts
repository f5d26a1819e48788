import { expect, test } from "bun:test";
import { deedOf } from "./demo-words.ts";

test("what is typed in the demo", () => {
  const servers = (verb: string, ...names: string[]) => ({ kind: "servers", verb, names });
  for (const [line, deed] of [
    ["kill b", servers("kill", "b")],
    ["  KILL  B, c b", servers("kill", "b", "c")],
    ["kill -9 b and c", servers("kill", "b", "c")],
    ["freeze all", servers("freeze", "a", "b", "c")],
    ["start", servers("start", "a", "b", "c")],
    ["start c", servers("start", "c")],
    ["cut a c", { kind: "cut", one: "a", other: "c" }],
    ["heal", { kind: "heal" }],
    ["status", { kind: "status", of: undefined }],
    ["status b", { kind: "status", of: "b" }],
    ["EXIT", { kind: "exit" }],
    ["?", { kind: "help" }],
    ["   ", { kind: "nothing" }],
  ] as const) {
    expect([line, deedOf(line)]).toEqual([line, deed as never]);
  }
  for (const line of [
    "kill",
    "thaw",
    "kill d",
    "kill b d",
    "cut",
    "cut a",
    "cut a a",
    "cut a d",
    "cut a b c",
    "status d",
    "constructor",
    "__proto__",
    "x".repeat(10_000),
  ]) {
    expect([line, deedOf(line).kind]).toEqual([line, "wrong"]);
  }
});
