import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { MUTANTS } from "./mutant-list.ts";
import { MutantTree, mutated, textOf } from "./mutant-tree.ts";
import { Control, hunt, median, seedsFor } from "./mutants.ts";
import { planOf } from "./plan.ts";

setDefaultTimeout(600_000);

describe("the list of mutants", () => {
  test("has at least 25, each with a name of its own", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
  });

  for (const mutant of MUTANTS) {
    test(`finds its place once: ${mutant.name}`, () => {
      expect(mutated(mutant, textOf(mutant.file))).not.toBe(textOf(mutant.file));
    });
  }

  test("one whose place moved, is there twice, or that changes nothing fails aloud", () => {
    const mutant = { name: "m", file: "src/a.ts", find: "one", put: "two" };
    expect(() => mutated(mutant, "two")).toThrow("0 times");
    expect(() => mutated(mutant, "one one")).toThrow("2 times");
    expect(() => mutated({ ...mutant, put: "one" }, "one")).toThrow("nothing");
    expect(mutated({ ...mutant, put: "$& $1" }, "a one b")).toBe("a $& $1 b");
  });
});

describe("a hunt", () => {
  const tree = new MutantTree();
  const control = new Control();
  afterAll(() => {
    control.end();
    tree.remove();
  });
  const named = (part: string) => {
    const found = MUTANTS.find(({ name }) => name.includes(part));
    if (found === undefined) throw new Error(`no mutant has "${part}" in its name`);
    return found;
  };

  for (const [part, seed, rule] of [
    ["published before it is on disk", 1, "[R54]"],
    ["names every server", 3, "[R1]"],
  ] as const) {
    test(`catches at once: ${part}`, async () => {
      const { caught } = await hunt(tree, named(part), [seed], control);
      expect(caught?.by).toStartWith(rule);
    });
  }

  test("takes no misspelt mutant for caught, and no harmless one; the copy is as before", async () => {
    const mutant = named("names every server");
    const misspelt = { ...mutant, put: "if (peeer === undefined) return false;" };
    const { caught, broken } = await hunt(tree, misspelt, [3], control);
    expect(caught).toBeNull();
    expect(broken.join()).toContain("peeer");
    const harmless = { ...mutant, put: `${mutant.find} ` };
    expect((await hunt(tree, harmless, [3], control)).caught).toBeNull();
  });
});

test("a mutant that only one kind of fault shows is tried where there is one", () => {
  const [mutant] = MUTANTS.filter(({ needs }) => needs === "wipe");
  const seeds = seedsFor(mutant as NonNullable<typeof mutant>, 1, 3);
  expect(seeds.length).toBe(3);
  for (const seed of seeds) {
    expect(planOf(seed).faults.map(({ kind }) => kind)).toContain("wipe");
  }
});

test("a seed that fails with the code as it is catches nothing", async () => {
  const tree = new MutantTree();
  const [mutant] = MUTANTS.filter(({ name }) => name.includes("published before"));
  const nothing = { holds: async () => false };
  const { caught } = await hunt(tree, mutant as NonNullable<typeof mutant>, [1], nothing);
  tree.remove();
  expect(caught).toBeNull();
});

test("the median of an even number lies between", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1])).toBe(2.5);
});
