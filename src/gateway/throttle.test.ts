import { expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { Throttle } from "./throttle.ts";

test("[R10.16] past its bound it forgets the key that it knows longest, which starts full again", () => {
  const throttle = new Throttle(new ManualClock(), 1, 60_000, 3);
  const all = ["a", "b", "c", "d"];
  const allowed = () => all.filter((key) => throttle.allows(key));
  for (const key of ["a", "b", "c"]) throttle.demand(key, "too much");
  expect(allowed()).toEqual(["d"]);
  throttle.demand("d", "too much");
  expect(allowed()).toEqual(["a"]);
  expect(() => throttle.demand("d", "too much")).toThrow("too much");
});
