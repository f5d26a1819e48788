/**
 * What of a found message is shown: the part around the first hit, cut into hits and the rest. Its signs for bold,
 * code and lists are left out, as a reader would not see them either.
 *
 * The same words count as in the server's index: letters and digits, without regard to case and accents; a
 * last `*` stands for any ending; quotes only hold words together there.
 */

import { parseMarkdown, textOf } from "../conversation/markdown.ts";

export type Piece = { readonly text: string; readonly isHit: boolean };

/** Characters of an excerpt, and how many of them stand before the first hit. */
const EXCERPT_MAX = 260;
const BEFORE = 60;
const WORD = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;

export function excerpt(written: string, wanted: string): Piece[] {
  const text = textOf(parseMarkdown(written)) || written;
  const words = wantedWords(wanted);
  const hits = [...text.matchAll(WORD)].filter(([word]) => isWanted(fold(word), words));
  const first = hits[0]?.index ?? 0;
  const from = startOf(text, first);
  const to = Math.min(text.length, from + EXCERPT_MAX);
  const pieces: Piece[] = [];
  let at = from;
  const add = (end: number, isHit: boolean) => {
    if (end > at) pieces.push({ text: text.slice(at, end), isHit });
    at = Math.max(at, end);
  };
  for (const hit of hits) {
    if (hit.index >= to) break;
    add(hit.index, false);
    add(Math.min(to, hit.index + hit[0].length), true);
  }
  add(to, false);
  if (from > 0) pieces.unshift({ text: "…", isHit: false });
  if (to < text.length) pieces.push({ text: "…", isHit: false });
  return pieces;
}

/** A little before the first hit, at the beginning of a word. */
function startOf(text: string, first: number): number {
  if (first <= BEFORE) return 0;
  const space = text.indexOf(" ", first - BEFORE);
  return space >= 0 && space < first ? space + 1 : first;
}

function wantedWords(wanted: string): { word: string; isPrefix: boolean }[] {
  return [...wanted.matchAll(/([\p{L}\p{N}\p{M}\p{Co}]+)(\*?)/gu)].map(([, word = "", star]) => ({
    word: fold(word),
    isPrefix: star === "*",
  }));
}

function isWanted(word: string, wanted: readonly { word: string; isPrefix: boolean }[]): boolean {
  return wanted.some((one) => (one.isPrefix ? word.startsWith(one.word) : word === one.word));
}

function fold(word: string): string {
  return word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
