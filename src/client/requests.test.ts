import { expect, test } from "bun:test";
import type { HoldfastError } from "./index.ts";
import { ANN, BOB, DIRECT, OPS, refuse, type Script } from "./testing/chat.ts";
import { outcome, World } from "./testing/world.ts";

/** The first attempt of a method has its effect, or none, and loses its answer; later ones get `then`. */
function loseFirst(world: World, method: string, then: Script): void {
  let first = true;
  world.cluster.script = (asked, params, server) => {
    if (asked !== method) return undefined;
    if (!first) return then(asked, params, server);
    first = false;
    for (const one of world.servers) for (const open of [...one.host.connections]) open.break();
    return "silent";
  };
}

const codeOf = (seen: { error?: unknown }) => (seen.error as HoldfastError | undefined)?.code;

test("[R5, R60] a write whose answer got lost is repeated under the same id, and gets its result", async () => {
  const world = new World(["a", "b"]);
  loseFirst(world, "message.post", () => undefined);
  const client = world.client();
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(1_000);
  expect(posted.value?.message.text).toBe("hello");
  const ids = world.cluster.asked("message.post").map(({ id }) => id);
  expect(ids.length).toBe(2);
  expect(ids[1]).toBe(ids[0]);
  expect(world.cluster.posted.length).toBe(1);
});

test("[R11] a refusal of a repeat is no failure but indefinite, and says what it was told", async () => {
  const world = new World(["a", "b"]);
  loseFirst(world, "message.post", () => refuse("forbidden"));
  const client = world.client();
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(1_000);
  const sent = world.cluster.asked("message.post")[0];
  expect(posted.error).toMatchObject({
    code: "indefinite",
    refusal: "forbidden",
    retry: true,
    requestId: sent?.id,
  });
});

test("a refusal of the only attempt is what it is", async () => {
  const world = new World();
  world.cluster.script = (method) =>
    method === "message.post" ? refuse("rate_limited", 700) : undefined;
  const client = world.client();
  const posted = outcome(client.post(OPS, "hello"));
  await world.advance(1_000);
  expect(posted.error).toMatchObject({ code: "rate_limited", retryAfterMs: 700 });
});

test("[R11] answers that prove something stay definite for a repeat", async () => {
  for (const [method, code] of [
    ["message.post", "id_reused"],
    ["message.history", "forbidden"],
    ["session.open", "bad_credentials"],
  ] as const) {
    const world = new World(["a", "b"]);
    loseFirst(world, method, () => refuse(code));
    const client = method === "session.open" ? world.stranger() : world.client();
    const seen = outcome<unknown>(
      method === "session.open"
        ? client.signIn({ name: "ann", password: "wrong" })
        : method === "message.post"
          ? client.post(OPS, "x")
          : client.call(method, { in: OPS }),
    );
    await world.advance(1_000);
    expect(world.cluster.asked(method).length).toBe(2);
    expect(codeOf(seen)).toBe(code);
  }
});

test("[R11] account.create that was refused after a lost answer may have made the account", async () => {
  const world = new World(["a", "b"]);
  loseFirst(world, "account.create", () => refuse("name_taken"));
  const signed = outcome(world.stranger().signUp({ name: "ann", password: "right" }));
  await world.advance(1_000);
  expect(signed.error).toMatchObject({ code: "indefinite", refusal: "name_taken" });
});

test("[R11] a deadline says unavailable for what was never sent, indefinite for a write that was", async () => {
  const world = new World();
  world.a.host.up = false;
  const client = world.client();
  const never = outcome(client.post(OPS, "1", { deadlineMs: 2_000 }));
  await world.advance(2_100);
  expect(codeOf(never)).toBe("unavailable");

  world.a.host.up = true;
  world.cluster.script = (method) => (method.startsWith("message.") ? "silent" : undefined);
  await world.advance(10_000);
  const sent = outcome(client.post(OPS, "2", { deadlineMs: 2_000 }));
  const read = outcome(client.call("message.history", { in: OPS }, { deadlineMs: 2_000 }));
  await world.advance(2_100);
  expect(codeOf(sent)).toBe("indefinite");
  expect(codeOf(read)).toBe("unavailable");
});

test("[R11] a caller's own repeat of an indefinite write is indefinite when refused, and goes to the same id", async () => {
  const world = new World();
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  const client = world.client();
  const first = outcome(client.post("@bob", "secret", { deadlineMs: 500 }));
  await world.advance(600);
  const id = (first.error as HoldfastError).requestId as string;
  world.cluster.names.set("@bob", {
    id: `a_${"M".repeat(22)}`,
    conversation: `d_${"M".repeat(22)}`,
  });
  world.cluster.happen("account.changed", { account: { id: BOB, name: "bobby" } });
  world.cluster.script = (method) => (method === "message.post" ? refuse("forbidden") : undefined);
  const second = outcome(client.call("message.post", { to: "@bob", text: "secret", id }));
  await world.advance(600);
  expect(second.error).toMatchObject({ code: "indefinite", refusal: "forbidden" });
  expect(world.cluster.asked("message.post").map(({ to }) => to)).toEqual([DIRECT, DIRECT]);
});

