/**
 * Somebody else's private channel, direct messages and session: no way in, through any method, and no
 * difference to see between what is there and what is not.
 *
 * Every method of the protocol is listed here with the requests that name what is not the caller's. Each is
 * sent once with a reference to something real and once with one of the same form to nothing; both answers
 * must be the same but for the reference itself.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  type AccountId,
  channelIdOf,
  invitationIdFor,
  messageIdFor,
  type RequestId,
  sessionIdFor,
} from "../src/core/ids.ts";
import { type MethodName, methods } from "../src/protocol/methods.ts";
import { type Frame, newId, realRandom, type TestClient, TestServer } from "./in-process.ts";

const SECRET = "zanzibar";
let server: TestServer;

type Real = {
  channel: string;
  channelName: string;
  direct: string;
  message: string;
  directMessage: string;
  session: string;
  invitation: string;
  member: string;
};
let real: Real;
let nothing: Real;

/** Requests of one method that name what is not the caller's. */
type Tries = (things: Real) => object[];
const OPEN: Tries = () => [];

/** Each method with the ways in that it could be. */
const WAYS_IN: Record<MethodName, Tries> = {
  // Name nothing that belongs to somebody; names of accounts are public.
  "server.hello": OPEN,
  "server.ping": OPEN,
  "account.create": OPEN,
  "account.list": OPEN,
  "account.update": OPEN,
  "account.rename": OPEN,
  "account.password": OPEN,
  "account.delete": OPEN,
  "session.open": OPEN,
  "session.resume": OPEN,
  "session.ticket": OPEN,
  "session.list": OPEN,
  "session.close": OPEN,
  "session.revoke": ({ session }) => [{ session, id: newId() }],
  "message.post": (it) => places(it).map((to) => ({ to, text: "hello", id: newId() })),
  "message.edit": (it) => both(it).map((message) => ({ message, text: "x", id: newId() })),
  "message.delete": (it) => both(it).map((message) => ({ message, id: newId() })),
  "message.history": (it) =>
    places(it).flatMap((place) => [{ in: place }, { in: place, limit: 1, after: POSITION }]),
  "message.search": (it) => [
    { text: SECRET },
    { text: `${SECRET.slice(0, 3)}*`, limit: 1 },
    ...places(it).map((place) => ({ text: SECRET, in: place })),
  ],
  "channel.create": OPEN, // that a name is taken is told, and no more
  "channel.join": (it) => channels(it).map((place) => ({ in: place, id: newId() })),
  "channel.leave": (it) => channels(it).map((place) => ({ in: place, id: newId() })),
  "channel.invite": (it) => aimed(it),
  "channel.remove": (it) => aimed(it),
  "channel.ban": (it) => [...aimed(it), ...aimed(it).map((aim) => ({ ...aim, lift: true }))],
  "channel.update": (it) =>
    channels(it).flatMap((place) => [
      { in: place, topic: "x", id: newId() },
      { in: place, private: false, id: newId() },
      { in: place, owner: it.member, id: newId() },
    ]),
  "channel.members": (it) => channels(it).map((place) => ({ in: place })),
  "channel.list": ({ channelName }) => [{ match: channelName.slice(1) }, { match: "*" }],
  "conversation.list": () => [{}],
  "conversation.resolve": (it) => places(it).map((place) => ({ in: place })),
  "conversation.read": (it) => places(it).map((place) => ({ in: place, upTo: POSITION })),
  "typing.set": (it) => places(it).map((place) => ({ in: place })),
  "events.read": () => [{ cursor: startCursor() }],
  "server.status": () => [{}],
  "server.digest": () => [
    { range: { table: "message", after: null, upTo: null, rowsMax: 10, keys: true } },
  ],
  "admin.list": () => [{}],
  "admin.grant": ({ member }) => [{ account: member, id: newId() }],
  "admin.revoke": ({ member }) => [{ account: member, id: newId() }],
  "admin.disable": ({ member }) => [{ account: member, disabled: true, id: newId() }],
  "admin.password": ({ member }) => [{ account: member, password: "long enough", id: newId() }],
  "admin.sessions": ({ member }) => [{ account: member }],
  "admin.endSession": ({ session }) => [{ session, id: newId() }],
  "invitation.create": () => [{ id: newId() }],
  "invitation.list": () => [{}],
  "invitation.revoke": ({ invitation }) => [{ invitation, id: newId() }],
  "setting.read": () => [{}],
  "setting.update": () => [{ signUp: "closed", id: newId() }],
  "cluster.invite": () => [{}],
  "cluster.remove": () => [{ server: "b", id: newId() }],
  "cluster.rotateSecret": () => [{}],
};
const ADMIN_ONLY = /^(admin|invitation|setting|cluster)\.|^server\.(status|digest)$/;

