import { expect, test } from "bun:test";
import type { Incarnation } from "../core/ids.ts";
import { OwnCommits, StoreMarks } from "./store-marks.ts";

const ORIGIN = "b.0123456789" as Incarnation;
const chain = new Uint8Array(16);

test("[R7] of a store that was put back to an older copy no arrival number tells anything", () => {
  const marks = new StoreMarks("store");
  const commits = new OwnCommits();
  const link = (upTo: number) => {
    marks.reset(new Map([[ORIGIN, { seq: upTo, chain }]]), new Map());
    marks.claim(upTo, 0);
    marks.holdsOurs(upTo, 0);
    marks.follow(commits);
    marks.folded(() => upTo);
  };
  link(10);
  expect([marks.oursAt(12), marks.coversNotedN]).toEqual([10, 10]);
  link(15);
  expect([marks.oursAt(15), marks.coversNotedN]).toEqual([15, 15]);
  link(7); // with what only its clients know, and numbers that it gives again
  marks.claim(12, 0);
  marks.folded(() => 99);
  expect([marks.oursAt(7), marks.oursAt(12), marks.coversNotedN]).toEqual([null, null, -1]);
  expect([marks.seqOf(ORIGIN), marks.coversN]).toEqual([7, 12]); // what it holds now is known all the same
});
