/**
 * Text of others, made safe for a terminal, and how many columns it takes.
 *
 * Problem: a message, topic or display name is anybody's text; passed on raw it moves the cursor, recolours
 * the screen, sets the clipboard, or turns the order of what is read round. Approach: nothing of Unicode's
 * control (Cc) and format (Cf) characters gets through: controls show as their pictures, so that an attempt
 * is seen, format characters vanish but for the two joiners that scripts and emoji need. Stacks of
 * combining marks are cut, because they paint over other lines. Widths are counted per code point and rather
 * too high than too low: a line that the terminal breaks by itself would put the typed line out of step.
 * Rejected: a list of known escape sequences to strip (terminals differ, the list is never whole).
 */

const JOINERS = "\u200c\u200d";
const UNSAFE = new RegExp(
  `[\\p{Cc}\\p{Zl}\\p{Zp}\\p{Cs}]|(?![${JOINERS}])\\p{Cf}|(?<=\\p{M}{8})\\p{M}`,
  "gu",
);
const PLAIN = /^[ -~]*$/;

/** One line: line breaks show as `⏎`. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(/\r\n/g, "\n").replace(UNSAFE, shown);
}

/** The lines of a text, each safe; never none. */
export function printableLines(text: string): string[] {
  return text.split(/\r\n|[\n\r\u2028\u2029]/).map(printable);
}

function shown(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code === 0x09) return "    ";
  if (code === 0x0a || code === 0x0d || code === 0x2028 || code === 0x2029) return "⏎";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  if (code < 0xa0 || (code >= 0xd800 && code <= 0xdfff)) return "\ufffd";
  return "";
}

const RISKY_IN_JSON = /[\u007f-\u009f]|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}/gu;

/** JSON of one line, the same value to every parser, without a character that a terminal would act on. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(RISKY_IN_JSON, (character) => {
    let escaped = "";
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
    }
    return escaped;
  });
}

/** Columns that a text without line breaks takes at most. */
export function cells(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let sum = 0;
  let last = 0;
  for (const character of text) {
    if (character === "\ufe0f") {
      if (last === 1) sum++; // asks for the emoji form, which is wide
      last = 0;
    } else {
      last = Bun.stringWidth(character);
      sum += last;
    }
  }
  return sum;
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What a reader takes for one character each. */
export function graphemes(text: string): string[] {
  if (PLAIN.test(text)) return text.split("");
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** At most `width` columns; `…` stands for what was left out. */
export function clip(text: string, width: number): string {
  if (cells(text) <= width) return text;
  if (width <= 0) return "";
  let out = "";
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const more = cells(grapheme);
    if (used + more > width - 1) break;
    out += grapheme;
    used += more;
  }
  return `${out}…`;
}

/** Clipped or filled with spaces to `width` columns. */
export function pad(text: string, width: number): string {
  const clipped = clip(text, width);
  return clipped + " ".repeat(Math.max(0, width - cells(clipped)));
}
