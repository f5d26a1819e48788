import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  anchorsOf,
  firstBelow,
  isAtEnd,
  lacks,
  lastSeen,
  type Rows,
  shiftInto,
  shiftOf,
  shiftTo,
} from "./scroll.ts";

type Row = { readonly key: string; readonly height: number };

/** A pane of rows, as a browser lays it out. */
class Pane {
  rows: readonly Row[];
  scrollTop = 0;
  height: number;

  constructor(rows: readonly Row[], height: number) {
    this.rows = rows;
    this.height = height;
  }

  get total(): number {
    return this.rows.reduce((sum, { height }) => sum + height, 0);
  }

  scroll(by: number): void {
    const most = Math.max(0, this.total - this.height);
    this.scrollTop = Math.min(most, Math.max(0, this.scrollTop + by));
  }

  bottomOf(key: string): number | undefined {
    const at = this.rows.findIndex((row) => row.key === key);
    return at < 0 ? undefined : this.measured().bottom(at);
  }

  measured(): Rows {
    const { rows, scrollTop } = this;
    const top = (index: number) =>
      rows.slice(0, index).reduce((sum, { height }) => sum + height, 0 - scrollTop);
    return {
      length: rows.length,
      key: (index) => (rows[index] as Row).key,
      top,
      bottom: (index) => top(index) + (rows[index] as Row).height,
    };
  }

  /** What the view does around every change. */
  change(change: () => void): void {
    const anchors = anchorsOf(this.measured(), this.height);
    change();
    this.scroll(shiftOf(anchors, (key) => this.bottomOf(key)));
  }

  /** Rows on the screen with their ends. */
  seen(): string {
    return anchorsOf(this.measured(), this.height)
      .map(({ key, bottom }) => `${key}@${bottom}`)
      .join(" ");
  }
}

const rows = (from: number, count: number, height = 30): Row[] =>
  Array.from({ length: count }, (_, i) => ({ key: `m${from + i}`, height }));

function paneAt(scrollTop: number): Pane {
  const pane = new Pane(rows(100, 20), 90);
  pane.scroll(scrollTop);
  return pane;
}

describe("what is read stays where it is", () => {
  test("when older messages come above, also at the very top", () => {
    for (const at of [0, 7, 100]) {
      const pane = paneAt(at);
      const before = pane.seen();
      pane.change(() => {
        pane.rows = [...rows(50, 50, 41), ...pane.rows];
      });
      expect(pane.seen()).toBe(before);
    }
  });
  test("when newer ones are let go of below while older ones come above", () => {
    const pane = paneAt(40);
    const before = pane.seen();
    pane.change(() => {
      pane.rows = [...rows(70, 30), ...pane.rows.slice(0, 10)];
    });
    expect(pane.seen()).toBe(before);
  });
  test("when older ones are let go of above while newer ones come below", () => {
    const pane = paneAt(400);
    const before = pane.seen();
    pane.change(() => {
      pane.rows = [...pane.rows.slice(8), ...rows(120, 30)];
    });
    expect(pane.seen()).toBe(before);
  });
  test("when a message above grows", () => {
    const pane = paneAt(200);
    const before = pane.seen();
    pane.change(() => {
      pane.rows = pane.rows.map((row, i) => (i === 2 ? { ...row, height: 300 } : row));
    });
    expect(pane.seen()).toBe(before);
  });
  test("when the first row loses its head, because what came above is by the same author", () => {
    const pane = paneAt(0);
    const before = pane.seen();
    pane.change(() => {
      const [first, ...rest] = pane.rows as [Row, ...Row[]];
      pane.rows = [...rows(50, 50), { ...first, height: 12 }, ...rest];
    });
    expect(pane.seen()).toEndWith(before);
  });
  test("when the first row on the screen goes, by the next one", () => {
    const pane = paneAt(100);
    expect(pane.seen()).toStartWith("m103@20 m104@50");
    pane.change(() => {
      pane.rows = pane.rows.filter(({ key }) => key !== "m103");
    });
    expect(pane.bottomOf("m104")).toBe(50);
  });
  test("whatever changes, some row that was there and still is has not moved", () => {
    const heights = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 30, maxLength: 30 });
    const gone = fc.uniqueArray(fc.nat(29), { maxLength: 10 });
    fc.assert(
      fc.property(heights, gone, fc.nat(2_000), fc.nat(20), (all, dropped, at, added) => {
        const pane = new Pane(
          all.map((height, i) => ({ key: `m${i}`, height })),
          200,
        );
        pane.scroll(at);
        const before = anchorsOf(pane.measured(), pane.height);
        pane.change(() => {
          const left = pane.rows.filter((_, i) => !dropped.includes(i));
          // So much below that the end is never in the way.
          pane.rows = [...rows(-100, added, 50), ...left, ...rows(900, 100)];
        });
        const first = before.find(({ key }) => pane.bottomOf(key) !== undefined);
        const isFree = pane.scrollTop > 0;
        if (first !== undefined && isFree) expect(pane.bottomOf(first.key)).toBe(first.bottom);
      }),
    );
  });
  test("nothing that was there is left: it stays where it is", () => {
    expect(shiftOf([{ key: "m1", bottom: 4 }], () => undefined)).toBe(0);
  });
});

test("the first row below a place", () => {
  const measured = paneAt(0).measured();
  expect(firstBelow(measured, 0)).toBe(0);
  expect(firstBelow(measured, 29.9)).toBe(0);
  expect(firstBelow(measured, 30)).toBe(1);
  expect(firstBelow(measured, 5_000)).toBe(20);
  expect(firstBelow(new Pane([], 90).measured(), 0)).toBe(0);
});

test("what was read is the lowest row whose end is on the screen", () => {
  expect(lastSeen(paneAt(0).measured(), 90)).toBe(2);
  expect(lastSeen(paneAt(10).measured(), 90)).toBe(2);
  expect(lastSeen(paneAt(20.5).measured(), 90)).toBe(2);
  expect(lastSeen(paneAt(1_000).measured(), 90)).toBe(19);
  expect(lastSeen(new Pane([], 90).measured(), 90)).toBeUndefined();
  const tall = new Pane([...rows(0, 1), { key: "tall", height: 500 }], 90);
  expect(lastSeen(tall.measured(), 90)).toBe(0);
  tall.scroll(100);
  expect(lastSeen(tall.measured(), 90)).toBeUndefined();
  tall.scroll(400);
  expect(lastSeen(tall.measured(), 90)).toBe(1);
});

test("the end, and when to load more", () => {
  const extent = { height: 100, above: 500, below: 0 };
  expect(isAtEnd(extent)).toBe(true);
  expect(isAtEnd({ ...extent, below: 8 })).toBe(true);
  expect(isAtEnd({ ...extent, below: 9 })).toBe(false);
  expect(lacks(extent)).toEqual({ older: false, newer: true });
  expect(lacks({ height: 100, above: 199, below: 200 })).toEqual({ older: true, newer: false });
});

test("a row that is gone to", () => {
  expect(shiftTo({ top: 500, bottom: 540 }, 100, "middle")).toBe(470);
  expect(shiftTo({ top: 500, bottom: 900 }, 100, "middle")).toBe(500);
  expect(shiftTo({ top: 500, bottom: 520 }, 100, "high")).toBe(475);
  expect(shiftInto({ top: 10, bottom: 40 }, 100)).toBe(0);
  expect(shiftInto({ top: -5, bottom: 40 }, 100)).toBe(-5);
  expect(shiftInto({ top: 80, bottom: 120 }, 100)).toBe(20);
  expect(shiftInto({ top: 80, bottom: 400 }, 100)).toBe(80);
});
