import { expect, test } from "bun:test";
import { createClient, HoldfastError } from "./index.ts";
import { BOB, refuse, TOKEN } from "./testing/chat.ts";
import { FakeRandom } from "./testing/clock.ts";
import { outcome, SharedStorage, World } from "./testing/world.ts";
import { TIMING } from "./timing.ts";

const DEAD_MS = 2 * TIMING.beatMs + TIMING.beatGraceMs;

test("goes through its states, and says so", async () => {
  const world = new World();
  const client = world.client({ cursor: "at:0" });
  const seen: string[] = [];
  client.on("connection", ({ state, server, name }) => seen.push(`${state} ${server} ${name}`));
  await world.advance(100);
  expect(seen).toEqual([
    "connecting http://a:7300 undefined",
    "hello http://a:7300 undefined",
    "resuming http://a:7300 a",
    "live http://a:7300 a",
  ]);
  await client.close();
  expect(client.connection.state).toBe("closed");
});

test("stays idle without a session, and connects for a call", async () => {
  const world = new World();
  const client = world.stranger();
  await world.advance(60_000);
  expect(world.dialled).toEqual([]);
  const hello = outcome(client.call("server.hello", {}));
  await world.advance(100);
  expect(hello.value?.server).toBe("a");
});

test("moves on at once when the connection breaks", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  await world.advance(10_000);
  world.a.host.kill();
  await world.advance(5);
  expect(world.dialled).toEqual(["a", "b"]);
  await world.advance(10);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
});

test("leaves a server that misses two beats, and not sooner", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  await world.advance(10_000);
  world.a.host.frozen = true;
  await world.advance(TIMING.beatMs);
  expect(client.connection).toMatchObject({ state: "live", name: "a" });
  await world.advance(DEAD_MS - TIMING.beatMs + 10);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
});

test("what an abandoned server says later is not heard", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  await world.advance(10_000);
  const heard: unknown[] = [];
  client.on("message.posted", (event) => heard.push(event));
  world.a.host.frozen = true;
  const id = "019a0000-0000-7000-8000-000000000000";
  const message = world.cluster.message(BOB, "c", "ghost", id);
  for (const open of world.a.host.connections) {
    world.a.notify(open, "message.posted", { message, cursor: "at:9" });
  }
  await world.advance(2_000);
  world.a.host.thaw();
  await world.advance(100);
  expect(heard).toEqual([]);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
  expect(client.cursor).toBe("at:0");
});

test("a machine that slept gives the server one more beat", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  await world.advance(10_000);
  world.clock.sleep(60_000);
  await world.advance(2_000);
  expect(world.dialled).toEqual(["a"]);
  expect(client.connection.state).toBe("live");
  // It is only one more: a server that died meanwhile is left.
  world.a.host.frozen = true;
  world.clock.sleep(60_000);
  await world.advance(1_000);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
});

test("a server that takes connections and says nothing is left for one that answers", async () => {
  const world = new World(["a", "b", "c"]);
  world.a.host.frozen = true;
  world.b.host.up = false;
  const client = world.client();
  await world.advance(TIMING.slowDialMs - 1);
  expect(world.dialled).toEqual(["a"]);
  await world.advance(20);
  expect(client.connection).toMatchObject({ state: "live", name: "c" });
  world.a.host.thaw();
  await world.advance(20_000);
  expect(client.connection).toMatchObject({ state: "live", name: "c" });
  expect(world.dialled).toEqual(["a", "b", "c"]);
});

test("alone, a server that takes connections and says nothing is dialled again after a deadline", async () => {
  const world = new World(["a"]);
  world.a.host.frozen = true;
  world.client();
  await world.advance(TIMING.connectMs - 1);
  expect(world.dialled).toEqual(["a"]);
  await world.advance(TIMING.backoffMsMin + 20);
  expect(world.dialled).toEqual(["a", "a"]);
});

