import { describe, expect, test } from "bun:test";
import type { Message } from "../../client/index.ts";
import type { ConversationState } from "../state/conversations.ts";
import { isPersonal, lastLine, rowName, unreadBadge, waitingWords } from "./row-words.ts";

const ops: ConversationState = {
  id: "c_1",
  kind: "channel",
  title: "ops",
  handle: "#ops",
  unread: 0,
  pending: 0,
};
const bob: ConversationState = {
  id: "d_1",
  kind: "direct",
  title: "Bob Example",
  handle: "@bob",
  unread: 0,
  pending: 0,
};

function said(text: string, author: Partial<Message["author"]> = {}): Message {
  return {
    id: "m_1",
    conversation: "c_1",
    author: { id: "a_bob", name: "bob", ...author },
    text,
    at: 0,
    position: "p",
  };
}

describe("a row is called", () => {
  test("by its handle or its person, and by all that is to be known of it, in order", () => {
    expect(rowName(ops)).toBe("#ops");
    expect(rowName({ ...ops, private: true, unread: 3, draft: true, pending: 1 })).toBe(
      "#ops, private, 3 unread, draft, 1 waiting",
    );
    expect(rowName({ ...bob, online: true, unread: 1 })).toBe("Bob Example, online, 1 unread");
    expect(rowName({ ...bob, self: true, online: true })).toBe("Bob Example (you), online");
    expect(rowName({ ...bob, online: false, unread: 1000 })).toBe(
      "Bob Example, more than 999 unread",
    );
  });

  test("and shows at most 999+", () => {
    expect([1, 999, 1000].map(unreadBadge)).toEqual(["1", "999", "999+"]);
  });
});

describe("its last line", () => {
  const line = (conversation: ConversationState, own: string, draft: string) =>
    lastLine(conversation, { own, draft, isWhole: true });

  test("names who wrote it, but in a direct conversation only oneself", () => {
    expect(line({ ...ops, last: said("hi") }, "a_me", "")).toEqual({
      lead: "bob:",
      text: "hi",
    });
    const shown = said("hi", { displayName: "Bob Example" });
    expect(line({ ...ops, last: shown }, "a_me", "")).toEqual({
      lead: "Bob Example:",
      text: "hi",
    });
    expect(line({ ...bob, last: said("hi") }, "a_me", "")).toEqual({ text: "hi" });
    expect(line({ ...bob, last: said("hi") }, "a_bob", "")).toEqual({
      lead: "You:",
      text: "hi",
    });
  });

  test("is one line, and a draft goes before what was said", () => {
    expect(line({ ...bob, last: said(" one\n\n  two\tthree ") }, "a_me", "").text).toBe(
      "one two three",
    );
    expect(line({ ...bob, last: said("hi") }, "a_me", "well,\nwhat")).toEqual({
      lead: "Draft:",
      text: "well, what",
    });
    expect(line({ ...bob, last: said("x".repeat(8_000)) }, "a_me", "").text.length).toBe(160);
  });

  test("says what is there when nothing was said", () => {
    expect(line({ ...ops, topic: "who is on call" }, "a_me", "").text).toBe("who is on call");
    expect(line(ops, "a_me", "").text).toBe("Nothing written yet");
    expect(line(bob, "a_me", "").text).toBe("Say hello");
    expect(line({ ...bob, self: true }, "a_bob", "").text).toBe("Notes to yourself");
    const ofKept = lastLine(bob, { own: "a_me", draft: "", isWhole: false });
    expect(ofKept.text, "nobody knows yet that nothing was said").toBe("");
    const deleted: Message = { ...said(""), deleted: true };
    expect(line({ ...bob, last: deleted }, "a_me", "").text).toBe("Message deleted");
  });
});

describe("what is unread", () => {
  const inOps = (text: string) => isPersonal({ ...ops, last: said(text) }, "Ann");

  test("is for oneself in a direct conversation and where one is named", () => {
    expect(isPersonal(bob, "ann")).toBe(true);
    for (const text of ["@ann look", "well, @Ann.", "(@ann)", "@annie and @ann", "@ann!"]) {
      expect({ text, is: inOps(text) }).toEqual({ text, is: true });
    }
  });

  test("is not where only a part of a name or an address is the same", () => {
    for (const text of ["@annie", "joe@ann", "ann", "@ann-marie", "@ann~3f", "@ann.b", ""]) {
      expect({ text, is: inOps(text) }).toEqual({ text, is: false });
    }
    expect(isPersonal(ops, "ann")).toBe(false);
  });
});

test("what waits is counted in words", () => {
  expect([0, 1, 2].map(waitingWords)).toEqual([
    undefined,
    "1 message waits to be sent",
    "2 messages wait to be sent",
  ]);
});
