import { expect, test } from "bun:test";
import type { Client } from "./client.ts";
import { Cursors } from "./cursors.ts";
import { ANN, BOB, OPS, refuse, TOKEN } from "./testing/chat.ts";
import { SharedStorage, World } from "./testing/world.ts";
import { TIMING } from "./timing.ts";

const idOf = (n: number) => `019a0000-0000-7000-8000-${String(n).padStart(12, "0")}`;

/** Bob says something in a channel of ours. */
function say(world: World, n: number): void {
  world.cluster.post(BOB, OPS, `${n}`, idOf(n), "b");
}

function texts(client: Client): string[] {
  const heard: string[] = [];
  client.on("message.posted", ({ message }) => heard.push(message.text));
  return heard;
}

test("[R7] what was missed while the connection was away comes once and in order", async () => {
  const world = new World(["a", "b"]);
  const client = world.client({ cursor: "at:0" });
  const heard = texts(client);
  await world.advance(100);
  say(world, 1);
  await world.advance(100);
  world.a.host.kill();
  world.b.host.up = false;
  for (let n = 2; n <= 5; n++) say(world, n);
  await world.advance(3_000);
  expect(heard).toEqual(["1"]);
  world.b.host.up = true;
  await world.advance(10_000);
  say(world, 6);
  await world.advance(100);
  expect(heard).toEqual(["1", "2", "3", "4", "5", "6"]);
  expect(client.cursor).toBe("at:6");
});

test("the first connection of a new client starts from now", async () => {
  const world = new World();
  say(world, 1);
  const client = world.client();
  const heard = texts(client);
  await world.advance(100);
  say(world, 2);
  await world.advance(100);
  expect(heard).toEqual(["2"]);
});

test("answers move the cursor, but not those that page through events", async () => {
  const world = new World();
  say(world, 1);
  const client = world.client();
  await world.advance(10);
  expect(client.cursor).toBe("at:1");
  const known = ["message.history", "events.read", "server.ping"];
  world.cluster.script = (method) =>
    known.includes(method) ? { result: { cursor: `at:${7 + known.indexOf(method)}` } } : undefined;
  void client.call("events.read", { cursor: "at:0" });
  void client.call("server.ping");
  await world.advance(10);
  expect(client.cursor).toBe("at:1");
  void client.call("message.history", { in: OPS });
  await world.advance(10);
  expect(client.cursor).toBe("at:7");
});

test("a kept cursor of another account is not gone on from", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const cursor = JSON.stringify({ account: BOB, cursor: "at:77" });
  storage.kept.set("session", JSON.stringify({ token: TOKEN, account: ANN })).set("cursor", cursor);
  world.stranger({ storage: storage.view() });
  await world.advance(10);
  expect(world.cluster.asked("session.resume")).toEqual([{ token: TOKEN }]);
});

test("what one account was shown is new to the next", async () => {
  const world = new World();
  const client = world.stranger();
  const heard = texts(client);
  const id = idOf(1);
  const message = world.cluster.message(BOB, OPS, "hello", id);
  for (const name of ["ann", "bob"]) {
    void client.signIn({ name, password: "right" });
    await world.advance(10);
    world.cluster.happen("message.posted", { message });
    world.cluster.happen("message.posted", { message });
    await world.advance(10);
    void client.signOut();
    await world.advance(10);
  }
  expect(heard).toEqual(["hello", "hello"]);
});

test("a message that comes again is not shown again", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  const heard = texts(client);
  await world.advance(100);
  for (let n = 1; n <= 3; n++) say(world, n);
  await world.advance(100);
  // A server that is generous with what was missed.
  world.cluster.script = (method, params) => {
    if (method === "session.resume") params.cursor = "at:0";
    return undefined;
  };
  world.a.host.kill();
  await world.advance(1_000);
  say(world, 4);
  await world.advance(100);
  expect(heard).toEqual(["1", "2", "3", "4"]);
});

test("[R62] the cursor moves after the listeners ran, not before", async () => {
  const world = new World();
  const client = world.client({ cursor: "at:0" });
  const seen: unknown[] = [];
  await world.advance(100);
  client.on("message.posted", () => seen.push(client.cursor));
  say(world, 1);
  await world.advance(100);
  expect(seen).toEqual(["at:0"]);
  expect(client.cursor).toBe("at:1");
});

