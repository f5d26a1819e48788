/** Ops that other servers minted, as they arrive here: in another order, or at the same time as our own. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type AccountId, channelIdFor, type Incarnation, type RequestId } from "../src/core/ids.ts";
import { encodeEnvelope, hashBody, type Op, type Scope, sealBody } from "../src/core/op.ts";
import { channelCreate } from "../src/ops/channel.ts";
import { memberSet } from "../src/ops/member.ts";
import { messagePost } from "../src/ops/message.ts";
import { newId, realRandom, sha256, type TestClient, TestServer, until } from "./in-process.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

type Said = { kind: number; scope: Scope; data: object; body?: object; id?: RequestId };
let servers = 0;

/** An op that the account had minted by another server just now. */
function elsewhere(author: string, { kind, scope, data, body, id }: Said): Op {
  const sealed = body === undefined ? null : sealBody(realRandom.bytes(16), JSON.stringify(body));
  const envelope = {
    origin: `b-${++servers}.0123456789` as Incarnation,
    seq: 1,
    stamp: { ms: Date.now(), counter: 0 },
    author: author as AccountId,
    id: id ?? (newId() as RequestId),
    kind,
    scope,
    data: JSON.stringify(data),
    bodyHash: sealed === null ? null : hashBody(sha256, sealed),
  };
  return { ...envelope, bytes: encodeEnvelope(envelope), body: sealed };
}

async function arrive(op: Op, where = server): Promise<void> {
  const before = where.view.foldedN;
  where.store.log.append([op]);
  await until(() => where.view.foldedN > before);
}

const joins = (account: string, channel: string, version: number): Said => ({
  kind: memberSet.number,
  scope: channel as Scope,
  data: { account, standing: "joined", version },
});

test("[R31] joined on two servers at once: unread is what came after the first joining", async () => {
  const owner = await server.join("owner");
  const bob = await server.join("bob");
  const { channel } = await owner.call("channel.create", { name: "twice", id: newId() });
  const there = elsewhere(bob.id, joins(bob.id, channel.id, 1));
  await Bun.sleep(2); // what follows is stamped later
  for (const text of ["one", "two"]) {
    await owner.call("message.post", { to: channel.id, text, id: newId() });
  }
  await bob.call("channel.join", { in: channel.id, id: newId() });
  const unread = async () =>
    (await bob.call("conversation.resolve", { in: channel.id })).conversation.unread;
  expect(await unread()).toBe(0);
  await arrive(there);
  expect(await unread()).toBe(2);
});

test("[R7] a joining that arrives before the creation: told when there is something to read", async () => {
  const alice = await server.join("alice");
  const carol = await server.join("carol");
  const id = newId() as RequestId;
  const channel = channelIdFor(sha256, alice.id as AccountId, id);
  const creation = elsewhere(alice.id, {
    kind: channelCreate.number,
    scope: null,
    data: { private: true },
    body: { name: "early", topic: "" },
    id,
  });
  await arrive(elsewhere(carol.id, joins(carol.id, channel, 2)));
  expect(carol.eventsNamed("conversation.opened")).toEqual([]);
  await arrive(creation);
  expect(carol.eventsNamed("conversation.opened")).toMatchObject([
    { conversation: { id: channel } },
  ]);
  expect(alice.eventsNamed("conversation.opened")).toHaveLength(1);
  await alice.call("message.post", { to: channel, text: "welcome", id: newId() });
  expect(carol.eventsNamed("message.posted")).toHaveLength(1);
});

test("[R11, R26] a ban from before, by another server, comes behind a post: it is answered as stored", async () => {
  const owner = await server.join("b-owner");
  const bob = await server.join("b-bob");
  const { channel } = await owner.call("channel.create", { name: "strict", id: newId() });
  await bob.call("channel.join", { in: channel.id, id: newId() });
  const data = { account: bob.id, standing: "banned", version: 2 };
  const ban = elsewhere(owner.id, { kind: memberSet.number, scope: channel.id as Scope, data });
  await Bun.sleep(2); // the post is stamped later
  const said = { to: channel.id, text: "not for long", id: newId() };
  const { message } = await bob.call("message.post", said);
  await arrive(ban);
  const { messages } = await owner.call("message.history", { in: channel.id });
  expect(messages).toEqual([]);
  const again = await bob.call("message.post", said);
  expect(again).toMatchObject({ message: { id: message.id }, receipt: { of: 1 } });
});

test("[R5, R11] a post that another server took first is answered as stored, while it is on its way, too", async () => {
  const alice = await server.join("t-alice");
  const said = { to: alice.id, text: "once", id: newId() };
  const scope = alice.id as Scope;
  const post = { kind: messagePost.number, scope, data: {}, body: { text: "once" } };
  const first = elsewhere(alice.id, { ...post, id: said.id as RequestId });
  await Bun.sleep(2); // the one minted here is stamped later
  const { replica } = server;
  const mint = replica.mint;
  replica.mint = async (proposal) => {
    replica.mint = mint;
    const outcome = await replica.mint(proposal);
    await arrive(first); // it comes while other servers are waited for
    return outcome;
  };
  const { message } = await alice.call("message.post", said);
  expect(message.text).toBe("once");
  expect(message.at).toBe(first.stamp.ms);
});

