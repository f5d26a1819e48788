/**
 * Who may see and do what. A reference (`@bob`, `#ops`, an id) is resolved and checked in one step, and
 * what somebody may not see is answered exactly as what does not exist.
 */
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import {
  type AccountId,
  type ChannelId,
  type ConversationId,
  directIdFor,
  isAccountId,
  isChannelId,
  isDirectId,
} from "../core/ids.ts";
import { foldCase } from "../core/names.ts";
import type { Position } from "../core/position.ts";
import type { MessageRow, ReadView } from "../core/read-view.ts";
import type { AccountState, ChannelState, MemberState } from "../core/view.ts";
import { isOwner, joinedSince, memberKey, standingOf } from "../ops/member.ts";
import { exists, isAdmin } from "./accounts.ts";
import type { Markers } from "./markers.ts";

export type ChannelPlace = {
  readonly kind: "channel";
  readonly conversation: ChannelId;
  readonly scope: ChannelId;
  readonly channel: ChannelState;
  readonly member: MemberState | undefined;
};
export type DirectPlace = {
  readonly kind: "direct";
  readonly conversation: ConversationId;
  /** The other account: the scope of ops in it. */
  readonly scope: AccountId;
  readonly other: AccountState | undefined;
};
export type Place = ChannelPlace | DirectPlace;

const REFERENCE_HINT = "use @name, #name, or an id";

export class Access {
  private readonly view: ReadView;
  private readonly hash: Hash;
  private readonly markers: Markers;

  constructor(view: ReadView, hash: Hash, markers: Markers) {
    this.view = view;
    this.hash = hash;
    this.markers = markers;
  }

  /** The account that a reference stands for; throws `not_found`. */
  account(reference: string): { id: AccountId; state: AccountState } {
    const id = this.accountId(reference);
    const state = id === null ? undefined : this.view.get("account", id);
    if (id === null || !exists(state)) {
      throw new Refusal("not_found", `there is no account ${reference}`);
    }
    return { id, state };
  }

  private accountId(reference: string): AccountId | null {
    if (isAccountId(reference)) return reference;
    if (!reference.startsWith("@")) {
      throw new Refusal("invalid", `${reference} is no account: use @name or an account id`);
    }
    const shown = foldCase(reference.slice(1));
    return this.view.holderOf("account", shown) as AccountId | null;
  }

  /** A conversation that the account may read. Throws `not_found` otherwise. */
  readable(reference: string, account: AccountId): Place {
    const place = this.place(reference, account);
    if (place === null) throw notFound(reference);
    return place;
  }

  /** A conversation of the account's own list: it may also be only invited to it. */
  listed(id: ConversationId, account: AccountId): Place | null {
    return isChannelId(id) ? this.anyChannel(id, account) : this.place(id, account);
  }

  /** A conversation that the account may post to. */
  writable(reference: string, account: AccountId): Place {
    const place = this.place(reference, account);
    if (place === null) {
      const what = isDirectId(reference)
        ? `${reference} is no conversation of yours: a first message goes to the account`
        : `there is nobody and nothing called ${reference}`;
      throw new Refusal("no_such_recipient", what);
    }
    if (place.kind === "direct") {
      if (!exists(place.other)) {
        throw new Refusal("no_such_recipient", `the account ${reference} was deleted`);
      }
    } else if (standingOf(place.member) !== "joined") {
      const name = this.view.shownName("channel", place.conversation) ?? "";
      throw new Refusal("forbidden", `you are not in #${name}: join it first`);
    }
    return place;
  }

  private place(reference: string, account: AccountId): Place | null {
    if (reference.startsWith("#") || isChannelId(reference)) {
      return this.channelPlace(reference, account);
    }
    if (isDirectId(reference)) {
      const parties = this.view.partiesOf(reference);
      if (parties === null) return null;
      if (parties.a === account) return this.direct(account, parties.b);
      return parties.b === account ? this.direct(account, parties.a) : null;
    }
    if (!reference.startsWith("@") && !isAccountId(reference)) {
      throw new Refusal("invalid", `${reference} is no conversation: ${REFERENCE_HINT}`);
    }
    const other = this.accountId(reference);
    if (other === null) return null;
    const place = this.direct(account, other);
    if (place.other === undefined) return null;
    // A deleted account is found by its id alone, for what was said with it.
    return place;
  }

