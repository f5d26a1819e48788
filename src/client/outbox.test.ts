import { expect, test } from "bun:test";
import type { Client } from "./client.ts";
import { HoldfastError } from "./index.ts";
import { DIRECT, OPS, refuse } from "./testing/chat.ts";
import { outcome, SharedStorage, World } from "./testing/world.ts";

/** States of the entries that a client tells of, as `text:state`. */
function states(client: Client): string[] {
  const seen: string[] = [];
  client.on("outbox", ({ entry, dropped }) =>
    seen.push(`${entry.text}:${dropped === true ? "dropped" : entry.state}`),
  );
  return seen;
}

const posted = (world: World) => world.cluster.posted.map(({ text }) => text);

test("[R61] what is written offline waits, then goes out in order, and says how far it is", async () => {
  const world = new World();
  world.a.host.up = false;
  const client = world.client();
  await world.advance(1_000);
  const seen = states(client);
  const results: unknown[] = [];
  client.on("outbox", ({ entry }) => {
    if (entry.state === "stored") results.push([entry.message?.text, entry.receipt?.held]);
  });
  const first = client.outbox.post({ to: "#ops", text: "1" });
  expect(first.state).toBe("waiting");
  client.outbox.post({ to: "#ops", text: "2" });
  expect(client.outbox.entries.map(({ text }) => text)).toEqual(["1", "2"]);
  world.a.host.up = true;
  await world.advance(10_000);
  expect(posted(world)).toEqual(["1", "2"]);
  expect(seen).toEqual([
    "1:waiting",
    "2:waiting",
    "1:sending",
    "1:stored",
    "2:sending",
    "2:stored",
  ]);
  expect(results).toEqual([
    ["1", ["a"]],
    ["2", ["a"]],
  ]);
  expect(client.outbox.entries).toEqual([]);
});

test("a sign of waiting while the connection is away in the middle of sending", async () => {
  const world = new World();
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  const client = world.client();
  const seen = states(client);
  client.outbox.post({ to: OPS, text: "1" });
  await world.advance(100);
  world.cluster.script = () => undefined;
  world.a.host.kill();
  await world.advance(100);
  expect(seen).toEqual(["1:waiting", "1:sending", "1:waiting"]);
  world.a.host.up = true;
  await world.advance(10_000);
  expect(seen.slice(3)).toEqual(["1:sending", "1:stored"]);
  expect(new Set(world.cluster.asked("message.post").map(({ id }) => id)).size).toBe(1);
});

test("[R61] a refusal that may pass is tried again, and nothing of its conversation overtakes", async () => {
  const world = new World();
  let refusals = 3;
  world.cluster.script = (method, params) =>
    method === "message.post" && params.text === "1" && refusals-- > 0
      ? refuse(
          (["rate_limited", "storage_full", "unavailable"] as const)[refusals] ?? "invalid",
          50,
        )
      : undefined;
  const client = world.client();
  client.outbox.post({ to: "#ops", text: "1" });
  client.outbox.post({ to: "@bob", text: "other" });
  client.outbox.post({ to: OPS, text: "2" });
  await world.advance(20);
  expect(posted(world)).toEqual(["other"]);
  await world.advance(30_000);
  expect(posted(world)).toEqual(["other", "1", "2"]);
});

test("a definite refusal fails its message only; it can be sent again or dropped", async () => {
  const world = new World();
  world.cluster.script = (method, params) =>
    method === "message.post" && params.text === "bad" ? refuse("forbidden") : undefined;
  const storage = new SharedStorage();
  const client = world.client({ storage: storage.view() });
  const seen = states(client);
  const bad = client.outbox.post({ to: OPS, text: "bad" });
  client.outbox.post({ to: OPS, text: "good" });
  await world.advance(100);
  expect(posted(world)).toEqual(["good"]);
  expect(client.outbox.entries).toMatchObject([
    { id: bad.id, state: "failed", error: { code: "forbidden" } },
  ]);
  world.cluster.script = () => undefined;
  client.outbox.retry(bad.id);
  await world.advance(100);
  expect(posted(world)).toEqual(["good", "bad"]);
  expect(world.cluster.posted[1]?.id).toBe(bad.id);
  expect(seen.at(-1)).toBe("bad:stored");

  world.cluster.script = (method) => (method === "message.post" ? refuse("forbidden") : undefined);
  const worse = client.outbox.post({ to: OPS, text: "worse" });
  await world.advance(100);
  client.outbox.drop(worse.id);
  await client.flush();
  expect(client.outbox.entries).toEqual([]);
  expect(seen.at(-1)).toBe("worse:dropped");
  expect([...storage.kept.keys()].filter((key) => key.startsWith("outbox/"))).toEqual([]);
});