describe("[R7, R26] messages and bans that meet in another order", () => {
  const sets = (by: string, channel: string, account: string, standing: string, version: number) =>
    elsewhere(by, {
      kind: memberSet.number,
      scope: channel as Scope,
      data: { account, standing, version },
    });
  const says = (author: string, channel: string, text: string) =>
    elsewhere(author, {
      kind: messagePost.number,
      scope: channel as Scope,
      data: {},
      body: { text },
    });
  const cursorOf = async (client: TestClient) => (await client.call("server.ping", {})).cursor;
  const later = () => Bun.sleep(2); // what follows is stamped later
  const opened = (client: TestClient, channel: string) =>
    client
      .eventsNamed("conversation.opened")
      .filter(({ conversation }) => (conversation as { id: string }).id === channel).length;

  async function room(name: string, where = server) {
    const owner = await where.join(`${name}-owner`);
    const bob = await where.join(`${name}-bob`);
    const carol = await where.join(`${name}-carol`);
    const { channel } = await owner.call("channel.create", { name, id: newId() });
    for (const one of [bob, carol]) await one.call("channel.join", { in: channel.id, id: newId() });
    const texts = async (client: TestClient) =>
      (await client.call("message.history", { in: channel.id })).messages.map(({ text }) => text);
    await later();
    return { owner, bob, carol, id: channel.id, texts };
  }

  test("a ban comes behind what it hides: who was shown it reads anew, live and after a resume", async () => {
    const { owner, bob, carol, id, texts } = await room("behind");
    const cursor = await cursorOf(carol);
    const before = opened(carol, id);
    const ban = sets(owner.id, id, bob.id, "banned", 2);
    await later();
    await arrive(says(bob.id, id, "shown for a while"));
    expect(await texts(carol)).toEqual(["shown for a while"]);
    const shown = await cursorOf(carol);
    expect(opened(carol, id)).toBe(before);
    await arrive(ban);
    expect(opened(carol, id)).toBe(before + 1);
    expect(await texts(carol)).toEqual([]);
    for (const since of [cursor, shown]) {
      expect(opened(await server.resume(carol.token, since), id)).toBe(1);
    }
    expect(opened(await server.resume(carol.token, await cursorOf(carol)), id)).toBe(0);
  });

  test("what lifted an older ban comes last: who was not shown the message reads anew", async () => {
    const { owner, bob, carol, id, texts } = await room("lifted");
    const first = sets(owner.id, id, bob.id, "banned", 2);
    await later();
    const lifts = sets(owner.id, id, bob.id, "left", 3);
    await later();
    const said = says(bob.id, id, "between two bans");
    await later();
    const second = sets(owner.id, id, bob.id, "banned", 4);
    for (const op of [first, second, said]) await arrive(op);
    expect(carol.eventsNamed("message.posted")).toEqual([]);
    const cursor = await cursorOf(carol);
    const before = opened(carol, id);
    await arrive(lifts);
    expect(opened(carol, id)).toBe(before + 1);
    expect(await texts(carol)).toEqual(["between two bans"]);
    expect(opened(await server.resume(carol.token, cursor), id)).toBe(1);
  });

  test("a server where the order was another tells who comes from one where it was not", async () => {
    const here = await TestServer.start();
    const { cursors } = here.replica;
    cursors.stores = { storeKnown: () => null, isNowhere: () => false, hasAll: false };
    const { owner, bob, carol, id, texts } = await room("elsewhere", here);
    const ban = sets(owner.id, id, bob.id, "banned", 2);
    await later();
    const said = says(bob.id, id, "shown there");
    // Shown by another server, which did not know of the ban; here the ban was first.
    const parts = (await cursorOf(carol)).split("~");
    const seen = parts.with(1, "another-store").join("~");
    const cursor = `${seen},${said.origin}:${said.seq}`;
    const there = await here.resume(carol.token, cursor);
    await arrive(ban, here);
    const before = opened(there, id);
    await arrive(said, here);
    expect(opened(there, id)).toBe(before + 1);
    expect(await texts(carol)).toEqual([]);
    expect(opened(await here.resume(carol.token, cursor), id)).toBe(1);
    expect(here.defects).toEqual([]);
    await here.dispose();
  });

  test("an ordinary ban, its end, and what is said after it have nobody read anew", async () => {
    const { owner, bob, carol, id } = await room("ordinary");
    await bob.call("message.post", { to: id, text: "before", id: newId() });
    const cursor = await cursorOf(carol);
    const before = opened(carol, id);
    for (const lift of [false, true]) {
      await owner.call("channel.ban", { in: id, account: bob.id, lift, id: newId() });
    }
    expect(opened(carol, id)).toBe(before);
    expect(opened(await server.resume(carol.token, cursor), id)).toBe(0);
  });
});
