/** Authors are told when a message has reached more servers than its receipt said: whole gateways, simulated network. */
import { afterEach, expect, test } from "bun:test";
import type { AccountId, RequestId } from "../src/core/ids.ts";
import { HELD_EVENTS_PER_TURN, HELD_INTERVAL_MS } from "../src/core/limits.ts";
import { GatewayWorld } from "./gateways.ts";
import { newId, type TestClient } from "./in-process.ts";

let here: GatewayWorld;
afterEach(() => here.end());

type Held = { id: string; receipt: { held: string[]; of: number } };
const heldOf = (client: TestClient) => client.eventsNamed("message.held") as Held[];
const ALL = { held: ["a", "b", "c"], of: 3 };

async function start() {
  here = await GatewayWorld.met({ seed: 5 });
  const ann = await here.join("a", "ann");
  const bob = await here.join("a", "bob");
  await here.world.pass(1_000);
  return { ann, bob };
}

const post = async (by: TestClient, text: string) => {
  const posted = await here.pass(by.call("message.post", { to: "@bob", text, id: newId() }));
  return { id: posted.message.id, receipt: posted.receipt };
};

async function heal(): Promise<void> {
  here.world.network.heal();
  await here.world.until(() => here.world.isWhole && here.world.isEven, 60_000);
  await here.world.pass(2 * HELD_INTERVAL_MS);
}

test("[R1] while all is well nobody is told anything", async () => {
  const { ann, bob } = await start();
  const elsewhere = await here.resume("b", ann.token);
  for (let i = 0; i < 5; i++) expect((await post(ann, `${i}`)).receipt).toEqual(ALL);
  await here.world.pass(2_000);
  for (const client of [ann, bob, elsewhere]) expect(heldOf(client)).toEqual([]);
});

test("[R1] the author hears it on every connection here, once for each growth; nobody else does", async () => {
  const { ann, bob } = await start();
  const second = await here.resume("a", ann.token);
  here.world.server("b").kill();
  here.world.server("c").kill();
  await here.world.pass(100);
  const { id, receipt } = await post(ann, "alone");
  expect(receipt).toEqual({ held: ["a"], of: 3 });
  here.world.server("b").start();
  await here.world.pass(8_000);
  for (const client of [ann, second]) {
    expect(heldOf(client)).toMatchObject([{ id, receipt: { held: ["a", "b"], of: 3 } }]);
  }
  here.world.server("c").start();
  await heal();
  for (const client of [ann, second]) {
    expect(heldOf(client).map((event) => event.receipt)).toEqual([
      { held: ["a", "b"], of: 3 },
      ALL,
    ]);
    expect(client.undeclared).toEqual([]);
  }
  expect(heldOf(bob)).toEqual([]);
});

test("[R1] it is told in batches, each message with its newest receipt", async () => {
  const { ann } = await start();
  here.world.server("b").kill();
  here.world.server("c").kill();
  await here.world.pass(100);
  const asked = [];
  const many = HELD_EVENTS_PER_TURN + 200;
  for (let i = 0; i < many; i++) {
    asked.push(ann.call("message.post", { to: "@bob", text: `${i}`, id: newId() }));
  }
  await here.pass(Promise.all(asked));
  const turns = new Map<number, number>();
  ann.onFrame = ({ method }) => {
    if (method !== "message.held") return;
    turns.set(here.world.time.nowMs, (turns.get(here.world.time.nowMs) ?? 0) + 1);
  };
  for (const name of ["b", "c"]) here.world.server(name).start();
  await here.world.pass(8_000);
  const last = new Map(heldOf(ann).map(({ id, receipt }) => [id, receipt]));
  expect(last.size).toBe(many);
  for (const receipt of last.values()) expect(receipt).toEqual(ALL);
  expect(Math.max(...turns.values())).toBeLessThanOrEqual(HELD_EVENTS_PER_TURN);
});

