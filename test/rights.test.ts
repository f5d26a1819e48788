/** Who may do what in conversations, where channels.test.ts does not look: admins, direct messages, bounds. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  type AccountId,
  accountIdOf,
  type ChannelId,
  channelIdOf,
  type RequestId,
} from "../src/core/ids.ts";
import { accountCreate } from "../src/ops/account.ts";
import { channelCreate } from "../src/ops/channel.ts";
import type { Kind } from "../src/ops/kind.ts";
import { memberSet } from "../src/ops/member.ts";
import { newId, realRandom, refusal, type TestClient, TestServer } from "./in-process.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

const say = (client: TestClient, to: string, text: string) =>
  client.call("message.post", { to, text, id: newId() });
const enter = (client: TestClient, place: string) =>
  client.call("channel.join", { in: place, id: newId() });
const makeAdmin = (client: { id: string }) =>
  server.operator("admin.grant", { account: client.id, id: newId() });

describe("[R42] in a direct conversation", () => {
  test("only the author edits and deletes: not the other one, and no admin", async () => {
    const alice = await server.join("d-alice");
    const bob = await server.join("d-bob");
    const other = await server.join("d-other");
    await makeAdmin(bob);
    await makeAdmin(other);
    const { message } = await say(alice, "@d-bob", "mine");
    const edit = (client: TestClient) =>
      client.call("message.edit", { message: message.id, text: "changed", id: newId() });
    const drop = (client: TestClient) =>
      client.call("message.delete", { message: message.id, id: newId() });
    for (const act of [edit, drop]) {
      expect(await refusal(act(bob))).toBe("forbidden");
      expect(await refusal(act(other))).toBe("not_found");
      expect((await act(alice)).message.id).toBe(message.id);
    }
  });
});

describe("[R43] channels", () => {
  test("what is public is read and searched by those who are not in it, what is private is not", async () => {
    const owner = await server.join("s-owner");
    const stranger = await server.join("s-stranger");
    for (const name of ["s-public", "s-private"]) {
      await owner.call("channel.create", { name, private: name === "s-private", id: newId() });
      await say(owner, `#${name}`, `marmots in ${name}`);
    }
    const textsOf = ({ messages }: { messages: readonly { text: string }[] }) =>
      messages.map(({ text }) => text);
    const search = { text: "marmots" };
    expect(textsOf(await owner.call("message.search", search)).sort()).toEqual([
      "marmots in s-private",
      "marmots in s-public",
    ]);
    expect(textsOf(await stranger.call("message.search", search))).toEqual(["marmots in s-public"]);
    const within = { ...search, in: "#s-public" };
    expect(textsOf(await stranger.call("message.search", within))).toEqual(["marmots in s-public"]);
    const history = await stranger.call("message.history", { in: "#s-public" });
    expect(textsOf(history)).toEqual(["marmots in s-public"]);
  });

  test("an admin who is a member may what an owner may; one who is not, no more than others", async () => {
    const owner = await server.join("a-owner");
    const admin = await server.join("a-admin");
    const plain = await server.join("a-plain");
    const far = await server.join("a-far");
    const invited = await server.join("a-invited");
    await owner.call("channel.create", { name: "a-room", id: newId() });
    const at = { in: "#a-room" };
    for (const client of [admin, plain]) await enter(client, "#a-room");
    const deeds: Record<string, (by: TestClient) => Promise<unknown>> = {
      change: (by) => by.call("channel.update", { ...at, topic: "a topic", id: newId() }),
      ban: (by) => by.call("channel.ban", { ...at, account: plain.id, id: newId() }),
      "invite who is banned": (by) =>
        by.call("channel.invite", { ...at, account: plain.id, id: newId() }),
      remove: (by) => by.call("channel.remove", { ...at, account: plain.id, id: newId() }),
      "ban again": (by) => by.call("channel.ban", { ...at, account: plain.id, id: newId() }),
      "lift a ban": (by) =>
        by.call("channel.ban", { ...at, account: plain.id, lift: true, id: newId() }),
      "hand over": (by) => by.call("channel.update", { ...at, owner: admin.id, id: newId() }),
    };
    expect(await refusal(deeds.change?.(admin) as Promise<unknown>)).toBe("forbidden");
    for (const client of [admin, far, invited]) await makeAdmin(client);
    await owner.call("channel.invite", { ...at, account: invited.id, id: newId() });
    const other = await server.join("a-other");
    await enter(other, "#a-room");
    for (const [what, act] of Object.entries(deeds)) {
      for (const client of [far, invited, other]) {
        expect([what, await refusal(act(client))]).toEqual([what, "forbidden"]);
      }
      if (what !== "hand over") expect([what, await done(act(admin))]).toEqual([what, "done"]);
    }
    const handOver = { ...at, owner: other.id, id: newId() };
    await admin.call("channel.update", handOver);
    const { members } = await owner.call("channel.members", at);
    const owners = members.filter(({ standing }) => standing === "owner");
    expect(owners.map(({ name }) => name)).toContain("a-other");
  });
});

const done = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: Error) => error.message,
  );

type Content<D, B> = { scope: ChannelId | null; data: D; body: B | null };

/** Mints without asking: to reach a bound by the protocol would take a test too long. */
function mint<D, B>(author: AccountId, kind: Kind<D, B>, content: Content<D, B>) {
  return server.replica.mint({ author, id: newId() as RequestId, kind, content, changes: [] });
}