const POSITION = "06h02d5jg0000-a.0123456789-11";
const startCursor = () => `1~${server.store.log.storeId}~0~~0000000000000~0~`;
const channels = ({ channel, channelName }: Real) => [channel, channelName];
const places = (it: Real) => [...channels(it), it.direct];
const both = ({ message, directMessage }: Real) => [message, directMessage];
const aimed = (it: Real) =>
  channels(it).map((place) => ({ in: place, account: it.member, id: newId() }));

/** Those who have nothing to look for there. */
const callers: Record<string, { client: TestClient; token: string }> = {};

const say = (client: TestClient, to: string, text: string) =>
  client.call("message.post", { to, text, id: newId() });

beforeAll(async () => {
  server = await TestServer.start();
  const owner = await server.join("owner");
  const member = await server.join("member");
  const { channel } = await owner.call("channel.create", {
    name: "secret-room",
    private: true,
    topic: SECRET,
    id: newId(),
  });
  const invite = (id: string) =>
    owner.call("channel.invite", { in: channel.id, account: id, id: newId() });
  const enter = (client: TestClient) =>
    client.call("channel.join", { in: channel.id, id: newId() });
  await invite(member.id);
  await enter(member);
  for (const name of ["outsider", "removed", "left", "banned", "declined", "admin"]) {
    const client = await server.join(name);
    callers[name] = { client, token: client.token };
    if (name === "outsider" || name === "admin") continue;
    await invite(client.id);
    if (name !== "declined") await enter(client);
    const at = { in: channel.id, account: client.id, id: newId() };
    if (name === "removed") await owner.call("channel.remove", at);
    else if (name === "banned") await owner.call("channel.ban", at);
    else await client.call("channel.leave", { in: channel.id, id: newId() });
  }
  await server.operator("admin.grant", { account: "@admin", id: newId() });
  const { message } = await say(owner, channel.id, `${SECRET} in the channel`);
  const direct = await say(owner, "@member", `${SECRET} between us`);
  const { sessions } = await owner.call("session.list", {});
  const { invitation } = await server.operator("invitation.create", { id: newId() });
  real = {
    channel: channel.id,
    channelName: "#secret-room",
    direct: direct.message.conversation,
    message: message.id,
    directMessage: direct.message.id,
    session: sessions[0]?.id ?? "",
    invitation: invitation.id,
    member: member.id,
  };
  const author = owner.id as AccountId;
  const request = () => newId() as RequestId;
  nothing = {
    channel: channelIdOf(realRandom.bytes(16)),
    channelName: "#nosuch-room",
    direct: channelIdOf(realRandom.bytes(16)).replace("c_", "d_"),
    message: messageIdFor(author, request()),
    directMessage: messageIdFor(author, request()),
    session: sessionIdFor(author, request()),
    invitation: invitationIdFor(author, request()),
    member: member.id,
  };
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

/** An answer without what names the thing that was asked for, and without what changes by itself. */
function shape(frame: Frame, things: Real): string {
  let text = JSON.stringify({ ...frame, id: 0 });
  for (const name of Object.keys(things) as (keyof Real)[]) {
    text = text.replaceAll(things[name], `<${name}>`);
  }
  return text.replace(/"cursor":"[^"]*"/g, '"cursor":""').replace(/\d{13,}/g, "0");
}

async function same(
  send: (method: string, params: object) => Promise<Frame>,
  who: string,
  things = real,
) {
  for (const method of Object.keys(methods) as MethodName[]) {
    if (ADMIN_ONLY.test(method) && who === "admin") continue; // theirs to know
    const tries = WAYS_IN[method](things);
    const blanks = WAYS_IN[method](nothing);
    for (const [i, params] of tries.entries()) {
      const there = await send(method, params);
      const absent = await send(method, blanks[i] as object);
      const what = `${who}: ${method} ${JSON.stringify(params)}`;
      const names = Object.values(things).some((name) => JSON.stringify(params).includes(name));
      if (names) expect(shape(there, things), what).toBe(shape(absent, nothing));
      if (there.error === undefined) {
        // What lists answer must not hold what is not theirs, either.
        const given = JSON.stringify(there.result);
        expect(given.includes(SECRET), what).toBe(false);
        expect(given.includes(things.channelName.slice(1)), what).toBe(false);
      } else {
        expect(there.error.data.code, what).not.toBe("indefinite");
      }
    }
  }
}

test("every method of the protocol is looked at", () => {
  expect(Object.keys(WAYS_IN).sort()).toEqual(Object.keys(methods).sort());
  for (const [method, tries] of Object.entries(WAYS_IN)) {
    const declared = methods[method as MethodName].params.properties;
    const names = Object.keys(declared).filter((name) =>
      /^(in|to|message|session|account|invitation|owner)$/.test(name),
    );
    // A code is no reference: who has it may use it.
    const given = names.filter((name) => `${method} ${name}` !== "account.create invitation");
    if (given.length > 0) expect(tries(real).length, method).toBeGreaterThan(0);
  }
});

describe("[R40] what is not theirs is as what does not exist", () => {
  const who = ["outsider", "removed", "left", "banned", "declined", "admin"];
  for (const name of who) {
    test(`for somebody ${name}, on a WebSocket`, async () => {
      const { client } = callers[name] as { client: TestClient };
      await same((method, params) => client.request(method, params), name);
    });
  }

  test("for somebody banned from a public channel, who may have been in it", async () => {
    const host = await server.join("host");
    const made = { name: "open-room", topic: SECRET, id: newId() };
    const { channel } = await host.call("channel.create", made);
    const { message } = await say(host, channel.id, `${SECRET} in the open`);
    const was = await server.join("was-in-it");
    await was.call("channel.join", { in: channel.id, id: newId() });
    const things = { ...real, channel: channel.id, channelName: "#open-room", message: message.id };
    for (const client of [was, await server.join("never-in-it")]) {
      await host.call("channel.ban", { in: channel.id, account: client.id, id: newId() });
      await same((method, params) => client.request(method, params), "banned", things);
    }
    // For the others here it is not to be found either.
    await host.call("channel.update", { in: channel.id, private: true, id: newId() });
  });

  test("for an outsider over HTTP", async () => {
    const { token } = callers.outsider as { token: string };
    await same((method, params) => server.post(method, params, token), "outsider");
  });

  test("for somebody not signed in, whose token is over, or whose account is gone", async () => {
    const disabled = await server.join("disabled");
    const deleted = await server.join("deleted");
    const ended = await server.join("ended");
    await server.operator("admin.disable", { account: "@disabled", disabled: true, id: newId() });
    await deleted.call("account.delete", { password: "password of deleted", id: newId() });
    await ended.call("session.close", { id: newId() });
    for (const token of [
      null,
      disabled.token,
      deleted.token,
      ended.token,
      `hft_${"A".repeat(43)}`,
    ]) {
      const codes = new Set<string>();
      for (const [method, tries] of Object.entries(WAYS_IN)) {
        for (const params of tries(real)) {
          codes.add((await server.post(method, params, token)).error?.data.code ?? "answered");
        }
      }
      expect([...codes].every((code) => /^(unauthorized|session_ended)$/.test(code))).toBe(true);
    }
  });

  test("[R48] for the operator: who may administer reads nothing", async () => {
    for (const [method, tries] of Object.entries(WAYS_IN) as [MethodName, Tries][]) {
      if (ADMIN_ONLY.test(method)) continue;
      for (const params of tries(real)) {
        const answer = await server.operator(method, params as never).catch((error) => error.code);
        expect(answer, method).toBe("forbidden");
      }
    }
  });

  test("for somebody invited: the channel is known, what was said in it is not", async () => {
    const owner = await server.post("session.open", {
      name: "owner",
      password: "password of owner",
      id: newId(),
    });
    const token = owner.result?.token as string;
    const invited = await server.join("invited");
    const params = { in: real.channel, account: invited.id, id: newId() };
    expect((await server.post("channel.invite", params, token)).error).toBeUndefined();
    for (const [method, tries] of Object.entries(WAYS_IN) as [MethodName, Tries][]) {
      if (method === "channel.join" || method === "channel.leave") continue;
      for (const given of tries(real)) {
        const frame = await invited.request(method, given);
        const what = `${method} ${JSON.stringify(given)}`;
        const said = JSON.stringify(frame.result ?? "").replaceAll(`"topic":"${SECRET}"`, "");
        expect(said.includes(SECRET), what).toBe(false);
      }
    }
  });
});

test("[R9, R40] no event of it reaches them, live, resumed or polled", async () => {
  const owner = server.connect();
  const password = "password of owner";
  await owner.call("session.open", { name: "owner", password, id: newId() });
  const clients = Object.values(callers).map(({ client }) => client);
  for (const client of clients) client.events.length = 0;
  await say(owner, real.channel, `${SECRET} once more`);
  await say(owner, "@member", `${SECRET} once more`);
  await owner.call("message.edit", {
    message: real.message,
    text: `${SECRET} edited`,
    id: newId(),
  });
  await owner.call("channel.update", { in: real.channel, topic: `${SECRET} 2`, id: newId() });
  await owner.call("message.history", { in: real.channel });
  await owner.call("typing.set", { in: real.channel });
  for (const { client, token } of Object.values(callers)) {
    const resumed = await server.resume(token, startCursor());
    const polled = await client.call("events.read", { cursor: startCursor(), limit: 1_000 });
    for (const seen of [client.events, resumed.events, polled.events]) {
      const text = JSON.stringify(seen);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(real.direct);
      expect(text).not.toContain('"typing"');
    }
  }
});
