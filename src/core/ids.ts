/**
 * Branded ids. Each text form carries a prefix, so that a wrong kind of id is a clear error instead of
 * "not found". Ids of effects are computed from (author, request id), never drawn by a server: a repeat
 * through another server therefore names the same thing.
 */
import { BoundedMap } from "./bounded-map.ts";
import {
  compareText,
  concatBytes,
  fromBase64Url,
  HEX,
  HEX_DIGITS,
  toBase64Url,
  utf8,
} from "./bytes.ts";
import type { Hash } from "./hash.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `a_` + 22 characters: who acts. */
export type AccountId = Branded<"AccountId">;
/** `c_` + 22 characters: a channel, and its conversation. */
export type ChannelId = Branded<"ChannelId">;
/** `d_` + 22 characters: a direct conversation, computed from its two accounts. */
export type DirectId = Branded<"DirectId">;
export type ConversationId = ChannelId | DirectId;
/** `s_` + 43 characters, as {@link MessageId}. */
export type SessionId = Branded<"SessionId">;
/** `m_` + 43 characters: request id and author of the post. */
export type MessageId = Branded<"MessageId">;
/** `i_` + 43 characters. */
export type InvitationId = Branded<"InvitationId">;
/** A UUIDv7 (RFC 9562) in lower case, made by the client: names one effect of one author. */
export type RequestId = Branded<"RequestId">;
/** `NAME.` + 10 characters base32hex, `/` + 10 more for the second branch of a split: one run of one server. */
export type Incarnation = Branded<"Incarnation">;

export const ID_BYTES = 16;

// The last character has bits to spare: only the canonical one of its spellings is an id.
const ACCOUNT = /^a_[A-Za-z0-9_-]{21}[AQgw]$/;
const CHANNEL = /^c_[A-Za-z0-9_-]{21}[AQgw]$/;
const DIRECT = /^d_[A-Za-z0-9_-]{21}[AQgw]$/;
const MESSAGE = /^m_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const SESSION = /^s_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const INVITATION = /^i_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const REQUEST = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const INCARNATION = /^[a-z0-9][a-z0-9-]{0,31}\.[0-9a-v]{10}(\/[0-9a-v]{10})?$/;
const SERVER_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

export const isAccountId = (text: string): text is AccountId => ACCOUNT.test(text);
export const isChannelId = (text: string): text is ChannelId => CHANNEL.test(text);
export const isDirectId = (text: string): text is DirectId => DIRECT.test(text);
export const isMessageId = (text: string): text is MessageId => MESSAGE.test(text);
export const isSessionId = (text: string): text is SessionId => SESSION.test(text);
export const isInvitationId = (text: string): text is InvitationId => INVITATION.test(text);
export const isRequestId = (text: string): text is RequestId => REQUEST.test(text);
export const isIncarnation = (text: string): text is Incarnation => INCARNATION.test(text);
export const isServerName = (text: string): boolean => SERVER_NAME.test(text);

/** The 16 bytes behind an account, channel or direct conversation id. */
export function idBytes(id: AccountId | ConversationId): Uint8Array {
  const bytes = fromBase64Url(id.slice(2));
  if (bytes === null || bytes.length !== ID_BYTES) throw new TypeError(`not an id: ${id}`);
  return bytes;
}

/** The id whose bytes stand at `at`. */
export function accountIdOf(bytes: Uint8Array, at = 0): AccountId {
  return `a_${toBase64Url(bytes, at, at + ID_BYTES)}` as AccountId;
}

export function channelIdOf(bytes: Uint8Array, at = 0): ChannelId {
  return `c_${toBase64Url(bytes, at, at + ID_BYTES)}` as ChannelId;
}

export function requestIdBytes(id: RequestId): Uint8Array {
  const bytes = new Uint8Array(ID_BYTES);
  let at = 0;
  for (let i = 0; i < 36; i += 2) {
    if (i === 8 || i === 13 || i === 18 || i === 23) i++;
    const high = HEX_DIGITS[id.charCodeAt(i)] as number;
    bytes[at++] = (high << 4) | (HEX_DIGITS[id.charCodeAt(i + 1)] as number);
  }
  return bytes;
}

