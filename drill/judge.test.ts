import { expect, test } from "bun:test";
import { judge, overstated, type Shown } from "./judge.ts";
import type { Report } from "./talker.ts";

const both = [
  { from: "ann", n: 1 },
  { from: "bob", n: 1 },
  { from: "ann", n: 2 },
];
const heard = (from: string, ...numbers: number[]) =>
  numbers.map((n) => ({ from, n, late: false }));

function report(name: string, more: Partial<Report>): Report {
  const none = { sent: 0, acknowledged: [], failed: [], heard: [], resets: 0, waiting: 0 };
  return { name, ...none, ...more };
}

const ann = report("ann", {
  sent: 2,
  acknowledged: [
    { n: 1, held: ["a", "b"] },
    { n: 2, held: ["a"] },
  ],
  heard: heard("bob", 1),
});
const bob = report("bob", {
  sent: 1,
  acknowledged: [{ n: 1, held: ["a", "b"] }],
  heard: heard("ann", 1, 2),
});
const histories = (history: readonly Shown[]) => new Map([["a", history]]);
const counts = (reports: readonly Report[], history: readonly Shown[]) => {
  const { lost, repeated, disordered, findings } = judge(reports, histories(history));
  return [lost, repeated, disordered, findings.length];
};

test("nothing is found where nothing is wrong", () => {
  expect(judge([ann, bob], histories(both))).toEqual({
    sent: 3,
    acknowledged: 3,
    lost: 0,
    repeated: 0,
    disordered: 0,
    findings: [],
  });
  expect(overstated([ann, bob], histories(both))).toEqual([]);
});

test("what is lost, there twice, or out of order in a history", () => {
  expect(counts([ann, bob], both.slice(1))).toEqual([1, 0, 0, 1]);
  expect(counts([ann, bob], [...both, { from: "ann", n: 2 }])).toEqual([0, 1, 0, 1]);
  expect(counts([ann, bob], both.toReversed())).toEqual([0, 0, 1, 1]);
});

test("what a reader was never shown, was shown twice or in another order; late ones may come late", () => {
  const bobHears = (more: Report["heard"]) => counts([ann, { ...bob, heard: more }], both);
  expect(bobHears(heard("ann", 1))).toEqual([1, 0, 0, 1]);
  expect(bobHears(heard("ann", 1, 2, 2))).toEqual([0, 1, 0, 1]);
  expect(bobHears(heard("ann", 2, 1))).toEqual([0, 0, 1, 1]);
  expect(bobHears([...heard("ann", 2), { from: "ann", n: 1, late: true }])).toEqual([0, 0, 0, 0]);
});

test("refusals, messages without an answer and readers that had to begin anew are found", () => {
  const odd = report("eve", { resets: 1, waiting: 2, failed: [{ n: 1, code: "invalid" }] });
  expect(judge([odd], histories([])).findings).toHaveLength(3);
});

test("a receipt that names a server which lacks the message", () => {
  const lies = overstated([ann, bob], new Map([["b", both.slice(1)]]));
  expect(lies).toEqual(["the receipt of ann 1 names server b, which lacks it"]);
});
