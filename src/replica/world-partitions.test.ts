/** Partitions of every shape: every side goes on, and on healing all is united. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { heavy } from "../../test/heavy.ts";
import { forSeeds, met, receiptOf, say } from "../../test/replicas/stories.ts";
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
