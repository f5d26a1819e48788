/** One outbox, several accounts; one storage, several clients. */
import { expect, test } from "bun:test";
import type { Client } from "./client.ts";
import { BOB, OPS, refuse } from "./testing/chat.ts";
import { SharedStorage, World } from "./testing/world.ts";

/** States of the entries that a client tells of, as `text:state`. */
function states(client: Client): string[] {
  const seen: string[] = [];
  client.on("outbox", ({ entry, dropped }) =>
    seen.push(`${entry.text}:${dropped === true ? "dropped" : entry.state}`),
  );
  return seen;
}

const posted = (world: World) => world.cluster.posted.map(({ text }) => text);

test("what one account wrote never goes out as another", async () => {
  const world = new World();
  const client = world.stranger();
  void client.signIn({ name: "ann", password: "right" });
  await world.advance(100);
  world.cluster.script = (method) =>
    method === "message.post" ? refuse("storage_full") : undefined;
  client.outbox.post({ to: OPS, text: "ann's" });
  await world.advance(100);
  void client.signOut();
  await world.advance(100);
  world.cluster.script = () => undefined;
  void client.signIn({ name: "bob", password: "right" });
  await world.advance(60_000);
  expect(client.account?.id).toBe(BOB);
  expect(client.outbox.entries).toEqual([]);
  client.outbox.post({ to: OPS, text: "bob's" });
  await world.advance(100);
  expect(posted(world)).toEqual(["bob's"]);
  void client.signOut();
  await world.advance(100);
  void client.signIn({ name: "ann", password: "right" });
  await world.advance(60_000);
  expect(world.cluster.posted.map(({ author, text }) => `${author === BOB} ${text}`)).toEqual([
    "true bob's",
    "false ann's",
  ]);
});

test("what was written before anybody signed in belongs to who does first", async () => {
  const world = new World();
  const client = world.stranger();
  world.cluster.script = (method) =>
    method === "message.post" ? refuse("storage_full") : undefined;
  client.outbox.post({ to: OPS, text: "ann's" });
  void client.signIn({ name: "ann", password: "right" });
  await world.advance(100);
  void client.signOut();
  await world.advance(100);
  world.cluster.script = () => undefined;
  void client.signIn({ name: "bob", password: "right" });
  await world.advance(60_000);
  expect(client.account?.id).toBe(BOB);
  expect(posted(world)).toEqual([]);
});

test("an account that changes while an entry is being stored does not send it", async () => {
  const world = new World();
  const storage = new SharedStorage().view();
  const held: (() => void)[] = [];
  const client = world.stranger({
    storage: {
      list: storage.list,
      set: (key, value) =>
        value?.includes('"attempted":true') === true
          ? new Promise((resolve) => held.push(resolve))
          : storage.set(key, value),
    },
  });
  void client.signIn({ name: "ann", password: "right" });
  await world.advance(100);
  client.outbox.post({ to: OPS, text: "ann's" });
  await world.advance(100);
  void client.signOut();
  await world.advance(100);
  void client.signIn({ name: "bob", password: "right" });
  await world.advance(100);
  expect(held.length).toBe(1);
  held[0]?.();
  await world.advance(60_000);
  expect(client.account?.id).toBe(BOB);
  expect(posted(world)).toEqual([]);
});

test("an outage of the session keeps what waits for the next one", async () => {
  const world = new World();
  const client = world.stranger();
  void client.signIn({ name: "ann", password: "right" });
  await world.advance(100);
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  client.outbox.post({ to: OPS, text: "x" });
  await world.advance(100);
  world.cluster.script = () => undefined;
  world.a.tell("session.ended", { session: "s", reason: "revoked", cursor: "at:0" });
  await world.advance(100);
  expect(client.token).toBeUndefined();
  void client.signIn({ name: "ann", password: "right" });
  await world.advance(10_000);
  expect(posted(world)).toEqual(["x"]);
});

test("two clients on one storage with a lock: one sends for both", async () => {
  const world = new World();
  const storage = new SharedStorage();
  let tail = Promise.resolve();
  const lock = (held: () => Promise<void>) => {
    tail = tail.then(held);
    return tail;
  };
  const one = world.client({ storage: storage.view(), lock });
  const two = world.client({ storage: storage.view(), lock });
  await world.advance(100);
  const seen = states(two);
  two.outbox.post({ to: OPS, text: "from two" });
  one.outbox.post({ to: OPS, text: "from one" });
  await world.advance(100);
  expect(posted(world).sort()).toEqual(["from one", "from two"]);
  expect(world.cluster.asked("message.post").length).toBe(2);
  expect(seen).toContain("from two:stored");
  expect([one, two].map(({ outbox }) => outbox.entries.length)).toEqual([0, 0]);

  // The holder goes: the other takes over, with what waits.
  await one.close();
  two.outbox.post({ to: OPS, text: "later" });
  await world.advance(100);
  expect(posted(world).at(-1)).toBe("later");
});

test("two clients on one storage without a lock: both send, once, in order", async () => {
  const world = new World();
  const storage = new SharedStorage();
  world.a.host.up = false;
  const clients = [
    world.client({ storage: storage.view() }),
    world.client({ storage: storage.view() }),
  ];
  await world.advance(10);
  for (let i = 0; i < 6; i++) {
    clients[i % 2]?.outbox.post({ to: OPS, text: `${i}` });
    await world.advance(5);
  }
  world.a.host.up = true;
  await world.advance(30_000);
  expect(posted(world)).toEqual(["0", "1", "2", "3", "4", "5"]);
  expect(clients.map((client) => client.outbox.entries)).toEqual([[], []]);
  expect(world.cluster.asked("message.post").length).toBeLessThanOrEqual(2 * 6);
  expect([...storage.kept.keys()].filter((key) => key.startsWith("outbox/"))).toEqual([]);
});

test("a lock that fails is no reason not to send", async () => {
  const world = new World();
  const client = world.client({ lock: () => Promise.reject(new Error("no locks here")) });
  client.outbox.post({ to: OPS, text: "x" });
  await world.advance(100);
  expect(posted(world)).toEqual(["x"]);
});
