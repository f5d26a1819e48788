/** Erased words, looked for byte by byte in every file of a data directory. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { count, heavy } from "../../test/heavy.ts";
import { newId, TestServer, until } from "../../test/in-process.ts";
import { databaseOf } from "../../test/view-probe.ts";
import type { MessageId } from "../core/ids.ts";
import { SALT_BYTES } from "../core/op.ts";
import type { MessageRow } from "../core/read-view.ts";
import { randomFrom } from "./log-testing.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));

const FRAGMENT = 8;

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.dispose());

const random = randomFrom(20_261_122);
/** A word that stands nowhere else, as an index keeps it. */
function word(): string {
  return Array.from(
    { length: 14 },
    () => "abcdefghijklmnopqrstuvwxyz"[Math.floor(random() * 26)],
  ).join("");
}
const sentence = () => `${word()} ${word()} ${word()}`;

/** Fragments of secrets that stand in a file. */
function found(secrets: readonly string[]): string[] {
  const fragments = new Map<string, string>();
  for (const secret of secrets.flatMap((text) => text.split(" "))) {
    for (let i = 0; i + FRAGMENT <= secret.length; i++)
      fragments.set(secret.slice(i, i + FRAGMENT), secret);
  }
  const hits = new Set<string>();
  for (const name of readdirSync(server.directory)) {
    const text = readFileSync(join(server.directory, name)).toString("latin1");
    for (let i = 0; i + FRAGMENT <= text.length; i++) {
      const secret = fragments.get(text.slice(i, i + FRAGMENT));
      if (secret !== undefined) hits.add(`${secret} in ${name}`);
    }
  }
  return [...hits];
}

/** Waits for all work behind the fold, and for the view's WAL to be emptied as the server does after it. */
async function cleaned(): Promise<void> {
  const { view } = server;
  await until(() => !view.tidy() && view.pendingErasures(1).length === 0 && !view.needsCleaning);
  const emptied = databaseOf(view).query("PRAGMA wal_checkpoint(TRUNCATE)").get() as {
    busy: number;
  };
  expect(emptied.busy).toBe(0);
}

describe("[R9, R28] what was erased stands in no file", () => {
  test("texts of deleted messages, with all their edits", async () => {
    const alice = await server.join("alice");
    await server.join("bob");
    const secrets: string[] = [];
    const kept: string[] = [];
    const post = async (text: string) =>
      (await alice.call("message.post", { to: "@bob", text, id: newId() })).message.id;
    for (let i = 0; i < 40; i++) {
      const text = sentence();
      const message = await post(text);
      if (i % 4 === 0) {
        kept.push(text);
        continue;
      }
      secrets.push(text);
      for (let edits = i % 4; edits > 1; edits--) {
        const again = sentence();
        secrets.push(again);
        await alice.call("message.edit", { message, text: again, id: newId() });
      }
      if (i % 3 === 0) server.view.tidy(); // some are indexed before they go, some are not
      if (i % 5 !== 0) await alice.call("message.delete", { message, id: newId() });
      else {
        await alice.call("message.search", { text: secrets.at(-1)?.split(" ")[0] ?? "" });
        await alice.call("message.delete", { message, id: newId() });
      }
    }
    expect(found(kept).length).toBeGreaterThan(0);
    await cleaned();
    expect(found(secrets)).toEqual([]);
    for (const text of kept) {
      const { messages } = await alice.call("message.search", { text: text.split(" ")[1] ?? "" });
      expect(messages.map((message) => message.text)).toEqual([text]);
    }
    await server.restart();
    expect(found(secrets)).toEqual([]);
  });

  test("everything of an account that was deleted with its messages, thousands of them", async () => {
    const alice = await server.join("alice");
    await server.join("bob");
    const [name, displayName] = [word(), word()];
    const client = server.connect();
    const password = "a password to sign in with";
    await client.call("account.create", { name, displayName, password, id: newId() });
    const messages = heavy(3_000, 30_000);
    const secrets = [name, displayName];
    const kept: string[] = [];
    let last = "";
    for (let done = 0; done < messages; done += 200) {
      await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const text = sentence();
          secrets.push(text);
          const { message } = await client.call("message.post", { to: "@bob", text, id: newId() });
          last = message.id;
          if (i % 20 === 0) {
            const other = sentence();
            kept.push(other);
            await alice.call("message.post", { to: "@bob", text: other, id: newId() });
          }
        }),
      );
    }
    const edit = sentence();
    secrets.push(edit);
    await client.call("message.edit", { message: last, text: edit, id: newId() });
    await client.call("message.search", { text: "anything" }); // all of it is indexed
    expect(found(secrets).length).toBeGreaterThan(0);
    await client.call("account.delete", { password, erase: true, id: newId() });
    await cleaned();
    expect(found(secrets)).toEqual([]);
    const { messages: hits } = await alice.call("message.search", {
      text: kept[7]?.split(" ")[2] ?? "",
    });
    expect(hits.map((message) => message.text)).toEqual([kept[7] as string]);
    count("messages of an erased author", messages);
  });

  test("a session's label, when it ended; a name, when the account went without its messages", async () => {
    const label = word();
    const name = word();
    const text = sentence();
    const bob = await server.join("bob");
    const client = server.connect();
    const password = "a password to sign in with";
    await client.call("account.create", { name, password, id: newId() });
    const other = server.connect();
    await other.call("session.open", { name, password, label, id: newId() });
    await client.call("message.post", { to: "@bob", text, id: newId() });
    expect(found([label]).length).toBeGreaterThan(0);
    await other.call("session.close", { id: newId() });
    await cleaned();
    expect(found([label])).toEqual([]);
    const { account } = (await bob.call("account.list", { match: name })).accounts.map((one) => ({
      account: one.id,
    }))[0]!;
    await client.call("account.delete", { password, id: newId() });
    await cleaned();
    expect(found([name])).toEqual([]);
    const { messages } = await bob.call("message.history", { in: account });
    expect(messages.map((message) => message.text)).toEqual([text]); // others keep what was written
  });
});