test("a name is resolved once: a rename between attempts redirects nothing", async () => {
  const world = new World(["a", "b"]);
  loseFirst(world, "message.post", () => undefined);
  const client = world.client();
  const posted = outcome(client.post("@bob", "for bob"));
  await world.advance(6);
  world.cluster.names.set("@bob", {
    id: `a_${"M".repeat(22)}`,
    conversation: `d_${"M".repeat(22)}`,
  });
  await world.advance(1_000);
  expect(posted.value).toBeDefined();
  expect(world.cluster.asked("message.post").map(({ to }) => to)).toEqual([DIRECT, DIRECT]);
});

test("where an account is meant, the account's id is sent", async () => {
  const world = new World();
  const client = world.client();
  const done = outcome(client.call("channel.invite", { in: "#ops", account: "@bob" }));
  await world.advance(100);
  expect(done.error).toBeUndefined();
  expect(world.cluster.asked("channel.invite")[0]).toMatchObject({ in: OPS, account: BOB });
});

test("where nobody is written to, a name that cannot be looked up is left to the write", async () => {
  const world = new World();
  const client = world.client();
  const done = outcome(client.call("channel.join", { in: "#closed" }));
  await world.advance(100);
  expect(done.value).toBeDefined();
  expect(world.cluster.asked("channel.join")[0]?.in).toBe("#closed");
});

test("names are remembered for a while, until somebody is renamed", async () => {
  const world = new World();
  const client = world.client();
  const say = async () => {
    outcome(client.post("@bob", "x"));
    await world.advance(100);
  };
  await say();
  await say();
  expect(world.cluster.asked("conversation.resolve").length).toBe(1);
  world.cluster.happen("account.changed", { account: { id: BOB, name: "bobby" } });
  await world.advance(10);
  await say();
  expect(world.cluster.asked("conversation.resolve").length).toBe(2);
  await world.advance(31_000);
  await say();
  expect(world.cluster.asked("conversation.resolve").length).toBe(3);
});

test("a server that lacks something of what was seen still tells what a name stands for", async () => {
  const world = new World();
  world.cluster.script = (method, params) =>
    method === "conversation.resolve" && params.at !== undefined ? refuse("stale") : undefined;
  const client = world.client();
  await world.advance(1_000);
  const posted = outcome(client.post("@bob", "x"));
  await world.advance(100);
  expect(posted.value).toBeDefined();
});

test("a message to nobody says so, and the next try asks again", async () => {
  const world = new World();
  const client = world.client();
  const posted = outcome(client.post("@nobody", "x"));
  await world.advance(100);
  expect(codeOf(posted)).toBe("no_such_recipient");
  world.cluster.names.set("@nobody", { id: DIRECT, conversation: DIRECT });
  const again = outcome(client.post("@nobody", "x"));
  await world.advance(100);
  expect(again.value).toBeDefined();
});

test("writes leave in the order of their calls, with and without names", async () => {
  const world = new World();
  const client = world.client();
  for (let i = 0; i < 9; i++)
    outcome(client.post(["@bob", DIRECT, "#ops"][i % 3] as string, `${i}`));
  await world.advance(100);
  expect(world.cluster.posted.map(({ text }) => text).join("")).toBe("012345678");
});

test("[R60] what was in flight goes out again in order, before what waited", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  await world.advance(100);
  world.cluster.script = (method, _params, server) =>
    method === "message.post" && server === "a" ? "silent" : undefined;
  for (let i = 0; i < 5; i++) outcome(client.post(OPS, `${i}`));
  await world.advance(10);
  world.a.host.kill();
  for (let i = 5; i < 8; i++) outcome(client.post(OPS, `${i}`));
  await world.advance(100);
  expect(world.cluster.posted.map(({ text }) => text).join("")).toBe("01234567");
});

test("what needs a session waits for the sign-in before it", async () => {
  const world = new World();
  const client = world.stranger();
  const signed = outcome(client.signIn({ name: "ann", password: "right" }));
  const posted = outcome(client.post(OPS, "first words"));
  await world.advance(100);
  expect(signed.value?.account.id).toBe(ANN);
  expect(posted.value?.message.text).toBe("first words");
});

