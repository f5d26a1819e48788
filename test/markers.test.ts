/** Unread counts and read markers; presence and typing: what is told to whom. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { JumpClock, newId, refusal, type TestClient, TestServer, until } from "./in-process.ts";

const MARKER_KIND = 50;
let server: TestServer;
const clock = new JumpClock();
beforeAll(async () => {
  server = await TestServer.start({ clock });
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

const say = async (client: TestClient, to: string, text = "x") =>
  (await client.call("message.post", { to, text, id: newId() })).message;
const sayMany = async (client: TestClient, to: string, count: number) => {
  const texts = Array.from({ length: count }, (_, i) => `message ${i}`);
  return Promise.all(texts.map((text) => say(client, to, text)));
};
const mark = (client: TestClient, place: string, upTo: string) =>
  client.call("conversation.read", { in: place, upTo });
const conversation = async (client: TestClient, place: string) =>
  (await client.call("conversation.resolve", { in: place })).conversation;
const markerOps = () => {
  let count = 0;
  for (let n = 1; n <= server.view.foldedN; n++) {
    if (server.view.op(n).kind === MARKER_KIND) count++;
  }
  return count;
};
const settle = (client: TestClient) => client.call("server.ping", {});

test("[R31] what others wrote is unread until it is marked, one's own is not", async () => {
  const alice = await server.join("u-alice");
  const bob = await server.join("u-bob");
  const messages = await sayMany(alice, "@u-bob", 10);
  await say(bob, "@u-alice", "mine");
  expect((await conversation(bob, "@u-alice")).unread).toBe(10);
  expect((await conversation(alice, "@u-bob")).unread).toBe(1);
  const read = await mark(bob, "@u-alice", messages[6]?.position ?? "");
  expect(read.unread).toBe(3);
  expect((await conversation(bob, "@u-alice")).unread).toBe(3);
  await alice.call("message.delete", { message: messages[9]?.id ?? "", id: newId() });
  expect((await conversation(bob, "@u-alice")).unread).toBe(2);
});

test("[R31] whoever joins a channel starts with nothing unread", async () => {
  const owner = await server.join("j-owner");
  const late = await server.join("j-late");
  await owner.call("channel.create", { name: "j-room", id: newId() });
  await sayMany(owner, "#j-room", 3);
  await late.call("channel.join", { in: "#j-room", id: newId() });
  expect((await conversation(late, "#j-room")).unread).toBe(0);
  await sayMany(owner, "#j-room", 2);
  expect((await conversation(late, "#j-room")).unread).toBe(2);
});

test("[R5, R31] whoever is in and joins again loses nothing that is unread", async () => {
  const owner = await server.join("a-owner");
  const member = await server.join("a-member");
  await owner.call("channel.create", { name: "a-room", id: newId() });
  const join = (id = newId()) => member.call("channel.join", { in: "#a-room", id });
  await join();
  await sayMany(owner, "#a-room", 3);
  member.events.length = 0;
  const id = newId();
  expect((await join(id)).channel).toMatchObject({ standing: "member", members: 2 });
  expect((await conversation(member, "#a-room")).unread).toBe(3);
  expect(member.eventsNamed("conversation.opened")).toEqual([]);
  // It had its effect: repeated after the leaving it brings nobody in.
  await member.call("channel.leave", { in: "#a-room", id: newId() });
  expect((await join(id)).channel.standing).toBeUndefined();
  await sayMany(owner, "#a-room", 2);
  await join();
  expect((await conversation(member, "#a-room")).unread).toBe(0);
});

test("[R31] counts are exact to 999 and then say more", async () => {
  const alice = await server.join("c-alice");
  const bob = await server.join("c-bob");
  await sayMany(alice, "@c-bob", 999);
  expect((await conversation(bob, "@c-alice")).unread).toBe(999);
  await sayMany(alice, "@c-bob", 5);
  expect((await conversation(bob, "@c-alice")).unread).toBe(1000);
});

test("[R32] a marker never goes back, and is a place in that conversation", async () => {
  const alice = await server.join("b-alice");
  const bob = await server.join("b-bob");
  const messages = await sayMany(alice, "@b-bob", 5);
  const at = (n: number) => messages[n]?.position ?? "";
  const before = markerOps();
  expect((await mark(bob, "@b-alice", at(3))).unread).toBe(1);
  expect((await mark(bob, "@b-alice", at(0))).unread).toBe(1);
  await until(() => markerOps() > before);
  clock.jump(5_001);
  expect((await mark(bob, "@b-alice", at(1))).unread).toBe(1);
  expect(await conversation(bob, "@b-alice")).toMatchObject({ marker: at(3), unread: 1 });
  const carol = await server.join("b-carol");
  const later = await say(carol, "@b-alice");
  expect(await refusal(mark(bob, "@b-alice", later.position))).toBe("invalid");
  expect(await refusal(mark(bob, "@b-alice", "nonsense"))).toBe("invalid");
  expect(await refusal(mark(bob, "@b-carol", at(0)))).toBe("invalid");
});

test("[R10, R32] one op per account and conversation in 5 s, and the last place is the one kept", async () => {
  const alice = await server.join("k-alice");
  const bob = await server.join("k-bob");
  const messages = await sayMany(alice, "@k-bob", 30);
  const before = markerOps();
  for (const { position } of messages) await mark(bob, "@k-alice", position);
  await settle(bob);
  expect(markerOps() - before).toBeLessThanOrEqual(1);
  expect((await conversation(bob, "@k-alice")).unread).toBe(0);
  clock.jump(5_001);
  await until(() => markerOps() - before === 2);
  for (let i = 0; i < 3; i++) clock.jump(5_001);
  await Bun.sleep(20);
  expect(markerOps() - before).toBe(2);
  await server.restart();
  const again = await server.resume(bob.token);
  expect(await conversation(again, "@k-alice")).toMatchObject({
    marker: messages[29]?.position,
    unread: 0,
  });
});

test("[R32] a crash forgets at most the last 5 s: what is older is in the log", async () => {
  const alice = await server.join("x-alice");
  const bob = await server.join("x-bob");
  const messages = await sayMany(alice, "@x-bob", 3);
  const at = (n: number) => messages[n]?.position ?? "";
  /** Where the log says that bob has read up to: what a crash would leave. */
  const stored = () => {
    const { log } = server.store;
    for (let n = log.lastN; n > 0; n--) {
      const { kind, author, data } = log.op(n);
      if (kind === MARKER_KIND && author === bob.id)
        return (JSON.parse(data) as { upTo: string }).upTo;
    }
    return null;
  };
  await mark(bob, "@x-alice", at(0));
  await until(() => stored() === at(0)); // the first at once
  await mark(bob, "@x-alice", at(1));
  await mark(bob, "@x-alice", at(2));
  await settle(bob);
  expect(stored()).toBe(at(0));
  expect((await conversation(bob, "@x-alice")).marker).toBe(at(2)); // but it is used at once
  clock.jump(5_001);
  await until(() => stored() === at(2));
});

