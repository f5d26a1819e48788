/** What is written while no server can be reached: kept, sent once, in order, and shown all along. */
import { afterEach, expect, test } from "bun:test";
import { TestServer } from "../../../test/in-process.ts";
import { HICCUP_MS } from "./connection.ts";
import { Chat, lines, open, PASSWORD, say, until } from "./testing/chat.ts";

const chats: Chat<TestServer>[] = [];

async function start(): Promise<Chat<TestServer>> {
  const chat = await Chat.start((options) => TestServer.start(options));
  chats.push(chat);
  return chat;
}

afterEach(async () => {
  for (const chat of chats.splice(0)) await chat.end();
});

test("messages wait while the network is away, survive a reload, and go out once and in order", async () => {
  const chat = await start();
  const browser = chat.browser();
  const tab = browser.open();
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  const bob = await chat.person("bob");
  const here = await open(tab, "@bob");
  say(tab, here, "before");
  await until(() => lines(here).includes("ann: before"));
  await until(() => !browser.keptText.includes("before"));
  await until(() => browser.keptText.includes('holdfast/session={"token":"cookie"'));
  browser.wire.cut();
  await until(() => tab.app.connection.kind.value !== "live");
  for (const text of ["one", "two", "three"]) say(tab, here, text);
  expect(lines(here)).toEqual(["ann: before", "(one)", "(two)", "(three)"]);
  expect(tab.app.pending.waiting.value).toBe(3);
  expect(tab.app.conversations.list.value[0]?.pending).toBe(3);
  const { hash } = tab;
  await tab.close();

  // The page comes from its service worker: no server yet, and everything that waits is there.
  const again = browser.open(hash);
  await until(() => again.app.session.phase.value.is === "signed_in");
  expect(again.app.session.account.value?.name).toBe("ann");
  expect(again.app.conversations.list.value.map(({ handle }) => handle)).toEqual(["@bob"]);
  const there = again.app.timelines.timeline(here.conversation);
  await until(() => lines(there).length === 3);
  expect(lines(there)).toEqual(["(one)", "(two)", "(three)"]);
  expect(browser.keptText).not.toContain("hft_");
  expect(browser.keptText).not.toContain("before");

  browser.wire.mend();
  again.app.connection.retryNow();
  await until(() => lines(there).includes("ann: three"));
  const all = ["ann: before", "ann: one", "ann: two", "ann: three"];
  expect(lines(there)).toEqual(all);
  expect(again.app.pending.waiting.value).toBe(0);
  const theirs = await open(bob, "@ann");
  expect(lines(theirs).filter((line) => line !== "---")).toEqual(all);
});

test("who is here is not said for longer than it is known", async () => {
  const chat = await start();
  const browser = chat.browser();
  const tab = browser.open();
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  await chat.person("bob");
  const { conversation } = await open(tab, "@bob");
  tab.app.place.go({ is: "conversation", id: conversation });
  const bob = () => tab.app.conversations.list.value.find(({ handle }) => handle === "@bob");
  await until(() => bob()?.online === true);
  browser.wire.cut();
  await until(() => tab.app.connection.kind.value !== "live");
  expect(bob()?.online, "a hiccup changes nothing").toBe(true);
  browser.clock.jump(HICCUP_MS);
  await until(() => tab.app.connection.isTroubled.value);
  expect(bob()).not.toHaveProperty("online");
  browser.wire.mend();
  tab.app.connection.retryNow();
  await until(() => bob()?.online === true);
});

test("a message whose answer got lost is there once", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const browser = chat.browser();
  const tab = browser.open();
  await tab.app.session.signIn({ name: "ann", password: PASSWORD });
  await until(() => tab.app.conversations.loaded.value);
  const here = await open(tab, "@bob");
  browser.wire.losesAnswersTo.add("message.post");
  say(tab, here, "once");
  await until(() => browser.wire.sent.filter((method) => method === "message.post").length === 2);
  await until(() => tab.app.pending.waiting.value === 0);
  expect(lines(here)).toEqual(["ann: once"]);
  const theirs = await open(bob, "@ann");
  expect(lines(theirs)).toEqual(["---", "ann: once"]);
  const mine = await open(ann, "@bob");
  expect(lines(mine)).toEqual(["ann: once"]);
});

