/** A page whose connection was begun before its script: the same page, sooner. */
import { afterEach, expect, test } from "bun:test";
import { TestServer } from "../../../test/in-process.ts";
import { firstWords, keepsSession, ownServer, socketUrl } from "./first-words.ts";
import { hashOf, type PlaceAt } from "./place.ts";
import type { Browser, Tab } from "./testing/browser.ts";
import { Chat, lines, open, say, until } from "./testing/chat.ts";

const chats: Chat<TestServer>[] = [];

afterEach(async () => {
  for (const chat of chats.splice(0)) await chat.end();
});

/** Ann's browser with a channel in which something was said; her tab is closed. */
async function scene() {
  const chat = await Chat.start((options) => TestServer.start(options));
  chats.push(chat);
  const ann = await chat.person("ann");
  const { browser } = ann;
  const id = await ann.app.channels.create({ name: "ops" });
  say(ann, await open(ann, id), "one");
  await until(() => lines(ann.app.timelines.timeline(id)).includes("ann: one"));
  await until(() => browser.kept.getItem("holdfast/session") !== null);
  const bob = await chat.person("bob");
  await bob.app.channels.join(id);
  const bobs = await open(bob, id);
  await ann.close();
  browser.wire.sent.length = 0;
  return { chat, browser, id, hash: `#/c/${id}`, bob, bobs };
}

const asked = ({ wire }: Browser, method: string) =>
  wire.sent.filter((sent) => sent === method).length;

async function shows(tab: Tab, id: string, expected: readonly string[]): Promise<void> {
  const { timelines, conversations } = tab.app;
  const read = () => lines(timelines.timeline(id)).filter((line) => line !== "---");
  await until(() => conversations.loaded.value && read().join() === expected.join());
}

test("what was asked first is not asked again, and is what the page shows", async () => {
  const { browser, hash, id, bobs } = await scene();
  const begun = browser.begin(hash);
  await until(() => asked(browser, "conversation.list") === 1);
  const tab = browser.open(hash, { begun });
  await shows(tab, id, ["ann: one"]);
  expect(tab.app.conversations.byId(id).value?.title).toBe("ops");
  expect(asked(browser, "session.resume")).toBe(1);
  expect(asked(browser, "message.history")).toBe(1);
  expect(tab.app.connection.kind.value).toBe("live");
  say(tab, tab.app.timelines.timeline(id), "two");
  await shows(tab, id, ["ann: one", "ann: two"]);
  await until(() => lines(bobs).includes("ann: two"));
});

test("also when the script is there before the connection", async () => {
  const { browser, hash, id } = await scene();
  const begun = browser.begin(hash);
  const tab = browser.open(hash, { begun });
  await shows(tab, id, ["ann: one"]);
  expect(asked(browser, "session.resume")).toBe(1);
});

test("what is said between the first words and the script is not missed", async () => {
  const { browser, hash, id, bob, bobs } = await scene();
  const begun = browser.begin(hash);
  await until(() => asked(browser, "conversation.list") === 1);
  say(bob, bobs, "while it loads");
  await until(() => lines(bobs).includes("bob: while it loads"));
  const tab = browser.open(hash, { begun });
  await shows(tab, id, ["ann: one", "bob: while it loads"]);
});

test("a connection that broke before the script is made anew", async () => {
  const { browser, hash, id } = await scene();
  const begun = browser.begin(hash);
  await until(() => asked(browser, "message.history") === 1);
  browser.wire.cut();
  browser.wire.mend();
  const tab = browser.open(hash, { begun });
  await shows(tab, id, ["ann: one"]);
});

test("a session that ended meanwhile ends as ever", async () => {
  const { browser, hash } = await scene();
  browser.wire.cookie = "hft_of_nobody";
  const tab = browser.open(hash, { begun: browser.begin(hash) });
  await until(() => tab.app.session.phase.value.is === "signed_out");
  expect(tab.app.session.phase.value).toMatchObject({ reason: expect.any(String) });
});

test("another place than the one that was asked for", async () => {
  const { browser, id } = await scene();
  const tab = browser.open(`#/c/${id}`, { begun: browser.begin("#/") });
  await shows(tab, id, ["ann: one"]);
  expect(asked(browser, "message.history")).toBe(1);
  expect(asked(browser, "session.resume")).toBe(1);
});

test("nothing is said where nobody is signed in", async () => {
  const { chat } = await scene();
  const browser = chat.browser();
  expect(browser.begin("#/")).toBeUndefined();
  expect(browser.wire.sent).toEqual([]);
});

test("the history of a conversation is asked for where its newest is shown", () => {
  const historyAt = (place: PlaceAt) =>
    firstWords(hashOf(place)).find(({ method }) => method === "message.history")?.params;
  const id = `c_${"x".repeat(21)}A`;
  expect(historyAt({ is: "conversation", id })).toMatchObject({ in: id });
  expect(historyAt({ is: "conversation", id, side: "members" })).toMatchObject({ in: id });
  expect(historyAt({ is: "conversation", id, at: "p1" })).toBeUndefined();
  expect(historyAt({ is: "home" })).toBeUndefined();
  expect(historyAt({ is: "conversation", id: "@bob" })).toBeUndefined();
});

test("a session counts only as this page keeps it", () => {
  expect(keepsSession('{"token":"cookie","account":"a_ann"}')).toBe(true);
  for (const text of [null, "", "null", "7", '{"token":"hft_x"}', "{}"]) {
    expect(keepsSession(text)).toBe(false);
  }
});

test("the address to connect to", () => {
  const server = (href: string) => socketUrl(ownServer(new URL(href)));
  expect(server("http://10.0.0.2:7300/")).toBe("ws://10.0.0.2:7300/v1/ws");
  expect(server("https://chat.example/#/c/x")).toBe("wss://chat.example/v1/ws");
});
