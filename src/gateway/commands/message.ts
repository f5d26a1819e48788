import { Refusal } from "../../core/errors.ts";
import {
  type AccountId,
  type ConversationId,
  effectOf,
  isMessageId,
  type MessageId,
  type RequestId,
} from "../../core/ids.ts";
import { HISTORY_PAGE_DEFAULT, SEARCH_PAGE_DEFAULT, SEARCH_TERMS_MAX } from "../../core/limits.ts";
import { type Position, parsePosition } from "../../core/position.ts";
import { nextVersion } from "../../core/register.ts";
import { isOwner, memberKey } from "../../ops/member.ts";
import { messageDelete, messageEdit, messagePost } from "../../ops/message.ts";
import { type PendingKey, subjectKey } from "../../replica/pending.ts";
import { idReused } from "../../replica/replica.ts";
import type { Place } from "../access.ts";
import { isAdmin } from "../accounts.ts";
import type { Commands } from "../command.ts";
import type { Services } from "../services.ts";
import { checkSearch, checkText } from "../text.ts";
import { write } from "../write.ts";
import { copyReceipt } from "./receipt.ts";

/** What decides whether an account may act in a place. */
export function placeKeys(place: Place, account: AccountId): PendingKey[] {
  const own = subjectKey({ table: "account", key: account });
  if (place.kind === "direct") return [own, subjectKey({ table: "account", key: place.scope })];
  return [
    own,
    subjectKey({ table: "channel", key: place.conversation }),
    subjectKey({ table: "member", key: memberKey(place.conversation, account) }),
  ];
}

const messageKey = (key: MessageId) => subjectKey({ table: "message", key });

/**
 * What a write made, for its author: it is stored, also if a ban that came meanwhile hides it from everybody, or if
 * another server took the same request and its op is the one that counts.
 */
function messageAt({ render, view }: Services, n: number) {
  const { author, id } = view.op(n);
  const message = render.post(view.effect(author, id) ?? n);
  if (message === null) throw idReused(); // what counts is no message
  return message;
}

function messageById(services: Services, id: MessageId) {
  const row = services.view.messageById(id, true);
  if (row === null) throw new Refusal("not_found", "there is no such message");
  return services.render.message(row);
}

function messageIdOf(text: string): MessageId {
  if (isMessageId(text)) return text;
  throw new Refusal("invalid", `${text} is no message id`);
}

function placeOf(text: string): Position {
  if (parsePosition(text) !== null) return text as Position;
  throw new Refusal("invalid", "this is no position: use one that a message or a page carries");
}

