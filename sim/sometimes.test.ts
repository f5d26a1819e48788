import { expect, test } from "bun:test";
import { EARLY_KINDS, LATER_FROM, LATEST_FROM, LATEST_KINDS } from "./plan.ts";
import { mustReach, Sometimes } from "./sometimes.ts";

const MUST = mustReach(LATEST_FROM);

test("what has to be reached and was not is named, and nothing else", () => {
  const reached = new Sometimes();
  expect(reached.never(MUST)).toEqual([...MUST]);
  for (const what of MUST.slice(1)) reached.happened(what);
  expect(reached.never(MUST)).toEqual([MUST[0] as string]);
  reached.add([[MUST[0] as string, 2]]);
  expect(reached.never(MUST)).toEqual([]);
});

test("every kind of fault has to be reached by seeds that have it", () => {
  for (const kind of EARLY_KINDS) expect(mustReach(LATER_FROM)).toContain(`fault: ${kind}`);
  for (const kind of [...EARLY_KINDS, ...LATEST_KINDS]) expect(MUST).toContain(`fault: ${kind}`);
  expect(mustReach(1)).toEqual([]);
});

test("runs are counted, and what has to be reached comes first, also where it was not", () => {
  const reached = new Sometimes();
  for (const times of [3, 4]) reached.add([["another", times]]);
  reached.add([["one", 1]]);
  const words = reached.lines(["one", "never"]).map((line) => line.trim().split(/ +/));
  expect(words).toEqual([
    ["0", "0", "never"],
    ["1", "1", "one"],
    ["2", "7", "another"],
  ]);
});
