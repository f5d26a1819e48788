/** Bans: what they cost at most, and who hears of them. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { BANS_PER_MEMBER_MAX } from "../src/core/limits.ts";
import { newId, refusal, type TestClient, TestServer } from "./in-process.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

let rooms = 0;

/** A channel with its owner and two members, and somebody who never was in it. */
async function room(isPrivate = false) {
  const name = `b${++rooms}`;
  const [owner, member, other, outsider] = [
    await server.join(`${name}-owner`),
    await server.join(`${name}-member`),
    await server.join(`${name}-other`),
    await server.join(`${name}-outsider`),
  ];
  await owner.call("channel.create", { name, private: isPrivate, id: newId() });
  for (const client of [member, other]) {
    await invite(owner, `#${name}`, client);
    await client.call("channel.join", { in: `#${name}`, id: newId() });
  }
  for (const client of [owner, member, other, outsider]) client.events.length = 0;
  const { cursor } = await owner.call("server.ping", {});
  return { ref: `#${name}`, cursor, owner, member, other, outsider };
}

const invite = (client: TestClient, ref: string, { id }: { id: string }) =>
  client.call("channel.invite", { in: ref, account: id, id: newId() });
const ban = (client: TestClient, ref: string, { id }: { id: string }, lift = false) =>
  client.call("channel.ban", { in: ref, account: id, lift, id: newId() });
/** What a client was told since it was last asked. */
const told = (client: TestClient): string[] =>
  client.events.splice(0).map(({ method, params }) => `${method} ${params.standing ?? ""}`.trim());
const polled = async (client: TestClient, cursor: string) => {
  const { events } = await client.call("events.read", { cursor });
  return events.map(({ method, params }) => `${method} ${params.standing ?? ""}`.trim());
};

test("[R10, R10.17] a ban is lifted so many times, and the last one stays", async () => {
  const { ref, owner, outsider } = await room();
  for (let i = 1; i < BANS_PER_MEMBER_MAX; i++) {
    await ban(owner, ref, outsider);
    await (i % 2 === 0 ? invite(owner, ref, outsider) : ban(owner, ref, outsider, true));
  }
  await ban(owner, ref, outsider);
  expect(await refusal(ban(owner, ref, outsider, true))).toBe("too_large");
  expect(await refusal(invite(owner, ref, outsider))).toBe("too_large");
  const { members } = await owner.call("channel.members", { in: ref });
  expect(members.find(({ id }) => id === outsider.id)?.standing).toBe("banned");
});

test("[R40, R43] owners and whom it is about hear of a ban; to all others somebody left", async () => {
  const { ref, cursor, owner, member, other } = await room();
  await ban(owner, ref, member);
  for (const [client, standing] of [
    [owner, "banned"],
    [member, "banned"],
    [other, "none"],
  ] as const) {
    const changed = `member.changed ${standing}`;
    expect(told(client)).toEqual([changed]);
    expect(told(await server.resume(client.token, cursor))).toEqual([changed, "caught_up"]);
    expect(await polled(client, cursor)).toEqual([changed]);
  }
  await ban(owner, ref, member, true);
  for (const client of [owner, member, other]) {
    expect(told(client)).toEqual(["member.changed none"]);
  }
});

test("[R40] whoever was never in a channel is banned from it without a word to the others", async () => {
  for (const isPrivate of [false, true]) {
    const { ref, cursor, owner, other, outsider } = await room(isPrivate);
    await ban(owner, ref, outsider);
    await ban(owner, ref, outsider, true);
    const both = ["member.changed banned", "member.changed none"];
    expect(told(owner)).toEqual(both);
    expect(told(other)).toEqual([]);
    expect(await polled(other, cursor)).toEqual([]);
    // Of a private channel they never hear at all.
    expect(told(outsider)).toEqual(isPrivate ? [] : both);
    const asItIsNow = ["member.changed none", "member.changed none"];
    expect(await polled(outsider, cursor)).toEqual(isPrivate ? [] : asItIsNow);
  }
});