test("[R1] an author who went to another server hears there of what that one got late", async () => {
  const { ann } = await start();
  here.isolate("a");
  await here.world.pass(5_000);
  const { id, receipt } = await post(ann, "cut off");
  expect(receipt).toEqual({ held: ["a"], of: 3 });
  const moved = await here.resume("b", ann.token);
  await heal();
  expect(heldOf(moved)).toMatchObject([{ id, receipt: ALL }]);
  expect(heldOf(ann).at(-1)).toMatchObject({ id, receipt: ALL });
});

test("[R1] and of what was not yet everywhere when its server died", async () => {
  const { ann } = await start();
  here.world.server("c").kill();
  await here.world.pass(100);
  const { id, receipt } = await post(ann, "two of three");
  expect(receipt).toEqual({ held: ["a", "b"], of: 3 });
  await here.world.pass(1_000);
  here.world.server("a").kill();
  const moved = await here.resume("b", ann.token);
  here.world.server("c").start();
  await here.world.pass(10_000);
  expect(heldOf(moved)).toEqual([]); // who of the three has it nobody can say while `a` is down
  here.world.server("a").start();
  await heal();
  expect(heldOf(moved)).toMatchObject([{ id, receipt: ALL }]);
});

test("[R1] who repeats a request at another server hears there how that receipt grows", async () => {
  const { ann } = await start();
  here.world.server("c").kill();
  await here.world.pass(100);
  const request = { to: "@bob", text: "again", id: newId() };
  const first = await here.pass(ann.call("message.post", request));
  expect(first.receipt).toEqual({ held: ["a", "b"], of: 3 });
  await here.world.pass(1_000);
  here.world.server("a").kill();
  await here.world.pass(5_000);
  const moved = await here.resume("b", ann.token);
  const again = await here.pass(moved.call("message.post", request));
  expect([again.message.id, again.receipt]).toEqual([first.message.id, { held: ["b"], of: 3 }]);
  const other = await here.resume("b", ann.token);
  here.world.server("c").start();
  await here.world.pass(10_000);
  const id = first.message.id as string;
  const two = { id, receipt: { held: ["b", "c"], of: 3 } };
  expect(heldOf(moved)).toMatchObject([two]);
  here.world.server("a").start();
  await heal();
  for (const client of [moved, other])
    expect(heldOf(client)).toMatchObject([two, { id, receipt: ALL }]);
});

test("[R1] a repeat where it was minted, after a restart: the same", async () => {
  const { ann } = await start();
  for (const name of ["b", "c"]) here.world.server(name).kill();
  await here.world.pass(100);
  const request = { to: "@bob", text: "again", id: newId() };
  await here.pass(ann.call("message.post", request));
  here.world.server("a").kill();
  here.world.server("a").start();
  const back = await here.resume("a", ann.token);
  const again = await here.pass(back.call("message.post", request));
  expect(again.receipt).toEqual({ held: ["a"], of: 3 });
  for (const name of ["b", "c"]) here.world.server(name).start();
  await heal();
  const told = heldOf(back).map(({ receipt }) => receipt.held.length);
  expect(told).toEqual([...new Set(told)].sort()); // each step once
  expect(heldOf(back).at(-1)).toMatchObject({ id: again.message.id, receipt: ALL });
});

test("[R1] a repeat through another server is answered when all in sync have it, as the first request is", async () => {
  const { ann } = await start();
  const request = { to: "@bob", text: "asked twice", id: newId() };
  here.world.server("c").disk.commitMs = [300, 300];
  const first = ann.request("message.post", request);
  const other = await here.resume("b", ann.token);
  await here.world.pass(50);
  expect(
    here.world.server("b").replica.view.effect(ann.id as AccountId, request.id as RequestId),
  ).toBeDefined();
  const again = await here.pass(other.call("message.post", request));
  expect(again.receipt).toEqual({ held: ["a", "b", "c"], of: 3 });
  expect((await here.pass(first)).result).toMatchObject({
    message: { id: (again.message as { id: string }).id },
  });
});
