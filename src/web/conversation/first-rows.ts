/**
 * What of a conversation is drawn first.
 *
 * Problem: opening one draws all that was read of it, three screens and more, before anything can be painted.
 * Approach: first what is on the screen, and the rest in the next frame, while what is there stays in its place
 * (scroller.tsx does that for every page that comes). Rejected: reading less at first (it is not the reading that
 * takes long, and the next page would be asked for at once); `content-visibility` on rows (places above are then
 * estimates, and what one reads would move).
 */
import { useEffect, useState } from "preact/hooks";
import type { TimelineItem } from "../state/timelines.ts";

/** The lowest row that there is, px: so many fill the screen at most. */
const ROW_PX = 24;
/** Rows above the line of what is new that are seen with it. */
const LEAD_ROWS = 12;

/** The items to draw, where the list begins at the line of what is new, or at its end; with the day they are of. */
export function firstRows(
  items: readonly TimelineItem[],
  heightPx: number,
): readonly TimelineItem[] {
  const line = items.findIndex(({ is }) => is === "new");
  const fromEnd = items.length - Math.ceil(heightPx / ROW_PX);
  const from = line < 0 ? fromEnd : Math.min(fromEnd, line - LEAD_ROWS);
  const day = items.findLastIndex(({ is }, at) => is === "day" && at <= from);
  if (from <= 0 || day === from) return items.slice(Math.max(0, from));
  return [...items.slice(day, day + 1), ...items.slice(from)];
}

/** `begins`: at the line or the end; otherwise somebody says where to go, and all is drawn at once. */
export function useFirstRows(
  items: readonly TimelineItem[],
  begins: boolean,
): { readonly drawn: readonly TimelineItem[]; readonly isWhole: boolean } {
  const [isDone, setDone] = useState(!begins);
  const isEmpty = items.length === 0;
  useEffect(() => {
    if (isDone || isEmpty) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => setDone(true));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [isDone, isEmpty]);
  const drawn = isDone ? items : firstRows(items, innerHeight);
  return { drawn, isWhole: drawn.length === items.length };
}
