/**
 * The rules for names of accounts and channels, in people's words.
 *
 * Problem: a server refuses a bad name with one sentence for all that can be wrong, after it was sent. Approach:
 * the same rule, checked while typing, one thing at a time, with a proposal where one is plain. The server
 * decides all the same: what passes here and not there is shown in its own words. Rejected: changing what is
 * typed on the fly (the caret jumps, and nobody learns why).
 */

export const NAME_CHARACTERS_MAX = 32;

const NAME_RULE = "1 to 32 of a–z, 0–9, dot, dash and underscore";

const NAME = /^[a-z0-9][a-z0-9._-]*$/i;

/** What is wrong with a name, as a sentence; nothing for a name that will do. Upper case will: it is folded. */
export function nameProblem(text: string): string | undefined {
  if (text === "") return "Choose a name.";
  const characters = [...text].length;
  if (characters > NAME_CHARACTERS_MAX) {
    return `A name has at most ${NAME_CHARACTERS_MAX} characters; this one has ${characters}.`;
  }
  if (NAME.test(text)) return undefined;
  const proposal = proposeName(text);
  const instead = proposal === "" ? "" : ` How about ${proposal}?`;
  if (/\s/.test(text)) return `A name has no spaces.${instead}`;
  const strange = [...text].find((character) => !/[a-z0-9._-]/i.test(character));
  if (strange !== undefined) return `A name has no ${strange} in it.${instead}`;
  return `A name begins with a letter or a digit.${instead}`;
}

/** A name close to what was typed, or nothing where there is none. */
export function proposeName(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .trim()
    .replace(/\s+/g, "-")
    .replace(/[^a-z0-9._-]/g, "")
    .replace(/^[._-]+/, "")
    .slice(0, NAME_CHARACTERS_MAX);
}

/** What stands below the field: the rule, or how a name that will do will be written if not as typed. */
export function nameHint(text: string): string {
  const folded = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (folded === text || nameProblem(text) !== undefined) return NAME_RULE;
  return `Names are in lower case: ${folded}`;
}
