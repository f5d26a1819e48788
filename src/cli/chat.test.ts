/** What is shown, in which order, and what is told about it. */
import { expect, test } from "bun:test";
import {
  ann,
  bobs,
  type Calls,
  FakeClient,
  noon,
  openChat,
  ops,
  said,
  waitingClient,
} from "../../test/cli-fake-client.ts";
import { HoldfastError, type OutboxEntry } from "../client/index.ts";

test("without a cursor what is unread is shown first, by conversation and in order", async () => {
  const [one, two, direct] = [said("one"), said("two"), said("psst", { conversation: bobs.id })];
  const { lines, settled } = openChat(
    waitingClient([
      [bobs, [direct]],
      [ops, [one, two]],
    ]),
  );
  await settled();
  expect(lines.map((line) => line.replace(/─+$/, "").trim())).toEqual([
    "── #ops: 2 waiting",
    "12:00 bob: one",
    "12:00 bob: two",
    "── @bob: 1 waiting",
    "12:00 bob: psst",
    "── now",
  ]);
});

test("what arrives while the unread is read is shown after it, once, and holds the cursor", async () => {
  const one = said("one");
  const two = said("two");
  const client = waitingClient([[ops, [one, two]]]);
  const { promise, resolve } = Promise.withResolvers<void>();
  const history = client.answers["message.history"] as Calls[string];
  client.answers["message.history"] = async (params) => {
    await promise;
    return history(params);
  };
  const { messages, settled } = openChat(client);
  let cursorMoved = false;
  const three = said("three");
  const moved = client
    .emit("message.posted", { message: two })
    .then(() => client.emit("message.posted", { message: three }));
  void moved.then(() => {
    cursorMoved = true;
  });
  await settled();
  expect([messages(), cursorMoved]).toEqual([[], false]);
  resolve();
  await moved;
  expect(messages()).toEqual(["12:00 bob: one", "12:00 bob: two", "12:00 #ops bob: three"]);
});

test("with a cursor what was missed comes as events: grouped, in order, when all of it is there", async () => {
  const client = new FakeClient();
  const { messages, lines, settled } = openChat(client, { resumes: true });
  const first = said("first");
  const second = said("second");
  void client.emit("message.posted", { message: second });
  void client.emit("message.posted", { message: said("psst", { conversation: bobs.id }) });
  void client.emit("message.posted", { message: first });
  await settled();
  expect(messages()).toEqual([]);
  await client.emit("caught_up", {});
  await settled();
  expect(messages()).toEqual(["12:00 bob: first", "12:00 bob: second", "12:00 bob: psst"]);
  expect(lines[0]).toStartWith("── #ops: 2 waiting");
  expect(lines.at(-1)).toStartWith("── now ─");
  expect(client.called("conversation.list")).toEqual([]);
});

test("after a reset the unread is read, and nothing is shown twice", async () => {
  const one = said("one");
  const two = said("two");
  const client = waitingClient([[ops, [one, two]]]);
  const { messages, settled } = openChat(client, { resumes: true, place: "#ops" });
  await client.emit("caught_up", {});
  await settled();
  await client.emit("message.posted", { message: one });
  await client.emit("reset", {});
  await settled();
  expect(messages()).toEqual(["12:00 bob: one", "12:00 bob: two"]);
});

test("reading the unread goes on when the connection broke in the middle of it", async () => {
  const client = waitingClient([[ops, [said("one")]]]);
  const history = client.answers["message.history"] as Calls[string];
  client.answers["message.history"] = () => {
    throw new HoldfastError("unavailable", "away");
  };
  const { messages, settled } = openChat(client);
  await settled();
  expect(messages()).toEqual([]);
  client.answers["message.history"] = history;
  await client.become("live");
  await settled();
  expect(messages()).toEqual(["12:00 bob: one"]);
});

test("a message says where it is from unless it is of the current conversation", async () => {
  const client = new FakeClient();
  const { messages, settled } = openChat(client, { place: "#ops" });
  await settled();
  await client.emit("message.posted", { message: said("here") });
  await client.emit("message.posted", { message: said("there", { conversation: bobs.id }) });
  expect(messages()).toEqual(["12:00 bob: here", "12:00 @bob bob: there"]);
});

test("a new day is said once", async () => {
  const client = new FakeClient();
  const { lines, settled } = openChat(client, { place: "#ops" });
  await settled();
  const tomorrow = { at: noon + 86_400_000 };
  await client.emit("message.posted", { message: said("today") });
  await client.emit("message.posted", { message: said("one", tomorrow) });
  await client.emit("message.posted", { message: said("two", tomorrow) });
  expect(lines.slice(-4).map((line) => line.slice(0, 30))).toEqual([
    "12:00 bob: today",
    "── Monday, 23 November 2026 ──",
    "12:00 bob: one",
    "12:00 bob: two",
  ]);
});

test("an own message is shown when it is stored, once, whichever news comes first", async () => {
  const client = new FakeClient();
  const { messages, settled, type } = openChat(client, { place: "#ops" });
  await type("hello");
  expect(messages()).toEqual([]);
  const message = said("hello", { author: ann });
  const entry = { ...(client.entries[0] as OutboxEntry), state: "stored", message } as const;
  client.entries = [];
  await client.emit("outbox", { entry });
  await client.emit("message.posted", { message });
  await settled();
  expect(messages()).toEqual(["12:00 ann: hello"]);
});

