/** The page's state against a whole server in this process: what people see when they talk. */
import { afterEach, expect, test } from "bun:test";
import { TestServer } from "../../../test/in-process.ts";
import { Chat, lines, lookAtEnd, open, PASSWORD, pin, say, until } from "./testing/chat.ts";

const chats: Chat<TestServer>[] = [];

async function start(): Promise<Chat<TestServer>> {
  const chat = await Chat.start((options) => TestServer.start(options));
  chats.push(chat);
  return chat;
}

afterEach(async () => {
  for (const chat of chats.splice(0)) await chat.end();
});

test("two people talk: nothing twice, in order, with receipts, and the pending item becomes the message", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  expect(here.state.value).toEqual({ older: "end", newer: "end" });
  expect(ann.app.conversations.list.value.map(({ handle }) => handle)).toEqual(["@bob"]);
  say(ann, here, "one");
  const key = here.items.value.at(-1)?.key;
  expect(lines(here)).toEqual(["(one)"]);
  await until(() => lines(here)[0] === "ann: one");
  expect(here.items.value.at(-1)?.key).toBe(key as string);
  await until(() => {
    const item = here.items.value.at(-1);
    return item?.is === "message" && item.receipt?.held[0] === "a";
  });
  await until(() => bob.app.conversations.list.value.length === 1);
  const there = await open(bob, "@ann");
  expect(lines(there)).toEqual(["---", "ann: one"]);
  say(bob, there, "two");
  say(ann, here, "three");
  say(bob, there, "four");
  await until(() => lines(here).length === 4 && lines(there).length === 5);
  await until(
    () =>
      !lines(here)
        .concat(lines(there))
        .some((line) => line.startsWith("(")),
  );
  expect(lines(there).slice(1)).toEqual(lines(here));
  expect(new Set(lines(here)).size).toBe(4);
  expect(lines(here).indexOf("bob: two")).toBeLessThan(lines(here).indexOf("bob: four"));
});

test("unread: counted once, told in the title, gone when it was looked at, on the other device too", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const phone = chat.browser().open();
  await phone.app.session.signIn({ name: "bob", password: PASSWORD });
  await until(() => phone.app.conversations.loaded.value);
  const here = await open(ann, "@bob");
  for (const text of ["one", "two", "three"]) say(ann, here, text);
  for (const tab of [bob, phone]) {
    await until(() => tab.app.conversations.list.value[0]?.last?.text === "three");
    expect(tab.app.conversations.list.value[0]?.unread).toBe(3);
    expect(tab.title).toBe(tab === bob ? "(3) Getting started — Holdfast" : "(3) Holdfast");
  }
  const there = await open(bob, "@ann");
  lookAtEnd(there);
  expect(bob.app.conversations.totalUnread.value).toBe(3);
  await until(() => bob.app.conversations.totalUnread.value === 0);
  expect(lines(there)).toEqual(["---", "ann: one", "ann: two", "ann: three"]);
  expect(bob.title).toBe("ann — Holdfast");
  await until(() => phone.app.conversations.totalUnread.value === 0);
});

test("nothing counts as read while nobody looks", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  const there = await open(bob, "@ann");
  pin(there);
  bob.look(false);
  say(ann, here, "one");
  await until(() => bob.app.conversations.totalUnread.value === 1);
  await Bun.sleep(1_300);
  expect(bob.app.conversations.totalUnread.value).toBe(1);
  expect(lines(there)).toEqual(["---", "ann: one"]);
  bob.look(true);
  expect(bob.app.conversations.totalUnread.value).toBe(1);
  await until(() => bob.app.conversations.totalUnread.value === 0);
  say(ann, here, "two");
  await until(() => lines(there).length === 3);
  expect(bob.app.conversations.totalUnread.value).toBe(0);
});
