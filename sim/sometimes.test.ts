import { expect, test } from "bun:test";
import { FAULT_KINDS } from "./plan.ts";
import { MUST_REACH, Sometimes } from "./sometimes.ts";

test("what has to be reached and was not is named, and nothing else", () => {
  const reached = new Sometimes();
  expect(reached.never()).toEqual([...MUST_REACH]);
  for (const what of MUST_REACH.slice(1)) reached.happened(what);
  expect(reached.never()).toEqual([`fault: ${FAULT_KINDS[0]}`]);
  reached.add([[MUST_REACH[0] as string, 2]]);
  expect(reached.never()).toEqual([]);
});
