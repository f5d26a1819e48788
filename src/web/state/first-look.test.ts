import { afterEach, expect, test } from "bun:test";
import { effect, signal } from "@preact/signals";
import { TestServer } from "../../../test/in-process.ts";
import { firstLook, isKnown } from "./first-look.ts";
import { Chat, lines, open, PASSWORD, say, until } from "./testing/chat.ts";

const chats: Chat<TestServer>[] = [];

afterEach(async () => {
  for (const chat of chats.splice(0)) await chat.end();
});

test("what is drawn first has the messages that the address asks for", async () => {
  const chat = await Chat.start((options) => TestServer.start(options));
  chats.push(chat);
  const ann = await chat.person("ann");
  await chat.person("bob");
  const here = await open(ann, "@bob");
  say(ann, here, "one");
  await until(() => lines(here)[0] === "ann: one");
  const { hash } = ann;

  const browser = chat.browser();
  const fresh = browser.open();
  await until(() => isKnown(fresh.app));
  expect(fresh.app.session.phase.value.is).toBe("signed_out"); // nothing more is waited for
  await fresh.app.session.signIn({ name: "ann", password: PASSWORD });
  await until(() => fresh.app.conversations.loaded.value);

  const again = browser.open(hash);
  const { session, conversations, timelines } = again.app;
  const first = Promise.withResolvers<string[]>();
  const stop = effect(() => {
    if (isKnown(again.app)) first.resolve(lines(timelines.timeline(hash.slice("#/c/".length))));
  });
  expect(isKnown(again.app)).toBe(false);
  expect(await first.promise).toEqual(["ann: one"]);
  expect(session.phase.value.is).toBe("signed_in");
  expect(conversations.list.value).toHaveLength(1);
  stop();
  await firstLook(again.app, 60_000);
});

test("it waits no longer than it is told", async () => {
  const phase = signal({ is: "loading" });
  await firstLook({ session: { phase } } as never, 1);
  phase.value = { is: "signed_out" };
  await firstLook({ session: { phase } } as never, 2 ** 30);
});