test("[R32] a clean stop keeps what waits", async () => {
  const alice = await server.join("s-alice");
  const bob = await server.join("s-bob");
  const messages = await sayMany(alice, "@s-bob", 3);
  for (const { position } of messages) await mark(bob, "@s-alice", position);
  await server.restart();
  const again = await server.resume(bob.token);
  expect((await conversation(again, "@s-alice")).unread).toBe(0);
});

test("[R32] a marker follows the account to its other connections, and goes to nobody else", async () => {
  const alice = await server.join("f-alice");
  const bob = await server.join("f-bob");
  const second = await server.resume(bob.token);
  const { position } = await say(alice, "@f-bob");
  await mark(bob, "@f-alice", position);
  await until(() => second.eventsNamed("marker.changed").length > 0);
  expect(second.eventsNamed("marker.changed")[0]).toMatchObject({ upTo: position });
  await settle(alice);
  expect(alice.eventsNamed("marker.changed")).toEqual([]);
  expect((await conversation(second, "@f-alice")).unread).toBe(0);
});

test("typing goes to those who have the conversation open and may read it", async () => {
  const owner = await server.join("t-owner");
  const reader = await server.join("t-reader");
  const closed = await server.join("t-closed");
  const stranger = await server.join("t-stranger");
  await owner.call("channel.create", { name: "t-room", id: newId() });
  for (const client of [reader, closed]) {
    await client.call("channel.join", { in: "#t-room", id: newId() });
  }
  for (const client of [reader, stranger]) await client.call("message.history", { in: "#t-room" });
  const typing = async () => {
    clock.jump(2_001);
    await owner.call("typing.set", { in: "#t-room" });
    return [reader, closed, stranger].map((client) => client.eventsNamed("typing").length);
  };
  expect(await typing()).toEqual([1, 0, 1]);
  expect(reader.eventsNamed("typing")[0]?.account).toMatchObject({ name: "t-owner" });
  // At most one in 2 s.
  await owner.call("typing.set", { in: "#t-room" });
  expect(reader.eventsNamed("typing")).toHaveLength(1);
  await owner.call("channel.update", { in: "#t-room", private: true, id: newId() });
  expect(await typing()).toEqual([2, 0, 1]);
  await owner.call("channel.remove", { in: "#t-room", account: "@t-reader", id: newId() });
  expect(await typing()).toEqual([2, 0, 1]);
  expect(await refusal(stranger.call("typing.set", { in: "#t-room" }))).toBe("no_such_recipient");
});

test("presence goes to those who show the person, and short absences are not told", async () => {
  const alice = await server.join("p-alice");
  const shows = await server.join("p-shows");
  const blind = await server.join("p-blind");
  const { accounts } = await shows.call("account.list", { match: "p-alice" });
  expect(accounts[0]?.online).toBe(true);
  alice.disconnect(server);
  const back = await server.resume(alice.token);
  clock.jump(5_001);
  expect(shows.eventsNamed("presence.changed")).toEqual([]);
  back.disconnect(server);
  clock.jump(5_001);
  expect(shows.eventsNamed("presence.changed")).toMatchObject([
    { account: alice.id, online: false },
  ]);
  await server.resume(alice.token);
  expect(shows.eventsNamed("presence.changed")).toHaveLength(2);
  expect(blind.eventsNamed("presence.changed")).toEqual([]);
  const again = await shows.call("account.list", { match: "p-alice" });
  expect(again.accounts[0]?.online).toBe(true);
});

test("a conversation that opens by itself keeps what it says of presence true", async () => {
  const alice = await server.join("p-first");
  const bob = await server.join("p-second");
  await alice.call("message.post", { to: "@p-second", text: "hello", id: newId() });
  expect(bob.eventsNamed("conversation.opened")).toMatchObject([
    { conversation: { online: true } },
  ]);
  alice.disconnect(server);
  clock.jump(5_001);
  expect(bob.eventsNamed("presence.changed")).toMatchObject([{ account: alice.id, online: false }]);
});
