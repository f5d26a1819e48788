/** Partitions of every shape, pauses and clocks that leap: every side goes on, and on healing all is united. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { heavy } from "../../test/heavy.ts";
import { forSeeds, met, receiptOf, say } from "../../test/replicas/stories.ts";
import { World } from "../../test/replicas/world.ts";
import type { Receipt } from "./receipts.ts";

setDefaultTimeout(heavy(120_000, 3_600_000));

const RUNS = heavy(1, 500);

/** Each cut in one direction, and how many copies a write through each server has after a while. */
const SHAPES: readonly [string, readonly string[], Record<string, number>][] = [
  ["one cut off", ["a c", "c a", "b c", "c b"], { a: 2, b: 2, c: 1 }],
  ["one link of three", ["a b", "b a"], { a: 3, b: 3, c: 3 }],
  ["one direction of one link", ["a b"], { a: 3, b: 3, c: 3 }],
  ["one hears nobody", ["a c", "b c"], { a: 2, b: 2, c: 1 }],
  ["one is heard by nobody", ["c a", "c b"], { a: 2, b: 2, c: 1 }],
  ["none sees another", ["a b", "b a", "a c", "c a", "b c", "c b"], { a: 1, b: 1, c: 1 }],
];

for (const [shape, cuts, copies] of SHAPES) {
  test(`[R1, R2, R3] ${shape}: every side writes, and says how many copies there are`, async () => {
    await forSeeds(`partitions: ${shape}`, RUNS, async (seed) => {
      const world = await met({ seed });
      world.work.begin(60);
      for (const cut of cuts) world.network.cut(...(cut.split(" ") as [string, string]));
      await world.pass(15_000);
      for (const [name, count] of Object.entries(copies)) {
        const receipt = receiptOf(await say(world, name, 1_500));
        expect(receipt).toMatchObject({ of: 3 });
        expect((receipt as Receipt).held).toHaveLength(count);
      }
      await world.heal();
      world.end();
    });
  });
}

test("[R4, R55] a clock that leaps, and processes that pause, move nobody's messages for good", async () => {
  await forSeeds("worlds with a leaping clock", RUNS, async (seed) => {
    const world = new World({ seed });
    await world.meet();
    world.work.begin(20);
    for (let i = 0; i < 12; i++) {
      const server = world.chance.pick(world.servers);
      const leapMs = world.chance.between(-2, 2) * 3_600_000;
      world.server("c").process?.clock.leap(leapMs);
      if (world.chance.happens(0.3)) {
        server.freeze();
        world.time.at(world.chance.between(100, 5_000), () => server.thaw());
      }
      await world.pass(world.chance.between(100, 2_000));
    }
    expect(world.alarms.has("clock")).toBe(true);
    await world.heal();
    const nowMs = world.server("a").process?.clock.wallMs() ?? 0;
    const aheadMs = world.servers.map(({ view }) => view.highStamp.ms - nowMs);
    expect(Math.max(...aheadMs)).toBeLessThanOrEqual(300_000); // never further than the bound
    world.end();
  });
});
