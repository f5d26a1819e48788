/**
 * Folded ops as events: pure decisions about who receives what. The same function serves what is sent live
 * and what a resume replays, so both say the same. Only whether a conversation opens is told by others: live
 * by what a connection has already (connections.ts), in a replay by what let its account in (missed.ts).
 */
import type { AccountId, ChannelId, ConversationId } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import type { FeedScope, ReadView } from "../core/read-view.ts";
import type { MemberState, Subject } from "../core/view.ts";
import { feedScopes } from "../ops/audience.ts";
import { channelCreate } from "../ops/channel.ts";
import { isOwner, mayTurnFrom, splitMemberKey, standingOf } from "../ops/member.ts";
import { messagePost } from "../ops/message.ts";
import type { EventName } from "../protocol/events.ts";
import type { Access } from "./access.ts";
import type { Render } from "./render.ts";

type EventBody = Readonly<Record<string, unknown>>;

/** An event without its cursor, for everybody in its scopes, or for one account only. */
export type Notice = {
  readonly scopes: readonly FeedScope[];
  readonly method: EventName;
  readonly params: EventBody;
  /** Those of the receivers who are told something else, and what. */
  readonly apart?: { readonly accounts: readonly AccountId[]; readonly params: EventBody };
};

/** What a notice says to one of its receivers. */
export function paramsFor({ params, apart }: Notice, account: AccountId): EventBody {
  return apart?.accounts.includes(account) ? apart.params : params;
}

function shownStanding(state: MemberState | undefined) {
  if (isOwner(state)) return "owner";
  const standing = standingOf(state);
  if (standing === "joined") return "member";
  return standing === "invited" || standing === "banned" ? standing : "none";
}

/** Banned, or let in again, without ever having been invited or in: only owners know of it. */
function isStranger(state: MemberState | undefined): boolean {
  return state?.standing !== undefined && state.met !== true && !isOwner(state);
}

export class Notices {
  private readonly view: ReadView;
  private readonly render: Render;
  private readonly access: Access;

  constructor(view: ReadView, render: Render, access: Access) {
    this.view = view;
    this.render = render;
    this.access = access;
  }

  /** What an op that changed these subjects means now, in the view's present state. */
  of(n: number, op: Op, subjects: readonly Subject[]): Notice[] {
    const notices: Notice[] = [];
    for (const subject of subjects) {
      const scopes = feedScopes(subject, op);
      if (scopes.length === 0) continue;
      switch (subject.table) {
        case "message":
          notices.push(...this.message(subject, op, n, scopes));
          break;
        case "member":
          notices.push(this.member(subject));
          break;
        case "channel":
          if (op.kind === channelCreate.number) break; // its creator gets conversation.opened
          notices.push({
            scopes,
            method: "channel.changed",
            params: { channel: this.render.channel(subject.key, null) },
          });
          break;
        case "account":
          notices.push({
            scopes,
            method: "account.changed",
            params: { account: this.render.author(subject.key) },
          });
          break;
        case "marker":
          notices.push(...this.marker(subject, scopes));
          break;
        default:
      }
    }
    return notices;
  }

  private message(
    subject: Extract<Subject, { table: "message" }>,
    op: Op,
    n: number,
    scopes: FeedScope[],
  ): Notice[] {
    // A post that does not count says where the one stands that does: elsewhere this one was shown.
    const post = op.kind === messagePost.number ? this.view.message(n) : null;
    const row = post ?? this.view.messageById(subject.key);
    if (row === null || row.conversation !== subject.conversation) return [];
    return [
      {
        scopes,
        method: post === null ? "message.changed" : "message.posted",
        params: { message: this.render.message(row) },
      },
    ];
  }

  /** A ban is for the owners and for whom it is about; to all others they have left. */
  private member(subject: Extract<Subject, { table: "member" }>): Notice {
    const { channel, account } = splitMemberKey(subject.key);
    const state = this.view.get("member", subject.key);
    const standing = shownStanding(state);
    const method = "member.changed";
    const params = (shown: typeof standing) => ({
      conversation: channel,
      account: this.render.author(account),
      standing: shown,
    });
    if (isStranger(state)) {
      const isPrivate = this.view.get("channel", channel)?.private?.value !== false;
      const scopes = [...this.view.ownersOf(channel), ...(isPrivate ? [] : [account])];
      return { scopes, method, params: params(standing) };
    }
    const scopes = [channel, account];
    if (standing !== "banned") return { scopes, method, params: params(standing) };
    const accounts = [...this.view.ownersOf(channel), account];
    return {
      scopes,
      method,
      params: params("none"),
      apart: { accounts, params: params("banned") },
    };
  }

  /**
   * The channels whose history is to be read anew, because a ban or its end came behind messages of whom it is
   * about: which of them are shown changed here, or is another than at a server where it came before them.
   */
  turned(n: number, op: Op, subjects: readonly Subject[]): ChannelId[] {
    return subjects.flatMap((subject) => {
      if (subject.table !== "member") return [];
      const { channel, account } = splitMemberKey(subject.key);
      const from = mayTurnFrom(this.view, n, op, subject.key);
      return from !== null && this.view.hasPosted(channel, account, from) ? [channel] : [];
    });
  }

  /** Of a post that a ban hides from everybody: its conversation. It may have been shown by another server. */
  hiddenIn(n: number, { kind }: Op): ConversationId | null {
    if (kind !== messagePost.number || this.view.message(n) !== null) return null;
    return this.view.message(n, true)?.conversation ?? null;
  }

  /** A conversation became readable for an account; null while what makes it is still missing. */
  opened(conversation: ConversationId, account: AccountId): Notice | null {
    const place = this.access.listed(conversation, account);
    if (place === null) return null;
    return {
      scopes: [account],
      method: "conversation.opened",
      params: { conversation: this.render.conversation(place, account) },
    };
  }

  private marker(subject: Extract<Subject, { table: "marker" }>, scopes: FeedScope[]): Notice[] {
    const conversation = subject.key.split(" ")[1];
    const marker = this.view.get("marker", subject.key);
    if (marker === undefined) return [];
    return [{ scopes, method: "marker.changed", params: { conversation, upTo: marker.upTo } }];
  }
}