test("what failed says so, where it is and where one is not, and is sent again or given up", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const id = await bob.app.channels.create({ name: "ops" });
  await ann.app.conversations.open("#ops");
  await ann.app.channels.join(id);
  const here = await open(ann, "#ops");
  await bob.app.channels.remove(id, "@ann");
  await until(() => ann.app.conversations.byId(id).value?.standing === undefined);
  const conversation = ann.app.conversations.byId(id).value;
  if (conversation === undefined) throw new Error("a public channel can still be looked at");
  const { id: entry } = ann.app.pending.post(conversation, "too late");
  await until(() => {
    const item = here.items.value.at(-1);
    return item?.is === "pending" && item.entry.state === "failed";
  });
  expect(ann.app.alerts.toasts.value.filter(({ kind }) => kind === "error")).toEqual([]);
  ann.app.place.go({ is: "home" });
  ann.app.pending.retry(entry);
  await until(() => ann.app.alerts.toasts.value.some(({ kind }) => kind === "error"));
  expect(ann.app.alerts.toasts.value.find(({ kind }) => kind === "error")?.text).toBe(
    "To ops: Not sent. You are not in #ops: join it first.",
  );
  await ann.app.channels.join(id);
  ann.app.pending.retry(entry);
  await until(() => lines(here).includes("ann: too late"));
  expect(ann.app.pending.waiting.value).toBe(0);
});

test("two tabs: a message written in one is shown in both, and stored once", async () => {
  const chat = await start();
  const bob = await chat.person("bob");
  const browser = chat.browser();
  const one = browser.open();
  await one.app.session.signUp({ name: "ann", password: PASSWORD });
  await until(() => browser.keptText.includes('"token":"cookie"'));
  const two = browser.open();
  await until(() => two.app.conversations.loaded.value);
  expect(two.app.session.account.value?.name).toBe("ann");
  const first = await open(one, "@bob");
  const second = await open(two, "@bob");
  browser.wire.cut();
  await until(() => two.app.connection.kind.value !== "live");
  say(one, first, "from one");
  await until(() => lines(second).includes("(from one)"));
  say(two, second, "from two");
  await until(() => lines(first).includes("(from two)"));
  browser.wire.mend();
  for (const tab of [one, two]) tab.app.connection.retryNow();
  for (const timeline of [first, second]) {
    await until(() => lines(timeline).join() === "ann: from one,ann: from two");
  }
  await until(() => one.app.pending.waiting.value === 0 && two.app.pending.waiting.value === 0);
  const theirs = await open(bob, "@ann");
  expect(lines(theirs)).toEqual(["---", "ann: from one", "ann: from two"]);
  expect(browser.keptText).not.toContain("from one");
});

test("a server that is killed and comes back: nobody notices more than a wait", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  say(ann, here, "one");
  await until(() => lines(here).includes("ann: one"));
  const there = await open(bob, "@ann");
  await chat.server.restart();
  say(ann, here, "two");
  say(bob, there, "three");
  for (const timeline of [here, there]) {
    await until(() => lines(timeline).filter((line) => line.includes(": ")).length === 3);
  }
  expect(lines(there).filter((line) => line !== "---")).toEqual(lines(here));
});

test("where the browser keeps nothing, one is told once, and everything goes on", async () => {
  const chat = await start();
  await chat.person("bob");
  const browser = chat.browser();
  browser.isFull = true;
  const tab = browser.open();
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  const here = await open(tab, "@bob");
  tab.app.drafts.set(here.conversation, "not kept");
  say(tab, here, "goes out");
  await until(() => lines(here).includes("ann: goes out"));
  tab.leave();
  expect(tab.app.drafts.draft(here.conversation).value).toBe("not kept");
  const warnings = tab.app.alerts.toasts.value.filter(({ kind }) => kind === "warn");
  expect(warnings.map(({ text }) => text.slice(0, 42))).toEqual([
    "This browser keeps nothing for this page. ",
  ]);
  const other = chat.browser();
  other.lasts = false;
  const forgetful = other.open();
  expect(forgetful.app.alerts.toasts.value).toEqual([]);
  await forgetful.app.session.signIn({ name: "ann", password: PASSWORD });
  expect(forgetful.app.alerts.toasts.value.length).toBe(1);
});
