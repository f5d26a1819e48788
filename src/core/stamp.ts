/**
 * Hybrid logical clock stamps (Kulkarni et al., "Logical Physical Clocks", 2014): wall ms and a counter.
 *
 * Problem: messages need a display order that follows people's clocks and never goes back on one server,
 * although clocks are wrong. Approach: 48-bit ms and 16-bit counter, always as two numbers: as one number
 * they would pass 2^53. Rejected: vector clocks for display (no total order), server time alone (goes back).
 */
import { assert } from "./assert.ts";
import { fromBase32Hex } from "./bytes.ts";

export type Stamp = {
  /** Wall-clock ms since 1970, 0 to 2^48 - 1. */
  readonly ms: number;
  /** 0 to 65,535, orders stamps of one ms. */
  readonly counter: number;
};

export const STAMP_BYTES = 8;
export const STAMP_TEXT_LENGTH = 13;
export const MS_MAX = 2 ** 48 - 1;
export const COUNTER_MAX = 2 ** 16 - 1;
export const STAMP_ZERO: Stamp = { ms: 0, counter: 0 };

export function compareStamps(a: Stamp, b: Stamp): number {
  return a.ms - b.ms || a.counter - b.counter;
}

export function laterStamp(a: Stamp, b: Stamp): Stamp {
  return compareStamps(a, b) >= 0 ? a : b;
}

/** Of those who have one; zero for none. */
export function highestStamp(of: readonly { readonly stamp: Stamp }[]): Stamp {
  return of.reduce((high, { stamp }) => laterStamp(high, stamp), STAMP_ZERO);
}

/** The smallest stamp above both `high` and the wall reading's start. */
export function nextStamp(high: Stamp, wallMs: number): Stamp {
  const wall = Math.max(0, Math.min(Math.floor(wallMs), MS_MAX));
  if (wall > high.ms) return { ms: wall, counter: 0 };
  if (high.counter < COUNTER_MAX) return { ms: high.ms, counter: high.counter + 1 };
  assert(high.ms < MS_MAX, "stamps are used up");
  return { ms: high.ms + 1, counter: 0 };
}

export function writeStamp(stamp: Stamp, into: Uint8Array, at: number): void {
  let ms = stamp.ms;
  for (let i = 5; i >= 0; i--) {
    into[at + i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  into[at + 6] = stamp.counter >>> 8;
  into[at + 7] = stamp.counter & 0xff;
}

export function readStamp(from: Uint8Array, at: number): Stamp {
  let ms = 0;
  for (let i = 0; i < 6; i++) ms = ms * 256 + (from[at + i] as number);
  return { ms, counter: ((from[at + 6] as number) << 8) | (from[at + 7] as number) };
}

/**
 * 13 characters whose order is the order of stamps: the 8 bytes in base32hex, which are the digits of numbers of
 * base 32. 45 bits make 9 of them, the other 19 and one of filling 4.
 */
export function stampText({ ms, counter }: Stamp): string {
  const high = Math.floor(ms / 8);
  if (high !== lastHigh) {
    lastHighText = high.toString(32).padStart(9, "0");
    lastHigh = high;
  }
  return lastHighText + (((ms % 8) * 65_536 + counter) * 2).toString(32).padStart(4, "0");
}

/** Stamps come in runs of one ms. */
let lastHigh = 0;
let lastHighText = "000000000";

/** null if the text is no stamp. */
export function parseStamp(text: string): Stamp | null {
  if (text.length !== STAMP_TEXT_LENGTH) return null;
  const bytes = fromBase32Hex(text);
  return bytes === null ? null : readStamp(bytes, 0);
}
