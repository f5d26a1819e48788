/**
 * Cursors: what a client has seen, as opaque text.
 *
 * Problem: a client must resume on any server without a gap or a repeat, and 10,000 restarts must not show in
 * every event. Approach: for the store that made it, the arrival number says it all (with a mark of the op
 * there, so that a rolled-back disk is noticed); for others there is a version vector of the origins that
 * moved last, and one digest for all the rest, which either agrees or makes the client start anew (`reset`).
 *
 * Text: `1~STORE~N~MARK~STAMP~DIGEST~ORIGIN:SEQ,ORIGIN:SEQ...`
 */
import { type Incarnation, isIncarnation } from "./ids.ts";
import { CURSOR_CHARACTERS_MAX, CURSOR_ORIGINS_MAX } from "./limits.ts";
import { parseStamp, type Stamp, stampText } from "./stamp.ts";

const FORMAT = "1";
const STORE = /^[A-Za-z0-9_-]{1,64}$/;
const MARK = /^[A-Za-z0-9_-]{0,16}$/;
const DIGEST = /^(0|[1-9a-f][0-9a-f]{0,15})$/;
const NUMBER = /^(0|[1-9][0-9]{0,15})$/;

export type Cursor = {
  readonly store: string;
  /** Arrival number in that store: everything up to it was seen. */
  readonly n: number;
  /** A few characters of the hash of that op; empty for n = 0. */
  readonly mark: string;
  /** The highest stamp seen. */
  readonly stamp: Stamp;
  /** Sum of the shares of all origins not listed. */
  readonly digest: bigint;
  readonly listed: ReadonlyMap<Incarnation, { seq: number }>;
};

export function cursorText(cursor: Cursor): string {
  const listed = [...cursor.listed].map(([origin, head]) => `${origin}:${head.seq}`).join(",");
  return [
    FORMAT,
    cursor.store,
    cursor.n,
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
  const n = parseCount(nPart);
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
  return { store, n, mark, stamp, digest: BigInt(`0x${digest}`), listed };
}
