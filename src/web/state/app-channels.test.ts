/** Channels and people: who is in, who is let in or out, what things are called, who is there. */
import { afterEach, expect, test } from "bun:test";
import { TestServer } from "../../../test/in-process.ts";
import type { Tab } from "./testing/browser.ts";
import { Chat, lines, open, PASSWORD, pass, say, until } from "./testing/chat.ts";
import { POLL_MS } from "./timelines.ts";

const chats: Chat<TestServer>[] = [];

async function start(): Promise<Chat<TestServer>> {
  const chat = await Chat.start((options) => TestServer.start(options));
  chats.push(chat);
  return chat;
}

afterEach(async () => {
  for (const chat of chats.splice(0)) await chat.end();
});

const handles = (tab: Tab) => tab.app.conversations.list.value.map(({ handle }) => handle);
const stateOf = (tab: Tab, id: string) => tab.app.conversations.byId(id).value;
const said = (tab: Tab) => tab.app.alerts.toasts.value.map(({ text }) => text);

test("a channel is made, looked at, joined, talked in and left", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const id = await ann.app.channels.create({ name: "ops", topic: "What runs" });
  expect(stateOf(ann, id)).toMatchObject({ handle: "#ops", standing: "owner", topic: "What runs" });
  const here = await open(ann, "#ops");
  say(ann, here, "first");
  await until(() => lines(here).includes("ann: first"));

  // Anybody may look; what is seen is not the own list's.
  const there = await open(bob, "#ops");
  expect(lines(there)).toEqual(["ann: first"]);
  expect(stateOf(bob, id)?.standing).toBeUndefined();
  expect(handles(bob)).toEqual([]);
  say(ann, here, "second");
  await until(() => lines(here).includes("ann: second"));
  // Nobody tells who is not in it: what came is asked for.
  await pass([bob.browser.clock], POLL_MS);
  await until(() => lines(there).includes("ann: second"));
  await bob.app.channels.join(id);
  await until(() => handles(bob).length === 1 && lines(there).includes("ann: second"));
  await until(() => stateOf(ann, id)?.members === 2);
  say(bob, there, "third");
  await until(() => lines(here).includes("bob: third"));
  await bob.app.channels.leave(id);
  await until(() => handles(bob).length === 0);
  expect(said(bob)).toEqual([]);
  expect(lines(there)).toEqual(["ann: first", "ann: second", "bob: third"]);
  await until(() => stateOf(ann, id)?.members === 1);
});

test("an invitation to a private channel is seen, and taken", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const id = await ann.app.channels.create({ name: "secret", private: true });
  const here = await open(ann, "#secret");
  say(ann, here, "before bob");
  await until(() => lines(here).includes("ann: before bob"));
  await ann.app.channels.invite(id, "@bob");
  await until(() => stateOf(bob, id)?.standing === "invited");
  expect(handles(bob)).toEqual(["#secret"]);
  await bob.app.channels.join(id);
  const there = await open(bob, "#secret");
  expect(lines(there)).toEqual(["ann: before bob"]);
  await until(() => stateOf(bob, id)?.standing === "member");
  say(ann, here, "welcome");
  await until(() => lines(there).includes("ann: welcome"));
});

test("who is put out of a channel is told, and led away from what may no longer be read", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const id = await ann.app.channels.create({ name: "ops" });
  const secret = await ann.app.channels.create({ name: "secret", private: true });
  await ann.app.channels.invite(secret, "@bob");
  await bob.app.conversations.open("#ops");
  await bob.app.channels.join(id);
  await until(() => stateOf(bob, secret)?.standing === "invited");
  await bob.app.channels.join(secret);
  await bob.app.conversations.open("#secret");
  await ann.app.channels.remove(secret, "@bob");
  await until(() => said(bob).includes("You are no longer in #secret."));
  expect(bob.app.place.current.value).toEqual({ is: "home" });
  expect(stateOf(bob, secret)).toBeUndefined();
  expect(handles(bob)).toEqual(["#ops"]);

  await bob.app.conversations.open("#ops");
  await ann.app.channels.ban(id, "@bob");
  await until(() => said(bob).includes("You are no longer in #ops."));
  expect(bob.app.place.current.value).toEqual({ is: "home" });
  expect(handles(bob)).toEqual([]);
  await expect(bob.app.conversations.open("#ops")).rejects.toThrow();
  await ann.app.channels.ban(id, "@bob", true);
  await bob.app.conversations.open("#ops");
  await bob.app.channels.join(id);
  await until(() => handles(bob).length === 1);
});