test("[R7] wherever connections break, every message is shown once and in order", async () => {
  for (const kind of ["before", "after"] as const) {
    for (let frame = 1; frame <= 20; frame++) {
      const world = new World(["a", "b"]);
      for (let n = 1; n <= 9; n++) say(world, n);
      world.network.breaks.set(frame, kind).set(frame + 7, kind);
      const client = world.client({ cursor: "at:0" });
      const heard = texts(client);
      await world.advance(2_000);
      say(world, 10);
      await world.advance(2_000);
      expect(heard).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
      expect(world.dialled.length).toBeGreaterThan(1);
      await client.close();
    }
  }
});

test("[R7] a beat in the middle of a replay does not vouch for the rest of it", async () => {
  const world = new World(["a", "b"]);
  for (let n = 1; n <= 3; n++) say(world, n);
  world.cluster.script = (method, _params, server) =>
    method === "session.resume" && server === "a"
      ? {
          result: {
            account: { id: BOB, name: "bob", displayName: "" },
            session: "s",
            cursor: "at:3",
          },
        }
      : undefined;
  const client = world.client({ cursor: "at:0" });
  const heard = texts(client);
  await world.advance(10);
  expect(client.connection.state).toBe("resuming");
  for (const open of world.a.host.connections)
    world.a.notify(open, "server.beat", { cursor: "at:3" });
  await world.advance(10);
  expect(client.cursor).toBe("at:0");
  world.a.host.kill();
  await world.advance(100);
  expect(heard).toEqual(["1", "2", "3"]);
});

test("[R7] a later process goes on where the kept cursor stands", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const first = world.client({ storage: storage.view() });
  await world.advance(100);
  say(world, 1);
  await world.advance(100);
  await first.close();
  say(world, 2);
  const second = world.stranger({ storage: storage.view() });
  const heard = texts(second);
  await world.advance(100);
  expect(heard).toEqual(["2"]);
  expect(second.account?.name).toBe("ann");
});

test("the first cursor is kept at once; a session kept without one says that it has to read anew", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const first = world.stranger({ storage: storage.view() });
  void first.signIn({ name: "ann", password: "right" });
  await world.advance(8);
  expect(first.token).toBeDefined();
  expect(JSON.parse(storage.kept.get("cursor") ?? "null").cursor).toBe("at:0");

  const resets: unknown[] = [];
  const later = () => {
    const client = world.stranger({ storage: storage.view() });
    client.on("reset", (event) => resets.push(event));
    return world.advance(100);
  };
  await later();
  expect(resets).toEqual([]);
  storage.kept.delete("cursor");
  await later();
  expect(resets).toEqual([{ cursor: "at:0" }]);
});

test("[R7, R62] what is kept waits for listeners that are still at work", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const first = world.client({ storage: storage.view(), cursor: "at:0" });
  const done: (() => void)[] = [];
  first.on("message.posted", () => new Promise<void>((resolve) => done.push(resolve)));
  await world.advance(100);
  for (let n = 1; n <= 3; n++) say(world, n);
  await world.advance(2_000);
  done[0]?.();
  done[2]?.();
  await world.advance(2_000);
  expect(JSON.parse(storage.kept.get("cursor") ?? "null").cursor).toBe("at:1");
  done[1]?.();
  await world.advance(2_000);
  expect(JSON.parse(storage.kept.get("cursor") ?? "null").cursor).toBe("at:3");
});

test("the cursor is written now and then, and at the end", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const view = storage.view();
  let writes = 0;
  const client = world.client({
    cursor: "at:0",
    storage: {
      ...view,
      set: (key, value) => {
        if (key === "cursor") writes++;
        return view.set(key, value);
      },
    },
  });
  await world.advance(100);
  for (let n = 1; n <= 200; n++) {
    say(world, n);
    await world.advance(5);
  }
  expect(writes).toBeLessThanOrEqual(Math.ceil(1_100 / TIMING.cursorMs) + 1);
  await client.close();
  expect(JSON.parse(storage.kept.get("cursor") ?? "null").cursor).toBe("at:200");
});

test("with cursor null nothing is resumed from a former process", async () => {
  const world = new World();
  const storage = new SharedStorage();
  const first = world.client({ storage: storage.view(), cursor: null });
  await world.advance(100);
  say(world, 1);
  await world.advance(1_000);
  await first.close();
  expect(storage.kept.has("cursor")).toBe(false);
  expect(storage.kept.has("session")).toBe(true);
});

