/** Whom what is told, and how. */
import { expect, test } from "bun:test";
import type { Conversation, Message } from "../../client/index.ts";
import {
  mentions,
  type NoticeContext,
  noticeFor,
  noticeText,
  noticeTitle,
  titleOf,
} from "./notices.ts";

test("the title counts what is unread", () => {
  expect(titleOf(0, undefined)).toBe("Holdfast");
  expect(titleOf(3, "ops")).toBe("(3) ops — Holdfast");
  expect(titleOf(999, undefined)).toBe("(999) Holdfast");
  expect(titleOf(1000, "ops")).toBe("(999+) ops — Holdfast");
});

test("a mention is the whole name, in any case", () => {
  for (const text of [
    "@ann",
    "hi @Ann!",
    "(@ann)",
    "@bob,@ann",
    "ask @ann.",
    "@ann: yes",
    "é @ann",
  ]) {
    expect(mentions(text, "ann"), text).toBe(true);
  }
  for (const text of [
    "ann",
    "@anna",
    "x@ann",
    "@ann-b",
    "@ann.b",
    "@ann_b",
    "@ann~3f",
    "@anné",
    "",
  ]) {
    expect(mentions(text, "ann"), text).toBe(false);
  }
  expect(mentions("@anna and @ann", "ann")).toBe(true);
});

const me = { id: "a_ann", name: "ann", displayName: "" };
const channel = { id: "c_1", name: "ops", topic: "", private: false, members: 2 };
const member: Conversation = {
  id: "c_1",
  kind: "channel",
  name: "#ops",
  unread: 0,
  channel: { ...channel, standing: "member" },
};
const message = (text: string, conversation = "c_1", author = "bob"): Message => ({
  id: "m_1",
  conversation,
  author: { id: `a_${author}`, name: author },
  text,
  at: 0,
  position: "p1",
});
const context = (more: Partial<NoticeContext> = {}): NoticeContext => ({
  me,
  conversation: member,
  place: { is: "home" },
  hasAttention: false,
  preferences: { inPage: true, browser: true },
  isPermitted: true,
  ...more,
});

test("direct messages and mentions are told to whoever does not see them anyway", () => {
  const direct = message("hi", "d_1");
  expect(noticeFor(direct, context())).toBe("browser");
  expect(noticeFor(message("hi"), context())).toBe("none");
  expect(noticeFor(message("hi @ann"), context())).toBe("browser");
  expect(noticeFor(message("hi @ann", "c_1", "ann"), context())).toBe("none");
  expect(noticeFor({ ...direct, deleted: true }, context())).toBe("none");
  expect(noticeFor(direct, context({ me: undefined }))).toBe("none");
  expect(noticeFor(message("hi @ann"), context({ conversation: { ...member, channel } }))).toBe(
    "none",
  );
});

test("whoever looks at the page hears of it in the page, unless it is before their eyes", () => {
  const direct = message("hi", "d_1");
  const looking = context({ hasAttention: true });
  expect(noticeFor(direct, looking)).toBe("in_page");
  expect(noticeFor(direct, { ...looking, place: { is: "conversation", id: "d_1" } })).toBe("none");
  expect(noticeFor(direct, { ...looking, place: { is: "conversation", id: "d_2" } })).toBe(
    "in_page",
  );
  expect(noticeFor(direct, { ...looking, preferences: { inPage: false, browser: true } })).toBe(
    "none",
  );
});

test("what is not wanted or not permitted is not said", () => {
  const direct = message("hi", "d_1");
  expect(noticeFor(direct, context({ isPermitted: false }))).toBe("none");
  expect(noticeFor(direct, context({ preferences: { inPage: true, browser: false } }))).toBe(
    "none",
  );
});

test("a notice is one short line that says who and where", () => {
  expect(noticeTitle(message("x"), member)).toBe("bob in #ops");
  const named = {
    ...message("x", "d_1"),
    author: { id: "a_bob", name: "bob", displayName: "Bob B." },
  };
  expect(noticeTitle(named, undefined)).toBe("Bob B.");
  expect(noticeText(message("one\n\n two\tthree "))).toBe("one two three");
  const long = noticeText(message("🙂".repeat(500)));
  expect([...long].length).toBe(160);
  expect(long.endsWith("🙂…")).toBe(true);
});
