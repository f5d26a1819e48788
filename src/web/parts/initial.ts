/** What stands for a name in a small round sign: the first thing in it that is a letter, a digit or a picture. */

/** With nothing behind it that could be a part of it. */
const PLAIN = /^[a-z0-9](?=[ -~]|$)/i;
/** Made when first needed: it takes the browser longer than all of a view's names together. */
let graphemes: Intl.Segmenter | undefined;

export function initialOf(name: string): string {
  const text = name.trim();
  const [plain] = PLAIN.exec(text) ?? [];
  if (plain !== undefined) return plain.toUpperCase();
  graphemes ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (const { segment } of graphemes.segment(text)) {
    if (/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(segment)) return segment.toUpperCase();
  }
  return "?";
}
