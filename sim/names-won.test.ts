import { expect, test } from "bun:test";
import { NamesWon } from "./names-won.ts";

test("two winners of one name within one peace are told, and nothing else", () => {
  const told: string[] = [];
  const names = new NamesWon((rule, what) => told.push(`${rule} ${what}`));
  names.won("tea", "c_1", 100);
  names.won("tea", "c_1", 100); // repeated
  names.won("ops", "c_2", 100);
  names.won("tea", "c_3", 900); // c_1 went with its disk in the storm between
  expect(told).toEqual([]);
  names.won("tea", "c_4", 900);
  expect(told).toEqual(["R8 c_3 and c_4 both got tea while all were in sync"]);
});