test("what a channel is called changes everywhere", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const id = await ann.app.channels.create({ name: "ops" });
  await bob.app.conversations.open("#ops");
  await bob.app.channels.join(id);
  await ann.app.channels.update(id, { name: "operations", topic: "Now with a topic" });
  for (const tab of [ann, bob]) {
    await until(() => stateOf(tab, id)?.title === "operations");
    expect(stateOf(tab, id)?.topic).toBe("Now with a topic");
  }
  expect(stateOf(ann, id)?.standing).toBe("owner");
  expect(stateOf(bob, id)?.standing).toBe("member");
  expect(bob.title).toBe("operations — Holdfast");
  await ann.app.channels.handOver(id, "@bob");
  await until(
    () => stateOf(bob, id)?.standing === "owner" && stateOf(ann, id)?.standing === "member",
  );
});

test("members are listed, follow what happens, and are met", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const id = await ann.app.channels.create({ name: "ops" });
  await open(ann, "#ops");
  const list = ann.app.people.membersOf(id);
  const end = list.members.subscribe(() => {});
  await until(() => list.members.value.length === 1);
  await bob.app.conversations.open("#ops");
  await bob.app.channels.join(id);
  await until(() => list.members.value.length === 2);
  expect(list.members.value.map(({ name, standing }) => `${name} ${standing}`)).toEqual([
    "ann owner",
    "bob member",
  ]);
  await bob.app.session.rename("bobby");
  await until(() => list.members.value[1]?.name === "bobby");
  const { id: bobId } = bob.app.session.account.value ?? { id: "" };
  await until(() => ann.app.people.person(bobId).value?.name === "bobby");
  await bob.app.channels.leave(id);
  await until(() => list.members.value.length === 1);
  end();
});

test("people and channels are found by what is typed", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  await chat.person("bernd");
  const albert = await chat.person("albert");
  await albert.app.session.setDisplayName("Zebra");
  await ann.app.channels.create({ name: "bert" });
  await ann.app.channels.create({ name: "ops-bert" });
  await ann.app.channels.create({ name: "ops" });
  const find = async (text: string) => {
    const { people, channels } = await ann.app.people.find(text);
    return [people.map(({ name }) => name), channels.map(({ name }) => name)];
  };
  expect(await find("bert")).toEqual([["albert"], ["bert", "ops-bert"]]);
  expect(await find("be")).toEqual([
    ["bernd", "albert"],
    ["bert", "ops-bert"],
  ]);
  expect(await find("@B")).toEqual([["bernd", "albert"], []]);
  expect(await find("#op")).toEqual([[], ["ops", "ops-bert"]]);
  expect(await find("b*d")).toEqual([["bernd"], []]);
  expect(await find("?ert")).toEqual([[], ["bert"]]);
  expect((await find(""))[0]).toEqual(["albert", "ann", "bernd"]);
  expect(await find("zeb")).toEqual([["albert"], []]);
  expect(await find("nothing of this kind")).toEqual([[], []]);
});

