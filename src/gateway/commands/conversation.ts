import { united } from "../../core/cursor.ts";
import { Refusal } from "../../core/errors.ts";
import type { AccountId, ConversationId } from "../../core/ids.ts";
import {
  CONNECTIONS_PER_ACCOUNT_MAX,
  EVENTS_PAGE_DEFAULT,
  LIST_PAGE_DEFAULT,
  UNREAD_EXACT_MAX,
} from "../../core/limits.ts";
import { POSITION_START, type Position, parsePosition } from "../../core/position.ts";
import { standingOf } from "../../ops/member.ts";
import type { Conversation } from "../../protocol/schema.ts";
import type { Commands, SignedIn } from "../command.ts";
import type { Services } from "../services.ts";
import { sessionOver } from "./session.ts";

/** A pause between two looks of a client that polls, so that a busy server is not asked at each commit. */
const POLL_PAUSE_MS = 50;

export const conversationCommands: Commands<"conversation" | "typing" | "events"> = {
  "conversation.list": { needs: "session", handle: listConversations },
  "conversation.resolve": {
    needs: "session",
    handle(services, caller, params) {
      const place = services.access.readable(params.in, caller.account);
      if (place.kind === "direct") caller.shows([place.scope]);
      const conversation = services.render.conversation(place, caller.account);
      return { id: place.scope, conversation };
    },
  },
  "conversation.read": {
    needs: "session",
    handle(services, caller, params) {
      const { account } = caller;
      const place = services.access.readable(params.in, account);
      if (place.kind === "channel" && standingOf(place.member) !== "joined") {
        throw new Refusal("forbidden", `you are not in ${params.in}: there is nothing to mark`);
      }
      if (parsePosition(params.upTo) === null) {
        throw new Refusal("invalid", "`upTo` is no position: use one that a message carries");
      }
      const upTo = params.upTo as Position;
      const newest = services.view.lastMessage(place.conversation)?.position;
      if (newest === undefined || upTo > newest) {
        throw new Refusal("invalid", "`upTo` lies behind the last message of the conversation");
      }
      services.markers.set(account, place.conversation, place.scope, upTo);
      const floor = services.access.floor(account, place) ?? POSITION_START;
      return { unread: services.view.unread(account, place.conversation, floor, UNREAD_EXACT_MAX) };
    },
  },
  "typing.set": {
    needs: "session",
    handle(services, caller, params) {
      const place = services.access.writable(params.in, caller.account);
      services.typing.here(caller.account, place.conversation);
      return {};
    },
  },
  "events.read": { needs: "session", handle: readEvents },
};

type ListParams = { after?: string; limit?: number };

async function listConversations(services: Services, caller: SignedIn, params: ListParams) {
  const { account } = caller;
  const { view, access, render } = services;
  const limit = params.limit ?? LIST_PAGE_DEFAULT;
  const references: string[] = view
    .channelsOf(account)
    .map(({ channel }): string => channel)
    .concat(view.directsOf(account));
  // Newest activity first; a conversation without messages counts by its id, after all others.
  const ordered = references
    .map((id) => ({ id, key: orderKey(services, id as ConversationId) }))
    .sort((a, b) => (a.key < b.key ? 1 : -1));
  const rest =
    params.after === undefined
      ? ordered
      : ordered.filter(({ key }) => key < (params.after as string));
  const page = rest.slice(0, limit);
  const conversations: Conversation[] = [];
  const shown: AccountId[] = [];
  for (const { id } of page) {
    const place = access.listed(id as ConversationId, account);
    if (place === null) continue;
    if (place.kind === "direct") shown.push(place.scope);
    conversations.push(render.conversation(place, account));
  }
  caller.shows(shown);
  const last = page.at(-1);
  return {
    conversations,
    ...(rest.length > limit && last !== undefined ? { next: last.key } : {}),
  };
}

function orderKey({ view }: Services, id: ConversationId): string {
  return `${view.lastPlace(id) ?? ""} ${id}`;
}

type ReadParams = { cursor: string; limit?: number; waitMs?: number };

async function readEvents(services: Services, caller: SignedIn, params: ReadParams) {
  const { polls } = services;
  const { account } = caller;
  const others = polls.get(account) ?? 0;
  if (others >= CONNECTIONS_PER_ACCOUNT_MAX) {
    throw new Refusal("rate_limited", "this account waits for events in too many places", 1_000);
  }
  polls.set(account, others + 1);
  try {
    return await pollEvents(services, caller, params);
  } finally {
    const left = (polls.get(account) ?? 1) - 1;
    if (left === 0) polls.delete(account);
    else polls.set(account, left);
  }
}

async function pollEvents(services: Services, caller: SignedIn, params: ReadParams) {
  const { replica, clock, missed, folds } = services;
  const limit = params.limit ?? EVENTS_PAGE_DEFAULT;
  const deadline = clock.monotonicMs() + (params.waitMs ?? 0);
  let cursor = replica.cursors.parse(params.cursor);
  for (;;) {
    const over = sessionOver(services, caller);
    if (over !== null) throw new Refusal("session_ended", `this session is over: ${over}`);
    const found = missed.since(caller.account, cursor, limit);
    if (found === null) {
      const { cursors } = replica;
      const current = united(cursors.current(), cursors.uncovered(cursor));
      return { events: [{ method: "reset", params: { cursor: current } }], cursor: current };
    }
    if (found.events.length > 0) {
      const events = found.events.map(({ method, params: told, cursor: at }) => ({
        method,
        params: { ...told, cursor: at },
      }));
      return { events, cursor: found.cursor };
    }
    const left = deadline - clock.monotonicMs();
    if (left <= 0 || services.isStopping()) return { events: [], cursor: found.cursor };
    cursor = replica.cursors.parse(found.cursor);
    await folds.wait(left);
    if (!services.isStopping()) await pause(services, Math.min(left, POLL_PAUSE_MS));
  }
}

function pause({ clock }: Services, ms: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(ms, resolve));
}
