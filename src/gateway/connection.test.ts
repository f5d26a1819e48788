import { expect, test } from "bun:test";
import { type AccountId, accountIdOf, type ConversationId, channelIdOf } from "../core/ids.ts";
import { OPEN_CONVERSATIONS_MAX, PRESENCE_WATCH_MAX } from "../core/limits.ts";
import { Connection } from "./connection.ts";
import { Audience, openTopic, presenceTopic } from "./topics.ts";

const bytes = (i: number) => new Uint8Array(16).fill(i & 255, 0, 8).fill(i >> 8, 8);

function connected(audience = new Audience()): { connection: Connection; topics: Set<string> } {
  const topics = new Set<string>();
  const link = {
    send: () => {},
    subscribe: (topic: string) => void topics.add(topic),
    unsubscribe: (topic: string) => void topics.delete(topic),
    close: () => {},
  };
  const connection = new Connection(link, "192.0.2.1", 0, () => {}, null, audience);
  connection.signIn(accountIdOf(bytes(9_999)), "s" as never);
  return { connection, topics };
}

test("[R10.16] it watches so many accounts: whom it was shown first it watches no longer", () => {
  const { connection, topics } = connected();
  const accounts = Array.from({ length: PRESENCE_WATCH_MAX + 3 }, (_, i) => accountIdOf(bytes(i)));
  connection.shows(accounts.slice(0, 10));
  connection.shows(accounts);
  expect([...topics].sort()).toEqual(accounts.slice(3).map(presenceTopic).sort());
  connection.shows([accounts[0] as AccountId]);
  expect(topics.has(presenceTopic(accounts[0] as AccountId))).toBe(true);
  expect(topics.has(presenceTopic(accounts[3] as AccountId))).toBe(false);
  expect(topics.size).toBe(PRESENCE_WATCH_MAX);
});

test("[R10.16] it has so many conversations open: the first one opened is closed", () => {
  const { connection, topics } = connected();
  const opened = Array.from({ length: OPEN_CONVERSATIONS_MAX + 1 }, (_, i) =>
    channelIdOf(bytes(i)),
  ) as ConversationId[];
  for (const conversation of opened) connection.opens(conversation);
  expect([...topics].sort()).toEqual(opened.slice(1).map(openTopic).sort());
});

test("[R7] a topic has its audience exactly while a connection has it", () => {
  const audience = new Audience();
  const [first, second] = [connected(audience), connected(audience)];
  first.connection.subscribe("c");
  first.connection.subscribe("c");
  second.connection.subscribe("c");
  second.connection.carry([{} as never]); // hears what is published one by one
  second.connection.subscribe("d");
  expect([audience.has("c"), audience.has("d")]).toEqual([true, true]);
  first.connection.unsubscribe("c");
  first.connection.unsubscribe("c");
  expect(audience.has("c")).toBe(true);
  second.connection.close(1000, "");
  second.connection.gone();
  second.connection.gone();
  expect([audience.has("c"), audience.has("d")]).toEqual([false, false]);
  first.connection.subscribe("c");
  first.connection.end("over");
  expect(audience.has("c")).toBe(false);
});
