/** What deserves somebody's attention, and how it is said: pure functions. */
import type { Account, Conversation, Message } from "../../client/index.ts";
import { counts, UNREAD_MAX } from "./conversation-state.ts";
import type { PlaceAt } from "./place.ts";
import type { NotificationPreferences } from "./preferences.ts";

const PRODUCT = "Holdfast";
const TEXT_MAX = 160;

/** `(3) ops — Holdfast`. `subject`: what the place is about; none for home. */
export function titleOf(unread: number, subject: string | undefined): string {
  const count = unread === 0 ? "" : `(${unread >= UNREAD_MAX ? "999+" : unread}) `;
  return `${count}${subject === undefined ? "" : `${subject} — `}${PRODUCT}`;
}

/** What a place that is no conversation is about. */
export function subjectOf(place: PlaceAt): string | undefined {
  switch (place.is) {
    case "search":
      return "Search";
    case "settings":
      return "Settings";
    case "channel-settings":
      return "Channel settings";
    case "admin":
      return "Administration";
    case "guide":
      return "Getting started";
    case "invite":
      return "Invitation";
    case "home":
    case "conversation":
      return undefined;
  }
}

/** Whether a text speaks to a name: `@ann`, but not `@anna` or `x@ann`. */
export function mentions(text: string, name: string): boolean {
  const folded = text.toLowerCase();
  const wanted = `@${name.toLowerCase()}`;
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + 1)) {
    const before = folded[at - 1] ?? " ";
    // A stop ends a sentence unless the name goes on behind it.
    const rest = folded.slice(at + wanted.length);
    if (!/[\p{L}\p{N}_]/u.test(before) && !/^(?:[\p{L}\p{N}_~-]|\.[a-z0-9])/u.test(rest))
      return true;
  }
  return false;
}

export type NoticeKind = "none" | "in_page" | "browser";

export type NoticeContext = {
  readonly me: Account | undefined;
  readonly conversation: Conversation | undefined;
  readonly place: PlaceAt;
  /** Somebody looks at the page. */
  readonly hasAttention: boolean;
  readonly preferences: NotificationPreferences;
  readonly isPermitted: boolean;
};

/** Direct messages and mentions are said to whoever does not see them anyway. */
export function noticeFor(message: Message, context: NoticeContext): NoticeKind {
  const { me, conversation, place, hasAttention, preferences, isPermitted } = context;
  if (me === undefined || !counts(message, me.id) || !isForMe(message, conversation, me)) {
    return "none";
  }
  if (!hasAttention) return preferences.browser && isPermitted ? "browser" : "none";
  const isOnScreen = place.is === "conversation" && place.id === message.conversation;
  return preferences.inPage && !isOnScreen ? "in_page" : "none";
}

function isForMe(message: Message, conversation: Conversation | undefined, me: Account): boolean {
  if (message.conversation.startsWith("d_")) return true;
  return conversation?.channel?.standing !== undefined && mentions(message.text, me.name);
}

/** Who says it, and where if that is not plain. */
export function noticeTitle(message: Message, conversation: Conversation | undefined): string {
  const author = message.author.displayName || message.author.name;
  return conversation?.kind === "channel" ? `${author} in ${conversation.name}` : author;
}

export function noticeText({ text }: Message): string {
  const line = text.replace(/\s+/g, " ").trim();
  const characters = [...line];
  return characters.length <= TEXT_MAX ? line : `${characters.slice(0, TEXT_MAX - 1).join("")}…`;
}
