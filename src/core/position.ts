/**
 * A place in the total order (stamp, origin, seq) as text whose code-unit order is that order.
 *
 * `STAMP-ORIGIN-SEQ`: the stamp has a fixed length; no origin is a proper prefix of another except of its
 * own branches (`ORIGIN/HASH`), and `-` sorts before `/`; the seq carries its own length first.
 */
import { type Incarnation, isIncarnation } from "./ids.ts";
import { parseStamp, STAMP_TEXT_LENGTH, type Stamp, stampText } from "./stamp.ts";

declare const brand: unique symbol;
export type Position = string & { readonly [brand]: "Position" };

export type Place = { readonly stamp: Stamp; readonly origin: Incarnation; readonly seq: number };

export const POSITION_LENGTH_MAX = STAMP_TEXT_LENGTH + 1 + 54 + 1 + 12;

/** Before every place there is: where a marker starts. */
export const POSITION_START = "" as Position;

function orderedNumber(value: number): string {
  const digits = value.toString(32);
  return digits.length.toString(32) + digits;
}

export function positionOf(place: Place): Position {
  return `${stampText(place.stamp)}-${place.origin}-${orderedNumber(place.seq)}` as Position;
}

/** null if the text is no position. */
export function parsePosition(text: string): Place | null {
  if (text.length > POSITION_LENGTH_MAX) return null;
  const stamp = parseStamp(text.slice(0, STAMP_TEXT_LENGTH));
  const cut = text.lastIndexOf("-");
  if (stamp === null || text[STAMP_TEXT_LENGTH] !== "-" || cut <= STAMP_TEXT_LENGTH) return null;
  const origin = text.slice(STAMP_TEXT_LENGTH + 1, cut);
  const digits = text.slice(cut + 1);
  const seq = Number.parseInt(digits.slice(1), 32);
  if (!isIncarnation(origin) || !Number.isSafeInteger(seq) || seq < 1) return null;
  return orderedNumber(seq) === digits ? { stamp, origin, seq } : null;
}
