/** What a client is told when the disk is slow or full, when the server stops, and when it asks again. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RECEIPT_DEADLINE_MS } from "../src/core/limits.ts";
import { Gate } from "./gated-log.ts";
import { JumpClock, newId, refusal, type TestClient, TestServer, until } from "./in-process.ts";

let server: TestServer;
const clock = new JumpClock();
const gate = new Gate();
beforeAll(async () => {
  server = await TestServer.start({ clock, wrapLog: gate.wrap });
});
afterAll(() => server.dispose());
beforeEach(() => gate.release());
afterEach(() => expect(server.defects).toEqual([]));

let pairs = 0;
async function pair() {
  const label = `o${++pairs}`;
  const alice = await server.join(`${label}-alice`);
  const bob = await server.join(`${label}-bob`);
  return { alice, bob, toBob: `@${label}-bob`, toAlice: `@${label}-alice` };
}
const post = (client: TestClient, to: string, text: string, id = newId()) =>
  client.call("message.post", { to, text, id });
const textsIn = async (client: TestClient, place: string) =>
  (await client.call("message.history", { in: place })).messages.map(({ text }) => text);
/** Lets everything that was asked reach the log, then lets the deadline of receipts pass. */
async function overdue() {
  await Bun.sleep(20);
  clock.jump(RECEIPT_DEADLINE_MS + 1);
}

describe("[R11] indefinite", () => {
  test("[R5] what did not become durable in time is indefinite, and a repeat gets the one result", async () => {
    const { alice, bob, toBob, toAlice } = await pair();
    gate.hold();
    const id = newId();
    const first = refusal(post(alice, toBob, "slow", id));
    await overdue();
    expect(await first).toBe("indefinite");
    const second = post(alice, toBob, "slow", id);
    expect(await textsIn(bob, toAlice)).toEqual([]); // nothing is shown that is not durable
    expect(bob.eventsNamed("message.posted")).toEqual([]);
    expect(await refusal(post(alice, toBob, "something else", id))).toBe("id_reused");
    gate.release();
    expect((await second).message.text).toBe("slow");
    expect((await post(alice, toBob, "slow", id)).message.id).toBe((await second).message.id);
    expect(await textsIn(bob, toAlice)).toEqual(["slow"]);
    expect(bob.eventsNamed("message.posted")).toHaveLength(1);
  });

  test("the same for an account, a session and a channel", async () => {
    const { alice } = await pair();
    const name = `slow-${pairs}`;
    const account = { name, password: "password enough", id: newId() };
    const channel = { name, id: newId() };
    const session = {
      name: `o${pairs}-alice`,
      password: `password of o${pairs}-alice`,
      id: newId(),
    };
    gate.hold();
    const asked = [
      refusal(server.connect().call("account.create", account)),
      refusal(server.connect().call("session.open", session)),
      refusal(alice.call("channel.create", channel)),
    ];
    await overdue();
    expect(await Promise.all(asked)).toEqual(Array(3).fill("indefinite"));
    gate.release();
    const made = await server.connect().call("account.create", account);
    expect(made.account.name).toBe(name);
    expect((await server.connect().call("session.open", session)).account.id).toBe(alice.id);
    expect((await alice.call("channel.create", channel)).channel.standing).toBe("owner");
    const { accounts } = await alice.call("account.list", { match: name });
    expect(accounts).toHaveLength(1);
  });

  test("it is said with a hint to repeat", async () => {
    const { alice, toBob } = await pair();
    gate.hold();
    const asked = server.post("message.post", { to: toBob, text: "x", id: newId() }, alice.token);
    await overdue();
    const { status, error } = await asked;
    expect(status).toBe(504);
    expect(error?.data).toMatchObject({ code: "indefinite", retry: true });
    gate.release();
  });

  test("a connection that broke before its answer: the repeat on another one is no duplicate", async () => {
    const { alice, bob, toBob, toAlice } = await pair();
    gate.hold();
    const id = newId();
    void alice.request("message.post", { to: toBob, text: "lost answer", id });
    alice.disconnect(server);
    const again = await server.resume(alice.token);
    const repeat = post(again, toBob, "lost answer", id);
    gate.release();
    expect((await repeat).receipt).toEqual({ held: ["a"], of: 1 });
    expect(await textsIn(bob, toAlice)).toEqual(["lost answer"]);
  });
});

