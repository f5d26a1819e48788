/** Who is waited for, who is counted: servers that flap, are slow, stop, are removed, come back. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { met, receiptOf, say } from "../../test/replicas/stories.ts";
import type { World } from "../../test/replicas/world.ts";
import { operatorId } from "../core/ids.ts";
import { QUIET_MS_MAX } from "../core/limits.ts";
import { nextServerVersion, serverRemove, serverRequestId } from "../ops/server.ts";
import { sha256 } from "../storage/log-hash.ts";

setDefaultTimeout(120_000);

/** How long a write through `a` took, ms. */
async function timeOf(world: World): Promise<number> {
  const fromMs = world.time.nowMs;
  await say(world, "a", 5_000);
  return world.time.nowMs - fromMs;
}

const leftOf = (world: World, who: string) =>
  world.changes.filter((change) => change.includes(`${who} out_of_sync`)).length;

for (const [what, harm, repair] of [
  ["disk", (world: World) => slow(world, 3_000), (world: World) => slow(world, 1)],
  [
    "processor",
    (world: World) => world.server("c").freeze(),
    (world: World) => world.server("c").thaw(),
  ],
] as const) {
  test(`[R3] a ${what} that is slow again and again stalls fewer and fewer writes, and it is counted`, async () => {
    const world = await met();
    const stalls: number[] = [];
    for (let round = 0; round < 60; round++) {
      harm(world);
      stalls.push(await timeOf(world));
      await world.pass(1_500);
      repair(world);
      await world.pass(3_000);
    }
    const stalled = (from: number, to: number) =>
      stalls.slice(from, to).filter((ms) => ms > 100).length;
    expect(stalled(0, 60)).toBeGreaterThan(1);
    expect(stalled(0, 60)).toBeLessThanOrEqual(9); // 2, 4, 8, ... s of quiet, then one a minute
    expect(Math.max(...stalls)).toBeLessThan(1_300);
    expect(stalled(30, 60)).toBeLessThanOrEqual(4);
    const left = leftOf(world, "a: c");
    expect(left).toBeGreaterThanOrEqual(stalled(0, 60));
    const { peerChanges } = world.server("a").replica.figures();
    const counted = [...peerChanges].filter(([change]) => change.startsWith("out_of_sync"));
    expect(counted.reduce((sum, [, times]) => sum + times, 0)).toBe(left);
    await world.pass(2 * QUIET_MS_MAX);
    expect(world.server("a").replica.status().faultBudget).toBe(2); // it may come back
    world.end();
  });
}

function slow(world: World, ms: number): void {
  world.server("c").disk.commitMs = [ms, ms];
}

test("[R56] no write waits for a server that stops, however long it takes over it", async () => {
  const world = await met();
  slow(world, 2_000);
  void world.server("c").replica.stop();
  await world.pass(20); // its goodbye is on the way
  for (let i = 0; i < 5; i++) expect(await timeOf(world)).toBeLessThan(60);
  world.end();
});

test("[R4, R97] what a removed server minted before it knew is on all servers; then it takes nothing", async () => {
  const world = await met();
  for (const other of ["a", "b"]) {
    world.network.cut("c", other);
    world.network.cut(other, "c");
  }
  await world.pass(1_000);
  const apart = [];
  for (let i = 0; i < 10; i++) apart.push(await say(world, "c", 3_000));
  expect(receiptOf(apart[0] as never)).toEqual({ held: ["c"], of: 3 });
  const { replica } = world.server("a");
  const data = { name: "c", version: nextServerVersion(replica.view.get("server", "c")) };
  const id = serverRequestId(sha256, serverRemove, data);
  const content = { scope: null, data, body: null };
  void replica.mint({ author: operatorId(sha256), id, kind: serverRemove, content, changes: [] });
  await world.pass(500);
  apart.push(await say(world, "c")); // it does not know yet
  world.network.heal();
  await world.pass(6_000);
  for (const { author, id: request } of apart) {
    for (const { view } of world.servers) expect(view.effect(author, request)).toBeDefined();
  }
  expect(receiptOf(await say(world, "c"))).toEqual({ what: "refused", code: "shutting_down" });
  expect(receiptOf(await say(world, "b"))).toEqual({ held: ["a", "b"], of: 2 });
  world.checkAll(); // the three logs are the same
  world.end();
});

test("[R1] who was told of one copy hears of the others, also after a restart in between", async () => {
  const world = await met();
  world.server("b").kill();
  world.server("c").kill();
  await world.pass(50);
  const alone = await say(world, "a");
  expect(receiptOf(alone)).toEqual({ held: ["a"], of: 3 });
  world.server("a").kill();
  world.server("a").start();
  await world.pass(100);
  const n = world.server("a").view.effect(alone.author, alone.id) as number;
  // Nobody was heard since: more would be a guess.
  expect(world.server("a").replica.receiptOf(n)).toEqual({ held: ["a"], of: 3 });
  world.server("b").start();
  await world.until(() => world.grownOf("a", n) === 2, 5_000);
  world.server("c").start();
  await world.until(() => world.grownOf("a", n) === 3, 5_000);
  await world.heal();
  world.end();
});