test("servers said to be live come first, the others after them", async () => {
  const world = new World(["a", "b", "c"]);
  const client = world.client();
  await world.advance(100);
  const state = (name: string) => (name === "b" ? "suspect" : "live");
  const servers = world.servers.map(({ name, url }) => ({ name, url, state: state(name) }));
  world.a.tell("servers.changed", { servers, cursor: "at:0" });
  await world.advance(10);
  world.a.host.kill();
  await world.advance(100);
  expect(client.connection).toMatchObject({ state: "live", name: "c" });
  for (const one of world.servers) one.host.kill();
  world.b.host.up = true;
  await world.advance(10_000);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
});

test("tries each server once without waiting, then backs off with growing, bounded waits", async () => {
  const world = new World(["a", "b", "c"]);
  for (const server of world.servers) server.host.up = false;
  world.client({ random: new FakeRandom(1, 255) }); // the longest waits there are
  await world.advance(60_000);
  const starts = world.network.dialled.filter((_, i) => i % 3 === 0).map(({ at }) => at);
  expect(world.dialled.slice(0, 6)).toEqual(["a", "b", "c", "a", "b", "c"]);
  const waits = starts.slice(1).map((at, i) => at - (starts[i] as number) - 3);
  expect(waits.slice(0, 7).map(Math.round)).toEqual([100, 200, 400, 800, 1600, 3200, 5000]);
  expect(waits.slice(7).every((wait) => Math.round(wait) === TIMING.backoffMsMax)).toBe(true);
});

test("waits are random in full: none at all is possible, and a UI can say when", async () => {
  const world = new World();
  world.a.host.up = false;
  const eager = world.client({ random: new FakeRandom(1, 0) });
  await world.advance(10);
  expect(world.dialled.length).toBeGreaterThan(5);
  await eager.close();

  const client = world.client({ random: new FakeRandom(1, 128) });
  await world.advance(1_000);
  const { state, retryAt, error } = client.connection;
  expect(state).toBe("waiting");
  expect(retryAt).toBeGreaterThan(world.clock.wallMs());
  expect(error).toBeInstanceOf(HoldfastError);
});

test("a connection that was good for a while starts the waits anew", async () => {
  const world = new World();
  world.a.host.up = false;
  const client = world.client({ random: new FakeRandom(1, 255) });
  await world.advance(20_000);
  world.a.host.up = true;
  await world.advance(20_000);
  expect(client.connection.state).toBe("live");
  world.a.host.kill();
  const before = world.network.dialled.length;
  const at = world.clock.now;
  await world.advance(320);
  const waits = world.network.dialled.slice(before).map((dial) => Math.round(dial.at - at));
  expect(waits).toEqual([1, 2 + 100, 3 + 300].filter((ms) => ms <= 320));
});

test("a server that breaks as soon as one is live is not stormed", async () => {
  const world = new World();
  world.client({ random: new FakeRandom(1, 255) });
  for (let i = 0; i < 30; i++) {
    await world.advance(1_000);
    for (const connection of [...world.a.host.connections]) connection.break();
  }
  expect(world.dialled.length).toBeLessThan(20);
});

test("leaves a stopping server, after the answers it still owes", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  await world.advance(10_000);
  world.cluster.script = (method, _params, server) =>
    method === "account.list" && server === "a" ? "silent" : undefined;
  const list = outcome(client.call("account.list", {}));
  await world.advance(5);
  world.a.tell("server.stopping", { cursor: "at:0" });
  await world.advance(TIMING.leaveMs - 10);
  expect(client.connection.name).toBe("a");
  const late = outcome(client.call("session.list", {}));
  await world.advance(TIMING.leaveMs);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
  expect(list.value).toBeDefined();
  expect(late.value).toBeDefined();
  const sent = world.cluster.received.filter(({ method }) => method === "session.list");
  expect(sent.map(({ server }) => server)).toEqual(["b"]);
});

