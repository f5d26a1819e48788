/** Ops that other servers minted, as they arrive here: in another order, or at the same time as our own. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { type AccountId, channelIdFor, type Incarnation, type RequestId } from "../src/core/ids.ts";
import { encodeEnvelope, hashBody, type Op, type Scope, sealBody } from "../src/core/op.ts";
import { channelCreate } from "../src/ops/channel.ts";
import { memberSet } from "../src/ops/member.ts";
import { newId, realRandom, sha256, TestServer, until } from "./in-process.ts";

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

async function arrive(op: Op): Promise<void> {
  const before = server.view.foldedN;
  server.store.log.append([op]);
  await until(() => server.view.foldedN > before);
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
