import { describe, expect, test } from "bun:test";
import type { TimelineItem } from "../state/timelines.ts";
import { firstRows } from "./first-rows.ts";

const HEIGHT = 240; // ten rows at most

const message = (key: string) => ({ is: "message", key }) as TimelineItem;
const messages = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => message(`${prefix}${i}`));
const day = (key: string): TimelineItem => ({ is: "day", key, ms: 0 });
const line: TimelineItem = { is: "new", key: "new" };
const keys = (items: readonly TimelineItem[]) => items.map(({ key }) => key);

describe("what of a conversation is drawn first", () => {
  test("all of it, where it fits the screen", () => {
    const items = [day("today"), ...messages("m", 9)];
    expect(firstRows(items, HEIGHT)).toEqual(items);
  });

  test("else as many as the screen can hold, from the end, below the day that they are of", () => {
    const items = [day("yesterday"), ...messages("y", 30), day("today"), ...messages("t", 30)];
    expect(keys(firstRows(items, HEIGHT))).toEqual(["today", ...keys(messages("t", 30).slice(20))]);
  });

  test("a day that begins on the screen is there once", () => {
    const items = [day("yesterday"), ...messages("y", 30), day("today"), ...messages("t", 9)];
    expect(keys(firstRows(items, HEIGHT))).toEqual(["today", ...keys(messages("t", 9))]);
  });

  test("the line of what is new is among them, however far up, with what stands before it", () => {
    const items = [day("today"), ...messages("old", 30), line, ...messages("m", 40)];
    const drawn = keys(firstRows(items, HEIGHT));
    expect(drawn.slice(0, 2)).toEqual(["today", "old18"]);
    expect(drawn).toContain("new");
    expect(drawn.at(-1)).toBe("m39");
  });

  test("a line at the very top leaves nothing out", () => {
    const items = [day("today"), line, ...messages("m", 40)];
    expect(firstRows(items, HEIGHT)).toEqual(items);
  });

  test("nothing of nothing", () => {
    expect(firstRows([], HEIGHT)).toEqual([]);
  });
});
