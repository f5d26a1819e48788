/** What events mean to one conversation of the list: pure functions. */
import type { Author, Channel, Conversation, Message } from "../../client/index.ts";
import { newerOf, withAuthor } from "./newer-message.ts";

export type ConversationState = {
  readonly id: string;
  readonly kind: "channel" | "direct";
  /** `ops`, or the other person's shown name. */
  readonly title: string;
  /** `#ops`, `@bob`; of a deleted account what it is called now. */
  readonly handle: string;
  readonly private?: boolean;
  readonly topic?: string;
  /** The own one in a channel; absent: one is not in it and only looks. */
  readonly standing?: NonNullable<Channel["standing"]>;
  readonly members?: number;
  /** Of a direct conversation: the other party. */
  readonly account?: Author;
  /** A direct conversation with oneself. */
  readonly self?: true;
  readonly online?: boolean;
  /** Exact to 999; 1000 means more. */
  readonly unread: number;
  readonly marker?: string;
  readonly last?: Message;
  readonly draft?: boolean;
  /** Own messages that are not stored yet. */
  readonly pending: number;
};

export const UNREAD_MAX = 1_000;

export type Beside = {
  readonly me: string | undefined;
  readonly draft: boolean;
  readonly pending: number;
};

export function stateOf(
  conversation: Conversation,
  { me, draft, pending }: Beside,
): ConversationState {
  const { id, kind, name, channel, account, online, unread, marker, last } = conversation;
  return {
    id,
    kind,
    title: titleOf(conversation),
    handle: name,
    ...(channel === undefined ? {} : channelParts(channel)),
    ...(account === undefined ? {} : { account }),
    ...(account !== undefined && account.id === me ? { self: true as const } : {}),
    ...(online === undefined ? {} : { online }),
    unread,
    ...(marker === undefined ? {} : { marker }),
    ...(last === undefined ? {} : { last }),
    ...(draft ? { draft } : {}),
    pending,
  };
}

function titleOf({ name, channel, account }: Conversation): string {
  if (channel !== undefined) return channel.name;
  if (account === undefined) return name;
  return account.displayName || account.name;
}

function channelParts({ private: isPrivate, topic, standing, members }: Channel) {
  return {
    private: isPrivate,
    topic,
    members,
    ...(standing === undefined ? {} : { standing }),
  };
}

/** Whether the conversation belongs to the own list; others are only looked at. */
export function isOwn({ kind, channel }: Conversation): boolean {
  return kind === "direct" || channel?.standing !== undefined;
}

/** What a message of somebody else counts as while it is not read. */
export function counts({ author, deleted }: Message, me: string | undefined): boolean {
  return author.id !== me && deleted !== true;
}

/**
 * A message came. `isWatched`: it is before the reader's eyes. One that lies before the last one known was told
 * with the conversation already, or is late: then only the server can tell how much is unread.
 */
export function withPosted(
  before: Conversation,
  message: Message,
  me: string | undefined,
  isWatched: boolean,
): Conversation {
  const { last, marker, unread } = before;
  if (last !== undefined && message.position <= last.position) return before;
  const isMember = before.kind === "direct" || isIn(before.channel);
  const isRead = marker !== undefined && message.position <= marker;
  const isUnread = isMember && !isWatched && !isRead && counts(message, me);
  return {
    ...before,
    last: message,
    unread: isUnread ? Math.min(UNREAD_MAX, unread + 1) : unread,
  };
}

function isIn(channel: Channel | undefined): boolean {
  return channel?.standing === "owner" || channel?.standing === "member";
}

/** A message was edited, deleted or moved. */
export function withChanged(before: Conversation, message: Message): Conversation {
  if (before.last?.id !== message.id) return before;
  return { ...before, last: newerOf(before.last, message) };
}

/** Whether only the server can tell what a changed message leaves unread, or which is now the last one. */
export function isUnclear(before: Conversation, message: Message, me: string | undefined): boolean {
  const { last, unread, marker } = before;
  if (message.late === true && counts(message, me)) return true;
  if (last?.id === message.id && last.position !== message.position) return true;
  if (message.deleted !== true || unread === 0 || message.author.id === me) return false;
  return marker === undefined || message.position > marker;
}

/** The own marker moved; it never goes back. What is unread then is 0, or for the server to tell. */
export function withMarker(before: Conversation, upTo: string): Conversation {
  if (before.marker !== undefined && before.marker >= upTo) return before;
  const all = before.last === undefined || upTo >= before.last.position;
  return { ...before, marker: upTo, unread: all ? 0 : before.unread };
}

/** What the server says now, but for a marker that it has not heard of yet. */
export function withAnswer(before: Conversation | undefined, came: Conversation): Conversation {
  const merged =
    before?.last && came.last?.id === before.last.id
      ? { ...came, last: newerOf(before.last, came.last) }
      : came;
  const { marker } = before ?? {};
  return marker === undefined ? merged : withMarker(merged, marker);
}

/** `channel` comes without the receiver's standing. */
export function withChannel(before: Conversation, channel: Channel): Conversation {
  const { standing } = before.channel ?? {};
  return {
    ...before,
    name: `#${channel.name}`,
    channel: { ...channel, ...(standing === undefined ? {} : { standing }) },
  };
}

export function withStanding(
  before: Conversation,
  standing: Channel["standing"] | undefined,
): Conversation {
  if (before.channel === undefined) return before;
  const { standing: _, ...channel } = before.channel;
  return { ...before, channel: standing === undefined ? channel : { ...channel, standing } };
}

/** Somebody is shown differently; the same object if that is nobody here. */
export function withAccount(before: Conversation, author: Author): Conversation {
  let after = before;
  if (before.account?.id === author.id) {
    const isGone = author.deleted === true;
    after = {
      ...after,
      account: author,
      name: isGone ? author.name : `@${author.name}`,
      ...(isGone ? { online: false } : {}),
    };
  }
  const { last } = after;
  if (last !== undefined && withAuthor(last, author) !== last) {
    after = { ...after, last: withAuthor(last, author) };
  }
  return after;
}