test("a recipient that nobody knows fails, the next goes on", async () => {
  const world = new World();
  const client = world.client();
  client.outbox.post({ to: "@nobody", text: "x" });
  client.outbox.post({ to: "@bob", text: "y" });
  await world.advance(100);
  expect(client.outbox.entries).toMatchObject([
    { text: "x", error: { code: "no_such_recipient" } },
  ]);
  expect(posted(world)).toEqual(["y"]);
});

test("[R11] refused after a lost answer: failed, but said to be indefinite", async () => {
  const world = new World(["a", "b"]);
  world.cluster.script = (method, _params, server) =>
    method !== "message.post" ? undefined : server === "a" ? "silent" : refuse("forbidden");
  const client = world.client();
  client.outbox.post({ to: OPS, text: "x" });
  await world.advance(100);
  world.a.host.kill();
  await world.advance(100);
  expect(client.outbox.entries).toMatchObject([{ state: "failed", error: { code: "indefinite" } }]);
});

test("refused for good after a refusal that was only for a while: that is definite", async () => {
  const world = new World();
  let asked = 0;
  world.cluster.script = (method) => {
    if (method !== "message.post") return undefined;
    return ++asked === 1 ? refuse("rate_limited", 10) : refuse("forbidden");
  };
  const client = world.client();
  client.outbox.post({ to: OPS, text: "x" });
  await world.advance(10_000);
  expect(client.outbox.entries).toMatchObject([{ state: "failed", error: { code: "forbidden" } }]);
});

test("[R11] also when the answer was lost to a former process", async () => {
  const world = new World();
  const storage = new SharedStorage();
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  const first = world.client({ storage: storage.view() });
  first.outbox.post({ to: OPS, text: "x" });
  await world.advance(100);
  await first.close();
  world.cluster.script = (method) => (method === "message.post" ? refuse("forbidden") : undefined);
  const second = world.stranger({ storage: storage.view() });
  await world.advance(100);
  expect(second.outbox.entries).toMatchObject([{ state: "failed", error: { code: "indefinite" } }]);
});

test("[R5, R61] entries outlive the process: same order, same ids, to whom they were first sent", async () => {
  const world = new World();
  const storage = new SharedStorage();
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  const first = world.client({ storage: storage.view() });
  const ids = ["1", "2", "3"].map((text) => first.outbox.post({ to: "@bob", text }).id);
  await world.advance(100);
  await first.close();
  world.cluster.names.set("@bob", {
    id: `d_${"M".repeat(21)}A`,
    conversation: `d_${"M".repeat(21)}A`,
  });
  world.cluster.script = () => undefined;
  const second = world.stranger({ storage: storage.view() });
  await world.advance(100);
  expect(world.cluster.posted.map(({ id }) => id)).toEqual(ids);
  // The first was attempted and keeps its address; the others had none yet.
  expect(world.cluster.posted.map(({ to }) => to[2])).toEqual(["D", "M", "M"]);
  expect(second.outbox.entries).toEqual([]);
});

test("ids of a later process are above those of a former one, also if the clock was set back", async () => {
  const world = new World();
  world.a.host.up = false;
  const storage = new SharedStorage();
  world.clock.now += 1_000_000;
  const first = world.client({ storage: storage.view() });
  const early = [
    first.outbox.post({ to: OPS, text: "1" }),
    first.outbox.post({ to: OPS, text: "2" }),
  ];
  await world.advance(10);
  await first.close();
  const later = new World();
  const second = later.client({ storage: storage.view() });
  await later.advance(1);
  const late = second.outbox.post({ to: OPS, text: "3" });
  await later.advance(100);
  expect(late.id > (early[1]?.id ?? "") && (early[1]?.id ?? "") > (early[0]?.id ?? "")).toBe(true);
  expect(posted(later)).toEqual(["1", "2", "3"]);
});

