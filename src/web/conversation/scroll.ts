/**
 * The arithmetic of scrolling a conversation. Pure: places are px below the upper edge of what is on the screen, so
 * what is above it is negative.
 *
 * Problem: pages come and go at both ends, messages grow and shrink, the window and the composer change, and what
 * somebody reads must stay where it is. Approach: before a change, note where the rows on the screen end; after it,
 * move by as much as the end of the first one that is still there moved. Ends, because the first one may lose its head
 * when what comes above it is by the same author. Rejected: the browser's own scroll anchoring (not in every browser,
 * and none at the very top, where pages are added).
 */

/** Rows in their order, measured when asked. */
export interface Rows {
  readonly length: number;
  key(index: number): string;
  top(index: number): number;
  bottom(index: number): number;
}

export type Anchor = { readonly key: string; readonly bottom: number };

export type Extent = {
  /** Height of what is on the screen. */
  readonly height: number;
  /** Content above and below it. */
  readonly above: number;
  readonly below: number;
};

/** So far from its end it still counts as being there: zoomed pages round. */
const END_SLACK = 8;
const SCREENS_AHEAD = 2;
/** A line that is gone to stands a quarter below the upper edge: what came before it is seen too. */
const LEAD = 0.25;

/** The first row that reaches below a place; `rows.length` for none. */
export function firstBelow(rows: Rows, place: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows.bottom(middle) > place) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The rows on the screen, from above. */
export function anchorsOf(rows: Rows, height: number): readonly Anchor[] {
  const anchors: Anchor[] = [];
  for (let i = firstBelow(rows, 0); i < rows.length && rows.top(i) < height; i++) {
    anchors.push({ key: rows.key(i), bottom: rows.bottom(i) });
  }
  return anchors;
}

/** How much further to scroll so that the first row that is still there ends where it did; 0 if none is. */
export function shiftOf(
  anchors: readonly Anchor[],
  bottomOf: (key: string) => number | undefined,
): number {
  for (const { key, bottom } of anchors) {
    const now = bottomOf(key);
    if (now !== undefined) return now - bottom;
  }
  return 0;
}

/** The lowest row whose end is on the screen: what was read up to. */
export function lastSeen(rows: Rows, height: number): number | undefined {
  const next = firstBelow(rows, height + 1);
  const last = next - 1;
  return last >= 0 && rows.bottom(last) > 0 ? last : undefined;
}

export const isAtEnd = ({ below }: Extent) => below <= END_SLACK;

/** Which ends are so near that more has to be loaded. */
export function lacks({ height, above, below }: Extent): { older: boolean; newer: boolean } {
  const ahead = height * SCREENS_AHEAD;
  return { older: above < ahead, newer: below < ahead };
}

/** How much further to scroll to show a row: one that is gone to in the middle, the line of what is new high up. */
export function shiftTo(
  row: { readonly top: number; readonly bottom: number },
  height: number,
  how: "middle" | "high",
): number {
  if (how === "high") return row.top - height * LEAD;
  const free = height - (row.bottom - row.top);
  return row.top - Math.max(0, free / 2);
}

/** How much further to scroll so that a row is on the screen whole, or at least its beginning. */
export function shiftInto(
  { top, bottom }: { readonly top: number; readonly bottom: number },
  height: number,
): number {
  if (top < 0) return top;
  return bottom > height ? Math.min(top, bottom - height) : 0;
}