test("a refusal as shutting_down moves the request to the next server, as a definite no", async () => {
  const world = new World(["a", "b"]);
  world.cluster.script = (method, _params, server) => {
    if (method !== "account.rename") return undefined;
    return server === "a" ? refuse("shutting_down") : refuse("name_taken");
  };
  const client = world.client();
  const renamed = outcome(client.call("account.rename", { name: "eve" }));
  await world.advance(100);
  expect(client.connection.name).toBe("b");
  expect((renamed.error as HoldfastError).code).toBe("name_taken");
});

test("[R63] the token never goes to a server of another cluster", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  await world.advance(10_000);
  const other = new World(["b"]);
  other.cluster.id = "k_two";
  const host = other.network.hosts.get("ws://b:7300/v1/ws");
  if (host !== undefined) world.network.hosts.set("ws://b:7300/v1/ws", host);
  const errors: unknown[] = [];
  client.on("connection", ({ error }) => errors.push(`${error?.code}: ${error?.message}`));
  world.a.host.kill();
  await world.advance(1_000);
  expect(other.cluster.asked("server.hello").length).toBeGreaterThan(0);
  expect(other.cluster.asked("session.resume")).toEqual([]);
  expect(errors.some((error) => /^unauthorized: .*another cluster/.test(String(error)))).toBe(true);
  expect(client.connection.state).not.toBe("live");
});

test("[R63] also in a later process, which knows the cluster from what was kept", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const first = world.stranger({ storage: storage.view() });
  const signed = outcome(first.signIn({ name: "ann", password: "right" }));
  await world.advance(100);
  expect(signed.value).toBeDefined();
  await first.close();

  const other = new World();
  other.cluster.id = "k_two"; // at the same address, of another cluster now
  const elsewhere = other.stranger({ storage: storage.view() });
  await other.advance(10_000);
  expect(other.cluster.asked("server.hello").length).toBeGreaterThan(0);
  expect(other.cluster.asked("session.resume")).toEqual([]);
  expect(elsewhere.token).toBeDefined(); // it is good where it came from
  await elsewhere.close();

  const home = world.stranger({ storage: storage.view() });
  await world.advance(100);
  expect(home.connection.state).toBe("live");
});

test("a server that speaks no version of ours is passed by", async () => {
  const world = new World(["a", "b"]);
  world.cluster.script = (method, _params, server) =>
    method === "server.hello" && server === "a" ? refuse("version_unsupported") : undefined;
  const client = world.client();
  await world.advance(100);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
});

test("a session that is over is forgotten, and said to be", async () => {
  const world = new World();
  const client = world.client({ token: `hft_${"x".repeat(43)}` });
  const ended: unknown[] = [];
  client.on("signed_out", (event) => ended.push(event));
  await world.advance(100);
  expect(ended).toEqual([{ reason: "unauthorized", code: "unauthorized" }]);
  expect(client.token).toBeUndefined();
  expect(client.connection.state).toBe("idle");

  const second = world.client();
  second.on("signed_out", (event) => ended.push(event));
  await world.advance(100);
  world.a.tell("session.ended", { session: "s_1", reason: "revoked", cursor: "at:0" });
  await world.advance(2);
  for (const connection of [...world.a.host.connections]) connection.break(4002);
  await world.advance(100);
  expect(ended.slice(1)).toEqual([{ reason: "revoked", code: "session_ended" }]);
  await world.advance(60_000);
  expect(second.connection.state).toBe("idle");

  // The close code alone, where the event was lost, says it too.
  const third = world.client();
  await world.advance(100);
  for (const connection of [...world.a.host.connections]) connection.break(4002);
  await world.advance(100);
  expect(third.token).toBeUndefined();
  expect(third.connection.state).toBe("idle");
});

