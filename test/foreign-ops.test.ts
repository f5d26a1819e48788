/**
 * Ops that this server did not mint, put into its log as a link would: late ones, ones with any stamp, and
 * ones that mean nothing here.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import {
  type AccountId,
  type Incarnation,
  messageIdFor,
  type RequestId,
  requestIdFrom,
} from "../src/core/ids.ts";
import { encodeEnvelope, hashBody, type Op, type Scope, sealBody } from "../src/core/op.ts";
import { MS_MAX } from "../src/core/stamp.ts";
import {
  JumpClock,
  newId,
  realRandom,
  sha256,
  type TestClient,
  TestServer,
  until,
} from "./in-process.ts";

const MEMBER = 30;
const POST = 40;
const EDIT = 41;
let server: TestServer;
const clock = new JumpClock();
beforeAll(async () => {
  server = await TestServer.start({ clock });
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

type Said = {
  kind: number;
  author: string;
  scope: Scope;
  ms: number;
  data?: string;
  body?: string;
  id?: string;
};

/** Another server, as an origin of ops. */
class OtherServer {
  readonly name: Incarnation;
  private seq = 0;

  constructor(name: string) {
    this.name = `${name}.0123456789` as Incarnation;
  }

  mint({ kind, author, scope, ms, data = "", body, id }: Said): Op {
    const sealed = body === undefined ? null : sealBody(realRandom.bytes(16), body);
    const envelope = {
      origin: this.name,
      seq: ++this.seq,
      stamp: { ms, counter: 0 },
      author: author as AccountId,
      id: (id ?? requestIdFrom(ms, realRandom.bytes(10))) as RequestId,
      kind,
      scope,
      data,
      bodyHash: sealed === null ? null : hashBody(sha256, sealed),
    };
    return { ...envelope, bytes: encodeEnvelope(envelope), body: sealed };
  }
}

/** Puts ops into the log; resolves once they are folded, with their first arrival number. */
async function arrive(...ops: Op[]): Promise<number> {
  const { log } = server.store;
  log.append(ops);
  await until(() => {
    const vector = log.vector();
    const isThere = ops.every(({ origin, seq }) => (vector.get(origin)?.seq ?? 0) >= seq);
    return isThere && server.view.foldedN === log.lastN;
  });
  const first = ops[0] as Op;
  for (let n = 1; ; n++) {
    const { origin, seq } = log.op(n);
    if (origin === first.origin && seq === first.seq) return n;
  }
}

const say = async (client: TestClient, to: string, text: string) =>
  (await client.call("message.post", { to, text, id: newId() })).message;
const textsOf = (client: TestClient) =>
  client.eventsNamed("message.posted").map(({ message }) => (message as { text: string }).text);
const unread = async (client: TestClient, place: string) =>
  (await client.call("conversation.resolve", { in: place })).conversation.unread;

test("[R30] what arrives late is marked, at its place, replayed, and unread until the marker is set again", async () => {
  const alice = await server.join("l-alice");
  const bob = await server.join("l-bob");
  const phone = await server.resume(bob.token);
  const { cursor } = await phone.call("server.ping", {});
  phone.disconnect(server);
  for (const text of ["one", "two"]) await say(alice, "@l-bob", text);
  const last = await say(alice, "@l-bob", "three");
  const mark = () => bob.call("conversation.read", { in: "@l-alice", upTo: last.position });
  await mark();
  await until(() => bob.eventsNamed("marker.changed").length > 0);
  expect(await unread(bob, "@l-alice")).toBe(0);

  const body = '{"text":"long on its way"}';
  const said = { kind: POST, author: alice.id, scope: bob.id as AccountId, body };
  await arrive(new OtherServer("b").mint({ ...said, ms: last.at - 60_000 }));

  const told = bob.eventsNamed("message.posted").at(-1)?.message;
  expect(told).toMatchObject({ text: "long on its way", late: true });
  const { messages } = await bob.call("message.history", { in: "@l-alice" });
  expect(messages.map(({ text, late }) => [text, late === true])).toEqual([
    ["long on its way", true],
    ["one", false],
    ["two", false],
    ["three", false],
  ]);
  const back = await server.resume(bob.token, cursor);
  expect(textsOf(back)).toEqual(["one", "two", "three", "long on its way"]);
  expect(await unread(bob, "@l-alice")).toBe(1);
  clock.jump(5_001);
  expect(await unread(bob, "@l-alice")).toBe(1); // nobody has said that it was seen
  await mark();
  await until(() => bob.eventsNamed("marker.changed").length > 1);
  expect(await unread(bob, "@l-alice")).toBe(0);
});

test("[R7, R21] a post that came to two servers: whoever was shown the one that does not count is told", async () => {
  const alice = await server.join("t-alice");
  const bob = await server.join("t-bob");
  const phone = await server.resume(bob.token);
  const id = newId();
  const { message } = await alice.call("message.post", { to: "@t-bob", text: "once", id });
  await until(() => phone.eventsNamed("message.posted").length > 0);
  const { cursor } = await phone.call("server.ping", {});
  phone.disconnect(server);

  const other = new OtherServer("t");
  const said = { kind: POST, author: alice.id, scope: bob.id as AccountId, ms: message.at + 1 };
  await arrive(other.mint({ ...said, id, body: '{"text":"once"}' }));
  const moved = { id: message.id, position: message.position, text: "once" };
  expect(bob.eventsNamed("message.changed").at(-1)?.message).toMatchObject(moved);
  expect(bob.eventsNamed("message.posted").length).toBe(1);

  const missedBy = async () => {
    const again = await server.resume(bob.token, cursor);
    await until(() => again.eventsNamed("caught_up").length > 0);
    return again.eventsNamed("message.changed").map((event) => event.message);
  };
  expect(await missedBy()).toMatchObject([moved]);
  // So many that they are not looked at one by one.
  const aside = { ...said, scope: alice.id as AccountId, body: '{"text":"aside"}' };
  await arrive(...Array.from({ length: 600 }, () => other.mint(aside)));
  expect(await missedBy()).toMatchObject([moved]);
});

