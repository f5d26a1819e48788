/** Where the line above what is new goes: before the first message that was unread at one moment. */
import type { Conversation, Message } from "../../client/index.ts";
import { counts } from "./conversation-state.ts";
import type { Range } from "./message-range.ts";

/** What was known of the reading when the conversation was opened: it does not move while one reads. */
export type Opening = {
  readonly marker: string | undefined;
  readonly unread: number;
  /** Position of the newest message then. */
  readonly newest: string;
};

export function openingOf({ marker, unread, last }: Conversation): Opening {
  return { marker, unread, newest: last?.position ?? "" };
}

/** A position, none, or "unknown" while the place may lie outside of what is held. */
export type Line = { readonly at: string | undefined } | "unknown";

export function lineOf(opening: Opening, range: Range, me: string | undefined): Line {
  if (opening.unread === 0) return { at: undefined };
  const { messages, reachesOldest, reachesNewest } = range;
  if (opening.marker === undefined) return lineByCount(opening, range, me);
  const { marker } = opening;
  const begin = messages[0];
  const coversMarker = reachesOldest || (begin !== undefined && begin.position <= marker);
  if (!coversMarker) return "unknown";
  const found = messages.find((message) => message.position > marker && counts(message, me));
  if (found !== undefined) return { at: found.position };
  return reachesNewest ? { at: undefined } : "unknown";
}

/** Nothing was ever marked: what is unread are so many of the newest. */
function lineByCount({ unread, newest }: Opening, range: Range, me: string | undefined): Line {
  const { messages, reachesOldest } = range;
  const end = messages.at(-1);
  if (end === undefined) return range.reachesNewest ? { at: undefined } : "unknown";
  if (!range.reachesNewest && end.position < newest) return "unknown";
  let found: Message | undefined;
  let left = unread;
  for (let at = messages.length - 1; at >= 0 && left > 0; at--) {
    const message = messages[at] as Message;
    if (message.position > newest || !counts(message, me)) continue;
    found = message;
    left--;
  }
  return left > 0 && !reachesOldest ? "unknown" : { at: found?.position };
}
