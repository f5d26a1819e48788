/**
 * Colours, as spans: text that knows what it is, painted last.
 *
 * Problem: text with escape sequences in it can be neither measured nor broken. Approach: everything is laid
 * out as spans of plain text with a style, broken into lines as such, and turned into escape sequences in the
 * one function below, for terminals that want them (https://no-color.org). A name's colour comes from the
 * account's id, so it stays when the name changes and is the same on every machine.
 */
import { cells, graphemes } from "./printable.ts";

export type Style =
  | { readonly kind: "dim" }
  | { readonly kind: "bold" }
  | { readonly kind: "warn" }
  | { readonly kind: "name"; readonly key: string };
export type Span = { readonly text: string; readonly style?: Style };

export const dim = (text: string): Span => ({ text, style: { kind: "dim" } });
export const bold = (text: string): Span => ({ text, style: { kind: "bold" } });
export const warn = (text: string): Span => ({ text, style: { kind: "warn" } });
export const plain = (text: string): Span => ({ text });
export const named = (text: string, key: string): Span => ({ text, style: { kind: "name", key } });

export type Colours = "none" | "16" | "256";

/** What the terminal wants, by its environment. */
export function coloursOf(env: Record<string, string | undefined>, isTerminal: boolean): Colours {
  const term = env.TERM ?? "";
  if (!isTerminal || (env.NO_COLOR ?? "") !== "" || term === "dumb") return "none";
  return /256|direct/.test(term) || (env.COLORTERM ?? "") !== "" ? "256" : "16";
}

// Of middle lightness: to be read on black and on white.
const NAMES_256 = [25, 29, 31, 64, 67, 91, 97, 125, 130, 133, 136, 160, 166, 168, 172, 61];
const NAMES_16 = [31, 32, 33, 34, 35, 36];

function sgr(style: Style, colours: Colours): string {
  if (style.kind === "dim") return "2";
  if (style.kind === "bold") return "1";
  if (style.kind === "warn") return colours === "256" ? "38;5;166" : "33";
  // FNV-1a: short, and spreads ids that differ in one character.
  let hash = 0x811c9dc5;
  for (let i = 0; i < style.key.length; i++) {
    hash = Math.imul(hash ^ style.key.charCodeAt(i), 0x01000193) >>> 0;
  }
  return colours === "256"
    ? `38;5;${NAMES_256[hash % NAMES_256.length]}`
    : String(NAMES_16[hash % NAMES_16.length]);
}

/** One line for the terminal. The text of the spans must be printable. */
export function paint(spans: readonly Span[], colours: Colours): string {
  return spans
    .map(({ text, style }) =>
      style === undefined || colours === "none" || text === ""
        ? text
        : `\x1b[${sgr(style, colours)}m${text}\x1b[0m`,
    )
    .join("");
}

/** Columns that a line of spans takes. */
export function spanCells(spans: readonly Span[]): number {
  return spans.reduce((sum, { text }) => sum + cells(text), 0);
}

/**
 * Breaks spans into lines of at most `width` columns, between words where there are some; every line but the
 * first begins with `indent` spaces. A character that is wider than a whole line becomes `?`.
 */
export function wrap(spans: readonly Span[], width: number, indent: number): Span[][] {
  const room = Math.max(1, width);
  const margin = indent < room / 2 ? indent : 0;
  const lines: Span[][] = [];
  let line: Span[] = [];
  let used = 0;
  let start = 0;
  const put = (text: string, style: Style | undefined, more: number) => {
    const last = line.at(-1);
    if (last !== undefined && last.style === style)
      line[line.length - 1] = span(last.text + text, style);
    else line.push(span(text, style));
    used += more;
  };
  const turn = () => {
    lines.push(trimEnd(line));
    line = margin > 0 ? [plain(" ".repeat(margin))] : [];
    used = margin;
    start = margin;
  };
  for (const { text, style } of spans) {
    for (const word of text.match(/ +|[^ ]+/gu) ?? []) {
      const wordCells = cells(word);
      if (word[0] === " ") {
        if (used + wordCells >= room) {
          // No spaces at the end of a line, none at the beginning of the next.
          if (used > start) turn();
        } else if (used > start || lines.length === 0) put(word, style, wordCells);
        continue;
      }
      if (used + wordCells > room && used > start && wordCells <= room - margin) turn();
      if (used + wordCells <= room) {
        put(word, style, wordCells);
        continue;
      }
      for (const character of graphemes(word)) {
        const fits = cells(character) <= room - margin;
        const more = fits ? cells(character) : 1;
        if (used + more > room) turn();
        put(fits ? character : "?", style, more);
      }
    }
  }
  lines.push(trimEnd(line));
  return lines;
}

function span(text: string, style: Style | undefined): Span {
  return style === undefined ? { text } : { text, style };
}

function trimEnd(line: Span[]): Span[] {
  const last = line.at(-1);
  if (last === undefined) return line;
  const text = last.text.replace(/ +$/, "");
  return text === last.text ? line : [...line.slice(0, -1), span(text, last.style)];
}
