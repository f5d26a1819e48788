/** A request that is overdue goes to a second server, too: what comes of it, and what it must not cost. */
import { expect, test } from "bun:test";
import { Hedging } from "./hedging.ts";
import type { HoldfastError } from "./index.ts";
import { BOB, OPS, refuse } from "./testing/chat.ts";
import { LATENCY_MS } from "./testing/network.ts";
import { outcome, World } from "./testing/world.ts";
import { TIMING } from "./timing.ts";

const ID = "018bcfe5-6800-7000-8000-000000000001";
const postsAt = (world: World, server: string) =>
  world.cluster.received.filter((one) => one.method === "message.post" && one.server === server);

/** A world whose client is at `a`, for long enough that its connection counts as good. */
async function settled(names = ["a", "b"]) {
  const world = new World(names);
  const client = world.client();
  await world.advance(10_000);
  outcome(client.call("conversation.list", {})); // what an answer takes is known
  await world.advance(TIMING.beatMs);
  return { world, client };
}

test("[R64] a server that freezes: its answer is had from another one before it counts as dead", async () => {
  const { world, client } = await settled();
  const heard: string[] = [];
  client.on("message.posted", ({ message }) => heard.push(message.text));
  world.a.host.frozen = true;
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(TIMING.hedgeMs + 50);
  expect(posted.value?.message.text).toBe("hello");
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
  world.a.host.thaw();
  await world.advance(5_000);
  expect(heard).toEqual(["hello"]);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
});

test("[R64] a read that is overdue as well, at what was seen", async () => {
  const { world, client } = await settled();
  world.a.host.frozen = true;
  const read = outcome(client.call("message.history", { in: OPS }));
  await world.advance(TIMING.hedgeMs + 50);
  expect(read.value).toBeDefined();
  expect(world.cluster.asked("message.history").at(-1)?.at).toBe(client.cursor);
});

test("[R64] a server that is only slower keeps its client if it answers first", async () => {
  const { world, client } = await settled();
  world.a.slowMs = 200;
  world.b.slowMs = 400;
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(1_000);
  expect(posted.value?.message.text).toBe("hello");
  expect(postsAt(world, "b").length).toBe(1);
  expect(client.connection.name).toBe("a");
  expect(world.cluster.posted.length).toBe(1);
  await world.advance(TIMING.spareMs + 1_000);
  expect(world.b.host.connections.size).toBe(0); // the second link is not kept
});

test("[R11] a refusal of one attempt is not the answer while the other one is open", async () => {
  const { world, client } = await settled();
  world.a.slowMs = 300;
  world.cluster.script = (method, _params, server) =>
    method === "message.post" && server === "b" ? refuse("forbidden") : undefined;
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(1_000);
  expect(postsAt(world, "b").length).toBe(1);
  expect(posted.value?.message.text).toBe("hello");
});

test("[R11] both refuse: a definite no; one breaks and the rest refuse: indefinite", async () => {
  const { world, client } = await settled();
  world.a.slowMs = 300;
  world.cluster.script = (method) => (method === "message.post" ? refuse("forbidden") : undefined);
  const both = outcome(client.post(OPS, "1"));
  await world.advance(1_000);
  expect(world.cluster.asked("message.post").length).toBe(2);
  expect((both.error as HoldfastError).code).toBe("forbidden");

  world.a.slowMs = 0;
  world.cluster.script = (method, _params, server) => {
    if (method !== "message.post") return undefined;
    return server === "a" ? "silent" : refuse("forbidden");
  };
  const lost = outcome(client.post(OPS, "2"));
  await world.advance(300);
  expect(lost.error).toBeUndefined();
  world.a.host.kill();
  await world.advance(300);
  expect(lost.error).toMatchObject({ code: "indefinite", refusal: "forbidden" });
});

test("[R11] a second server that dies with an attempt leaves it unanswered", async () => {
  const { world, client } = await settled();
  world.cluster.script = (method, _params, server) => {
    if (method !== "message.post") return undefined;
    return server === "b" ? "silent" : undefined;
  };
  world.a.slowMs = 400;
  world.a.cluster.posted.length = 0;
  const seen: string[] = [];
  world.cluster.script = (method, _params, server) => {
    if (method !== "message.post") return undefined;
    seen.push(server);
    if (server === "b") {
      world.b.host.kill();
      return "silent";
    }
    return refuse("forbidden");
  };
  const posted = outcome(client.post(OPS, "x"));
  await world.advance(2_000);
  expect(seen).toEqual(["a", "b"]);
  expect(posted.error).toMatchObject({ code: "indefinite", refusal: "forbidden" });
});

test("[R6, R64] an answer of a server that dies before the client is there is not given out: it is asked for again", async () => {
  const { world, client } = await settled(["a", "b", "c"]);
  let resumes = 0;
  let isKnown: boolean | undefined;
  const posted = { value: undefined as unknown };
  world.cluster.script = (method, _params, server) => {
    if (method !== "session.resume" || server !== "b" || ++resumes < 2) return undefined;
    isKnown = posted.value !== undefined; // it has answered the message by now
    world.b.host.kill();
    return "silent";
  };
  world.a.host.frozen = true;
  void client.post(OPS, "hello").then((value) => {
    posted.value = value;
  });
  await world.advance(TIMING.hedgeMs + 100);
  expect(isKnown).toBe(false);
  expect(client.connection).toMatchObject({ state: "live", name: "c" });
  expect(posted.value).toBeDefined();
  expect(postsAt(world, "b").length).toBe(1);
  expect(postsAt(world, "c").length).toBe(1);
  expect(world.cluster.posted.length).toBe(1);
});

