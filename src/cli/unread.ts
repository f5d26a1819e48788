/** What waits for an account: the unread messages of each conversation, in the total order. */
import type { Client, Conversation, Message } from "../client/index.ts";
import { HISTORY_PAGE_MAX, LIST_PAGE_MAX } from "../core/limits.ts";

/** Of one conversation; what is older is in its history. */
export const UNREAD_SHOWN_MAX = 1_000;

type Caller = Pick<Client, "call">;

/** All own conversations, newest activity first. */
export async function allConversations(client: Caller): Promise<Conversation[]> {
  const found: Conversation[] = [];
  let after: string | undefined;
  do {
    const page = await client.call("conversation.list", {
      limit: LIST_PAGE_MAX,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page.conversations);
    after = page.next;
  } while (after !== undefined);
  return found;
}

/**
 * The messages behind the marker, oldest first. `more`: there are older ones that were left out. Late ones
 * that sort before the marker are found by their mark, as far as the page reaches.
 */
export async function unreadOf(
  client: Caller,
  { id, marker, unread }: Conversation,
): Promise<{ messages: Message[]; more: boolean }> {
  const wanted = Math.min(unread, UNREAD_SHOWN_MAX);
  let messages: Message[] = [];
  let before: string | undefined;
  for (;;) {
    const page = await client.call("message.history", {
      in: id,
      limit: HISTORY_PAGE_MAX,
      ...(before === undefined ? {} : { before }),
    });
    const fresh = page.messages.filter(
      ({ position, late }) => marker === undefined || position > marker || late === true,
    );
    messages = [...fresh, ...messages];
    before = page.next;
    const reachedMarker = fresh.length < page.messages.length;
    if (before === undefined || reachedMarker || messages.length >= UNREAD_SHOWN_MAX) break;
  }
  const kept = messages.slice(-UNREAD_SHOWN_MAX);
  return { messages: kept, more: unread > wanted || messages.length > kept.length };
}
