/**
 * The view as pure code sees it: rows that ops fold into (written by src/ops only) and what is read from
 * them. Rows of entities are plain states, merged by functions that do not care for order; whatever depends
 * on several entities (who shows which name, which text a message has now) is derived from states.
 */
import type { Hash } from "./hash.ts";
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
import type { Register } from "./register.ts";
import type { Stamp } from "./stamp.ts";

export type AccountState = {
  /** Place of the creation; absent while only later ops have arrived. */
  readonly created?: Position;
  readonly createdMs?: number;
  readonly name?: Register<FoldedName>;
  readonly displayName?: Register<string>;
  /** argon2id in PHC string format. */
  readonly password?: Register<string>;
  readonly admin?: Register<boolean>;
  readonly disabled?: Register<boolean>;
  /** Sessions opened before are over, but for the one kept. */
  readonly cut?: { readonly at: Position; readonly keep: SessionId | null };
  readonly deleted?: { readonly at: Position; readonly erase: boolean };
};

export type SessionState = {
  readonly account?: AccountId;
  readonly opened?: Position;
  readonly openedMs?: number;
  readonly label?: string;
  readonly ended?: Position;
  /** SHA-256 of valid tokens in base64url, newest last. */
  readonly tokens: readonly { readonly hash: string; readonly at: Position }[];
};

export type ChannelState = {
  readonly created?: Position;
  readonly name?: Register<FoldedName>;
  readonly topic?: Register<string>;
  readonly private?: Register<boolean>;
};

export type Standing = "invited" | "joined" | "left" | "removed" | "banned";

export type MemberState = {
  readonly standing?: Register<Standing>;
  /** Place of the first joining under the standing's version: to join again moves nothing. */
  readonly joined?: Position;
  /** Was invited or in at some time: it knows of the channel, and the channel of it. */
  readonly met?: true;
  readonly owner?: Register<boolean>;
  /** Every change that banned or let in again, by version: the intervals in which messages are hidden. */
  readonly bans: readonly Register<boolean>[];
};

/** What happened to a message after it was posted. */
export type AmendState = {
  /** Arrival number of the op with the current text. */
  readonly text?: Register<number>;
  readonly deleted?: Position;
};

export type MarkerState = { readonly upTo: Position };

export type InvitationState = {
  readonly created?: Position;
  readonly createdMs?: number;
  readonly expiresMs?: number;
  readonly uses?: number;
  /** SHA-256 of the code in base64url. */
  readonly code?: string;
  readonly revoked?: Position;
  readonly used: number;
};

export type SettingState = Register<string>;

export type ServerState = {
  readonly standing?: Register<"member" | "removed">;
  /** Public key, and where it is reached. */
  readonly address?: Register<{ readonly key: string; readonly url: string }>;
};

/** Tables of entity states and their keys. */
export type Entities = {
  account: { key: AccountId; state: AccountState };
  session: { key: SessionId; state: SessionState };
  channel: { key: ChannelId; state: ChannelState };
  member: { key: MemberKey; state: MemberState };
  amend: { key: MessageId; state: AmendState };
  marker: { key: MarkerKey; state: MarkerState };
  invitation: { key: InvitationId; state: InvitationState };
  setting: { key: string; state: SettingState };
  /** By the name of the server. */
  server: { key: string; state: ServerState };
};
export type Table = keyof Entities;
export type MemberKey = `${ChannelId} ${AccountId}`;
export type MarkerKey = `${AccountId} ${ConversationId}`;

/** What an op is about: every op changes its subjects and nothing else. */
export type Subject =
  | { readonly table: "account"; readonly key: AccountId }
  | { readonly table: "session"; readonly key: SessionId; readonly account: AccountId }
  | { readonly table: "channel"; readonly key: ChannelId }
  | { readonly table: "member"; readonly key: MemberKey }
  | { readonly table: "message"; readonly key: MessageId; readonly conversation: ConversationId }
  | { readonly table: "marker"; readonly key: MarkerKey }
  | { readonly table: "invitation"; readonly key: InvitationId }
  | { readonly table: "setting"; readonly key: string }
  | { readonly table: "server"; readonly key: string };

export type NameSpace = "account" | "channel";
export type NameClaim = { readonly holder: AccountId | ChannelId; readonly at: Position };

export type PostRow = {
  /** Arrival number of the post. */
  readonly n: number;
  readonly id: MessageId;
  readonly conversation: ConversationId;
  readonly stamp: Stamp;
  readonly position: Position;
  readonly author: AccountId;
  /** null when it was erased. */
  readonly text: string | null;
  /** Stamped within a ban. */
  readonly hidden: boolean;
};

export type OddOp = "unknown_kind" | "invalid" | "shadowed";

/** What folds write through. All of it happens in one transaction a batch. */
export interface FoldView {
  readonly hash: Hash;
  /** The op with this arrival number, from the log. */
  op(n: number): Op;
  /** Arrival number of the op that counts for (author, id). */
  effect(author: AccountId, id: RequestId): number | undefined;
  /** The same, and from now on this op where there is none: then undefined is returned. */
  claimEffect(author: AccountId, id: RequestId, n: number): number | undefined;
  setEffect(author: AccountId, id: RequestId, n: number): void;
  /** Ops that count for a subject; posts of messages are not listed, their effect row is enough. */
  subjectOps(subject: Subject): number[];
  addSubjectOp(subject: Subject, n: number): void;
  get<T extends Table>(table: T, key: Entities[T]["key"]): Entities[T]["state"] | undefined;
  put<T extends Table>(
    table: T,
    key: Entities[T]["key"],
    state: Entities[T]["state"] | undefined,
  ): void;
  /** All accounts or channels whose name register holds this name, in no particular order. */
  claims(space: NameSpace, name: FoldedName): NameClaim[];
  setClaim(space: NameSpace, name: FoldedName, holder: string, at: Position | null): void;
  /** The name under which an account or channel is found and shown; null for none. */
  show(space: NameSpace, holder: string, shown: string | null): void;
  /** Makes a direct conversation known to both of its accounts. */
  openDirect(id: DirectId, a: AccountId, b: AccountId): void;
  putPost(row: PostRow): void;
  dropPost(n: number): void;
  /** The post's row changed its current text, or lost it. */
  setPostText(n: number, textN: number | null): void;
  /**
   * Sets which posts of an author in a channel are hidden: those within an interval. Looks at those from
   * `since` on; before it nothing has changed.
   */
  hide(
    channel: ChannelId,
    author: AccountId,
    intervals: readonly HiddenInterval[],
    since: Position,
  ): void;
  /** The bodies of these ops must leave the disk, because of op `by`. */
  erase(n: number, by: number): void;
  /** All messages of this account must leave the disk, because of op `by`; found by a scan later on. */
  eraseAuthor(author: AccountId, by: number): void;
  /** Sessions of an account that any op was about, ended ones too. */
  sessionsOf(account: AccountId): SessionId[];
  /** Op that erased everything of this author, if one did. */
  authorErasedBy(author: AccountId): number | undefined;
  /** Something odd arrived: counted and reported, never thrown. */
  report(what: OddOp, n: number): void;
}

export type HiddenInterval = { readonly from: Position; readonly to: Position | null };
