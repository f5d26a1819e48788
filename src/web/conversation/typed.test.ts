import { expect, test } from "bun:test";
import fc from "fast-check";
import { characterCount, parseTyped, sendable, type Typed } from "./typed.ts";

const cases: readonly (readonly [string, Typed])[] = [
  ["", { is: "nothing" }],
  [" \n ", { is: "nothing" }],
  ["hello \n", { is: "say", text: "hello" }],
  ["\n  \n  indented\n  code", { is: "say", text: "  indented\n  code" }],
  ["EXIT", { is: "exit" }],
  [" EXIT\n", { is: "exit" }],
  ["exit", { is: "say", text: "exit" }],
  ["EXIT now", { is: "say", text: "EXIT now" }],
  ["/exit", { is: "exit" }],
  ["/quit", { is: "exit" }],
  ["//topic a", { is: "say", text: "/topic a" }],
  [" /topic a", { is: "say", text: "/topic a" }],
  ["/join #Ops", { is: "join", channel: "#ops" }],
  ["/JOIN ops", { is: "join", channel: "#ops" }],
  ["/msg bob  hi there\nyou ", { is: "say_to", to: "@bob", text: "hi there\nyou" }],
  ["/msg #ops hi", { is: "say_to", to: "#ops", text: "hi" }],
  ["/msg @bob~3f", { is: "go", to: "@bob~3f" }],
  ["/to #ops", { is: "go", to: "#ops" }],
  ["/invite @Bob", { is: "invite", account: "@bob" }],
  ["/topic on call: bob", { is: "topic", text: "on call: bob" }],
  ["/search a b", { is: "search", text: "a b" }],
  ["/create #new --private", { is: "create", name: "new", isPrivate: true }],
  ["/create new", { is: "create", name: "new", isPrivate: false }],
  ["/leave", { is: "leave" }],
  ["/part #ops", { is: "leave", channel: "#ops" }],
  ["/members", { is: "members" }],
  ["/?", { is: "help" }],
];

test.each(cases)("%j", (text, typed) => expect(parseTyped(text)).toEqual(typed));

test("what lacks something, or is no command, says so", () => {
  const lacking = [
    "/join",
    "/join a b",
    "/msg",
    "/to <b>",
    "/invite",
    "/topic",
    "/search",
    "/create a b",
  ];
  for (const text of [
    ...lacking,
    "/create",
    "/me waves",
    "/",
    "/constructor",
    "/usr/bin is full",
  ]) {
    expect(parseTyped(text).is, text).toBe("wrong");
  }
  expect(parseTyped("/me waves")).toEqual({
    is: "wrong",
    why: "There is no command /me. To send it as a message, begin with //",
  });
});

test("a name that no channel can have is said to be none before anything is asked", () => {
  const why = (text: string) => {
    const typed = parseTyped(text);
    return typed.is === "wrong" ? typed.why : undefined;
  };
  expect(why("/create")).toBe("Choose a name.");
  expect(why("/create team ops")).toBe("A name has no spaces.");
  expect(why("/create #café")).toStartWith("A name has no é in it.");
  expect(why("/create ops --private")).toBeUndefined();
});

test("a message is sent as it was written, but for what is blank around it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const typed = parseTyped(text);
      if (typed.is === "say") expect(text).toContain(typed.text);
      else expect(typed.is === "nothing" || /^\s*[/E]/.test(text)).toBe(true);
    }),
  );
});

test("what no server takes is left out, everything else stays", () => {
  expect(sendable("a\u0000\u001bb\r\nc\td\ud83d e\ude00 😀")).toBe("ab\nc\td e 😀");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const isClean = !/\p{Cc}/u.test(text);
      if (isClean) expect(sendable(text)).toBe(text);
    }),
  );
});

test("characters are counted as servers count them", () => {
  expect(characterCount("a😀é")).toBe(3);
});
