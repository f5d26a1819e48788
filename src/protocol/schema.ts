/** The shapes that methods and events share. Everything a client may send or read is declared here once. */
import Type, { type Static, type TObject, type TProperties } from "typebox";
import {
  CURSOR_CHARACTERS_MAX,
  DISPLAY_NAME_CHARACTERS_MAX,
  LIST_PAGE_MAX,
  MESSAGE_CHARACTERS_MAX,
  PASSWORD_CHARACTERS_MAX,
  PASSWORD_CHARACTERS_MIN,
  SESSION_LABEL_CHARACTERS_MAX,
  TOPIC_CHARACTERS_MAX,
  WILDCARD_CHARACTERS_MAX,
} from "../core/limits.ts";
import { NAME_PATTERN } from "../core/names.ts";
import { POSITION_LENGTH_MAX } from "../core/position.ts";

/** An object without other members than those named. */
export function Shape<P extends TProperties>(properties: P, description?: string): TObject<P> {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  });
}

export const RequestIdText = Type.String({
  pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
  description: "UUIDv7 made by the client, in lower case; the same for every repeat of the request",
});
export const Name = Type.String({
  pattern: NAME_PATTERN.replace("^[a-z0-9][a-z0-9._-]", "^[A-Za-z0-9][A-Za-z0-9._-]"),
  description: "a name; upper case is folded to lower case",
});
export const DisplayName = Type.String({
  maxLength: DISPLAY_NAME_CHARACTERS_MAX,
  description: "shown instead of the name; empty for none",
});
export const NewPassword = Type.String({
  minLength: PASSWORD_CHARACTERS_MIN,
  maxLength: PASSWORD_CHARACTERS_MAX,
});
export const Password = Type.String({ minLength: 1, maxLength: PASSWORD_CHARACTERS_MAX });
export const Token = Type.String({ pattern: "^hft_[A-Za-z0-9_-]{43}$" });
/** Stands for a session for a while, on every server of the cluster: see `session.ticket`. */
export const Ticket = Type.String({ pattern: "^hfk_[0-9A-Za-z_-]+$", maxLength: 160 });
/** Stands for the token in the page's cookie, which no script can read. */
export const COOKIE = "cookie";
export const Cursor = Type.String({
  minLength: 1,
  maxLength: CURSOR_CHARACTERS_MAX,
  description: "opaque: what its holder has seen",
});
export const PositionText = Type.String({
  minLength: 1,
  maxLength: POSITION_LENGTH_MAX,
  description: "a place in the total order; byte order is the order",
});
export const Text = Type.String({
  minLength: 1,
  maxLength: MESSAGE_CHARACTERS_MAX * 2,
  description: `1 to ${MESSAGE_CHARACTERS_MAX} characters (code points)`,
});
export const Topic = Type.String({ maxLength: TOPIC_CHARACTERS_MAX });
export const Label = Type.String({
  maxLength: SESSION_LABEL_CHARACTERS_MAX,
  description: "what a session is called in the list of sessions, such as the device",
});
export const Wildcard = Type.String({
  maxLength: WILDCARD_CHARACTERS_MAX,
  description: "`*` any run of characters, `?` one character",
});
export const PageLimit = Type.Integer({ minimum: 1, maximum: LIST_PAGE_MAX });
/** `@name` or an account id. */
export const AccountRef = Type.String({ minLength: 2, maxLength: 48 });
/** `#name` or a channel id. */
export const ChannelRef = Type.String({ minLength: 2, maxLength: 48 });
/** `@name`, `#name`, or an account, channel or conversation id. */
export const ConversationRef = Type.String({ minLength: 2, maxLength: 48 });
export const MessageIdText = Type.String({ pattern: "^m_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
export const SessionIdText = Type.String({ pattern: "^s_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
export const InvitationIdText = Type.String({ pattern: "^i_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
export const Millis = Type.Integer({ minimum: 0, description: "ms since 1970-01-01 UTC" });

/** Reads take what their caller has seen before; the answer is never older, or it is `stale`. */
export const reading = { at: Type.Optional(Cursor) };
export const cursored = { cursor: Cursor };

export const Receipt = Shape(
  {
    held: Type.Array(Type.String(), { description: "names of the servers that hold it on disk" }),
    of: Type.Integer({ description: "servers of the cluster" }),
  },
  "where an acknowledged op is stored; never overstated",
);
export type Receipt = Static<typeof Receipt>;
export const receipted = { receipt: Receipt };

export const Author = Shape({
  id: Type.String(),
  name: Type.String({ description: "the name it shows now, `(account deleted)` when gone" }),
  displayName: Type.Optional(Type.String()),
  deleted: Type.Optional(Type.Literal(true)),
});
export type Author = Static<typeof Author>;

export const Message = Shape({
  id: MessageIdText,
  conversation: Type.String(),
  author: Author,
  text: Type.String({ description: "empty when deleted" }),
  at: Millis,
  position: PositionText,
  edited: Type.Optional(Type.Literal(true)),
  deleted: Type.Optional(Type.Literal(true)),
  late: Type.Optional(
    Type.Literal(true, { description: "it arrived behind messages that were there before it" }),
  ),
});
export type Message = Static<typeof Message>;

export const Account = Shape({
  id: Type.String(),
  name: Type.String(),
  displayName: Type.String(),
  admin: Type.Optional(Type.Literal(true)),
});
export type Account = Static<typeof Account>;

export const ListedAccount = Shape({
  id: Type.String(),
  name: Type.String(),
  displayName: Type.String(),
  online: Type.Boolean(),
});
export type ListedAccount = Static<typeof ListedAccount>;

export const Session = Shape({
  id: SessionIdText,
  label: Type.String(),
  openedAt: Millis,
  current: Type.Boolean(),
});
export type Session = Static<typeof Session>;

export const Channel = Shape({
  id: Type.String(),
  name: Type.String(),
  topic: Type.String(),
  private: Type.Boolean(),
  members: Type.Integer(),
  standing: Type.Optional(
    Type.Union([Type.Literal("owner"), Type.Literal("member"), Type.Literal("invited")], {
      description: "the caller's own; absent for none",
    }),
  ),
});
export type Channel = Static<typeof Channel>;

export const Member = Shape({
  id: Type.String(),
  name: Type.String(),
  displayName: Type.String(),
  standing: Type.Union([
    Type.Literal("owner"),
    Type.Literal("member"),
    Type.Literal("invited"),
    Type.Literal("banned"),
  ]),
  online: Type.Boolean(),
});
export type Member = Static<typeof Member>;

export const Conversation = Shape({
  id: Type.String(),
  kind: Type.Union([Type.Literal("channel"), Type.Literal("direct")]),
  name: Type.String({ description: "`#ops` or `@bob`" }),
  channel: Type.Optional(Channel),
  account: Type.Optional(Author),
  online: Type.Optional(Type.Boolean()),
  unread: Type.Integer({ description: "exact to 999; 1000 means more" }),
  marker: Type.Optional(PositionText),
  last: Type.Optional(Message),
});
export type Conversation = Static<typeof Conversation>;
