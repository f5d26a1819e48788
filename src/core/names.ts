/** Names of accounts and channels, and the wildcard that lists them. */

declare const brand: unique symbol;
/** A name in the form in which names are compared: two spellings of one name fold to one text. */
export type FoldedName = string & { readonly [brand]: "FoldedName" };

export const NAME_PATTERN = "^[a-z0-9][a-z0-9._-]{0,31}$";
const NAME = new RegExp(NAME_PATTERN);

/** Separates a name from the suffix that a name's later holder shows; no name can contain it. */
export const SUFFIX_MARK = "~";

/** ASCII lower case, the same on every machine: no other letter turns into one of a name's. */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** null if the text is no name. */
export function foldName(text: string): FoldedName | null {
  const folded = foldCase(text);
  return NAME.test(folded) ? (folded as FoldedName) : null;
}

/**
 * `*` is any run of characters, `?` one character; everything else, folded, is itself.
 * Runs in O(name x pattern) at worst: the classic greedy match with one point to return to.
 */
export function matchesWildcard(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === "*") {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === "*") p++;
  return p === pattern.length;
}

/** The literal text before the first wildcard: a range of names to look at. */
export function literalPrefix(pattern: string): string {
  const at = pattern.search(/[*?]/);
  return at < 0 ? pattern : pattern.slice(0, at);
}
