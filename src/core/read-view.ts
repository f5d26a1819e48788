/** What is read from the view: for permission checks before an op is minted, and for answers. */
import type {
  AccountId,
  ChannelId,
  ConversationId,
  DirectId,
  InvitationId,
  MessageId,
  RequestId,
  SessionId,
} from "./ids.ts";
import type { FoldedName } from "./names.ts";
import type { Op } from "./op.ts";
import type { Position } from "./position.ts";
import type { Stamp } from "./stamp.ts";
import type { Entities, MemberKey, NameClaim, NameSpace, OddOp, Standing, Table } from "./view.ts";

export type MessageRow = {
  /** Arrival number of the post. */
  readonly n: number;
  readonly id: MessageId;
  readonly author: AccountId;
  readonly conversation: ConversationId;
  readonly stamp: Stamp;
  readonly position: Position;
  /** null when deleted or erased. */
  readonly text: string | null;
  readonly edited: boolean;
  readonly late: boolean;
};

export type HistoryRange = {
  /** Places after this one only. */
  readonly after?: Position | undefined;
  /** Places before this one only. */
  readonly before?: Position | undefined;
};

export type ListedName = { readonly holder: string; readonly shown: string };
export type MemberRow = {
  readonly account: AccountId;
  readonly shown: string;
  readonly standing: Standing;
  readonly owner: boolean;
};

/** Whom an event concerns, for replaying: a conversation, an account, or everybody. */
export type FeedScope = ConversationId | AccountId | "everybody";

export type SearchPage = {
  readonly messages: readonly MessageRow[];
  /** Where the next page goes on; absent at the end. */
  readonly next?: number;
};

export interface ReadView {
  /** Everything up to this arrival number is folded. */
  readonly foldedN: number;
  readonly highStamp: Stamp;
  op(n: number): Op;
  effect(author: AccountId, id: RequestId): number | undefined;
  get<T extends Table>(table: T, key: Entities[T]["key"]): Entities[T]["state"] | undefined;

  claims(space: NameSpace, name: FoldedName): NameClaim[];
  /** The name that an account or channel shows, null when it shows none. */
  shownName(space: NameSpace, holder: string): string | null;
  /** Who shows exactly this name. */
  holderOf(space: NameSpace, shown: string): string | null;
  /**
   * Names that match a wildcard, sorted, after one; private channels only for their members, and none for
   * whom is banned from it.
   */
  listAccounts(match: string, after: string, limit: number): ListedName[];
  listChannels(match: string, after: string, limit: number, viewer: AccountId): ListedName[];

  /** Accounts that were ever made or unmade an administrator, those that are gone included. */
  everAdmins(): AccountId[];

  sessionOfToken(hash: string): SessionId | null;
  /** Sessions of an account that were not ended: few, however many it once had. */
  sessionsOf(account: AccountId): SessionId[];
  invitations(): InvitationId[];
  /** Names of all servers that were ever added, removed ones included, sorted. */
  servers(): string[];
  invitationOfCode(hash: string): InvitationId | null;
  authorErasedBy(author: AccountId): number | undefined;

  memberCount(channel: ChannelId): number;
  members(
    channel: ChannelId,
    standings: readonly Standing[],
    after: string,
    limit: number,
  ): MemberRow[];
  /** Arrival numbers of all ops about a member. */
  memberOps(key: MemberKey): number[];
  /** Whether an account has posted in a channel after a place, hidden or not. */
  hasPosted(channel: ChannelId, author: AccountId, after: Position): boolean;
  /** One, but for what was handed over in two places at once. */
  ownersOf(channel: ChannelId): AccountId[];
  /** Public channels, at most as many as an account may be in. */
  publicChannels(): ChannelId[];
  channelsOf(account: AccountId): { channel: ChannelId; standing: Standing }[];
  directsOf(account: AccountId): DirectId[];
  /** The two accounts of a direct conversation that holds messages. */
  partiesOf(direct: DirectId): { a: AccountId; b: AccountId } | null;

  /** A post that counts and is not hidden by a ban, unless those are wanted too; null otherwise. */
  message(n: number, evenHidden?: boolean): MessageRow | null;
  messageById(id: MessageId, evenHidden?: boolean): MessageRow | null;
  /** Up to `limit` messages, oldest first: the last ones of the range, or the first ones with `after`. */
  history(conversation: ConversationId, range: HistoryRange, limit: number): MessageRow[];
  /** Text that orders conversations by their newest message; null without one. */
  lastPlace(conversation: ConversationId): string | null;
  lastMessage(conversation: ConversationId): MessageRow | null;
  /** Messages of others after `floor`, and late ones not seen; counts to `max + 1` at the most. */
  unread(account: AccountId, conversation: ConversationId, floor: Position, max: number): number;
  /** Arrival numbers after `afterN`, ascending, of what concerns these scopes; at most `limit`. */
  feed(scopes: readonly FeedScope[], afterN: number, limit: number): number[];
  /** Messages of these conversations that hold every term, newest first by arrival, before `beforeN`. */
  search(
    terms: readonly string[],
    conversations: readonly ConversationId[],
    beforeN: number,
    limit: number,
  ): SearchPage;

  oddOps(): Readonly<Record<OddOp, number>>;
  /** Logical tables in a canonical order and text: equal for equal sets of ops. One line a row. */
  dump(): Iterable<string>;
}
