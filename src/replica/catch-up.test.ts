import { expect, test } from "bun:test";
import { CATCH_UP_OPS_MIN, CATCH_UP_TELL_MS } from "../core/limits.ts";
import { CatchUp, type CatchUpProgress } from "./catch-up.ts";

test("what is missing is told at its beginning, now and then, and at its end; little is not told", () => {
  const told: CatchUpProgress[] = [];
  const catchUp = new CatchUp((progress) => told.push(progress));
  catchUp.look(CATCH_UP_OPS_MIN - 1, 0);
  expect([told, catchUp.progress]).toEqual([[], null]);
  for (let ms = 0; ms <= 2 * CATCH_UP_TELL_MS; ms += 100) {
    catchUp.look(100_000 - ms * 9, 1_000 + ms);
  }
  expect(told.map(({ doneOps, perSecond }) => [doneOps, perSecond])).toEqual([
    [0, 0],
    [45_000, 9_000],
    [90_000, 9_000],
  ]);
  catchUp.look(60_000, 12_000); // others went on meanwhile
  expect(catchUp.progress).toMatchObject({ doneOps: 90_000, totalOps: 150_000 });
  catchUp.look(0, 13_000);
  expect(told.at(-1)).toMatchObject({ doneOps: 150_000, totalOps: 150_000, isOver: true });
  expect(catchUp.progress).toBeNull();
});
