/**
 * What the composer can complete: commands, people, channels. Pure; who is known and who is asked for is not
 * its business.
 */
import { COMMANDS } from "./typed.ts";

export type Wanted = {
  readonly is: "command" | "person" | "channel";
  /** What was typed of it, without its mark, in lower case. */
  readonly query: string;
  /** The part of the text that a suggestion takes the place of. */
  readonly from: number;
  readonly to: number;
};

export type Suggestion = {
  readonly is: Wanted["is"];
  /** What is put in: `/topic`, `@bob`, `#ops`. */
  readonly handle: string;
  /** What else there is to say: a shown name, a topic, what a command does. */
  readonly about: string;
  /** Of an account or channel, for its picture. */
  readonly id?: string;
  readonly online?: boolean;
  /** The one who types. */
  readonly isSelf?: boolean;
  readonly private?: boolean;
};

export const SUGGESTIONS_MAX = 8;

const NAME_PART = /[A-Za-z0-9._~-]/;

/** What is being typed at the caret, if it is something to complete. */
export function wantedAt(text: string, caret: number): Wanted | undefined {
  if (text.startsWith("/") && !text.startsWith("//")) {
    const found = wantedOfCommand(text, caret);
    if (found !== undefined) return found;
  }
  let from = caret;
  while (from > 0 && NAME_PART.test(text[from - 1] as string)) from--;
  const mark = text[from - 1];
  if (mark !== "@" && mark !== "#") return undefined;
  // "me@there" and "a#b" are no names, nor is what stands in `code`.
  if (from > 1 && /[^\s([{"'*_~>]/.test(text[from - 2] as string)) return undefined;
  const is = mark === "@" ? "person" : "channel";
  return { is, query: queryOf(text, from, caret), from: from - 1, to: wordEnd(text, caret) };
}

function wantedOfCommand(text: string, caret: number): Wanted | undefined {
  const end = text.search(/\s/);
  if (end < 0 || caret <= end) {
    if (caret < 1) return undefined;
    const to = end < 0 ? text.length : end;
    return { is: "command", query: queryOf(text, 1, caret), from: 0, to };
  }
  const takes = COMMANDS.find(({ name }) => name === text.slice(1, end).toLowerCase())?.takes;
  const from = end + 1;
  const bare = text.slice(from, caret);
  if (takes === undefined || !/^[A-Za-z0-9._~-]*$/.test(bare)) return undefined;
  return { is: takes, query: bare.toLowerCase(), from, to: wordEnd(text, caret) };
}

const queryOf = (text: string, from: number, to: number) => text.slice(from, to).toLowerCase();

function wordEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && NAME_PART.test(text[end] as string)) end++;
  return end;
}

/** The text with a suggestion in it, and where the caret then stands: behind it and a space. */
export function taken(
  text: string,
  { from, to }: Wanted,
  { handle }: Suggestion,
): { text: string; caret: number } {
  const rest = text.slice(to);
  const space = /^\s/.test(rest) ? "" : " ";
  return { text: text.slice(0, from) + handle + space + rest, caret: from + handle.length + 1 };
}

/** Best first: names that begin so, then shown names with a word that does, then names that hold it. */
export function ranked(
  all: readonly Suggestion[],
  query: string,
  most = SUGGESTIONS_MAX,
): readonly Suggestion[] {
  const seen = new Set<string>();
  return all
    .map((suggestion) => ({ suggestion, rank: rankOf(suggestion, query) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || likely(b.suggestion) - likely(a.suggestion))
    .map(({ suggestion }) => suggestion)
    .filter(({ handle }) => !seen.has(handle) && seen.add(handle))
    .slice(0, most);
}

/** Who is here is meant rather than who is not, and anybody rather than oneself. */
function likely({ online, isSelf }: Suggestion): number {
  if (isSelf === true) return -1;
  return online === true ? 1 : 0;
}

function rankOf({ is, handle, about }: Suggestion, query: string): number {
  const name = handle.slice(1).toLowerCase();
  if (name === query) return 0;
  if (name.startsWith(query)) return 1;
  if (is === "command") return -1;
  const words = about.toLowerCase().split(/\s+/);
  if (is === "person" && words.some((word) => word.startsWith(query))) return 2;
  return name.includes(query) ? 3 : -1;
}

export const commandSuggestions: readonly Suggestion[] = COMMANDS.map(({ name, does }) => ({
  is: "command",
  handle: `/${name}`,
  about: does,
}));
