/** Messages: posted, edited, deleted. A deletion beats every edit; a message stamped within a ban is hidden. */
import Type from "typebox";
import {
  type ChannelId,
  type ConversationId,
  directIdFor,
  effectOf,
  isChannelId,
  type MessageId,
  messageIdFor,
} from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { earliest, merge } from "../core/register.ts";
import type { AmendState, FoldView, Subject } from "../core/view.ts";
import { declareKind, type Parsed } from "./kind.ts";
import { hiddenIntervals, memberKey } from "./member.ts";
import { MessageKey, Version } from "./schema.ts";

type MessageSubject = Extract<Subject, { table: "message" }>;

/** The conversation an op belongs to: a channel, or the direct one of its author and its scope. */
export function conversationOf(hash: FoldView["hash"], op: Op): ConversationId {
  const scope = op.scope as Exclude<Op["scope"], null>;
  return isChannelId(scope) ? scope : directIdFor(hash, op.author, scope);
}

function amends(parsed: Parsed<{ message: string }, unknown>, view: { hash: FoldView["hash"] }) {
  const subject: MessageSubject = {
    table: "message",
    key: parsed.data.message as MessageId,
    conversation: conversationOf(view.hash, parsed.op),
  };
  return [subject];
}

/** Arrival number of the post that counts as this message, if it has arrived. */
export function postOf(view: FoldView, key: MessageId): number | undefined {
  const { author, id } = effectOf(key);
  const n = view.effect(author, id);
  return n !== undefined && view.op(n).kind === messagePost.number ? n : undefined;
}

function isHidden(view: FoldView, parsed: Parsed<unknown, unknown>): boolean {
  const { op, at } = parsed;
  if (op.scope === null || !isChannelId(op.scope)) return false;
  const member = view.get("member", memberKey(op.scope as ChannelId, op.author));
  if (member === undefined || member.bans.length === 0) return false;
  return hiddenIntervals(member).some(({ from, to }) => at > from && (to === null || at < to));
}

export const messagePost = declareKind({
  number: 40,
  name: "message.post",
  scope: "conversation",
  data: Type.Object({}),
  body: Type.Object({ text: Type.String() }),
  subjects: ({ op }, view): Subject[] => [
    {
      table: "message",
      key: messageIdFor(op.author, op.id),
      conversation: conversationOf(view.hash, op),
    },
  ],
  apply(view, parsed, subject) {
    if (subject.table !== "message") return;
    const { op, n, at, body } = parsed;
    const conversation = conversationOf(view.hash, op); // an edit may name its subject by another one
    if (op.scope !== null && !isChannelId(op.scope) && !isChannelId(conversation)) {
      view.openDirect(conversation, op.author, op.scope);
    }
    const hidden = isHidden(view, parsed);
    const { stamp, author } = op;
    const text = body?.text ?? null;
    view.putPost({ n, id: subject.key, conversation, stamp, position: at, author, text, hidden });
    if (view.authorErasedBy(op.author) !== undefined) view.setPostText(n, null);
    else showText(view, n, view.get("amend", subject.key));
  },
});

function showText(view: FoldView, n: number, amend: AmendState | undefined): void {
  if (amend?.deleted !== undefined) view.setPostText(n, null);
  else if (amend?.text !== undefined) view.setPostText(n, amend.text.value);
}

function changeAmend(
  view: FoldView,
  key: MessageId,
  change: (state: AmendState) => AmendState,
): void {
  const after = change(view.get("amend", key) ?? {});
  view.put("amend", key, after);
  const n = postOf(view, key);
  if (n !== undefined) showText(view, n, after);
}

export const messageEdit = declareKind({
  number: 41,
  name: "message.edit",
  scope: "conversation",
  data: Type.Object({ message: MessageKey, version: Version }),
  body: Type.Object({ text: Type.String() }),
  subjects: amends,
  apply(view, parsed, subject) {
    if (subject.table !== "message") return;
    const { op, n, at, data } = parsed;
    if (effectOf(subject.key).author !== op.author) return;
    changeAmend(view, subject.key, (state) => ({
      ...state,
      text: merge(state.text, { value: n, version: data.version, at }),
    }));
  },
});

export const messageDelete = declareKind({
  number: 42,
  name: "message.delete",
  scope: "conversation",
  data: Type.Object({ message: MessageKey }),
  body: null,
  final: true,
  subjects: amends,
  apply(view, parsed, subject) {
    if (subject.table !== "message") return;
    changeAmend(view, subject.key, (state) => ({
      ...state,
      deleted: earliest(state.deleted, parsed.at),
    }));
  },
});
