/** A session in a cookie that one server gets, and tickets for the others. */
import { expect, test } from "bun:test";
import { ANN, OPS, type Params, refuse } from "./testing/chat.ts";
import { outcome, World } from "./testing/world.ts";

const HOUR = 3_600_000;

/** A page's client: its own server is `a`, and only that one gets the cookie. */
async function page(names = ["a", "b", "c"]) {
  const world = new World(names);
  let tickets = 0;
  let forMs = HOUR;
  world.cluster.tokens.set("cookie", ANN);
  world.cluster.script = (method, params: Params, server) => {
    if (method === "session.resume" && params.token === "cookie" && server !== "a") {
      return refuse("unauthorized");
    }
    if (method !== "session.ticket") return undefined;
    const ticket = `hfk_${++tickets}`;
    world.cluster.tokens.set(ticket, ANN);
    return { result: { ticket, forMs } };
  };
  const client = world.client({ servers: ["http://a:7300"], token: "cookie" });
  await world.advance(1_000);
  const shown = () =>
    world.cluster.received
      .filter(({ method }) => method === "session.resume")
      .map(({ server, params }) => `${server} ${params.token}`);
  const shorten = (ms: number) => {
    forMs = ms;
  };
  return { world, client, shown, shorten, count: () => tickets };
}

test("[R73] its own server gets the cookie, the others a ticket, and never the other way round", async () => {
  const { world, client, shown } = await page();
  world.a.host.kill();
  await world.advance(200);
  expect(client.connection).toMatchObject({ state: "live", name: "b" });
  const posted = outcome(client.post(OPS, "from elsewhere"));
  await world.advance(100);
  expect(posted.value).toBeDefined();
  world.b.host.kill();
  world.a.host.up = true;
  world.servers[2]?.host.kill();
  await world.advance(10_000);
  expect(client.connection).toMatchObject({ state: "live", name: "a" });
  expect(shown()).toEqual(["a cookie", "b hfk_1", "a cookie"]);
});

test("[R64, R73] the second server of a hedge gets a ticket", async () => {
  const { world, client, shown } = await page();
  outcome(client.call("conversation.list", {}));
  await world.advance(500);
  world.a.host.frozen = true;
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(300);
  expect(posted.value).toBeDefined();
  expect(shown()).toEqual(["a cookie", "b hfk_1", "b hfk_1"]);
});

test("[R73] a ticket is renewed well before it ends, wherever the client is", async () => {
  const { world, count } = await page();
  expect(count()).toBe(1);
  await world.advance(HOUR / 2);
  expect(count()).toBe(2);
  world.a.host.kill();
  await world.advance(HOUR / 2 + 1_000);
  expect(count()).toBe(3);
});

test("[R73] without a good ticket the others are of no use, and the session is kept for its own server", async () => {
  const { world, client, shown, shorten } = await page();
  shorten(40_000);
  await world.advance(HOUR / 2);
  const script = world.cluster.script;
  world.cluster.script = (method, params, server) =>
    method === "session.ticket" ? refuse("unavailable") : script(method, params, server);
  await world.advance(60_000);
  const before = shown().length;
  const reasons: (string | undefined)[] = [];
  client.on("connection", ({ error }) => reasons.push(error?.message));
  world.a.host.kill();
  await world.advance(10_000);
  expect(shown().length).toBe(before);
  expect(reasons.some((reason) => reason?.includes("no ticket for"))).toBe(true);
  expect(client.token).toBe("cookie");
  world.a.host.up = true;
  await world.advance(10_000);
  expect(client.connection).toMatchObject({ state: "live", name: "a" });
});

test("[R73] a ticket that a server will not have ends no session; a session that is over does", async () => {
  const { world, client } = await page();
  world.cluster.tokens.delete("hfk_1"); // as after a change of the secret
  world.a.host.kill();
  await world.advance(5_000);
  expect(client.token).toBe("cookie");
  world.a.host.up = true;
  await world.advance(10_000);
  expect(client.connection).toMatchObject({ state: "live", name: "a" });

  const second = await page();
  const { script } = second.world.cluster;
  second.world.cluster.script = (method, params, server) =>
    method === "session.resume" && server === "b"
      ? refuse("session_ended")
      : script(method, params, server);
  second.world.a.host.kill();
  await second.world.advance(5_000);
  expect(second.client.token).toBeUndefined();
});

test("who holds a token asks for no ticket, and signing out forgets those there are", async () => {
  const world = new World(["a", "b"]);
  world.client();
  await world.advance(HOUR);
  expect(world.cluster.asked("session.ticket")).toEqual([]);

  const { client, count, world: other } = await page();
  outcome(client.forget());
  await other.advance(3 * HOUR);
  expect(count()).toBe(1);
});
