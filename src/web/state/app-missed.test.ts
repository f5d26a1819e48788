/** What was missed: a little, too much, late, or in pieces; what is shown stays in its place. */
import { afterEach, expect, test } from "bun:test";
import { newId, TestServer } from "../../../test/in-process.ts";
import { Chat, lines, lookAtEnd, open, pin, say, until } from "./testing/chat.ts";
import type { Timeline } from "./timelines.ts";

const chats: Chat<TestServer>[] = [];

async function start(): Promise<Chat<TestServer>> {
  const chat = await Chat.start((options) => TestServer.start(options));
  chats.push(chat);
  return chat;
}

afterEach(async () => {
  for (const chat of chats.splice(0)) await chat.end();
});

/** A bot that joins and says all of it at once. */
async function post(server: TestServer, texts: readonly string[], name = "bot"): Promise<void> {
  const bot = server.connect();
  await bot.call("account.create", { name, password: `password of ${name}`, id: newId() });
  await bot.call("channel.join", { in: "#ops", id: newId() });
  await Promise.all(
    texts.map((text) => bot.call("message.post", { to: "#ops", text, id: newId() })),
  );
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`);
const keysOf = (timeline: Timeline) => timeline.items.value.map(({ key }) => key);

test("what was missed while the network was away comes by itself, once", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  await ann.app.channels.create({ name: "ops" });
  const here = await open(ann, "#ops");
  say(ann, here, "before");
  await until(() => lines(here).includes("ann: before"));
  ann.look(false);
  ann.browser.wire.cut();
  await post(chat.server, numbered(40));
  expect(lines(here)).toEqual(["ann: before"]);
  ann.browser.wire.mend();
  ann.app.connection.retryNow();
  await until(() => lines(here).length === 42);
  expect(lines(here)).toEqual([
    "ann: before",
    "---",
    ...numbered(40).map((text) => `bot: ${text}`),
  ]);
  expect(ann.app.conversations.totalUnread.value).toBe(40);
  expect(ann.app.conversations.list.value[0]?.last?.text).toBe("n39");
});

test("too much was missed: everything is read anew, and nobody is told twice", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  await ann.app.channels.create({ name: "ops" });
  const here = await open(ann, "#ops");
  say(ann, here, "before");
  await until(() => lines(here).includes("ann: before"));
  lookAtEnd(here);
  ann.look(false);
  let resets = 0;
  ann.app.client.on("reset", () => resets++);
  ann.browser.wire.cut();
  await post(chat.server, numbered(1_100));
  ann.browser.wire.mend();
  ann.app.connection.retryNow();
  await until(() => lines(here).includes("bot: n1099"));
  await until(() => ann.app.conversations.totalUnread.value === 1_000);
  expect(resets).toBe(1);
  expect(here.state.value).toEqual({ older: "more", newer: "end" });
  expect(new Set(keysOf(here)).size).toBe(keysOf(here).length);
  // The line is where it was: above the first that was not there before.
  await until(() => {
    if (here.state.value.older === "more") void here.loadOlder();
    return here.firstUnread !== undefined;
  });
  const [, first] = lines(here).slice(lines(here).indexOf("---"));
  expect(first).toBe("bot: n0");
});

test("a reader far above keeps their place over a reset", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  await ann.app.channels.create({ name: "ops" });
  await post(chat.server, numbered(500));
  const here = await open(ann, "#ops");
  const newest = here.items.value.findLast((item) => item.is === "message");
  for (let i = 0; i < 6; i++) await here.loadOlder();
  const shown = here.items.value.filter((item) => item.is === "message");
  const place = shown[30]?.message.position ?? "";
  here.setVisible(true, place);
  expect(here.atNewest.value).toBe(false);
  ann.browser.wire.cut();
  const id = here.conversation;
  await post(chat.server, numbered(1_001), "bot2");
  ann.browser.wire.mend();
  ann.app.connection.retryNow();
  await until(() => ann.app.conversations.byId(id).value?.last?.text === "n1000");
  await until(
    () => ann.browser.wire.sent.filter((method) => method === "message.history").length > 8,
  );
  await until(() => here.state.value.newer === "more");
  expect(keysOf(here)).toContain(shown[30]?.key as string);
  expect(keysOf(here)).not.toContain(newest?.key as string);
  await here.jumpToNewest();
  expect(lines(here).at(-1)).toBe("bot2: n1000");
});

test("a long history is walked through in both directions, and jumped into", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  await ann.app.channels.create({ name: "ops" });
  await post(chat.server, numbered(700));
  const here = await open(ann, "#ops");
  const seen = new Set(lines(here));
  while (here.state.value.older === "more") {
    await here.loadOlder();
    await Bun.sleep(0);
    expect(here.items.value.length).toBeLessThanOrEqual(310);
    for (const line of lines(here)) seen.add(line);
  }
  expect([...seen].filter((line) => line.startsWith("bot: n")).length).toBe(700);
  expect(here.state.value).toEqual({ older: "end", newer: "more" });
  ann.app.search.run("n350");
  await until(() => ann.app.search.results.value.is === "found");
  const results = ann.app.search.results.value;
  if (results.is !== "found") throw new Error("nothing was found");
  expect(results.messages.map(({ text }) => text)).toEqual(["n350"]);
  const { conversation: id, position: at } = results.messages[0] as {
    conversation: string;
    position: string;
  };
  ann.app.place.go({ is: "conversation", id, at });
  await until(() => here.highlighted.value !== undefined);
  expect(lines(here)).toContain("bot: n350");
  expect(lines(here)).toContain("bot: n300");
  expect(lines(here)).toContain("bot: n400");
  await here.jumpToNewest();
  expect(lines(here).at(-1)).toBe("bot: n699");
  expect(here.state.value.newer).toBe("end");
});

test("edits and deletions reach whoever reads, in their place", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  for (const text of ["one", "two", "three"]) say(ann, here, text);
  await until(() => lines(here).includes("ann: three"));
  const there = await open(bob, "@ann");
  const ids = there.items.value.flatMap((item) => (item.is === "message" ? [item.message.id] : []));
  await here.edit(ids[0] ?? "", "uno");
  expect(lines(here)[0]).toBe("ann: uno");
  await until(() => lines(there).includes("ann: uno"));
  expect(bob.app.conversations.totalUnread.value).toBe(3);
  await here.delete(ids[2] ?? "");
  expect(lines(here)).toEqual(["ann: uno", "ann: two", "ann: ✗"]);
  await until(() => lines(there).includes("ann: ✗"));
  // What was deleted before it was read is no longer unread.
  await until(() => bob.app.conversations.totalUnread.value === 2);
  expect(ann.app.conversations.list.value[0]?.last?.deleted).toBe(true);
  await expect(there.edit(ids[1] ?? "", "not mine")).rejects.toThrow();
  expect(lines(there)).toContain("ann: two");
});

test("a timeline that was left is up to date when one comes back", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  say(ann, here, "one");
  await until(() => lines(here).includes("ann: one"));
  const unpin = pin(here);
  await Bun.sleep(10);
  unpin();
  ann.app.place.go({ is: "home" });
  const there = await open(bob, "@ann");
  say(bob, there, "two");
  await until(() => ann.app.conversations.totalUnread.value === 1);
  const again = await open(ann, "@bob");
  expect(again).toBe(here);
  expect(lines(again)).toEqual(["ann: one", "---", "bob: two"]);
  expect(again.unseenBelow.value).toBe(1);
  expect(again.firstUnread).toBeDefined();
});
