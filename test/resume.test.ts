/** Coming back with a cursor: nothing missed, nothing twice, whenever the connection broke. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { count, heavy } from "./heavy.ts";
import { JumpClock, newId, refusal, type TestClient, TestServer } from "./in-process.ts";
import { followed, type Step, steps } from "./resume-world.ts";

let server: TestServer;
const clock = new JumpClock();
beforeAll(async () => {
  server = await TestServer.start({ clock });
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

const say = (client: TestClient, to: string, text: string) =>
  client.call("message.post", { to, text, id: newId() });
const sayMany = (client: TestClient, to: string, howMany: number) =>
  Promise.all(Array.from({ length: howMany }, (_, i) => say(client, to, `number ${i}`)));
const cursorOf = async (client: TestClient) => (await client.call("server.ping", {})).cursor;
const textsOf = (client: TestClient) =>
  client.eventsNamed("message.posted").map(({ message }) => (message as { text: string }).text);
const named = (client: TestClient) => client.events.map(({ method }) => method);
let pairs = 0;
async function pair() {
  const label = `p${++pairs}`;
  const alice = await server.join(`${label}-alice`);
  const bob = await server.join(`${label}-bob`);
  return { alice, bob, toAlice: `@${label}-alice`, toBob: `@${label}-bob` };
}

test(
  "[R7] whoever resumes sees everything once and ends in the right state",
  async () => {
    const runs = heavy(40, 1_000);
    await fc.assert(
      fc.asyncProperty(steps, async (list: Step[]) => {
        const { problems } = await followed(server, clock, list);
        expect(problems).toEqual([]);
      }),
      { numRuns: runs, endOnFailure: false, interruptAfterTimeLimit: heavy(20_000, 900_000) },
    );
    count("resumed traffics", runs);
  },
  heavy(60_000, 2_000_000),
);

describe("resuming", () => {
  test("[R7, R35] the answer comes first, then what was missed, then caught_up, then what is live", async () => {
    const { alice, bob, toBob } = await pair();
    const cursor = await cursorOf(bob);
    bob.disconnect(server);
    await sayMany(alice, toBob, 20);
    const client = server.connect();
    const frames: string[] = [];
    client.onFrame = (frame) => frames.push(frame.method ?? "answer");
    const resumed = client.call("session.resume", { token: bob.token, cursor });
    const live = say(alice, toBob, "live");
    expect((await resumed).cursor).toBe(cursor); // until the rest came it has seen no more
    await live;
    expect(frames.filter((name) => name !== "server.beat")).toEqual([
      "answer",
      "conversation.opened",
      ...Array(20).fill("message.posted"),
      "caught_up",
      "message.posted",
    ]);
    expect(textsOf(client).at(-1)).toBe("live");
  });

  test("[R7, R33] each device has its own cursor", async () => {
    const { alice, bob, toBob } = await pair();
    const phone = await server.resume(bob.token);
    const cursor = await cursorOf(phone);
    phone.disconnect(server);
    await say(alice, toBob, "one");
    await say(alice, toBob, "two");
    expect(textsOf(bob)).toEqual(["one", "two"]);
    expect(textsOf(await server.resume(bob.token, cursor))).toEqual(["one", "two"]);
    const half = bob.eventsNamed("message.posted")[0]?.cursor as string;
    expect(textsOf(await server.resume(bob.token, half))).toEqual(["two"]);
    expect(textsOf(await server.resume(bob.token, await cursorOf(bob)))).toEqual([]);
  });

  test("[R7, R10.12, R35] up to 1,000 are sent; past that it says reset, and nothing else", async () => {
    const { alice, bob, toBob } = await pair();
    await say(alice, toBob, "opened");
    const cursor = await cursorOf(bob);
    await sayMany(alice, toBob, 1_000);
    const enough = await server.resume(bob.token, cursor);
    expect(textsOf(enough)).toHaveLength(1_000);
    expect(named(enough).at(-1)).toBe("caught_up");
    await say(alice, toBob, "one more");
    const tooMuch = await server.resume(bob.token, cursor);
    expect(named(tooMuch)).toEqual(["reset"]);
    const after = tooMuch.eventsNamed("reset")[0]?.cursor as string;
    await say(alice, toBob, "live again");
    expect(textsOf(tooMuch)).toEqual(["live again"]);
    expect(textsOf(await server.resume(bob.token, after))).toEqual(["live again"]);
  });

  test("[R7] what others did a thousand times does not count", async () => {
    const { alice, bob, toBob } = await pair();
    const { bob: carol, toAlice } = await pair();
    const cursor = await cursorOf(bob);
    await sayMany(carol, toAlice, 1_500);
    await say(alice, toBob, "for bob");
    expect(textsOf(await server.resume(bob.token, cursor))).toEqual(["for bob"]);
  });

  test("[R7] a cursor outlives a restart", async () => {
    const { alice, bob, toBob } = await pair();
    const cursor = await cursorOf(bob);
    await say(alice, toBob, "before");
    await server.restart();
    const again = await server.resume(alice.token);
    await say(again, toBob, "after");
    expect(textsOf(await server.resume(bob.token, cursor))).toEqual(["before", "after"]);
  });

  test("[R7] a cursor that tells nothing here: reset; one that is none: invalid, and not signed in", async () => {
    const { bob } = await pair();
    const parts = (await cursorOf(bob)).split("~");
    const changed = (at: number, value: string) =>
      parts.map((part, i) => (i === at ? value : part));
    const oneMore = (list: string) => list.replace(/\d+$/, (seq) => String(Number(seq) + 1));
    const foreign = [
      // Of another store, and its vector lists nothing that is known here.
      changed(1, "another-store").map((part, i) => (i === 5 ? "abc" : part)),
      // Of this disk before it was put back: with more than is here.
      changed(2, String(Number(parts[2]) + 1)).map((part, i) => (i === 6 ? oneMore(part) : part)),
      changed(2, "999999999999").map((part, i) => (i === 6 ? oneMore(part) : part)),
      changed(3, "AAAAAAAA").map((part, i) => (i === 6 ? oneMore(part) : part)),
    ];
    for (const cursor of foreign) {
      const client = await server.resume(bob.token, cursor.join("~"));
      expect(named(client), cursor.join("~")).toEqual(["reset"]);
    }
    // All that it lists is here, by whatever way it came back.
    const back = await server.resume(bob.token, changed(3, "AAAAAAAA").join("~"));
    expect(named(back)).toEqual(["caught_up"]);
    const garbage = [
      "x",
      "1~~~~~~",
      changed(0, "2").join("~"),
      changed(2, "-1").join("~"),
      "~".repeat(6),
    ];
    for (const cursor of [...garbage, changed(6, "a.0123456789:1,".repeat(80)).join("~")]) {
      const client = server.connect();
      expect(await refusal(client.call("session.resume", { token: bob.token, cursor }))).toBe(
        "invalid",
      );
      expect(await refusal(client.call("session.list", {}))).toBe("unauthorized");
    }
  });

  test("[R7] whoever joined meanwhile is told to read, and reads", async () => {
    const { alice, bob } = await pair();
    const name = `meanwhile-${pairs}`;
    await alice.call("channel.create", { name, id: newId() });
    await say(alice, `#${name}`, "before");
    const cursor = await cursorOf(bob);
    const second = await server.resume(bob.token);
    bob.disconnect(server);
    await second.call("channel.join", { in: `#${name}`, id: newId() });
    await say(alice, `#${name}`, "after");
    const back = await server.resume(bob.token, cursor);
    expect(named(back)).toContain("conversation.opened");
    expect(textsOf(back)).toContain("after");
    // Others see that bob joined, not what he sees.
    const other = await server.resume(alice.token, cursor);
    expect(named(other).filter((event) => event !== "message.posted")).toEqual([
      "member.changed",
      "caught_up",
    ]);
    // Broken off right behind the first of two events of one change: the other one still comes.
    for (const told of [back, second]) {
      const opened = told.eventsNamed("conversation.opened")[0];
      const broken = await server.resume(bob.token, opened?.cursor as string);
      expect(named(broken)).toContain("member.changed");
    }
  });
});

describe("polling", () => {
  test("[R7] events.read tells the same as a resume, in pages", async () => {
    const { alice, bob, toBob, toAlice } = await pair();
    const cursor = await cursorOf(bob);
    const name = `poll-${pairs}`;
    await alice.call("channel.create", { name, id: newId() });
    await bob.call("channel.join", { in: `#${name}`, id: newId() });
    const [first] = await sayMany(alice, toBob, 30);
    await say(bob, toAlice, "mine");
    await sayMany(alice, `#${name}`, 30);
    await alice.call("message.edit", { message: first?.message.id ?? "", text: "x", id: newId() });
    await alice.call("channel.update", { in: `#${name}`, topic: "new", id: newId() });
    const resumed = await server.resume(bob.token, cursor);
    const polled: { method: string; params: Record<string, unknown> }[] = [];
    let at = cursor;
    for (;;) {
      const page = await server.post("events.read", { cursor: at, limit: 7 }, bob.token);
      const { events, cursor: next } = page.result as { events: typeof polled; cursor: string };
      if (events.length === 0) break;
      polled.push(...events);
      at = next;
    }
    expect(polled).toEqual(resumed.events.filter(({ method }) => method !== "caught_up"));
    expect(polled.filter(({ method }) => method === "message.posted")).toHaveLength(61);
  });

  test("[R7] a page holds as many events as asked for; those of one change come together", async () => {
    const { alice, bob, toBob } = await pair();
    const names = [`page-${pairs}-1`, `page-${pairs}-2`];
    for (const name of names) await alice.call("channel.create", { name, id: newId() });
    const cursor = await cursorOf(bob);
    for (const name of names) await bob.call("channel.join", { in: `#${name}`, id: newId() });
    await say(alice, toBob, "opens it"); // two events, as each of the joinings
    await sayMany(alice, toBob, 5);
    const all = named(await server.resume(bob.token, cursor)).slice(0, -1);
    expect(all).toHaveLength(11);
    const sizesAt = async (limit: number) => {
      const sizes: number[] = [];
      const polled: string[] = [];
      for (let at = cursor; ; ) {
        const page = await bob.call("events.read", { cursor: at, limit });
        if (page.events.length === 0) break;
        sizes.push(page.events.length);
        polled.push(...page.events.map(({ method }) => method));
        at = page.cursor;
      }
      expect(polled).toEqual(all);
      return sizes;
    };
    expect(await sizesAt(1)).toEqual([2, 2, 2, 1, 1, 1, 1, 1]);
    expect(await sizesAt(2)).toEqual([2, 2, 2, 2, 2, 1]);
    expect(await sizesAt(3)).toEqual([2, 2, 3, 3, 1]);
    expect(await sizesAt(4)).toEqual([4, 4, 3]);
    expect(await sizesAt(11)).toEqual([11]);
  });

  test("it waits for the first event, and no longer than asked", async () => {
    const { alice, bob, toBob } = await pair();
    const cursor = await cursorOf(bob);
    const poll = (waitMs: number) => bob.call("events.read", { cursor, waitMs });
    expect((await poll(20)).events).toEqual([]);
    const waiting = poll(25_000);
    await say(alice, toBob, "at last");
    expect((await waiting).events.map(({ method }) => method)).toEqual([
      "conversation.opened",
      "message.posted",
    ]);
  });

  test("[R10, R10.14] a poll ends with its session, with the server, and has a bound", async () => {
    const { bob } = await pair();
    const cursor = await cursorOf(bob);
    const { token } = bob;
    const poll = () => server.post("events.read", { cursor, waitMs: 25_000 }, token);
    const polls = Array.from({ length: 64 }, poll);
    expect((await poll()).error?.data.code).toBe("rate_limited");
    await bob.call("session.close", { id: newId() });
    for (const { error } of await Promise.all(polls))
      expect(error?.data.code).toBe("session_ended");
    const { bob: other } = await pair();
    const params = { cursor: await cursorOf(other), waitMs: 25_000 };
    const last = server.post("events.read", params, other.token);
    await server.restart();
    expect((await last).error).toBeUndefined();
  });
});

describe("reads that must not go back", () => {
  test("[R6] at: an own cursor is covered, a later one is stale after a moment", async () => {
    const { alice, toBob } = await pair();
    const { cursor } = await say(alice, toBob, "mine");
    const read = await alice.call("message.history", { in: toBob, at: cursor });
    expect(read.messages).toHaveLength(1);
    const parts = cursor.split("~");
    const later = [...parts.slice(0, 2), "999999999", ...parts.slice(3, 5), "ff", "z.0123456789:7"];
    const stale = refusal(alice.call("message.history", { in: toBob, at: later.join("~") }));
    clock.jump(1_001);
    expect(await stale).toBe("stale");
    expect(await refusal(alice.call("account.list", { at: "nonsense" }))).toBe("invalid");
  });
});
