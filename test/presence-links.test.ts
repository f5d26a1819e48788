/** Who is online and who types, seen from other servers: whole gateways in a simulated network. */
import { afterEach, expect, test } from "bun:test";
import {
  PRESENCE_LINGER_MS,
  PRESENCE_PER_FRAME_MAX,
  PRESENCE_TELL_MS,
} from "../src/core/limits.ts";
import { encodePeerText } from "../src/protocol/peer-codec.ts";
import { GatewayWorld } from "./gateways.ts";
import { newId, type TestClient } from "./in-process.ts";

let here: GatewayWorld;
afterEach(() => here.end());

type Person = TestClient & { id: string; token: string };

const TOLD_MS = PRESENCE_TELL_MS + 100;
const seen = (client: TestClient, account: string) =>
  client
    .eventsNamed("presence.changed")
    .filter((event) => event.account === account)
    .map(({ online }) => online);

async function onlineIn(client: TestClient, name: string): Promise<boolean | undefined> {
  const { accounts } = await here.pass(client.call("account.list", {}));
  return accounts.find((account) => account.name === name)?.online;
}

/** Ann on `a`, Bob on `b`; they have a direct conversation, and each shows the other. */
async function start(): Promise<{ ann: Person; bob: Person }> {
  here = await GatewayWorld.met({ seed: 3 });
  const ann = await here.join("a", "ann");
  const bob = await here.join("b", "bob");
  await here.world.pass(1_000);
  await here.pass(ann.call("message.post", { to: "@bob", text: "hello", id: newId() }));
  await here.world.pass(500);
  for (const client of [ann, bob]) await here.pass(client.call("conversation.list", {}));
  return { ann, bob };
}

test("[R120] who is at another server is online, and goes a moment after the last connection", async () => {
  const { ann, bob } = await start();
  expect(await onlineIn(ann, "bob")).toBe(true);
  const { conversations } = await here.pass(bob.call("conversation.list", {}));
  expect(conversations[0]).toMatchObject({ online: true });
  ann.disconnect(here.host("a"));
  await here.world.pass(PRESENCE_LINGER_MS - 500);
  expect(seen(bob, ann.id)).toEqual([]);
  await here.world.pass(500 + TOLD_MS);
  expect(seen(bob, ann.id)).toEqual([false]);
  expect(await onlineIn(bob, "ann")).toBe(false);
  await here.resume("c", ann.token);
  await here.world.pass(TOLD_MS);
  expect(seen(bob, ann.id)).toEqual([false, true]);
});

test("who goes from one server to another does not flicker, whether told or killed", async () => {
  const { ann, bob } = await start();
  ann.disconnect(here.host("a"));
  const moved = await here.resume("c", ann.token);
  await here.world.pass(2 * PRESENCE_LINGER_MS);
  here.kill("c");
  expect(moved.closedWith).not.toBeNull();
  await here.world.pass(1_000);
  await here.resume("a", ann.token);
  await here.world.pass(2 * PRESENCE_LINGER_MS);
  expect(seen(bob, ann.id)).toEqual([]);
  expect(await onlineIn(bob, "ann")).toBe(true);
});

test("[R120] what a server says of its people ends with its link, and comes back with it", async () => {
  const { ann, bob } = await start();
  here.isolate("a");
  await here.world.pass(3_500 + PRESENCE_LINGER_MS);
  expect(seen(bob, ann.id)).toEqual([false]);
  expect(seen(ann, bob.id)).toEqual([false]);
  here.world.network.heal();
  await here.world.until(() => here.world.isWhole, 20_000);
  await here.world.pass(TOLD_MS);
  expect(seen(bob, ann.id)).toEqual([false, true]);
  expect(seen(ann, bob.id)).toEqual([false, true]);
});

test("[R120] people at two servers without a link see each other through a third, and nobody is left over", async () => {
  const { ann, bob } = await start();
  const { network } = here.world;
  network.cut("a", "b");
  network.cut("b", "a");
  await here.world.pass(3_500 + 2 * PRESENCE_LINGER_MS);
  expect([seen(bob, ann.id), seen(ann, bob.id)]).toEqual([[], []]);
  await here.pass(bob.call("message.history", { in: "@ann" }));
  await here.pass(ann.call("typing.set", { in: "@bob" }));
  await here.world.pass(500);
  expect(bob.eventsNamed("typing")).toMatchObject([{ account: { name: "ann" } }]);
  ann.disconnect(here.host("a"));
  await here.world.pass(PRESENCE_LINGER_MS + 2 * TOLD_MS);
  expect(seen(bob, ann.id)).toEqual([false]);
  await here.resume("a", ann.token);
  await here.world.pass(2 * TOLD_MS);
  expect(seen(bob, ann.id)).toEqual([false, true]);
  network.heal();
  await here.world.until(() => here.world.isWhole, 20_000);
  await here.world.pass(2_000 + PRESENCE_LINGER_MS);
  expect(seen(bob, ann.id)).toEqual([false, true]);
  here.isolate("a");
  await here.world.pass(5_000 + 2 * PRESENCE_LINGER_MS);
  expect(seen(bob, ann.id)).toEqual([false, true, false]);
});