test("what asks for a password, ends a session or claims a name has one attempt at a time", async () => {
  const { world, client } = await settled();
  world.a.slowMs = 800;
  outcome(client.call("channel.create", { name: "x" }));
  outcome(client.call("account.rename", { name: "y" }));
  outcome(client.call("account.password", { password: "right", newPassword: "wrong" }));
  await world.advance(700);
  expect(world.cluster.received.filter(({ server }) => server === "b")).toEqual([]);
});

test("[R64] no write goes to the second server before an earlier one that is still unanswered", async () => {
  const { world, client } = await settled();
  world.a.slowMs = 1_000;
  outcome(client.call("channel.create", { name: "x" }));
  outcome(client.post(OPS, "behind it"));
  await world.advance(700);
  expect(postsAt(world, "b")).toEqual([]);
  const read = outcome(client.call("message.history", { in: OPS }));
  await world.advance(600); // reads stand in nobody's order, and what owes them an answer is left
  expect(read.value).toBeDefined();
  const writes = world.cluster.received.filter(
    ({ server, params }) => server === "b" && params.id !== undefined,
  );
  expect(writes.map(({ method }) => method)).toEqual(["channel.create", "message.post"]);
});

test("[R64] all servers slow: hedges are a small share of the requests", async () => {
  const { world, client } = await settled(["a", "b", "c"]);
  for (const server of world.servers) server.slowMs = 600;
  for (let i = 0; i < 1_000; i++) {
    outcome(client.post(OPS, `${i}`));
    await world.advance(i % 50 === 0 ? 700 : 20);
  }
  await world.advance(5_000);
  expect(world.cluster.posted.length).toBe(1_000);
  expect(world.cluster.asked("message.post").length).toBeLessThan(1_000 + 10 + 1_000 / 20 + 1);
});

test("[R64] hedges are earned by requests, and few are saved up", () => {
  const hedging = new Hedging(TIMING);
  const spent = () => Array.from({ length: 100 }, () => hedging.spend()).filter(Boolean).length;
  expect(spent()).toBe(10);
  for (let i = 0; i < 100; i++) hedging.sent();
  expect(spent()).toBe(5);
  for (let i = 0; i < 10_000; i++) hedging.sent();
  expect(spent()).toBe(10);
});

test("the time until a request is overdue follows what answers take", () => {
  const hedging = new Hedging(TIMING);
  expect(hedging.afterMs).toBe(TIMING.beatMs); // nothing is known yet
  hedging.took(200);
  expect(hedging.afterMs).toBe(600);
  for (let i = 0; i < 100; i++) hedging.took(2);
  expect(hedging.afterMs).toBe(TIMING.hedgeMs);
  for (let i = 0; i < 100; i++) hedging.took(300 + (i % 2) * 100);
  expect(hedging.afterMs).toBeGreaterThan(400);
  for (let i = 0; i < 100; i++) hedging.took(2);
  expect(hedging.afterMs).toBe(TIMING.hedgeMs);
});

test("a client that knows one server has none to hedge to, and opens no second link", async () => {
  const { world, client } = await settled(["a"]);
  world.a.slowMs = 400;
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(1_000);
  expect(posted.value).toBeDefined();
  expect(world.dialled).toEqual(["a"]);
});

test("[R7] moving to the second server misses no event and shows none twice", async () => {
  const { world, client } = await settled();
  const heard: string[] = [];
  client.on("message.posted", ({ message }) => heard.push(message.text));
  let n = 0;
  const arrive = () => {
    const id = `019a0000-0000-7000-8000-${String(n).padStart(12, "0")}`;
    world.cluster.post(BOB, OPS, `${n++}`, id, "b");
  };
  for (let i = 0; i < 5; i++) arrive();
  await world.advance(10);
  world.a.host.frozen = true;
  outcome(client.call("conversation.list", {}));
  for (let i = 0; i < 100; i++) {
    arrive();
    await world.advance(2);
  }
  await world.advance(2_000);
  expect(client.connection.name).toBe("b");
  expect(heard).toEqual(Array.from({ length: n }, (_, i) => `${i}`));
});

test("[R6] what was seen since the second server was asked goes along when the connection moves there", async () => {
  const { world, client } = await settled();
  world.a.slowMs = 10_000;
  world.cluster.script = (method, _params, server) => {
    if (method !== "server.hello" || server !== "b") return undefined;
    world.clock.schedule(1.5 * LATENCY_MS, () => {
      world.b.host.frozen = true; // its greeting is out, what comes next waits
    });
    return undefined;
  };
  outcome(client.call("message.history", { in: OPS }));
  await world.advance(TIMING.hedgeMs + 50);
  world.a.tell("message.posted", {
    message: world.cluster.message(BOB, OPS, "at one server only", ID),
    cursor: "at:7",
  });
  await world.advance(10);
  expect(client.cursor).toBe("at:7");
  world.a.host.kill();
  await world.advance(10);
  world.b.host.thaw();
  await world.advance(50);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
  const resumes = world.cluster.received.filter(
    ({ method, server }) => method === "session.resume" && server === "b",
  );
  expect(resumes.map(({ params }) => params.cursor)).toEqual(["at:0", "at:7"]);
});