test("what may already be posted cannot be dropped as if it were not", async () => {
  const world = new World();
  const client = world.client();
  await world.advance(100);
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  const sent = client.outbox.post({ to: OPS, text: "sent" });
  const waits = client.outbox.post({ to: OPS, text: "waits" });
  await world.advance(100);
  expect(() => client.outbox.drop(sent.id)).toThrow(HoldfastError);
  client.outbox.drop(waits.id);
  client.outbox.drop("unknown");
  expect(client.outbox.entries.map(({ text }) => text)).toEqual(["sent"]);
});

test("a message that was taken in twice under one id is one message", async () => {
  const world = new World();
  const client = world.client();
  const id = "019a0000-0000-7000-8000-000000000001";
  const first = client.outbox.post({ to: OPS, text: "once", id });
  expect(client.outbox.post({ to: OPS, text: "once", id })).toBe(first);
  expect(() => client.outbox.post({ to: OPS, text: "x", id: "no id" })).toThrow(HoldfastError);
  await world.advance(100);
  client.outbox.post({ to: OPS, text: "once", id });
  await world.advance(100);
  expect(posted(world)).toEqual(["once"]);
});

test("a failed message that is sent again takes its old place among those that wait", async () => {
  const world = new World();
  world.cluster.script = (method, params) => {
    if (method !== "message.post") return undefined;
    if (params.text === "1") return refuse("forbidden");
    return params.text === "2" ? refuse("unavailable", 5_000) : undefined;
  };
  const client = world.client();
  const first = client.outbox.post({ to: OPS, text: "1" });
  for (const text of ["2", "3", "4"]) client.outbox.post({ to: OPS, text });
  await world.advance(100);
  world.cluster.script = () => undefined;
  client.outbox.retry(first.id);
  await world.advance(30_000);
  expect(posted(world)).toEqual(["1", "2", "3", "4"]);
});

test("a storage that fails is reported, and the message goes out all the same", async () => {
  const world = new World();
  const faults: string[] = [];
  const client = world.client({
    storage: { list: () => [], set: () => Promise.reject(new Error("quota")) },
  });
  client.on("fault", ({ where }) => faults.push(where));
  client.outbox.post({ to: OPS, text: "x" });
  await world.advance(100);
  expect(posted(world)).toEqual(["x"]);
  expect(faults).toContain("storage");
});

test("what lies in the storage and is no entry is passed over", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const id = "019a0000-0000-7000-8000-000000000001";
  for (const [key, value] of [
    [id, "{"],
    ["x", "null"],
    ["y", JSON.stringify({ entry: { id: "y", to: OPS, text: "t", state: "waiting" } })],
    ["z", JSON.stringify({ entry: { id, to: OPS, text: 7, state: "waiting" } })],
  ]) {
    storage.kept.set(`outbox/${key}`, value as string);
  }
  const client = world.client({ storage: storage.view() });
  client.outbox.post({ to: OPS, text: "fine" });
  await world.advance(100);
  expect(posted(world)).toEqual(["fine"]);
});

test("an outbox has a bound, and says so", async () => {
  const world = new World();
  world.a.host.up = false;
  const client = world.client();
  for (let i = 0; i < 10_000; i++) client.outbox.post({ to: OPS, text: `${i}` });
  expect(() => client.outbox.post({ to: OPS, text: "one more" })).toThrow("full");
});

test("to many conversations at once goes out only so much at once", async () => {
  const world = new World();
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  const client = world.client();
  for (let i = 100; i < 200; i++) {
    client.outbox.post({ to: `c_${i}${"A".repeat(19)}`, text: "x" });
  }
  await world.advance(5_000);
  expect(world.cluster.asked("message.post").length).toBe(64);
});

test("conversations do not wait for each other", async () => {
  const world = new World();
  world.cluster.script = (method, params) =>
    method === "message.post" && params.to === OPS ? "silent" : undefined;
  const client = world.client();
  for (let i = 0; i < 3; i++) {
    client.outbox.post({ to: OPS, text: `ops ${i}` });
    client.outbox.post({ to: DIRECT, text: `direct ${i}` });
  }
  await world.advance(100);
  expect(posted(world)).toEqual(["direct 0", "direct 1", "direct 2"]);
  const seen = outcome(client.close());
  await world.advance(10);
  expect("value" in seen).toBe(true);
});