export function requestIdOf(bytes: Uint8Array, at = 0): RequestId {
  let text = "";
  for (let i = 0; i < ID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += HEX[bytes[at + i] as number];
  }
  return text as RequestId;
}

/** Whether the 16 bytes at `at` are those of a {@link RequestId}: a UUID of version 7 in its one variant. */
export function areRequestId(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + 6] as number) >>> 4 === 7 && (bytes[at + 8] as number) >>> 6 === 2;
}

/** Makes a UUIDv7 from wall-clock ms and 10 random bytes (RFC 9562, section 5.7). */
export function requestIdFrom(wallMs: number, random: Uint8Array): RequestId {
  const bytes = new Uint8Array(ID_BYTES);
  let ms = Math.floor(wallMs);
  for (let i = 5; i >= 0; i--) {
    bytes[i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return requestIdOf(bytes);
}

function derive(hash: Hash, label: string, ...parts: Uint8Array[]): Uint8Array {
  return hash.sha256(concatBytes(utf8(`holdfast/${label}\0`), ...parts)).slice(0, ID_BYTES);
}

/** The account that a creation request makes: known to client and server before anything is stored. */
export function accountIdFor(hash: Hash, id: RequestId): AccountId {
  return accountIdOf(derive(hash, "account", requestIdBytes(id)));
}

/** The author of what is done on a server's own machine (`holdfast admin`); never a real account. */
export function operatorId(hash: Hash): AccountId {
  return accountIdOf(derive(hash, "operator"));
}

export function channelIdFor(hash: Hash, author: AccountId, id: RequestId): ChannelId {
  return channelIdOf(derive(hash, "channel", idBytes(author), requestIdBytes(id)));
}

/** Who talks goes on talking, and each message asks several times. */
const DIRECTS_REMEMBERED = 4_096;
const directs = new WeakMap<Hash, BoundedMap<string, DirectId>>();

/** The same for (a, b) and (b, a): needs no op, no agreement and no look-up. */
export function directIdFor(hash: Hash, a: AccountId, b: AccountId): DirectId {
  let known = directs.get(hash);
  if (known === undefined) {
    known = new BoundedMap(DIRECTS_REMEMBERED);
    directs.set(hash, known);
  }
  const parties = a + b;
  let id = known.get(parties);
  if (id === undefined) {
    const [first, second] = compareText(a, b) <= 0 ? [a, b] : [b, a];
    id = `d_${toBase64Url(derive(hash, "direct", idBytes(first), idBytes(second)))}` as DirectId;
    known.set(parties, id);
  }
  return id;
}

/** A request id computed from another one, for a second effect of the same request. */
export function derivedRequestId(hash: Hash, label: string, id: RequestId): RequestId {
  const bytes = derive(hash, `request/${label}`, requestIdBytes(id));
  const joined = concatBytes(requestIdBytes(id).subarray(0, 6), bytes.subarray(6));
  joined[6] = ((joined[6] as number) & 0x0f) | 0x70;
  joined[8] = ((joined[8] as number) & 0x3f) | 0x80;
  return requestIdOf(joined);
}

function effectText(author: AccountId, id: RequestId): string {
  return toBase64Url(concatBytes(requestIdBytes(id), idBytes(author)));
}

export function messageIdFor(author: AccountId, id: RequestId): MessageId {
  return `m_${effectText(author, id)}` as MessageId;
}

export function sessionIdFor(author: AccountId, id: RequestId): SessionId {
  return `s_${effectText(author, id)}` as SessionId;
}

export function invitationIdFor(author: AccountId, id: RequestId): InvitationId {
  return `i_${effectText(author, id)}` as InvitationId;
}

/** Author and request id behind a message, session or invitation id. */
export function effectOf(id: MessageId | SessionId | InvitationId): {
  author: AccountId;
  id: RequestId;
} {
  const bytes = fromBase64Url(id.slice(2));
  if (bytes === null || bytes.length !== 2 * ID_BYTES) throw new TypeError(`not an id: ${id}`);
  return { author: accountIdOf(bytes, ID_BYTES), id: requestIdOf(bytes) };
}
