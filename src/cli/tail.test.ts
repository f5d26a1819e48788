import { expect, test } from "bun:test";
import { bobs, type Calls, FakeClient, ops, said } from "../../test/cli-fake-client.ts";
import { type Client, type Conversation, HoldfastError, type Message } from "../client/index.ts";
import { Tail, type TailOptions } from "./tail.ts";

/** A server's messages: the client answers from them, tests add to them. */
function world(...messages: Message[]) {
  const pageOf = ({ in: ref, before, after, limit = 50 }: Record<string, unknown>) => {
    const inside = messages
      .filter(({ conversation }) => conversation === ref)
      .filter(({ position }) => before === undefined || position < (before as string))
      .filter(({ position }) => after === undefined || position > (after as string))
      .sort((a, b) => (a.position < b.position ? -1 : 1));
    const count = limit as number;
    const page = after === undefined ? inside.slice(-count) : inside.slice(0, count);
    const next = after === undefined ? page[0] : page.at(-1);
    return { messages: page, ...(inside.length > count ? { next: next?.position } : {}) };
  };
  const withLast = (conversation: Conversation): Conversation => {
    const last = pageOf({ in: conversation.id, limit: 1 }).messages[0];
    return last === undefined ? conversation : { ...conversation, last };
  };
  const client = new FakeClient({
    "conversation.list": () => ({ conversations: [withLast(ops), withLast(bobs)] }),
    "message.history": pageOf,
  });
  const printed: string[] = [];
  const failures: unknown[] = [];
  const tail = (more: Partial<TailOptions> = {}) =>
    new Tail({
      client: client as unknown as Client,
      print: ({ text }, where) => printed.push(`${where} ${text}`),
      failed: (error) => failures.push(error),
      ...more,
    });
  return { client, messages, printed, failures, tail };
}

test("begins with the newest messages of all conversations, in the total order", async () => {
  const all = [said("a"), said("b", { conversation: bobs.id }), said("c"), said("d")];
  const { printed, tail } = world(...all);
  await tail().start(3);
  expect(printed).toEqual(["@bob b", "#ops c", "#ops d"]);
});

test("one conversation only, if asked; from now on, if asked", async () => {
  const { client, printed, tail } = world(said("old"));
  await tail({ only: ops.id, ref: ops.id }).start(0);
  await client.emit("message.posted", { message: said("new") });
  await client.emit("message.posted", { message: said("else", { conversation: bobs.id }) });
  expect(printed).toEqual(["#ops new"]);
});

test("what arrives while it begins comes after, and once", async () => {
  const one = said("one");
  const { client, messages, printed, tail } = world(one);
  const history = client.answers["message.history"] as Calls[string];
  const { promise, resolve } = Promise.withResolvers<void>();
  client.answers["message.history"] = async (params) => {
    await promise;
    return history(params);
  };
  const started = tail().start(10);
  const two = said("two");
  messages.push(two);
  const arrived = client.emit("message.posted", { message: two });
  const later = client.emit("message.posted", { message: said("three") });
  resolve();
  await Promise.all([started, arrived, later]);
  expect(printed).toEqual(["#ops one", "#ops two", "#ops three"]);
});

test("after a reset what was missed is read, over pages, in order and once", async () => {
  const first = said("first");
  const { client, messages, printed, tail } = world(first);
  await tail().start(10);
  const missed = Array.from({ length: 450 }, (_, i) =>
    said(`${i}`, i % 2 === 0 ? {} : { conversation: bobs.id }),
  );
  messages.push(...missed);
  await client.emit("reset", {});
  await client.emit("message.posted", { message: missed.at(-1) as Message });
  expect(printed).toEqual([
    "#ops first",
    ...missed.map(({ text }, i) => `${i % 2 === 0 ? "#ops" : "@bob"} ${text}`),
  ]);
});

test("an old message that nothing was printed of is not printed by a reset", async () => {
  const { client, messages, printed, tail } = world(said("old"));
  await tail().start(0);
  messages.push(said("new"));
  await client.emit("reset", {});
  expect(printed).toEqual(["#ops new"]);
});

test("edits are printed if asked, as the message is then", async () => {
  const message = said("one");
  const { client, printed, tail } = world(message);
  await tail({ changes: true }).start(1);
  await client.emit("message.changed", { message: { ...message, text: "two", edited: true } });
  expect(printed).toEqual(["#ops one", "#ops two"]);
});

test("a refusal that no repeat cures ends it", async () => {
  const { client, failures, tail } = world();
  client.answers["conversation.list"] = () => {
    throw new HoldfastError("forbidden", "no");
  };
  await tail().start(10);
  expect(failures).toHaveLength(1);
});