test("presence and typing are seen, the own never", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  say(ann, here, "hello");
  const there = await open(bob, "@ann");
  await until(() => lines(there).includes("ann: hello"));
  const id = here.conversation;
  expect(stateOf(ann, id)?.online).toBe(true);
  bob.app.typing.tell(id);
  bob.app.typing.tell(id);
  await until(() => ann.app.typing.inConversation(id).value.length === 1);
  expect(ann.app.typing.inConversation(id).value[0]?.name).toBe("bob");
  expect(bob.app.typing.inConversation(id).value).toEqual([]);
  say(bob, there, "written");
  await until(() => lines(here).includes("bob: written"));
  expect(ann.app.typing.inConversation(id).value).toEqual([]);
  // Bob was told of Ann by the first message alone, and sees her go all the same.
  await until(() => bob.browser.wire.sent.includes("conversation.resolve"));
  await ann.close();
  await until(() => stateOf(bob, id)?.online === false);
  expect(bob.app.people.person(stateOf(bob, id)?.account?.id ?? "").value?.online).toBe(false);
});

test("an account that is deleted is called so, and its erased words are gone from what is shown", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  say(ann, here, "hello");
  const there = await open(bob, "@ann");
  await until(() => lines(there).includes("ann: hello"));
  say(bob, there, "my secret");
  await until(() => lines(here).includes("bob: my secret"));
  await bob.app.session.deleteAccount({ password: PASSWORD, erase: true });
  await until(() => stateOf(ann, here.conversation)?.account?.deleted === true);
  expect(stateOf(ann, here.conversation)).toMatchObject({
    title: "(account deleted)",
    handle: "(account deleted)",
    online: false,
  });
  await until(() => !lines(here).some((line) => line.includes("my secret")));
});

test("a name in the address becomes the place that it stands for, or home with a word", async () => {
  const chat = await start();
  await chat.person("bob");
  const browser = chat.browser();
  const tab = browser.open("#/@bob");
  expect(tab.app.place.current.value).toEqual({ is: "home" });
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  tab.follow("#/@bob");
  await until(() => tab.app.place.current.value.is === "conversation");
  expect(tab.hash).toStartWith("#/c/d_");
  expect(tab.title).toBe("bob — Holdfast");
  const { hash } = tab;
  tab.follow("#/");
  tab.follow("#/@bob"); // known by now
  await until(() => tab.app.place.current.value.is === "conversation");
  expect(tab.hash).toBe(hash);
  tab.follow("#/@nobody");
  await until(() => said(tab).length > 0);
  expect(said(tab)).toEqual(["@nobody: There is no such thing, or none that you may see."]);
  expect(tab.hash).toBe("#/");
  tab.follow("#/c/c_AAAAAAAAAAAAAAAAAAAAAA");
  await until(() => said(tab).length === 2);
  expect(tab.app.place.current.value).toEqual({ is: "home" });
});

test("what is said to somebody who looks elsewhere is told by the page or by the browser", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const id = await ann.app.channels.create({ name: "ops" });
  await bob.app.conversations.open("#ops");
  await bob.app.channels.join(id);
  const here = await open(ann, "@bob");
  bob.app.place.go({ is: "home" });
  say(ann, here, "hello bob");
  await until(() => said(bob).length === 1);
  expect(said(bob)).toEqual(["ann: hello bob"]);
  bob.app.alerts.toasts.value[0]?.action?.run();
  expect(bob.app.place.current.value).toEqual({ is: "conversation", id: here.conversation });
  expect(said(bob)).toEqual([]);

  expect(await bob.app.preferences.askPermission()).toBe("granted");
  bob.look(false);
  const ops = await open(ann, "#ops");
  say(ann, ops, "to all");
  say(ann, ops, "to @bob, and nobody else");
  say(ann, here, "and here");
  await until(() => bob.notices.length === 2);
  expect(bob.notices.map(({ title, text }) => `${title}: ${text}`).sort()).toEqual([
    "ann in #ops: to @bob, and nobody else",
    "ann: and here",
  ]);
  bob.notices.find(({ tag }) => tag === id)?.onClick();
  expect(bob.app.place.current.value).toEqual({ is: "conversation", id });
  expect(said(bob)).toEqual([]);
});