describe("[R29] what was not erased stands in the log", () => {
  /** Names of files that hold these bytes. */
  const holding = (bytes: Uint8Array) =>
    readdirSync(server.directory).filter((name) =>
      readFileSync(join(server.directory, name)).includes(bytes),
    );

  test("an edited message's earlier text until it is deleted; then its envelope, and no salt", async () => {
    const alice = await server.join("alice");
    const texts = [sentence(), sentence()] as const;
    const [earlier, later] = texts;
    const params = { to: "@alice", text: earlier, id: newId() };
    const { message } = await alice.call("message.post", params);
    const { n } = server.view.messageById(message.id as MessageId) as MessageRow;
    await alice.call("message.edit", { message: message.id, text: later, id: newId() });
    await cleaned();
    expect(found([earlier]).length).toBeGreaterThan(0);
    const before = server.store.log.op(n);
    const salt = (before.body as Uint8Array).slice(0, SALT_BYTES);
    expect(holding(salt)).not.toEqual([]);

    await alice.call("message.delete", { message: message.id, id: newId() });
    await cleaned();
    await server.restart();
    expect(found(texts)).toEqual([]);
    expect(holding(salt)).toEqual([]);
    expect(before.bodyHash).not.toBeNull();
    expect(server.store.log.op(n)).toEqual({ ...before, body: null });
    expect(holding(before.bodyHash as Uint8Array)).toContain("log.db");
  });

  test("of an erased account: names and topics of its channels, old ones too, and what others wrote", async () => {
    const bob = await server.join("bob");
    const client = server.connect();
    const [name, topic, newName, newTopic] = [word(), word(), word(), word()];
    const [said, answered] = [sentence(), sentence()];
    const password = "a password to sign in with";
    await client.call("account.create", { name: word(), password, id: newId() });
    await client.call("channel.create", { name, topic, id: newId() });
    await client.call("channel.update", { in: `#${name}`, topic: newTopic, id: newId() });
    await client.call("channel.update", { in: `#${name}`, name: newName, id: newId() });
    await bob.call("channel.join", { in: `#${newName}`, id: newId() });
    await client.call("message.post", { to: `#${newName}`, text: said, id: newId() });
    await bob.call("message.post", { to: `#${newName}`, text: answered, id: newId() });
    await client.call("account.delete", { password, erase: true, id: newId() });
    await cleaned();
    expect(found([said])).toEqual([]);
    const { messages } = await bob.call("message.history", { in: `#${newName}` });
    expect(messages.map(({ text }) => text)).toEqual(["", answered]);
    for (const kept of [name, topic, newName, newTopic, answered]) {
      expect([kept, found([kept]).length > 0]).toEqual([kept, true]);
    }
  });
});
