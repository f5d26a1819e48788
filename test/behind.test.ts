/** A server that lacks what others hold: whom it takes, and what it says of what it does not know. */
import { afterEach, expect, test } from "bun:test";
import { GatewayWorld } from "./gateways.ts";
import { type Frame, newId, type TestClient } from "./in-process.ts";

let here: GatewayWorld;
afterEach(() => here.end());

const code = (frame: Frame) => (frame.error === undefined ? "done" : frame.error.data.code);

async function start() {
  here = await GatewayWorld.met({ seed: 9 });
  const ann = await here.join("a", "ann");
  await here.pass(ann.call("channel.create", { name: "hall", id: newId() }));
  await here.world.pass(1_000);
  return ann;
}

const post = (by: TestClient, text: string) =>
  by.call("message.post", { to: "#hall", text, id: newId() });

const textsOf = async (by: TestClient) => {
  const { messages } = await here.pass(by.call("message.history", { in: "#hall" }));
  return messages.map(({ text }) => text);
};

/** Everything that would begin a session on a server, with what it is told. */
async function tries(server: string, token: string, name: string) {
  const password = "password of ann";
  const asked = [
    here.connect(server).request("session.resume", { token }),
    here.connect(server).request("session.open", { name: "ann", password, id: newId() }),
    here.connect(server).request("account.create", { name, password, id: newId() }),
  ];
  return here.pass(Promise.all(asked));
}

test("an emptied server takes no session until it has caught up, and says where to go", async () => {
  const ann = await start();
  const c = here.world.server("c");
  c.wipe();
  c.disk.commitMs = [2_500, 2_500];
  c.start();
  await here.world.until(() => here.host("c").gateway.notReady !== null, 5_000);
  for (const { error } of await tries("c", ann.token, "new1")) {
    expect(error?.data).toMatchObject({ code: "behind", retry: true });
    const { servers } = (error as { data: unknown }).data as {
      servers: { name: string; url: string }[];
    };
    expect(servers.map(({ name }) => name).sort()).toEqual(["a", "b"]);
    expect(servers.every(({ name, url }) => url === `http://${name}.example:7300`)).toBe(true);
  }
  expect(here.host("c").gateway.notReady).toMatch(/^behind: it still lacks .*; caught up: [ab], /);
  expect(here.host("a").gateway.notReady).toBeNull();
  const hello = await here.pass(here.connect("c").call("server.hello", {}));
  expect(hello.servers).toHaveLength(3);
  c.disk.commitMs = [0.2, 3];
  await here.world.until(() => !c.replica.isBehind, 20_000);
  await here.world.pass(200);
  expect(here.host("c").gateway.notReady).toBeNull();
  expect((await tries("c", ann.token, "new1")).map(code)).toEqual(["done", "done", "done"]);
});

test("[R6] alone it serves: what is here is answered, what it lacks is `stale`, whom it does not know `unavailable`", async () => {
  const ann = await start();
  const local = await here.resume("c", ann.token);
  here.isolate("c");
  await here.world.pass(5_000);
  const password = "password of ann";
  const other = await here.pass(
    here.connect("a").call("session.open", { name: "ann", password, id: newId() }),
  );
  const posted = await here.pass(post(ann, "elsewhere"));
  expect(posted.receipt).toEqual({ held: ["a", "b"], of: 3 });
  expect(here.world.server("c").replica.isBehind).toBe(false); // it cannot know
  expect(await textsOf(local)).toEqual([]);
  const at = other.cursor;
  expect(code(await here.pass(local.request("message.history", { in: "#hall", at })))).toBe(
    "stale",
  );
  const [unknown] = await tries("c", other.token, "new1");
  expect(unknown && code(unknown)).toBe("unavailable");
  expect(unknown?.error?.message).toMatch(/not known on server c, and server [ab] cannot be asked/);
  for (const name of ["ann", "nobody"]) {
    const wrong = { name, password: "another password", id: newId() };
    const refused = await here.pass(here.connect("c").request("session.open", wrong));
    expect(code(refused)).toBe("bad_credentials");
    expect(refused.error?.message).toMatch(
      /^the name or the password is wrong, or newer than what server c knows, because server [ab] cannot be asked: try another server$/,
    );
  }
  const call = { body: "", address: "10.9.9.9", operator: false };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "session.list", params: {} });
  const http = await here.host("c").gateway.call({ ...call, body, token: other.token });
  expect(http.status).toBe(503);
  expect((await here.pass(post(local, "here too"))).receipt.held).toEqual(["c"]);
  here.world.network.heal();
  await here.world.until(() => here.world.isWhole && here.world.isEven, 60_000);
  expect((await textsOf(local)).sort()).toEqual(["elsewhere", "here too"]);
  expect(code(await here.pass(here.connect("c").request("session.resume", other)))).not.toBe(
    "unavailable",
  );
});

test("[R6] a token that nobody knows is `unauthorized` where all were asked", async () => {
  const ann = await start();
  const unknown = `hft_${"x".repeat(43)}`;
  for (const name of ["a", "b", "c"]) {
    expect((await tries(name, unknown, "x")).map(code)[0]).toBe("unauthorized");
  }
  here.world.server("b").kill();
  await here.world.pass(100);
  expect((await tries("a", unknown, "y")).map(code)[0]).toBe("unavailable");
  expect((await tries("a", ann.token, "z")).map(code)[0]).toBe("done");
});

test("sessions that are there go on while it catches up, and get what they missed", async () => {
  const ann = await start();
  const local = await here.resume("c", ann.token);
  here.isolate("c");
  await here.world.pass(5_000);
  for (let i = 0; i < 20; i++) await here.pass(post(ann, `${i}`));
  here.world.server("c").disk.commitMs = [2_500, 2_500];
  here.world.network.heal();
  await here.world.until(() => here.host("c").gateway.notReady !== null, 10_000);
  expect(await textsOf(local)).toEqual([]);
  expect((await tries("c", ann.token, "new1")).map(code)).toEqual(["behind", "behind", "behind"]);
  expect((await here.pass(post(local, "mine"))).receipt.held).toContain("c");
  expect(local.closedWith).toBeNull();
  here.world.server("c").disk.commitMs = [0.2, 3];
  await here.world.until(() => here.world.isWhole && here.world.isEven, 60_000);
  expect(local.eventsNamed("message.posted")).toHaveLength(21);
});

test("of servers that each lack what the others have, some take sessions at any time", async () => {
  const ann = await start();
  const local = await here.resume("c", ann.token);
  here.isolate("c");
  await here.world.pass(5_000);
  for (let i = 0; i < 30; i++) {
    await here.pass(Promise.all([post(ann, `a ${i}`), post(local, `c ${i}`)]));
  }
  for (const server of here.world.servers) server.disk.commitMs = [2_500, 2_500];
  here.world.network.heal();
  let behind = 0;
  const look = () => {
    const all = here.world.servers.map(({ replica }) => replica.isBehind);
    behind = Math.max(behind, all.filter((is) => is).length);
    const closed = here.world.servers.filter(
      ({ name }) => here.host(name).gateway.notReady !== null,
    );
    expect(closed.length).toBeLessThan(3);
  };
  for (let i = 0; i < 200; i++) {
    await here.world.pass(25);
    look();
  }
  expect(behind).toBe(3);
  for (const server of here.world.servers) server.disk.commitMs = [0.2, 3];
  await here.world.until(() => here.world.isWhole && here.world.isEven, 60_000);
});
