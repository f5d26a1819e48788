/**
 * Cursors: what a client has seen, as opaque text.
 *
 * Problem: a client must resume on any server without a gap or a repeat, and 10,000 restarts must not show in
 * every event. Approach: for the store that made it, the arrival number says it all (with a mark of the op
 * there, so that a rolled-back disk is noticed); for others there is a version vector of the origins that
 * moved last, and one digest for all the rest, which either agrees or makes the client start anew (`reset`).
 * What was seen on several servers, of which none holds it all, is a union of such parts.
 *
 * Text: `1~STORE~N~MARK~STAMP~DIGEST~ORIGIN:SEQ,ORIGIN:SEQ...`, and more of these behind `!`. `N+` where more was
 * seen than the vector says: between the changes of one batch, and of a replay.
 */
import { type Incarnation, isIncarnation } from "./ids.ts";
import { CURSOR_CHARACTERS_MAX, CURSOR_ORIGINS_MAX, CURSOR_PARTS_MAX } from "./limits.ts";
import { laterStamp, parseStamp, type Stamp, stampText } from "./stamp.ts";

const FORMAT = "1";
/** Behind an arrival number. */
export const AHEAD = "+";
const STORE = /^[A-Za-z0-9_-]{1,64}$/;
const MARK = /^[A-Za-z0-9_-]{0,16}$/;
const DIGEST = /^(0|[1-9a-f][0-9a-f]{0,15})$/;
const NUMBER = /^(0|[1-9][0-9]{0,15})$/;

/** What was seen on one server. */
export type Seen = {
  readonly store: string;
  /** Arrival number in that store: everything up to it was seen. */
  readonly n: number;
  /** More was seen than the vector says: only the arrival number tells all of it. */
  readonly isAhead?: true;
  /** A few characters of the hash of that op; empty for n = 0. */
  readonly mark: string;
  /** The highest stamp seen. */
  readonly stamp: Stamp;
  /** Sum of the shares of all origins not listed. */
  readonly digest: bigint;
  readonly listed: ReadonlyMap<Incarnation, { seq: number }>;
};

/** What was seen on the server that made it, and what else was seen before and is missing there. */
export type Cursor = Seen & { readonly also?: readonly Seen[] };

/** All that was seen, each part true by itself. */
export function partsOf(cursor: Cursor): readonly Seen[] {
  return [cursor, ...(cursor.also ?? [])];
}

export function highestSeen(cursor: Cursor): Stamp {
  return partsOf(cursor).reduce((high, { stamp }) => laterStamp(high, stamp), cursor.stamp);
}

export function cursorText(cursor: Cursor): string {
  return cursor.also === undefined ? partText(cursor) : united(partText(cursor), cursor.also);
}

/** The text of a cursor, and of what else was seen: as many parts as its bound takes. */
export function united(text: string, also: readonly Seen[]): string {
  let all = text;
  for (const part of also.slice(0, CURSOR_PARTS_MAX - 1)) {
    const longer = `${all}!${partText(part)}`;
    if (longer.length <= CURSOR_CHARACTERS_MAX) all = longer;
  }
  return all;
}

function partText(cursor: Seen): string {
  const listed = [...cursor.listed].map(([origin, head]) => `${origin}:${head.seq}`).join(",");
  return [
    FORMAT,
    cursor.store,
    cursor.isAhead ? `${cursor.n}${AHEAD}` : cursor.n,
    cursor.mark,
    stampText(cursor.stamp),
    cursor.digest.toString(16),
    listed,
  ].join("~");
}

/** null for text that is no count, in its one form. */
function parseCount(text: string): number | null {
  const value = Number(text);
  return NUMBER.test(text) && Number.isSafeInteger(value) ? value : null;
}

/** null for text that is no cursor. */
export function parseCursor(text: string): Cursor | null {
  if (text.length > CURSOR_CHARACTERS_MAX) return null;
  const texts = text.split("!");
  if (texts.length > CURSOR_PARTS_MAX) return null;
  const parts: Seen[] = [];
  for (const one of texts) {
    const part = parsePart(one);
    if (part === null || parts.some(({ store }) => store === part.store)) return null;
    parts.push(part);
  }
  const [first, ...also] = parts as [Seen, ...Seen[]];
  return also.length === 0 ? first : { ...first, also };
}

function parsePart(text: string): Seen | null {
  const parts = text.split("~");
  if (parts.length !== 7) return null;
  const [format, store, nPart, mark, stampPart, digest, list] = parts as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const stamp = parseStamp(stampPart);
  const isAhead = nPart.endsWith(AHEAD);
  const n = parseCount(isAhead ? nPart.slice(0, -AHEAD.length) : nPart);
  if (format !== FORMAT || stamp === null || n === null) return null;
  if (!STORE.test(store) || !MARK.test(mark) || !DIGEST.test(digest)) return null;
  const listed = new Map<Incarnation, { seq: number }>();
  for (const entry of list === "" ? [] : list.split(",")) {
    const cut = entry.lastIndexOf(":");
    const origin = entry.slice(0, cut);
    const seq = parseCount(entry.slice(cut + 1));
    if (!isIncarnation(origin) || seq === null || listed.has(origin)) return null;
    if (listed.size >= CURSOR_ORIGINS_MAX) return null;
    listed.set(origin, { seq });
  }
  const part = { store, n, mark, stamp, digest: BigInt(`0x${digest}`), listed };
  return isAhead ? { ...part, isAhead } : part;
}
