import { expect, test } from "bun:test";
import { initialOf } from "./initial.ts";

test("a name is stood for by the first of its letters, digits and pictures, whole", () => {
  const initials: [name: string, initial: string][] = [
    ["ann", "A"],
    ["Bob B.", "B"],
    ["7th", "7"],
    ["x", "X"],
    ["  --eve", "E"],
    ["élan", "É"],
    ["e\u0301lan", "E\u0301"],
    ["1\ufe0f\u20e3 one", "1\ufe0f\u20e3"],
    ["👩‍🚀 ada", "👩‍🚀"],
    ["ß", "SS"],
    ["名前", "名"],
    ["", "?"],
    ["...", "?"],
  ];
  for (const [name, initial] of initials) expect([name, initialOf(name)]).toEqual([name, initial]);
});