test("[R7] a first message that comes behind an edit of it opens its conversation", async () => {
  const alice = await server.join("e-alice");
  const bob = await server.join("e-bob");
  const id = newId();
  const message = messageIdFor(alice.id as AccountId, id as RequestId);
  const ms = Date.now();
  const said = { author: alice.id, scope: bob.id as AccountId };
  const data = JSON.stringify({ message, version: 1 });
  const edit = { ...said, kind: EDIT, ms: ms + 2, data };
  await arrive(new OtherServer("e2").mint({ ...edit, body: '{"text":"edited"}' }));
  expect(bob.eventsNamed("conversation.opened")).toEqual([]);

  const other = new OtherServer("e1");
  await arrive(other.mint({ ...said, kind: POST, ms, id, body: '{"text":"first"}' }));
  await arrive(other.mint({ ...said, kind: POST, ms: ms + 3, body: '{"text":"second"}' }));
  expect(bob.eventsNamed("conversation.opened").length).toBe(1);
  expect(textsOf(bob)).toEqual(["edited", "second"]);
});

test("[R7] a ban that came to two servers and does not count opens the channel again, live and to who comes back", async () => {
  const alice = await server.join("b-alice");
  const bob = await server.join("b-bob");
  const phone = await server.resume(bob.token);
  const { channel } = await alice.call("channel.create", { name: "b-tea", id: newId() });
  const ms = Date.now();
  const said = { kind: MEMBER, scope: channel.id as Scope };
  const set = (standing: string) => JSON.stringify({ account: bob.id, standing, version: 1 });
  const other = new OtherServer("b2");
  await arrive(other.mint({ ...said, author: bob.id, ms, data: set("joined") }));
  const id = newId();
  await alice.call("channel.ban", { in: channel.id, account: bob.id, id });
  const standings = (client: TestClient) =>
    client.eventsNamed("member.changed").map(({ standing }) => standing);
  await until(() => standings(phone).includes("banned"));
  const { cursor } = await phone.call("server.ping", {});
  phone.disconnect(server);
  expect(bob.eventsNamed("conversation.opened").length).toBe(1);

  // Of the server that was asked first, and did not know of the joining.
  await arrive(other.mint({ ...said, author: alice.id, ms: ms - 1, data: set("banned"), id }));
  expect(bob.eventsNamed("conversation.opened").length).toBe(2);
  const again = await server.resume(bob.token, cursor);
  await until(() => again.eventsNamed("caught_up").length > 0);
  expect(standings(again)).toEqual(["member"]);
  expect(again.eventsNamed("conversation.opened").length).toBe(1);
});

test("[R55] no op is refused for its stamp: of the year 0 and of the last one there is", async () => {
  const alice = await server.join("y-alice");
  const bob = await server.join("y-bob");
  const between = await say(alice, "@y-bob", "now");
  const said = { kind: POST, author: alice.id, scope: bob.id as AccountId };
  const other = new OtherServer("c");
  await arrive(
    other.mint({ ...said, ms: MS_MAX, body: '{"text":"at the end of time"}' }),
    other.mint({ ...said, ms: 0, body: '{"text":"at its beginning"}' }),
  );
  const { messages } = await bob.call("message.history", { in: "@y-alice" });
  expect(messages.map(({ text }) => text)).toEqual([
    "at its beginning",
    "now",
    "at the end of time",
  ]);
  // And it does not drag the clock of this server along.
  const next = await say(alice, "@y-bob", "a moment later");
  expect(next.at).toBeLessThan(between.at + 5 * 60_000);
});

test("[R20] what means nothing here is kept as it came, changes nothing, and is counted", async () => {
  const alice = await server.join("n-alice");
  const bob = await server.join("n-bob");
  await say(alice, "@n-bob", "before");
  const dump = [...server.view.dump()].join("\n");
  const odd = server.view.oddOps();
  const other = new OtherServer("d");
  const scope = bob.id as AccountId;
  const from = { author: alice.id, ms: 1_700_000_000_000 };
  const ops = [
    other.mint({
      ...from,
      kind: 9_999,
      scope,
      data: "of a release to come",
      body: "\u0000\u{1f600}",
    }),
    other.mint({ ...from, kind: 9_999, scope: null }),
    other.mint({ ...from, kind: POST, scope: null, body: '{"text":"to nobody"}' }),
    other.mint({ ...from, kind: POST, scope, body: '{"text":7}' }),
    other.mint({ ...from, kind: POST, scope, data: "{", body: '{"text":"x"}' }),
  ];
  const n = await arrive(...ops);
  const now = server.view.oddOps();
  expect(now.unknown_kind - odd.unknown_kind).toBe(2);
  expect(now.invalid - odd.invalid).toBe(3);
  expect([...server.view.dump()].join("\n")).toBe(dump);
  expect(bob.eventsNamed("message.posted")).toHaveLength(1);
  await server.restart();
  expect([...server.view.dump()].join("\n")).toBe(dump);
  for (const [i, { bytes, body }] of ops.entries()) {
    const kept = server.store.log.op(n + i);
    expect([kept.bytes, kept.body]).toEqual([bytes, body]);
  }
});
