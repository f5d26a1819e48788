/** What a page needs beyond one client of one process: a session that lives in several tabs. */
import { expect, test } from "bun:test";
import { HoldfastError, messageIdOf } from "./index.ts";
import { ANN, BOB, OPS, refuse, TOKEN } from "./testing/chat.ts";
import { outcome, SharedStorage, World } from "./testing/world.ts";

const opened = (world: World) => world.network.dialled.length;

test("a session that ended elsewhere is forgotten here, and nothing is told to a server", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const client = world.client({ storage: storage.view() });
  await world.advance(100);
  const reasons: string[] = [];
  client.on("signed_out", ({ code }) => reasons.push(code));
  const call = outcome(client.call("conversation.list", {}, { deadlineMs: 60_000 }));
  void client.forget();
  await world.advance(100);
  expect(reasons).toEqual(["session_ended"]);
  expect((call.error as HoldfastError).code).toBe("session_ended");
  expect(client.token).toBeUndefined();
  expect(storage.kept.has("session")).toBe(false);
  expect(world.cluster.asked("session.close")).toEqual([]);
  expect(world.cluster.tokens.has(TOKEN)).toBe(true);
});

test("resuming is done on a connection of its own: what vouches for a token may come with it", async () => {
  const world = new World();
  const client = world.stranger();
  void client.call("server.ping");
  await world.advance(100);
  expect(opened(world)).toBe(1);
  void client.resume(TOKEN);
  await world.advance(100);
  expect(opened(world)).toBe(2);
  expect(client.account?.id).toBe(ANN);
});

test("a wait for the next attempt ends when asked to", async () => {
  const world = new World();
  world.a.host.up = false;
  const client = world.client({ timing: { backoffMsMin: 1_000_000, backoffMsMax: 1_000_000 } });
  await world.advance(5);
  expect(client.connection.state).toBe("waiting");
  world.a.host.up = true;
  await world.advance(10);
  expect(opened(world)).toBe(1);
  client.retryNow();
  await world.advance(10);
  expect(client.connection.state).toBe("live");
});

test("what an account that is gone wanted to send goes nowhere, and is kept nowhere", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const client = world.client({ storage: storage.view() });
  await world.advance(100);
  world.cluster.script = (method) =>
    method === "message.post" ? refuse("storage_full") : undefined;
  const { id } = client.outbox.post({ to: OPS, text: "one" });
  client.outbox.post({ to: OPS, text: "two" });
  await world.advance(100);
  expect(() => client.outbox.drop(id)).not.toThrow();
  client.outbox.post({ to: OPS, text: "three" });
  client.outbox.forget(BOB);
  expect(client.outbox.entries.map(({ text }) => text)).toEqual(["two", "three"]);
  const dropped: string[] = [];
  client.on("outbox", ({ entry, dropped: gone }) => gone && dropped.push(entry.text));
  client.outbox.forget(ANN);
  await world.advance(100);
  expect(dropped).toEqual(["two", "three"]);
  expect(client.outbox.entries).toEqual([]);
  expect([...storage.kept.keys()].filter((key) => key.startsWith("outbox/"))).toEqual([]);
  world.cluster.script = () => undefined;
  await world.advance(60_000);
  expect(world.cluster.posted).toEqual([]);
});

test("the id of a message is known before it is sent", async () => {
  const world = new World();
  const client = world.client();
  await world.advance(100);
  const stored: (string | undefined)[] = [];
  client.on("outbox", ({ entry }) => entry.state === "stored" && stored.push(entry.message?.id));
  const { id } = client.outbox.post({ to: OPS, text: "hello" });
  await world.advance(100);
  expect(stored).toEqual([messageIdOf(ANN, id)]);
  expect(() => messageIdOf("nobody", id)).toThrow(HoldfastError);
});