test("[R34] a search everywhere looks at 2,000 public channels and at all of one's own", async () => {
  const owner = await server.join("q-owner");
  const stranger = await server.join("q-stranger");
  const made = Array.from({ length: 2_001 }, (_, i) => {
    const body = { name: `q-${i}`, topic: "" };
    const content = { scope: null, data: { private: false }, body };
    return mint(owner.id as AccountId, channelCreate, content);
  });
  await Promise.all(made);
  const within = new Set<string>(server.view.publicChannels());
  expect(within.size).toBe(2_000);
  const own = server.view.channelsOf(owner.id as AccountId).map(({ channel }) => channel);
  const beyond = own.find((channel) => !within.has(channel)) as ChannelId;
  const near = own.find((channel) => within.has(channel)) as ChannelId;
  await say(owner, beyond, "quokkas beyond");
  await say(owner, near, "quokkas near");
  const found = async (client: TestClient, place?: string) => {
    const where = place === undefined ? {} : { in: place };
    const { messages } = await client.call("message.search", { text: "quokkas", ...where });
    return messages.map(({ text }) => text);
  };
  expect(await found(stranger)).toEqual(["quokkas near"]);
  expect(await found(stranger, beyond)).toEqual(["quokkas beyond"]);
  expect(await found(owner)).toEqual(["quokkas near", "quokkas beyond"]);
});

describe("[R10.15] bounds", () => {
  const joins = (account: AccountId, scope: ChannelId) =>
    mint(account, memberSet, {
      scope,
      data: { account, standing: "joined", version: 1 },
      body: null,
    });

  test("an account is in so many channels: more are too_large, and leaving one makes room", async () => {
    const owner = await server.join("b-owner");
    const joiner = await server.join("b-joiner");
    for (const name of ["b-one", "b-two"]) {
      await owner.call("channel.create", { name, id: newId() });
    }
    await enter(joiner, "#b-one");
    const channels = Array.from({ length: 1_999 }, () => channelIdOf(realRandom.bytes(16)));
    await Promise.all(channels.map((channel) => joins(joiner.id as AccountId, channel)));
    expect(await refusal(enter(joiner, "#b-two"))).toBe("too_large");
    const own = { name: "b-own", id: newId() };
    expect(await refusal(joiner.call("channel.create", own))).toBe("too_large");
    await joiner.call("channel.leave", { in: "#b-one", id: newId() });
    expect((await enter(joiner, "#b-two")).channel.standing).toBe("member");
  });

  test("a channel has so many members: one more is too_large, and whoever leaves makes room", async () => {
    const owner = await server.join("m-owner");
    const member = await server.join("m-member");
    const late = await server.join("m-late");
    const { channel } = await owner.call("channel.create", { name: "m-room", id: newId() });
    await enter(member, "#m-room");
    const minted = Array.from({ length: 19_998 }, async (_, i) => {
      await Bun.sleep(0);
      const account = accountIdOf(realRandom.bytes(16));
      const body = { name: `m-${i}`, displayName: "", password: "none" };
      await mint(account, accountCreate, { scope: null, data: {}, body });
      await joins(account, channel.id as ChannelId);
    });
    await Promise.all(minted);
    expect(await refusal(enter(late, "#m-room"))).toBe("too_large");
    await member.call("channel.leave", { in: "#m-room", id: newId() });
    expect((await enter(late, "#m-room")).channel.members).toBe(20_000);
  }, 120_000);
});
