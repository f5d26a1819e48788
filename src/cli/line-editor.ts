/**
 * The line being typed, as a pure state machine: keys in, text and place of the cursor out.
 *
 * Problem: the typed line shares the screen with what arrives, and must be redrawn at any moment, at any
 * width, whatever characters it holds. Approach: the line is a list of graphemes that takes exactly one row:
 * `view` cuts a window around the cursor. Rejected: a line that breaks over several rows (to erase it one
 * must know how the terminal broke it, and after a resize nobody does).
 */
import type { Key, KeyName } from "./keys.ts";
import { cells, graphemes, printable } from "./printable.ts";

export type Line = {
  readonly characters: readonly string[];
  /** Before which character the cursor stands. */
  readonly at: number;
  /** Lines to go back to, oldest first. */
  readonly past: readonly string[];
  /** Place in `past`; its length for the line being written. */
  readonly look: number;
  /** What was being written before looking back. */
  readonly draft: string;
};

export type Outcome =
  | { readonly kind: "editing" }
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "interrupt" | "end" | "redraw" };

export const PAST_MAX = 200;

export const EMPTY: Line = { characters: [], at: 0, past: [], look: 0, draft: "" };

export const textOf = (line: Line): string => line.characters.join("");

function withText(line: Line, text: string): Line {
  const characters = graphemes(text);
  return { ...line, characters, at: characters.length };
}

function insert(line: Line, text: string): Line {
  const before = line.characters.slice(0, line.at).join("");
  const after = line.characters.slice(line.at).join("");
  // Segmented anew: a mark that is typed later belongs to the letter before it.
  const characters = graphemes(before + text + after);
  return { ...line, characters, at: graphemes(before + text).length };
}

function cut(line: Line, from: number, to: number): Line {
  const characters = [...line.characters.slice(0, from), ...line.characters.slice(to)];
  return { ...line, characters, at: from };
}

function wordBefore({ characters, at }: Line): number {
  let i = at;
  while (i > 0 && /^\s/u.test(characters[i - 1] as string)) i--;
  while (i > 0 && !/^\s/u.test(characters[i - 1] as string)) i--;
  return i;
}

function wordAfter({ characters, at }: Line): number {
  let i = at;
  while (i < characters.length && /^\s/u.test(characters[i] as string)) i++;
  while (i < characters.length && !/^\s/u.test(characters[i] as string)) i++;
  return i;
}

function lookAt(line: Line, look: number): Line {
  if (look < 0 || look > line.past.length || look === line.look) return line;
  const draft = line.look === line.past.length ? textOf(line) : line.draft;
  return withText({ ...line, look, draft }, line.past[look] ?? draft);
}

const moves: Partial<Record<KeyName, (line: Line) => Line>> = {
  newline: (line) => insert(line, "\n"),
  left: (line) => ({ ...line, at: Math.max(0, line.at - 1) }),
  right: (line) => ({ ...line, at: Math.min(line.characters.length, line.at + 1) }),
  "word-left": (line) => ({ ...line, at: wordBefore(line) }),
  "word-right": (line) => ({ ...line, at: wordAfter(line) }),
  home: (line) => ({ ...line, at: 0 }),
  end: (line) => ({ ...line, at: line.characters.length }),
  up: (line) => lookAt(line, line.look - 1),
  down: (line) => lookAt(line, line.look + 1),
  backspace: (line) => (line.at === 0 ? line : cut(line, line.at - 1, line.at)),
  delete: (line) => cut(line, line.at, line.at + 1),
  "erase-word": (line) => cut(line, wordBefore(line), line.at),
  "erase-before": (line) => cut(line, 0, line.at),
  "erase-after": (line) => cut(line, line.at, line.characters.length),
};

/** `remember`: whether a finished line may be gone back to; false for secrets. */
export function press(line: Line, key: Key, remember = true): { line: Line; outcome: Outcome } {
  const editing = (next: Line) => ({ line: next, outcome: { kind: "editing" } as const });
  if (key.kind !== "key") return editing(insert(line, key.text));
  switch (key.name) {
    case "enter": {
      const text = textOf(line);
      const kept = remember && text.trim() !== "" && line.past.at(-1) !== text;
      const past = kept ? [...line.past, text].slice(-PAST_MAX) : line.past;
      const next = { ...EMPTY, past, look: past.length };
      return { line: next, outcome: { kind: "line", text } };
    }
    case "interrupt":
      return { line, outcome: { kind: "interrupt" } };
    case "end-of-input":
      if (line.characters.length === 0) return { line, outcome: { kind: "end" } };
      return editing(cut(line, line.at, line.at + 1));
    case "redraw":
      return { line, outcome: { kind: "redraw" } };
    default:
      return editing(moves[key.name]?.(line) ?? line);
  }
}

export type LineView = { readonly before: string; readonly after: string };

/**
 * What of the line to show in `width` columns, left and right of the cursor. With a `mask` every character
 * shows as that.
 */
export function view(line: Line, width: number, mask?: string): LineView {
  const shown = line.characters.map((character) => mask ?? printable(character));
  const sizes = shown.map(cells);
  const room = Math.max(0, width);
  const rightAll = sum(sizes.slice(line.at));
  const rightMin = Math.min(rightAll, Math.floor(room / 4));
  let from = line.at;
  let left = 0;
  while (from > 0 && left + (sizes[from - 1] as number) <= room - rightMin) {
    left += sizes[--from] as number;
  }
  let to = line.at;
  let right = 0;
  while (to < shown.length && left + right + (sizes[to] as number) <= room) {
    right += sizes[to++] as number;
  }
  return { before: shown.slice(from, line.at).join(""), after: shown.slice(line.at, to).join("") };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
