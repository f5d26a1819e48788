import { expect, test } from "bun:test";
import fc from "fast-check";
import { HELP, type Input, parseInput } from "./chat-input.ts";

const cases: [string, Input][] = [
  ["", { kind: "nothing" }],
  ["   ", { kind: "nothing" }],
  ["hello", { kind: "say", text: "hello" }],
  ["  indented ", { kind: "say", text: "  indented" }],
  ["//etc", { kind: "say", text: "/etc" }],
  ["EXIT", { kind: "quit" }],
  [" EXIT ", { kind: "quit" }],
  ["exit", { kind: "say", text: "exit" }],
  ["EXIT now", { kind: "say", text: "EXIT now" }],
  ["/quit", { kind: "quit" }],
  ["/msg bob hi there", { kind: "msg", to: "@bob", text: "hi there" }],
  ["/msg @Bob one\ntwo", { kind: "msg", to: "@bob", text: "one\ntwo" }],
  ["/msg #ops hi", { kind: "msg", to: "#ops", text: "hi" }],
  ["/msg bob~3f hi", { kind: "msg", to: "@bob~3f", text: "hi" }],
  ["/msg bob", { kind: "go", to: "@bob" }],
  ["/to #ops", { kind: "go", to: "#ops" }],
  ["/join ops", { kind: "join", channel: "#ops" }],
  ["/JOIN #Ops", { kind: "join", channel: "#ops" }],
  ["/leave", { kind: "leave" }],
  ["/leave #ops", { kind: "leave", channel: "#ops" }],
  ["/create #ops --private", { kind: "create", name: "ops", isPrivate: true }],
  ["/create ops", { kind: "create", name: "ops", isPrivate: false }],
  ["/invite bob", { kind: "invite", account: "@bob" }],
  ["/topic", { kind: "topic" }],
  ["/topic on call", { kind: "topic", text: "on call" }],
  ["/list a*", { kind: "list", what: "accounts", match: "a*" }],
  ["/list", { kind: "list", what: "accounts", match: "*" }],
  ["/list #o*", { kind: "list", what: "channels", match: "o*" }],
  ["/history", { kind: "history", count: 20 }],
  ["/history 5", { kind: "history", count: 5 }],
  ["/search two words", { kind: "search", text: "two words" }],
  ["/edit new text", { kind: "edit", ref: { kind: "last", n: 1 }, text: "new text" }],
  ["/edit ^2 new", { kind: "edit", ref: { kind: "last", n: 2 }, text: "new" }],
  ["/edit 2 beers", { kind: "edit", ref: { kind: "last", n: 1 }, text: "2 beers" }],
  ["/delete", { kind: "delete", ref: { kind: "last", n: 1 } }],
  ["/delete bob^1", { kind: "delete", ref: { kind: "last", n: 1, author: "bob" } }],
  ["/who", { kind: "who", match: "*" }],
  ["/sessions end 2", { kind: "sessions", end: "2" }],
  ["/account delete", { kind: "account-delete" }],
  ["/rename Ann", { kind: "rename", name: "ann" }],
];

test.each(cases)("%j", (line, input) => {
  expect(parseInput(line)).toEqual(input);
});

test.each([
  "/nonsense",
  "/",
  "/msg",
  "/msg b@b hi",
  "/join",
  "/join a b",
  "/create #ops extra",
  "/create ünder",
  "/history 0",
  "/history 1e9",
  "/history x",
  "/search",
  "/edit",
  "/edit ^2",
  "/delete everything",
  "/account",
  "/account remove",
  "/rename a b",
  "/constructor",
  "/__proto__",
])("%j is told to be wrong, never sent", (line) => {
  expect(parseInput(line).kind).toBe("wrong");
});

test("any line has a meaning; only what begins with / is a command", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (line) => {
      const input = parseInput(line);
      if (input.kind === "say") expect(input.text.trim()).not.toBe("");
      else if (input.kind !== "nothing" && input.kind !== "quit") expect(line.trim()[0]).toBe("/");
    }),
  );
});

test("the help names every command it can parse", () => {
  for (const { usage, does } of HELP) {
    const word = /^\/\w+/.exec(usage)?.[0] as string;
    const input = parseInput(word);
    expect(input.kind === "wrong" ? input.why : "").not.toContain("no command");
    expect(does).not.toBe("");
  }
});