describe("[R5] at any time", () => {
  test("a repeat after a restart gets the first result; other content is id_reused", async () => {
    const { alice, bob, toBob } = await pair();
    const id = newId();
    const first = await post(alice, toBob, "once", id);
    await server.restart();
    const again = await server.resume(alice.token);
    const second = await post(again, bob.id, "once", id);
    expect(second.message).toEqual(first.message);
    expect(await refusal(post(again, bob.id, "twice", id))).toBe("id_reused");
    expect(await refusal(again.call("channel.create", { name: "reused", id }))).toBe("id_reused");
    const change = { message: first.message.id, text: "changed", id };
    expect(await refusal(again.call("message.edit", change))).toBe("id_reused");
  });

  test("also when what it was about is gone: the first result, or id_reused for something else", async () => {
    const { alice, bob } = await pair();
    const id = newId();
    await post(alice, bob.id, "last words", id);
    await bob.call("account.delete", { password: `password of o${pairs}-bob`, id: newId() });
    expect((await post(alice, bob.id, "last words", id)).message.text).toBe("last words");
    expect(await refusal(post(alice, bob.id, "other words", id))).toBe("id_reused");
    const channel = await alice.call("channel.create", { name: `gone-${pairs}`, id: newId() });
    const joined = { in: "#there-is-no-such", id };
    expect(await refusal(alice.call("channel.join", joined))).toBe("id_reused");
    expect(channel.channel.members).toBe(1);
  });

  test("the ids of one account are not those of another", async () => {
    const { alice, bob, toBob, toAlice } = await pair();
    const id = newId();
    const [a, b] = await Promise.all([
      post(alice, toBob, "from alice", id),
      post(bob, toAlice, "from bob", id),
    ]);
    expect(a.message.id).not.toBe(b.message.id);
    expect((await textsIn(alice, toBob)).sort()).toEqual(["from alice", "from bob"]);
  });
});

describe("[R10] when there is no room", () => {
  test("[R3, R53] a full disk refuses writes before anything of them exists; reads go on; writes come back", async () => {
    const { alice, bob, toBob, toAlice } = await pair();
    await post(alice, toBob, "before");
    gate.freeSpace(0, 1_000_000);
    const id = newId();
    expect(await refusal(post(alice, toBob, "refused", id))).toBe("storage_full");
    expect(await refusal(server.join(`full-${pairs}`))).toBe("storage_full");
    const marked = bob.call("conversation.read", {
      in: toAlice,
      upTo: (await bob.call("message.history", { in: toAlice })).messages[0]?.position ?? "",
    });
    expect((await marked).unread).toBe(0);
    expect(await textsIn(bob, toAlice)).toEqual(["before"]);
    gate.freeSpace(10_000_000_000, 1_000_000);
    await post(alice, toBob, "refused", id);
    expect(await textsIn(bob, toAlice)).toEqual(["before", "refused"]);
  });

  test("[R11] an account that is made before the room is gone is not refused: it is not known, and a repeat brings the rest", async () => {
    const params = { name: `half-${pairs}`, password: "correct horse battery", id: newId() };
    gate.hold();
    const first = refusal(server.connect().call("account.create", params));
    await Bun.sleep(300); // the password is hashed, the account is on its way to the disk
    gate.freeSpace(0, 1_000_000);
    gate.release();
    expect(await first).toBe("indefinite");
    gate.freeSpace(10_000_000_000, 1_000_000);
    const again = await server.connect().call("account.create", params);
    expect(again.account.name).toBe(params.name);
  });

  test("a queue that is full refuses, and loses nothing of what it took", async () => {
    const { alice, bob, toBob, toAlice } = await pair();
    const text = "\u{1f600}".repeat(8_000); // 32 KB each: the bound of 32 MiB is near
    gate.hold();
    const asked = Array.from({ length: 1_300 }, () => post(alice, toBob, text));
    const codes = asked.map((promise) =>
      promise.then(
        () => "ok",
        (error) => error.code as string,
      ),
    );
    await Bun.sleep(20);
    gate.release();
    const answered = await Promise.all(codes);
    expect([...new Set(answered)].sort()).toEqual(["ok", "unavailable"]);
    let held = 0;
    let before: string | undefined;
    do {
      const more = before === undefined ? {} : { before };
      const page = await bob.call("message.history", { in: toAlice, limit: 200, ...more });
      held += page.messages.length;
      before = page.next;
    } while (before !== undefined);
    expect(held).toBe(answered.filter((code) => code === "ok").length);
  }, 30_000);
});

test("[R56] a server that stops answers what it took, takes nothing new, and tells everybody", async () => {
  const own = new Gate();
  const other = await TestServer.start({ clock, wrapLog: own.wrap });
  const alice = await other.join("alice");
  const bob = await other.join("bob");
  own.hold();
  const id = newId();
  const taken = post(alice, "@bob", "just in time", id);
  const waiting = alice.call("events.read", {
    cursor: (await alice.call("server.ping", {})).cursor,
    waitMs: 25_000,
  });
  await Bun.sleep(10);
  const restarted = other.restart();
  expect(bob.events.at(-1)?.method).toBe("server.stopping");
  expect(await refusal(post(bob, "@alice", "too late"))).toBe("shutting_down");
  expect((await other.post("server.ping", {})).status).toBe(503);
  own.release();
  expect((await taken).receipt.held).toEqual(["a"]);
  await waiting;
  await until(() => alice.closedWith !== null && bob.closedWith !== null);
  expect(alice.closedWith?.code).toBe(1001);
  await restarted;
  const again = await other.resume(alice.token);
  expect((await post(again, "@bob", "just in time", id)).message.text).toBe("just in time");
  expect(await textsIn(again, "@bob")).toEqual(["just in time"]);
  expect(other.defects).toEqual([]);
  await other.dispose();
});