  private direct(account: AccountId, other: AccountId): DirectPlace {
    return {
      kind: "direct",
      conversation: directIdFor(this.hash, account, other),
      scope: other,
      other: this.view.get("account", other),
    };
  }

  private channelId(reference: string): ChannelId | null {
    if (isChannelId(reference)) return reference;
    if (!reference.startsWith("#")) {
      throw new Refusal("invalid", `${reference} is no channel: use #name or a channel id`);
    }
    return this.view.holderOf("channel", foldCase(reference.slice(1))) as ChannelId | null;
  }

  /** A channel as seen by an account; null when there is none, or none for this account. */
  private channelPlace(reference: string, account: AccountId): ChannelPlace | null {
    const place = this.anyChannel(reference, account);
    if (place === null) return null;
    const standing = standingOf(place.member);
    if (standing === "banned") return null;
    if (standing === "joined") return place;
    return place.channel.private?.value === true ? null : place;
  }

  private anyChannel(reference: string, account: AccountId): ChannelPlace | null {
    const id = this.channelId(reference);
    const channel = id === null ? undefined : this.view.get("channel", id);
    if (id === null || channel?.created === undefined) return null;
    const member = this.view.get("member", memberKey(id, account));
    return { kind: "channel", conversation: id, scope: id, channel, member };
  }

  /** A channel that the account may join: public, or invited to it. */
  joinable(reference: string, account: AccountId): ChannelPlace {
    const place = this.anyChannel(reference, account);
    if (place === null) throw notFound(reference);
    const standing = standingOf(place.member);
    const open = place.channel.private?.value !== true && standing !== "banned";
    if (!open && standing !== "invited" && standing !== "joined") throw notFound(reference);
    return place;
  }

  /** A channel that the account is in or invited to. */
  joined(reference: string, account: AccountId): ChannelPlace {
    const place = this.anyChannel(reference, account);
    const standing = standingOf(place?.member);
    if (place === null || (standing !== "joined" && standing !== "invited")) {
      if (place !== null && place.channel.private?.value !== true && standing !== "banned") {
        throw new Refusal("forbidden", `you are not in ${reference}`);
      }
      throw notFound(reference);
    }
    return place;
  }

  /** A channel in which the account may what owners may; throws `forbidden` if it may not. */
  owned(reference: string, account: AccountId): ChannelPlace {
    const place = this.joined(reference, account);
    if (this.manages(place, account)) return place;
    throw new Refusal("forbidden", `only an owner of ${reference} may do this`);
  }

  /** Owners, and administrators who are in: an owner may be gone for good. */
  manages({ member }: ChannelPlace, account: AccountId): boolean {
    if (isOwner(member)) return true;
    return standingOf(member) === "joined" && isAdmin(this.view.get("account", account));
  }

  /** Where a message is, if the account may read it. Throws `not_found` otherwise. */
  messagePlace(message: MessageRow | null, account: AccountId): Place {
    if (message === null) throw new Refusal("not_found", "there is no such message");
    const place = this.place(message.conversation, account);
    if (place === null) throw new Refusal("not_found", "there is no such message");
    return place;
  }

  marker(account: AccountId, place: Place): Position | undefined {
    return this.markers.of(account, place.conversation);
  }

  /** The place up to which nothing counts as unread: the marker, or when the account joined. */
  floor(account: AccountId, place: Place) {
    const marker = this.marker(account, place);
    if (place.kind === "direct") return marker ?? null;
    const since = joinedSince(place.member);
    if (marker === undefined) return since;
    return since !== null && since > marker ? since : marker;
  }
}

function notFound(reference: string): Refusal {
  return new Refusal("not_found", `there is no ${reference}, or none that you may see`);
}
