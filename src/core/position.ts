/**
 * A place in the total order (stamp, origin, seq) as text whose code-unit order is that order.
 *
 * `STAMP-ORIGIN-SEQ`: the stamp has a fixed length; no origin is a proper prefix of another except of its
 * own branches (`ORIGIN/HASH`), and `-` sorts before `/`; the seq carries its own length first.
 *
 * Of an op the origin is `PLAIN/MARK`, with a mark made of its own bytes: two branches of an incarnation may
 * have ops of one stamp and seq, and what an op's branch is called may change when another one is learnt of. Its
 * place never does.
 */
import { plainOrigin } from "./branch.ts";
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

/** `bytes` is the envelope, for the place of an op. */
export function positionOf(place: Place & { readonly bytes?: Uint8Array }): Position {
  const { stamp, origin, seq, bytes } = place;
  const from = bytes === undefined ? origin : `${plainOrigin(origin)}/${markOf(bytes)}`;
  return `${stampText(stamp)}-${from}-${orderedNumber(seq)}` as Position;
}

/** 50 bits that tell envelopes apart (two FNV-1a hashes): nothing depends on nobody being able to forge it. */
function markOf(bytes: Uint8Array): string {
  let a = 0x811c9dc5;
  let b = 0x050c5d1f;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x0100019d);
  }
  return bits25(a ^ (a >>> 13)) + bits25(b ^ (b >>> 13));
}

function bits25(value: number): string {
  return (value & 0x1ffffff).toString(32).padStart(5, "0");
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
