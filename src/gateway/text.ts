/** Checks of what people write that a schema cannot say. */
import { Refusal } from "../core/errors.ts";
import { MESSAGE_CHARACTERS_MAX } from "../core/limits.ts";
import { type FoldedName, foldName } from "../core/names.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const FORBIDDEN_IN_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const FORBIDDEN_IN_LINE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const HALF_CHARACTER = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Text of a message: 1 to 8,000 characters (code points), no control characters but line ends and tabs. */
export function checkText(text: string): string {
  if (text.length > MESSAGE_CHARACTERS_MAX) {
    let characters = 0;
    for (const _ of text) characters++;
    if (characters > MESSAGE_CHARACTERS_MAX) {
      throw new Refusal(
        "too_large",
        `a message holds ${MESSAGE_CHARACTERS_MAX} characters, this one has ${characters}`,
      );
    }
  }
  if (FORBIDDEN_IN_TEXT.test(text) || HALF_CHARACTER.test(text)) {
    throw new Refusal("invalid", "the text holds control characters or half a character");
  }
  if (text.trim() === "") throw new Refusal("invalid", "the message is empty");
  return text;
}

/** What is searched for. */
export function checkSearch(text: string): string {
  if (FORBIDDEN_IN_TEXT.test(text) || HALF_CHARACTER.test(text)) {
    throw new Refusal("invalid", "the search holds control characters or half a character");
  }
  return text;
}

function checkLine(text: string, what: string): string {
  if (FORBIDDEN_IN_LINE.test(text) || HALF_CHARACTER.test(text)) {
    throw new Refusal("invalid", `the ${what} holds control characters or half a character`);
  }
  return text.trim();
}

export const checkDisplayName = (text: string): string => checkLine(text, "display name");
export const checkTopic = (text: string): string => checkLine(text, "topic");
export const checkLabel = (text: string): string => checkLine(text, "session label");

/** A name, folded; throws `invalid`. */
export function checkedName(text: string): FoldedName {
  const name = foldName(text);
  if (name !== null) return name;
  throw new Refusal(
    "invalid",
    `${JSON.stringify(text)} is no name: 1 to 32 of a-z 0-9 . _ - and a letter or digit first`,
  );
}