test("and does not leave before the answer, however long that takes", async () => {
  const world = new World();
  world.cluster.script = (method) => (method === "session.open" ? "silent" : undefined);
  const client = world.stranger();
  const signed = outcome(client.signIn({ name: "ann", password: "right" }, { deadlineMs: 5_000 }));
  const posted = outcome(client.post(OPS, "first words"));
  const hello = outcome(client.call("server.hello"));
  await world.advance(4_000);
  expect(hello.value).toBeDefined();
  expect(world.cluster.asked("message.post")).toEqual([]);
  await world.advance(2_000);
  expect(codeOf(signed)).toBe("unavailable");
  expect(codeOf(posted)).toBe("unauthorized");
  // A late answer would have signed that connection in: nothing goes out on it any more.
  expect(world.dialled.length).toBe(2);
});

test("without a session there is an answer, not a wait", async () => {
  const world = new World();
  const posted = outcome(world.stranger().post(OPS, "x"));
  await world.advance(100);
  expect(codeOf(posted)).toBe("unauthorized");
});

test("[R6] reads say what was seen, also on the next server; stale ones on request only", async () => {
  const world = new World(["a", "b"]);
  const client = world.client();
  const posted = outcome(client.post(OPS, "mine"));
  await world.advance(10_000);
  const { cursor } = world.cluster;
  world.a.host.kill();
  outcome(client.call("message.history", { in: OPS }));
  outcome(client.call("message.history", { in: OPS }, { stale: true }));
  await world.advance(100);
  expect(posted.value).toBeDefined();
  const reads = world.cluster.received.filter(({ method }) => method === "message.history");
  expect(reads.map(({ params }) => params)).toEqual([{ in: OPS, at: cursor }, { in: OPS }]);
});

test("[R11] a session that ends answers everything that waited for it", async () => {
  const world = new World();
  const client = world.client();
  await world.advance(100);
  world.cluster.script = (method) => (method.startsWith("message.") ? "silent" : undefined);
  const write = outcome(client.post(OPS, "x"));
  const read = outcome(client.call("message.history", { in: OPS }));
  await world.advance(100);
  world.a.tell("session.ended", { session: "s_1", reason: "revoked", cursor: "at:0" });
  await world.advance(100);
  expect(write.error).toMatchObject({ code: "indefinite", refusal: "session_ended" });
  expect(codeOf(read)).toBe("session_ended");
});

test("what no frame can hold is refused here, and breaks nothing", async () => {
  const world = new World();
  const client = world.client();
  const posted = outcome(client.post(OPS, "€".repeat(60_000)));
  const next = outcome(client.post(OPS, "small"));
  await world.advance(100);
  expect(codeOf(posted)).toBe("too_large");
  expect(next.value).toBeDefined();
  expect(world.dialled).toEqual(["a"]);
});

test("a closed client answers what waits, truthfully", async () => {
  const world = new World();
  world.cluster.script = (method) => (method === "message.post" ? "silent" : undefined);
  const client = world.client();
  const sent = outcome(client.post(OPS, "x"));
  await world.advance(100);
  await client.close();
  const after = outcome(client.call("account.list", {}));
  await world.advance(1);
  expect(codeOf(sent)).toBe("indefinite");
  expect(codeOf(after)).toBe("unavailable");
});

test("signing in twice is refused; after signing out it works, as somebody else too", async () => {
  const world = new World();
  const client = world.stranger();
  const first = outcome(client.signIn({ name: "ann", password: "right" }));
  await world.advance(100);
  const twice = outcome(client.signIn({ name: "bob", password: "right" }));
  await world.advance(100);
  expect(first.value).toBeDefined();
  expect(codeOf(twice)).toBe("invalid");
  const out = outcome(client.signOut());
  await world.advance(100);
  expect("error" in out).toBe(false);
  expect(client.token).toBeUndefined();
  expect(world.cluster.asked("session.close").length).toBe(1);
  const second = outcome(client.signIn({ name: "bob", password: "right" }));
  await world.advance(100);
  expect(second.value?.account.id).toBe(BOB);
});

test("signing out is done here even where no server hears of it, and says so", async () => {
  const world = new World();
  const client = world.client();
  await world.advance(10_000);
  world.a.host.kill();
  await world.advance(100);
  const out = outcome(client.signOut());
  await world.advance(6_000);
  expect(codeOf(out)).toBe("unavailable");
  expect(client.token).toBeUndefined();
  expect(client.connection.state).toBe("idle");
});

test("resume goes on with a session; a bad one is told", async () => {
  const world = new World();
  const client = world.stranger();
  const bad = outcome(client.resume(`hft_${"x".repeat(43)}`));
  await world.advance(100);
  expect(codeOf(bad)).toBe("unauthorized");
  world.cluster.tokens.set(`hft_${"y".repeat(43)}`, BOB);
  const good = outcome(client.call("session.resume", { token: `hft_${"y".repeat(43)}` }));
  await world.advance(100);
  expect(good.value?.account.id).toBe(BOB);
  expect(client.account?.name).toBe("bob");
});