test("what was passed on ends with the link to who passed it on", async () => {
  const { ann, bob } = await start();
  const { network } = here.world;
  network.cut("a", "b");
  network.cut("b", "a");
  await here.world.pass(3_500 + 2 * PRESENCE_LINGER_MS);
  expect([seen(bob, ann.id), seen(ann, bob.id)]).toEqual([[], []]);
  here.kill("c");
  await here.world.pass(PRESENCE_LINGER_MS + TOLD_MS);
  expect([seen(bob, ann.id), seen(ann, bob.id)]).toEqual([[false], [false]]);
});

test("only who shows a person is told of it", async () => {
  const { ann } = await start();
  const stranger = await here.join("c", "stranger");
  const keeper = await here.join("c", "keeper");
  await here.pass(keeper.call("account.list", { match: "ann" }));
  ann.disconnect(here.host("a"));
  await here.world.pass(PRESENCE_LINGER_MS + TOLD_MS);
  expect(seen(stranger, ann.id)).toEqual([]);
  expect(seen(keeper, ann.id)).toEqual([false]);
});

test("typing reaches those who have the conversation open on other servers, not more often than here", async () => {
  const { ann, bob } = await start();
  await here.pass(ann.call("channel.create", { name: "hall", id: newId() }));
  await here.world.pass(200);
  await here.pass(bob.call("channel.join", { in: "#hall", id: newId() }));
  const eve = await here.join("c", "eve");
  const off = await here.join("b", "off"); // in it, and looks at something else
  for (const person of [eve, off]) {
    await here.pass(person.call("channel.join", { in: "#hall", id: newId() }));
  }
  await here.pass(bob.call("message.history", { in: "#hall" }));
  const hall = await here.pass(eve.call("message.history", { in: "#hall" }));
  expect(hall.messages).toEqual([]);
  await here.world.pass(500);
  for (let i = 0; i < 5; i++) await here.pass(ann.call("typing.set", { in: "#hall" }));
  await here.world.pass(200);
  for (const client of [bob, eve]) {
    expect(client.eventsNamed("typing")).toMatchObject([{ account: { name: "ann" } }]);
  }
  expect(off.eventsNamed("typing")).toEqual([]);
  await here.pass(ann.call("typing.set", { in: "@bob" }));
  await here.world.pass(200);
  expect(eve.eventsNamed("typing")).toHaveLength(1);
});

test("[R40] a server that says that somebody types where they may not is not believed", async () => {
  const { ann, bob } = await start();
  await here.pass(bob.call("channel.create", { name: "secret", private: true, id: newId() }));
  const { id } = await here.pass(bob.call("conversation.resolve", { in: "#secret" }));
  await here.pass(bob.call("message.history", { in: "#secret" }));
  await here.world.pass(500);
  const lie = { type: "typing", account: ann.id, conversation: id } as const;
  here.world.server("a").replica.say("b", lie);
  await here.world.pass(200);
  expect(bob.eventsNamed("typing")).toEqual([]);
});

test("[R10, R120] thousands are told in bounded frames, each once, and what was true last", async () => {
  const { ann } = await start();
  const { presence } = here.host("a").gateway as unknown as {
    presence: { presence: { came(id: string): void; went(id: string): void } };
  };
  const many = 2 * PRESENCE_PER_FRAME_MAX + 10;
  const ids = Array.from({ length: many }, (_, i) => `a_${String(i).padStart(21, "x")}A`);
  const frames: { type: string; online: string[]; offline: string[] }[] = [];
  const { replica } = here.world.server("a");
  const say = replica.say.bind(replica);
  replica.say = (peer, message) => {
    if (peer === "b" && message.type === "presence") frames.push(message as never);
    expect(encodePeerText(message).length).toBeLessThan(64 * 1024);
    say(peer, message);
  };
  for (const id of ids) presence.presence.came(id);
  await here.world.pass(4 * PRESENCE_TELL_MS);
  expect(frames.map(({ online }) => online.length)).toEqual([
    PRESENCE_PER_FRAME_MAX,
    PRESENCE_PER_FRAME_MAX,
    10,
  ]);
  for (const id of ids) presence.presence.went(id);
  await here.world.pass(PRESENCE_LINGER_MS + 4 * PRESENCE_TELL_MS);
  expect(frames.slice(3).flatMap(({ offline }) => offline)).toHaveLength(many);
  expect(frames.flatMap(({ online }) => online)).not.toContain(ann.id);
});
