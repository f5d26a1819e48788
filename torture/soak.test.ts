/** A soak's verdict: flat is flat, and what grows is named. */
import { expect, test } from "bun:test";
import { judgeSoak, type Sample } from "./soak.ts";

const MIB = 1024 * 1024;

function samples(change: (i: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: 40 }, (_, i) => ({
    server: "a",
    seconds: i * 60,
    messages: i * 3_000,
    memoryBytes: 150 * MIB + (i % 3) * MIB,
    files: 40 + (i % 2),
    diskBytes: 10 * MIB + i * 3_000 * 500,
    p50Ms: 6 + (i % 2),
    p99Ms: 30 + (i % 5),
    ...change(i),
  }));
}

test("what stays as it is has no findings, a disk that grows with its messages neither", () => {
  expect(judgeSoak(samples(() => ({})))).toEqual([]);
});

test("a start that is slow and small counts for nothing", () => {
  const warm = samples((i) => (i < 3 ? { p99Ms: 900, memoryBytes: 60 * MIB } : {}));
  expect(judgeSoak(warm)).toEqual([]);
});

test.each([
  ["memory", (i: number) => ({ memoryBytes: (150 + 4 * i) * MIB })],
  ["open files", (i: number) => ({ files: 40 + i })],
  ["disk", (i: number) => ({ diskBytes: 10 * MIB + i * i * 3_000 * 500 })],
  ["p50", (i: number) => ({ p50Ms: 6 + i })],
  ["p99", (i: number) => ({ p99Ms: 30 + 3 * i })],
] as [string, (i: number) => Partial<Sample>][])("%s that grows is found", (what, change) => {
  const findings = judgeSoak(samples(change));
  expect(findings).toHaveLength(1);
  expect(findings[0]).toStartWith(`${what} of a went from`);
});

test("too few samples tell nothing", () => {
  expect(judgeSoak(samples(() => ({})).slice(0, 4))).toEqual(["4 samples are too few to tell"]);
});
