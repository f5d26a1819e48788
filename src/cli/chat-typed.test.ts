/** What typed lines do. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  ann,
  bob,
  bobs,
  type Calls,
  FakeClient,
  openChat,
  ops,
  said,
  waitingClient,
} from "../../test/cli-fake-client.ts";
import { hostile } from "../../test/cli-hostile-text.ts";
import type { Conversation, OutboxEntry } from "../client/index.ts";
import { spanCells } from "./paint.ts";

test("begins where it is told: after what waited, and at once for what is typed without a server", async () => {
  const client = waitingClient([[bobs, [said("psst", { conversation: bobs.id })]]]);
  client.connection = { state: "waiting", since: 0 };
  client.account = undefined;
  const { lines, prompts, type, settled } = openChat(client, { place: "#ops" });
  await type("hello");
  expect(client.entries.map(({ to }) => to)).toEqual(["#ops"]);
  expect(prompts.at(-1)).toStartWith("#ops (");
  client.account = ann;
  const resolved = client.answers["conversation.resolve"] as Calls[string];
  const { promise, resolve } = Promise.withResolvers<void>();
  client.answers["conversation.resolve"] = async (params) => {
    await promise;
    return resolved(params);
  };
  await client.become("live");
  for (let i = 0; i < 50; i++) await Promise.resolve();
  expect(lines.join("\n")).not.toContain("psst"); // it could not be said where it belongs
  resolve();
  await settled();
  await type("again");
  expect(client.entries.map(({ to }) => to)).toEqual(["#ops", ops.id]);
  expect(lines.at(-1)).toStartWith("── #ops · on call ─");
  expect(lines.join("\n")).toMatch(/psst\n── #ops · on call/);
});

test("a place to begin in that is none is said, and left", async () => {
  const { chat, lines, settled } = openChat(new FakeClient(), { place: "#none" });
  await settled();
  expect(lines).toContain("! not_found: there is no such thing");
  expect(chat.current).toBeUndefined();
});

test("lines are carried out in order: what is typed after /to goes there", async () => {
  const client = new FakeClient();
  const { chat, settled } = openChat(client);
  for (const line of ["/to #ops", "one", "/to bob", "two", "/msg #ops three"]) chat.line(line);
  await settled();
  expect(client.entries.map(({ to, text }) => [to, text])).toEqual([
    [ops.id, "one"],
    [bob.id, "two"],
    ["#ops", "three"],
  ]);
});

test("a message to nowhere, and a refusal, are said and counted", async () => {
  const client = new FakeClient();
  const { chat, lines, type } = openChat(client);
  await type("hello");
  expect(lines.at(-1)).toStartWith("! nobody to send it to");
  await type("/to #none");
  expect(lines.at(-1)).toBe("! not_found: there is no such thing");
  expect(chat.failed).toBe(true);
  expect(client.entries).toEqual([]);
});

test("/edit and /delete find the message that is meant", async () => {
  const mine = [said("a", { author: ann }), said("b", { author: ann })];
  const theirs = said("c");
  const client = new FakeClient({
    "message.history": () => ({ messages: [...mine, theirs] }),
    "message.edit": () => ({}),
    "message.delete": () => ({}),
  });
  const { lines, type } = openChat(client, { place: "#ops" });
  await type("/edit ^2 better");
  await type("/delete");
  await type("/delete bob^1");
  await type("/delete bob^2");
  expect(client.called("message.edit")).toEqual([{ message: mine[0]?.id, text: "better" }]);
  expect(client.called("message.delete").map(({ message }) => message)).toEqual([
    mine[1]?.id,
    theirs.id,
  ]);
  expect(lines.at(-1)).toStartWith("! not_found: no such message of bob's");
});

test("deleting the account says what follows, and needs password and name", async () => {
  const client = new FakeClient({ "account.delete": () => ({}) });
  const { chat, lines, answers, type } = openChat(client);
  answers.push("secret", "y", "anna");
  await type("/account delete");
  expect(lines.join("\n")).toContain("can't be taken back");
  expect(client.called("account.delete")).toEqual([]);
  answers.push("");
  await type("/account delete");
  expect(client.called("account.delete")).toEqual([]);
  answers.push("secret", "y", "ann");
  await type("/account delete");
  expect(client.called("account.delete")).toEqual([{ password: "secret", erase: true }]);
  await chat.left;
});

test("EXIT leaves; so does the end of the session, with the reason", async () => {
  const one = openChat(new FakeClient());
  one.chat.line("EXIT");
  await one.chat.left;
  const client = new FakeClient();
  const two = openChat(client);
  await client.emit("signed_out", { reason: "revoked", code: "session_ended" });
  await two.chat.left;
  expect(two.lines.at(-1)).toBe("! signed out: revoked");
});

test("leaving can wait until the outbox is empty", async () => {
  const client = new FakeClient();
  const { chat, type } = openChat(client, { place: "#ops" });
  await type("hello");
  let empty = false;
  const emptied = chat.emptied().then(() => {
    empty = true;
  });
  await Promise.resolve();
  expect(empty).toBe(false);
  const entry = { ...(client.entries[0] as OutboxEntry), state: "stored" } as const;
  client.entries = [];
  await client.emit("outbox", { entry });
  await emptied;
});

test("whatever others write and call themselves: nothing acts on the terminal, no line is too wide", async () => {
  await fc.assert(
    fc.asyncProperty(
      hostile,
      hostile,
      fc.integer({ min: 8, max: 60 }),
      async (text, name, width) => {
        const client = new FakeClient({
          "message.history": () => ({ messages: [said(text)] }),
          "message.search": () => ({ messages: [said(text)] }),
          "channel.list": () => ({ channels: [{ ...ops.channel, name, topic: text }] }),
          "account.list": () => ({
            accounts: [{ id: "a_1", name, displayName: text, online: true }],
          }),
        });
        const { spans, type, settled, prompts } = openChat(client, { place: "#ops", width });
        await settled();
        const author = { id: "a_x", name };
        const channel = {
          ...(ops.channel as NonNullable<Conversation["channel"]>),
          name,
          topic: text,
        };
        await client.emit("message.posted", { message: said(text, { author }) });
        await client.emit("message.changed", { message: said(text, { author, edited: true }) });
        await client.emit("channel.changed", { channel });
        await client.emit("member.changed", {
          conversation: ops.id,
          account: author,
          standing: "none",
        });
        for (const command of ["/history", "/search x", "/list #*", "/list", "/who"])
          await type(command);
        for (const line of spans) {
          expect(spanCells(line)).toBeLessThanOrEqual(width);
          const shown = line.map((span) => span.text).join("");
          expect(shown).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u);
        }
        expect(prompts.length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 60 },
  );
});
