/** What waits for an account: the unread messages of each conversation, in the total order. */
import type { Client, Conversation, Message } from "../client/index.ts";
import { HISTORY_PAGE_MAX, LIST_PAGE_MAX } from "../core/limits.ts";

/** Of one conversation; what is older is in its history. */
export const UNREAD_SHOWN_MAX = 1_000;

export type Unread = {
  readonly messages: Message[];
  readonly count: number;
  readonly more: boolean;
};

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
 * The messages behind the marker, oldest first, with the own ones between them. `count` of them are
 * somebody else's; `more`: there are older ones that were left out. Late ones that sort before the marker are
 * taken in, newest first, as long as the count says that some are missing.
 */
export async function unreadOf(
  client: Caller & Pick<Client, "account">,
  { id, marker, unread }: Conversation,
): Promise<Unread> {
  const me = client.account?.id;
  const isFresh = ({ position }: Message) => marker === undefined || position > marker;
  const counts = ({ author, deleted }: Message) => author.id !== me && deleted !== true;
  let seen: Message[] = [];
  let before: string | undefined;
  do {
    const page = await client.call("message.history", {
      in: id,
      limit: HISTORY_PAGE_MAX,
      ...(before === undefined ? {} : { before }),
    });
    seen = [...page.messages, ...seen];
    before = page.next;
  } while (before !== undefined && isFresh(seen[0] as Message) && seen.length < UNREAD_SHOWN_MAX);
  const fresh = seen.filter((message) => isFresh(message) && message.deleted !== true);
  const missing = Math.max(0, unread - fresh.filter(counts).length);
  const late = seen.filter((message) => !isFresh(message) && message.late && counts(message));
  const messages = [...late.slice(Math.max(0, late.length - missing)), ...fresh].slice(
    -UNREAD_SHOWN_MAX,
  );
  const count = messages.filter(counts).length;
  return { messages, count, more: count < unread };
}