test("a server that may only be behind keeps the session", async () => {
  const world = new World(["a", "b"]);
  world.cluster.script = (method, _params, server) =>
    method === "session.resume" && server === "a" ? refuse("unavailable") : undefined;
  const client = world.client();
  await world.advance(100);
  expect(client.token).toBe(TOKEN);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
});

test("a server that dies while somebody signs in is noticed without beats", async () => {
  const world = new World(["a", "b"]);
  world.cluster.script = (method, _params, server) =>
    method === "session.open" && server === "a" ? "silent" : undefined;
  const client = world.stranger();
  const signed = outcome(client.signIn({ name: "ann", password: "right" }));
  await world.advance(100);
  world.a.host.frozen = true;
  await world.advance(TIMING.quietMs + TIMING.silentMs + 100);
  expect(signed.value?.account.name).toBe("ann");
  const ids = world.cluster.asked("session.open").map(({ id }) => id);
  expect(ids.length).toBe(2);
  expect(ids[0]).toBe(ids[1]);
});

test("a password that takes long to check does not look like a dead server", async () => {
  const world = new World();
  let slow = true;
  world.cluster.script = (method) => (method === "session.open" && slow ? "silent" : undefined);
  const client = world.stranger();
  outcome(client.signIn({ name: "ann", password: "right" }));
  await world.advance(20_000);
  slow = false;
  expect(world.dialled).toEqual(["a"]);
  await client.close();
});

test("servers that a server tells of join the ring, but never plain ones behind secure ones", async () => {
  const world = new World(["a", "b"]);
  const client = world.client({ servers: ["http://a:7300"] });
  await world.advance(100);
  expect(client.servers).toEqual(["http://a:7300", "http://b:7300"]);
  const host = world.network.hosts.get("ws://a:7300/v1/ws");
  if (host !== undefined) world.network.hosts.set("wss://a/v1/ws", host);
  const secure = world.client({ servers: ["https://a"] });
  await world.advance(100);
  expect(secure.connection.state).toBe("live");
  expect(secure.servers).toEqual(["https://a"]);
});

test("frames that are no frames are reported and change nothing", async () => {
  const world = new World();
  const client = world.client();
  const faults: unknown[] = [];
  client.on("fault", (fault) => faults.push(fault));
  await world.advance(100);
  for (const text of [
    "",
    "{",
    "null",
    "7",
    "[]",
    '{"id":null,"error":{}}',
    '{"id":99,"result":1}',
  ]) {
    for (const connection of world.a.host.connections) connection.send(text);
  }
  await world.advance(100);
  expect(faults.length).toBe(6);
  expect(client.connection.state).toBe("live");
});

test("says what to do where there is no WebSocket", () => {
  const found = globalThis.WebSocket;
  try {
    Reflect.deleteProperty(globalThis, "WebSocket");
    expect(() => createClient({ servers: ["http://a"] })).toThrow("--experimental-websocket");
  } finally {
    globalThis.WebSocket = found;
  }
});

test("refuses addresses that are none", () => {
  const { WebSocket } = new World().network;
  for (const servers of [[], ["a:7300"], ["ws://a"], ["http://"], ["http://u:p@a"]]) {
    expect(() => createClient({ servers, WebSocket })).toThrow(HoldfastError);
  }
});

test("a runtime that refuses to dial is a failure like others", async () => {
  const world = new World();
  class Refusing {
    constructor() {
      throw new Error("mixed content");
    }
    addEventListener() {}
    send() {}
    close() {}
  }
  const client = world.client({ WebSocket: Refusing });
  await world.advance(1_000);
  expect(client.connection.state).toBe("waiting");
  expect(client.connection.error?.message).toContain("mixed content");
});

test("the token shows in nothing that a console prints of a client", async () => {
  const world = new World();
  const client = world.client();
  await world.advance(100);
  expect(client.token).toBe(TOKEN);
  expect(Bun.inspect(client, { depth: 8 }).includes("TTTT")).toBe(false);
  expect(JSON.stringify(client).includes("TTTT")).toBe(false);
});
