/** Rows of the view as the protocol's shapes. */
import { BoundedMap } from "../core/bounded-map.ts";
import { type AccountId, type ChannelId, type ConversationId, isChannelId } from "../core/ids.ts";
import { UNREAD_EXACT_MAX } from "../core/limits.ts";
import { POSITION_START } from "../core/position.ts";
import type { MessageRow, ReadView } from "../core/read-view.ts";
import { isOwner, memberKey, standingOf } from "../ops/member.ts";
import type { Account, Author, Channel, Conversation, Message } from "../protocol/schema.ts";
import type { Access, Place } from "./access.ts";
import { exists } from "./accounts.ts";

const AUTHORS_CACHED_MAX = 20_000;
const MESSAGES_CACHED_MAX = 4_096;

/** What a deleted account is called; no name contains a parenthesis. */
export const DELETED_NAME = "(account deleted)";
/** What is shown for the operator of a server. */
export const OPERATOR_NAME = "(operator)";

export class Render {
  private readonly view: ReadView;
  private readonly access: Access;
  private readonly online: (account: AccountId) => boolean;
  /** Those just posted: the event and the answer show the same. */
  private readonly messages = new BoundedMap<number, Message>(MESSAGES_CACHED_MAX);
  private readonly authors = new BoundedMap<AccountId, Author>(AUTHORS_CACHED_MAX);

  constructor(view: ReadView, access: Access, online: (account: AccountId) => boolean) {
    this.view = view;
    this.access = access;
    this.online = online;
  }

  /** An account changed: what was rendered of it is forgotten. */
  changed(account: AccountId): void {
    this.authors.delete(account);
    this.messages.clear();
  }

  /** All names may have changed, as when one becomes free. */
  forgetNames(): void {
    this.authors.clear();
    this.messages.clear();
  }

  /** A message changed, and with it what was rendered of it. */
  forgetMessages(): void {
    this.messages.clear();
  }

  author(id: AccountId): Author {
    const known = this.authors.get(id);
    if (known !== undefined) return known;
    const state = this.view.get("account", id);
    const author: Author = !exists(state)
      ? { id, name: DELETED_NAME, deleted: true }
      : {
          id,
          name: this.view.shownName("account", id) ?? DELETED_NAME,
          ...(state.displayName?.value ? { displayName: state.displayName.value } : {}),
        };
    this.authors.set(id, author);
    return author;
  }

  account(id: AccountId): Account {
    const { name, displayName } = this.author(id);
    const admin = this.view.get("account", id)?.admin?.value === true;
    return { id, name, displayName: displayName ?? "", ...(admin ? { admin: true as const } : {}) };
  }

  /** The message that a post became, as last rendered or read anew, even if a ban hides it; null if there is none. */
  post(n: number): Message | null {
    const known = this.messages.get(n);
    if (known !== undefined) return known;
    const row = this.view.message(n, true);
    return row === null ? null : this.message(row);
  }

  message(row: MessageRow): Message {
    const message: Message = {
      id: row.id,
      conversation: row.conversation,
      author: this.author(row.author),
      text: row.text ?? "",
      at: row.stamp.ms,
      position: row.position,
      ...(row.edited && row.text !== null ? { edited: true as const } : {}),
      ...(row.text === null ? { deleted: true as const } : {}),
      ...(row.late ? { late: true as const } : {}),
    };
    this.messages.set(row.n, message);
    return message;
  }

  channel(id: ChannelId, viewer: AccountId | null): Channel {
    const state = this.view.get("channel", id);
    const member = viewer === null ? undefined : this.view.get("member", memberKey(id, viewer));
    const standing = standingOf(member);
    const own = isOwner(member)
      ? "owner"
      : standing === "joined"
        ? "member"
        : standing === "invited"
          ? "invited"
          : null;
    return {
      id,
      name: this.view.shownName("channel", id) ?? "",
      topic: state?.topic?.value ?? "",
      private: state?.private?.value === true,
      members: this.view.memberCount(id),
      ...(own === null ? {} : { standing: own }),
    };
  }

  conversation(place: Place, viewer: AccountId): Conversation {
    const id: ConversationId = place.conversation;
    const floor = this.access.floor(viewer, place);
    const marker = this.access.marker(viewer, place);
    const readable =
      place.kind === "direct" ||
      standingOf(place.member) === "joined" ||
      place.channel.private?.value !== true;
    const last = readable ? this.view.lastMessage(id) : null;
    const counted = place.kind === "direct" || standingOf(place.member) === "joined";
    const common = {
      id,
      unread: counted ? this.view.unread(viewer, id, floor ?? POSITION_START, UNREAD_EXACT_MAX) : 0,
      ...(marker === undefined ? {} : { marker }),
      ...(last === null ? {} : { last: this.message(last) }),
    };
    if (place.kind === "channel") {
      const channel = this.channel(place.conversation, viewer);
      return { ...common, kind: "channel", name: `#${channel.name}`, channel };
    }
    const account = this.author(place.scope);
    return {
      ...common,
      kind: "direct",
      name: account.deleted === true ? account.name : `@${account.name}`,
      account,
      online: this.online(place.scope),
    };
  }

  /** The parties of a direct conversation, or nobody for a channel's. */
  partiesOf(id: ConversationId): AccountId[] {
    if (isChannelId(id)) return [];
    const parties = this.view.partiesOf(id);
    return parties === null ? [] : parties.a === parties.b ? [parties.a] : [parties.a, parties.b];
  }
}