test("a cursor that a server cannot read is given up, and the application told to read anew", async () => {
  const world = new World();
  world.cluster.script = (method, params) =>
    method === "session.resume" && params.cursor === "garbage" ? refuse("invalid") : undefined;
  const client = world.client({ cursor: "garbage" });
  const resets: unknown[] = [];
  client.on("reset", (event) => resets.push(event));
  await world.advance(100);
  expect(resets).toEqual([{ cursor: "at:0" }]);
  expect(client.connection.state).toBe("live");
  world.a.host.kill();
  world.a.host.up = true;
  await world.advance(10_000);
  expect(resets.length).toBe(1);
});

test("reset instead of what was missed is passed on and ends the resuming", async () => {
  const world = new World();
  for (let n = 1; n <= 3; n++) say(world, n);
  world.cluster.script = (method) =>
    method === "session.resume"
      ? {
          result: {
            account: { id: BOB, name: "bob", displayName: "" },
            session: "s",
            cursor: "at:3",
          },
        }
      : undefined;
  const client = world.client({ cursor: "at:0" });
  const resets: unknown[] = [];
  client.on("reset", (event) => resets.push(event));
  await world.advance(10);
  for (const open of world.a.host.connections) world.a.notify(open, "reset", { cursor: "at:3" });
  await world.advance(10);
  expect(resets.length).toBe(1);
  expect(client.connection.state).toBe("live");
  expect(client.cursor).toBe("at:3");
});

test("signing in again as the same account says that what came meanwhile is to be read", async () => {
  const world = new World();
  const client = world.client({ token: `hft_${"0".repeat(43)}` });
  world.cluster.tokens.set(`hft_${"0".repeat(43)}`, BOB);
  const resets: unknown[] = [];
  client.on("reset", (event) => resets.push(event));
  await world.advance(100);
  world.a.tell("session.ended", { session: "s_1", reason: "password changed", cursor: "at:0" });
  await world.advance(100);
  void client.signIn({ name: "bob", password: "right" });
  await world.advance(100);
  expect(client.account?.id).toBe(BOB);
  expect(resets.length).toBe(1);
});

test("a listener that throws keeps nobody else from hearing", async () => {
  const world = new World();
  const client = world.client();
  const faults: unknown[] = [];
  client.on("fault", (fault) => faults.push(fault));
  client.on("message.posted", () => {
    throw new Error("mine");
  });
  client.on("message.posted", () => Promise.reject(new Error("mine too")));
  const heard = texts(client);
  await world.advance(100);
  say(world, 1);
  say(world, 2);
  await world.advance(100);
  expect(heard).toEqual(["1", "2"]);
  expect(faults.length).toBe(4);
});

test("a listener that was taken off hears no more, also in the same turn", async () => {
  const world = new World();
  const client = world.client();
  const heard: string[] = [];
  const off = client.on("message.posted", ({ message }) => {
    heard.push(message.text);
    off();
  });
  await world.advance(100);
  say(world, 1);
  say(world, 2);
  await world.advance(100);
  expect(heard).toEqual(["1"]);
});

test("the own account follows what is heard of it", async () => {
  const world = new World();
  const client = world.client();
  await world.advance(100);
  const id = client.account?.id;
  world.cluster.happen("account.changed", { account: { id, name: "anna" } });
  await world.advance(100);
  expect(client.account?.name).toBe("anna");
});

test("[R62] cursors settle in order whatever the order in which listeners finish", async () => {
  const kept: unknown[] = [];
  const cursors = new Cursors((cursor) => kept.push(cursor));
  const ends: (() => void)[] = [];
  const open = () => [new Promise<void>((resolve) => ends.push(resolve))];
  cursors.passed("1", []);
  cursors.passed("2", open());
  cursors.passed("3", []);
  cursors.passed("4", []);
  cursors.passed("5", open());
  expect(cursors.latest).toBe("5");
  expect(kept).toEqual(["1"]);
  ends[1]?.();
  await Bun.sleep(0);
  expect(kept).toEqual(["1"]);
  ends[0]?.();
  await Bun.sleep(0);
  expect(kept).toEqual(["1", "5"]);
});
