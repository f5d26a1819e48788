/** What a row of the list says, in text: to screen readers as its name, to everybody as its last line. */
import type { Message } from "../../client/index.ts";
import type { ConversationState } from "../state/conversations.ts";
import { mentions } from "../state/notices.ts";

const UNREAD_EXACT_MAX = 999;
/** One line of a sidebar shows fewer. */
const LINE_CHARACTERS_MAX = 160;

export function unreadBadge(unread: number): string {
  return unread > UNREAD_EXACT_MAX ? `${UNREAD_EXACT_MAX}+` : String(unread);
}

/** What stands in bold: `ops`, `Bob Example`, `Alice (you)`. */
export function rowTitle({ title, self }: ConversationState): string {
  return self === true ? `${title} (you)` : title;
}

/** `#ops, private, 3 unread, draft, 1 waiting`; `Bob Example, online, 1 unread`. */
export function rowName(conversation: ConversationState): string {
  const { kind, handle, online, unread, draft, pending } = conversation;
  const unreadWords =
    unread > UNREAD_EXACT_MAX ? `more than ${UNREAD_EXACT_MAX} unread` : `${unread} unread`;
  return [
    kind === "channel" ? handle : rowTitle(conversation),
    conversation.private === true && "private",
    online === true && "online",
    unread > 0 && unreadWords,
    draft === true && "draft",
    pending > 0 && `${pending} waiting`,
  ]
    .filter((part) => part !== false)
    .join(", ");
}

export type LastLine = { readonly lead?: string; readonly text: string; readonly quiet?: true };

/** `own`: the id of the account that reads it. `isWhole`: the server said all of it, the last message too. */
export function lastLine(
  conversation: ConversationState,
  { own, draft, isWhole }: { own: string; draft: string; isWhole: boolean },
): LastLine {
  if (draft.trim() !== "") return { lead: "Draft:", text: oneLine(draft) };
  const { last, kind, topic } = conversation;
  if (last === undefined) {
    const words = isWhole ? emptyWords(conversation) : "";
    return { text: oneLine(topic || words), quiet: true };
  }
  if (last.deleted === true) return { text: "Message deleted", quiet: true };
  const lead = leadOf(last, kind, own);
  return { ...(lead === undefined ? {} : { lead }), text: oneLine(last.text) };
}

function emptyWords({ kind, self }: ConversationState): string {
  if (self === true) return "Notes to yourself";
  return kind === "channel" ? "Nothing written yet" : "Say hello";
}

function leadOf({ author }: Message, kind: string, own: string): string | undefined {
  if (author.id === own) return "You:";
  return kind === "direct" ? undefined : `${author.displayName || author.name}:`;
}

/** Line ends and runs of blanks become one blank; what no line shows is left out. */
function oneLine(text: string): string {
  return text
    .slice(0, LINE_CHARACTERS_MAX * 2)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, LINE_CHARACTERS_MAX);
}

/** Whether what is unread is for the reader in person: written to them, or naming them last. */
export function isPersonal(conversation: ConversationState, ownName: string): boolean {
  if (conversation.kind === "direct") return true;
  return mentions(conversation.last?.text ?? "", ownName);
}

/** `2 messages wait to be sent`; nothing for none. */
export function waitingWords(count: number): string | undefined {
  if (count === 0) return undefined;
  return count === 1 ? "1 message waits to be sent" : `${count} messages wait to be sent`;
}
