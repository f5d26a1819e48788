/** What events mean to one conversation of the list. */
import { expect, test } from "bun:test";
import type { Channel, Conversation, Message } from "../../client/index.ts";
import {
  isOwn,
  isUnclear,
  stateOf,
  withAccount,
  withAnswer,
  withChanged,
  withChannel,
  withMarker,
  withPosted,
  withStanding,
} from "./conversation-state.ts";

const ME = "a_ann";
const at = (n: number) => `p${String(n).padStart(3, "0")}`;
const message = (n: number, author = "bob", more: Partial<Message> = {}): Message => ({
  id: `m_${n}`,
  conversation: "c_1",
  author: { id: `a_${author}`, name: author },
  text: `${n}`,
  at: n,
  position: at(n),
  ...more,
});
const channel: Channel = {
  id: "c_1",
  name: "ops",
  topic: "What runs",
  private: false,
  members: 2,
  standing: "member",
};
const base: Conversation = { id: "c_1", kind: "channel", name: "#ops", channel, unread: 0 };
const direct: Conversation = {
  id: "d_1",
  kind: "direct",
  name: "@bob",
  account: { id: "a_bob", name: "bob" },
  online: true,
  unread: 0,
};

test("a message of somebody else is unread, once, however it is told", () => {
  const one = withPosted(base, message(1), ME, false);
  expect([one.unread, one.last?.id]).toEqual([1, "m_1"]);
  expect(withPosted(one, message(1), ME, false)).toBe(one);
  expect(withPosted(one, message(2, "ann"), ME, false)).toMatchObject({ unread: 1 });
  expect(withPosted(one, message(2), ME, true)).toMatchObject({ unread: 1, last: { id: "m_2" } });
  expect(withPosted(one, message(2, "bob", { deleted: true }), ME, false).unread).toBe(1);
  expect(withPosted({ ...base, marker: at(5) }, message(3), ME, false).unread).toBe(0);
  expect(withPosted({ ...base, unread: 1_000 }, message(3), ME, false).unread).toBe(1_000);
  const { standing: _, ...strange } = channel;
  expect(withPosted({ ...base, channel: strange }, message(1), ME, false).unread).toBe(0);
});

test("what only the server can count is asked for", () => {
  const some: Conversation = { ...base, unread: 2, marker: at(1), last: message(5) };
  expect(isUnclear(some, message(3, "bob", { late: true }), ME)).toBe(true);
  expect(isUnclear(some, message(3, "ann", { late: true }), ME)).toBe(false);
  expect(isUnclear(some, message(3, "bob", { deleted: true }), ME)).toBe(true);
  expect(isUnclear(some, message(1, "bob", { deleted: true }), ME)).toBe(false);
  expect(isUnclear({ ...some, unread: 0 }, message(3, "bob", { deleted: true }), ME)).toBe(false);
  expect(isUnclear(some, message(3, "bob", { edited: true }), ME)).toBe(false);
  expect(isUnclear(some, { ...message(5), position: at(2) }, ME)).toBe(true);
});

test("the last message is shown as it is now", () => {
  const some: Conversation = { ...base, last: message(5) };
  const edited = message(5, "bob", { text: "new", edited: true });
  expect(withChanged(some, edited).last).toBe(edited);
  expect(withChanged(some, message(4, "bob", { edited: true }))).toBe(some);
});

test("the marker only goes forward, and a server's answer does not take it back", () => {
  const some: Conversation = { ...base, unread: 3, marker: at(2), last: message(5) };
  expect(withMarker(some, at(1))).toBe(some);
  expect(withMarker(some, at(4))).toMatchObject({ marker: at(4), unread: 3 });
  expect(withMarker(some, at(5))).toMatchObject({ marker: at(5), unread: 0 });
  const read = withMarker(some, at(5));
  expect(withAnswer(read, some)).toMatchObject({ marker: at(5), unread: 0 });
  expect(withAnswer(undefined, some)).toBe(some);
  const more = { ...some, last: message(6) };
  expect(withAnswer(read, more)).toMatchObject({ marker: at(5), unread: 3 });
  const deleted = { ...some, last: message(5, "bob", { deleted: true }) };
  expect(withAnswer(deleted, some).last?.deleted).toBe(true);
});

test("channels keep the own standing when an event that lacks it comes", () => {
  const { standing: _, ...told } = { ...channel, name: "operations", private: true };
  const renamed = withChannel(base, told);
  expect(renamed).toMatchObject({ name: "#operations", channel: { standing: "member" } });
  const left = withStanding(renamed, undefined);
  expect([isOwn(renamed), isOwn(left), isOwn(direct)]).toEqual([true, false, true]);
  expect(left.channel).not.toHaveProperty("standing");
});

test("people are shown by what they are called now, in the title and in what they said last", () => {
  const some: Conversation = { ...direct, last: message(1) };
  const renamed = withAccount(some, { id: "a_bob", name: "bobby", displayName: "Bob B." });
  expect(renamed).toMatchObject({ name: "@bobby", last: { author: { name: "bobby" } } });
  const beside = { me: ME, draft: false, pending: 0 };
  expect(stateOf(renamed, beside)).toMatchObject({
    title: "Bob B.",
    handle: "@bobby",
    online: true,
  });
  const gone = withAccount(some, { id: "a_bob", name: "(account deleted)", deleted: true });
  expect(stateOf(gone, beside)).toMatchObject({
    title: "(account deleted)",
    handle: "(account deleted)",
    online: false,
  });
  expect(withAccount(some, { id: "a_cid", name: "cid" })).toBe(some);
});

test("the state says what a view needs, and leaves out what there is not", () => {
  expect(stateOf(base, { me: ME, draft: true, pending: 2 })).toEqual({
    id: "c_1",
    kind: "channel",
    title: "ops",
    handle: "#ops",
    private: false,
    topic: "What runs",
    members: 2,
    standing: "member",
    unread: 0,
    draft: true,
    pending: 2,
  });
  const self = { ...direct, account: { id: ME, name: "ann" }, name: "@ann" };
  expect(stateOf(self, { me: ME, draft: false, pending: 0 })).toMatchObject({ self: true });
});