test("[R1] fewer copies than servers are told once, and when it is over", async () => {
  const client = new FakeClient();
  const { lines, settled, type } = openChat(client, { place: "#ops" });
  const post = async (text: string, held: string[]) => {
    await type(text);
    const message = said(text, { author: ann });
    const receipt = { held, of: 3 };
    const entry = {
      ...(client.entries[0] as OutboxEntry),
      state: "stored",
      message,
      receipt,
    } as const;
    client.entries = [];
    await client.emit("outbox", { entry });
    await settled();
  };
  await post("one", ["a", "b", "c"]);
  await post("two", ["c", "a"]);
  await post("three", ["a", "c"]);
  await post("four", ["a"]);
  await post("five", ["a", "b", "c"]);
  await post("six", ["a", "b", "c"]);
  expect(lines.slice(lines.indexOf("12:00 ann: one"))).toEqual([
    "12:00 ann: one",
    "12:00 ann: two",
    "· stored on 2 of 3 servers (a, c)",
    "12:00 ann: three",
    "12:00 ann: four",
    "· stored on 1 of 3 servers (a)",
    "12:00 ann: five",
    "· stored on all 3 servers again",
    "12:00 ann: six",
  ]);
});

test("another server is told quietly, the first one and the same again are not", async () => {
  const client = new FakeClient();
  const { lines, settled } = openChat(client, { place: "#ops" });
  await settled();
  const before = lines.length;
  await client.become("live", "a");
  await client.become("connecting", "a");
  await client.become("live", "a");
  expect(lines.length).toBe(before);
  await client.become("connecting", "b");
  await client.become("live", "b");
  expect(lines.slice(before)).toEqual(["· on server b now"]);
});

test("an own message that failed says why, and what it was", async () => {
  const client = new FakeClient();
  const { chat, lines, type } = openChat(client, { place: "#ops" });
  await type("hello");
  const error = { code: "forbidden", message: "you are banned" } as const;
  const entry = { ...(client.entries[0] as OutboxEntry), state: "failed", error } as const;
  await client.emit("outbox", { entry });
  expect(lines.slice(-2)).toEqual(["! not sent to #ops: forbidden: you are banned", "! hello"]);
  expect(client.dropped).toEqual([entry.id]);
  expect(chat.failed).toBe(true);
});

test("while no server is there: typed messages wait, commands are refused at once, once it is said", async () => {
  const client = new FakeClient();
  const { lines, prompts, type, settled } = openChat(client, { place: "#ops" });
  await settled();
  await client.become("connecting");
  expect(prompts.at(-1)).toBe("#ops (away)> ");
  await client.become("waiting");
  await client.become("connecting");
  await client.become("waiting");
  await type("hello");
  await client.emit("outbox", { entry: client.entries[0] as OutboxEntry });
  expect(prompts.at(-1)).toBe("#ops (away, 1 waiting)> ");
  await type("/who");
  expect(lines.filter((line) => line.includes("no server can be reached:"))).toHaveLength(1);
  expect(lines.at(-1)).toBe("! unavailable: no server can be reached just now");
  expect(client.called("account.list")).toEqual([]);
  client.entries = [];
  await client.become("live");
  expect(lines.at(-1)).toBe("· connected again, to t");
  expect(prompts.at(-1)).toBe("#ops> ");
});

test("a short break shows in the prompt only", async () => {
  const client = new FakeClient();
  const { lines, settled } = openChat(client, { place: "#ops" });
  await settled();
  const before = lines.length;
  await client.become("connecting");
  await client.become("resuming");
  await client.become("live");
  expect(lines.length).toBe(before);
});

test("what was shown is marked as read, the newest place only, and again after a failure", async () => {
  const client = new FakeClient();
  const { settled, tick } = openChat(client, { place: "#ops" });
  await settled();
  const newest = said("two");
  await client.emit("message.posted", { message: { ...said("one"), position: "p0" } });
  await client.emit("message.posted", { message: newest });
  expect(client.called("conversation.read")).toEqual([]);
  const answer = client.answers["conversation.read"] as Calls[string];
  client.answers["conversation.read"] = () => {
    throw new HoldfastError("unavailable", "away");
  };
  tick();
  await settled();
  client.answers["conversation.read"] = answer;
  await client.become("live");
  tick();
  await settled();
  const read = { in: ops.id, upTo: newest.position };
  expect(client.called("conversation.read")).toEqual([read, read]);
});

test("edits and deletions are shown as such", async () => {
  const client = new FakeClient();
  const { messages, settled } = openChat(client, { place: "#ops" });
  await settled();
  const message = said("new", { edited: true });
  await client.emit("message.changed", { message });
  await client.emit("message.changed", { message: { ...message, text: "", deleted: true } });
  expect(messages()).toEqual(["12:00 bob edited: new", "12:00 bob: (deleted)"]);
});

test("an invitation is told, also one that was missed; losing the channel ends being in it", async () => {
  const client = new FakeClient();
  const { chat, lines, settled } = openChat(client, { resumes: true, place: "#ops" });
  await settled();
  const change = { conversation: ops.id, account: ann };
  await client.emit("member.changed", { ...change, standing: "invited" });
  await settled();
  expect(lines).toContain("· you are invited to #ops: /join #ops");
  await client.emit("caught_up", {});
  await client.emit("member.changed", { ...change, standing: "banned" });
  await settled();
  expect(lines.at(-1)).toBe("· you are banned from #ops");
  expect(chat.current).toBeUndefined();
});
