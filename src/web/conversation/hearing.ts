/** What a screen reader says of messages that came: each, or when many came at once, how many. Pure. */
import { parseMarkdown, textOf } from "./markdown.ts";

export type Heard = { readonly name: string; readonly text: string };

const MESSAGES_MAX = 3;
const CHARACTERS_MAX = 240;
const NAMES_MAX = 3;

/** Nothing for nothing. */
export function spokenOf(heard: readonly Heard[]): string {
  if (heard.length > MESSAGES_MAX) {
    return `${heard.length} new messages from ${listed([...new Set(heard.map(({ name }) => name))])}`;
  }
  return heard.map(({ name, text }) => `${name}: ${shortened(text)}`).join(". ");
}

function shortened(text: string): string {
  const plain = textOf(parseMarkdown(text)).replace(/\s+/g, " ").trim();
  const characters = [...plain];
  if (characters.length <= CHARACTERS_MAX) return plain;
  return `${characters.slice(0, CHARACTERS_MAX).join("").trimEnd()}, and more`;
}

/** `Bob`, `Bob and Ada`, `Bob, Ada and Eve`, `Bob, Ada and 3 others`. */
export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? "";
  const isLong = names.length > NAMES_MAX;
  const shown = isLong ? names.slice(0, NAMES_MAX - 1) : names.slice(0, -1);
  const rest = isLong ? `${names.length - shown.length} others` : names.at(-1);
  return `${shown.join(", ")} and ${rest}`;
}

/** Who is typing, in words; nothing for nobody. */
export function typingText(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length > NAMES_MAX - 1) return "Several people are typing";
  return `${listed(names)} ${names.length === 1 ? "is" : "are"} typing`;
}