export const messageCommands: Commands<"message"> = {
  "message.post": {
    needs: "session",
    async handle(services, caller, { to, text: written, id }) {
      const { account } = caller;
      const text = checkText(written);
      const { n, receipt } = await write(services, caller, {
        author: account,
        id: id as RequestId,
        kind: messagePost,
        matches: (_data, body) => body === null || body.text === text,
        plan: () => {
          const place = services.access.writable(to, account);
          return {
            content: { scope: place.scope, data: {}, body: { text } },
            depends: placeKeys(place, account),
            changes: [],
          };
        },
      });
      return { message: messageAt(services, n), receipt: copyReceipt(receipt) };
    },
  },
  "message.edit": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      const key = messageIdOf(params.message);
      const text = checkText(params.text);
      const { receipt } = await write(services, caller, {
        author: account,
        id: params.id as RequestId,
        kind: messageEdit,
        matches: (data, body) => data.message === key && (body === null || body.text === text),
        plan: () => {
          const row = services.view.messageById(key);
          const place = services.access.messagePlace(row, account);
          return {
            content: {
              scope: place.scope,
              data: {
                message: key,
                version: nextVersion(services.view.get("amend", key)?.text),
              },
              body: { text },
            },
            depends: [messageKey(key), ...placeKeys(place, account)],
            changes: [messageKey(key)],
            allow: () => {
              if (effectOf(key).author !== account) {
                throw new Refusal("forbidden", "only its author may edit a message");
              }
              if (row?.text === null) throw new Refusal("not_found", "this message was deleted");
              services.access.writable(place.scope, account);
            },
          };
        },
      });
      return { message: messageById(services, key), receipt: copyReceipt(receipt) };
    },
  },
  "message.delete": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      const key = messageIdOf(params.message);
      const { receipt } = await write(services, caller, {
        author: account,
        id: params.id as RequestId,
        kind: messageDelete,
        matches: (data) => data.message === key,
        plan: () => {
          const row = services.view.messageById(key);
          if (row !== null && row.author === account) {
            // One's own, wherever it is: also where one may no longer read.
            const { scope } = services.view.op(row.n);
            return {
              content: { scope, data: { message: key }, body: null },
              depends: [],
              changes: [messageKey(key)],
            };
          }
          const place = services.access.messagePlace(row, account);
          return {
            content: { scope: place.scope, data: { message: key }, body: null },
            depends: placeKeys(place, account),
            changes: [messageKey(key)],
            allow: () => assertMayDelete(services, account, place),
          };
        },
      });
      return { message: messageById(services, key), receipt: copyReceipt(receipt) };
    },
  },
  "message.history": {
    needs: "session",
    handle(services, caller, params) {
      const place = services.access.readable(params.in, caller.account);
      const limit = params.limit ?? HISTORY_PAGE_DEFAULT;
      const forward = params.after !== undefined && params.before === undefined;
      const rows = services.view.history(
        place.conversation,
        {
          before: params.before === undefined ? undefined : placeOf(params.before),
          after: params.after === undefined ? undefined : placeOf(params.after),
        },
        limit + 1,
      );
      const more = rows.length > limit;
      const page = !more ? rows : forward ? rows.slice(0, limit) : rows.slice(1);
      const next = forward ? page.at(-1) : page[0];
      if (params.before === undefined && params.after === undefined) {
        caller.opens(place.conversation);
      }
      return {
        messages: page.map((row) => services.render.message(row)),
        ...(more && next !== undefined ? { next: next.position } : {}),
      };
    },
  },
  "message.search": {
    needs: "session",
    handle(services, caller, params) {
      const { account } = caller;
      const terms = searchTerms(checkSearch(params.text));
      const conversations =
        params.in === undefined
          ? readableConversations(services, account)
          : [services.access.readable(params.in, account).conversation];
      const before = params.before === undefined ? Number.MAX_SAFE_INTEGER : Number(params.before);
      if (!Number.isSafeInteger(before) || before < 0) {
        throw new Refusal("invalid", "`before` is not what an earlier page gave as `next`");
      }
      const limit = params.limit ?? SEARCH_PAGE_DEFAULT;
      const page = services.view.search(terms, conversations, before, limit);
      return {
        messages: page.messages.map((row) => services.render.message(row)),
        ...(page.next === undefined ? {} : { next: String(page.next) }),
      };
    },
  },
};

function assertMayDelete({ view }: Services, account: AccountId, place: Place): void {
  if (place.kind === "channel" && isOwner(place.member)) return;
  if (place.kind === "channel" && isAdmin(view.get("account", account))) return;
  const who = place.kind === "channel" ? "its author or an owner of the channel" : "its author";
  throw new Refusal("forbidden", `only ${who} may delete a message`);
}

/** Words, and phrases in quotes; a final `*` finds words that begin so. */
function searchTerms(text: string): string[] {
  const terms = [...text.matchAll(/"([^"]+)"|(\S+)/g)].map((found) => found[1] ?? found[2] ?? "");
  if (terms.length > SEARCH_TERMS_MAX) {
    throw new Refusal("invalid", `a search holds at most ${SEARCH_TERMS_MAX} words`);
  }
  return terms;
}

function readableConversations(services: Services, account: AccountId): ConversationId[] {
  const { view } = services;
  const found = new Set<ConversationId>(view.directsOf(account));
  for (const { channel, standing } of view.channelsOf(account)) {
    if (standing === "joined") found.add(channel);
  }
  for (const channel of view.publicChannels()) {
    if (view.get("member", memberKey(channel, account))?.standing?.value !== "banned") {
      found.add(channel);
    }
  }
  return [...found];
}
