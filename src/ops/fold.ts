/**
 * The fold: an op changes its subjects, and the same set of ops gives the same view.
 *
 * Problem: ops arrive in any order, repeatedly, and several ops may carry one key (author, id), of which
 * the smallest in the total order counts, also when it comes last. Approach: an effect row names the op that
 * counts, so each key is applied once; merging into a subject is commutative; and in the rare case that a
 * smaller op takes over a key, its subjects are emptied and folded again from their own ops alone.
 * Rejected: folding in total order with roll-back (grows with how late an op is); keeping every candidate
 * in every field (state that nobody reads).
 *
 * Invariants: 1. only counting ops are merged, and those that end something for good (`final`): what was
 * acknowledged as gone stays gone, whatever takes over its key. 2. `subjectOps` has every op of a subject,
 * shadowed ones too, but for the post that counts for a message. 3. an op whose subject is gone is queued for
 * erasure, whenever it arrives and whether it counts or not.
 */
import { type AccountId, effectOf } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { POSITION_START, positionOf } from "../core/position.ts";
import type { FoldView, Subject } from "../core/view.ts";
import { accountDelete, changeAccount } from "./account.ts";
import { changeChannel } from "./channel.ts";
import type { Kind, Parsed } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import { hideAnew } from "./member.ts";
import { messageDelete, messagePost, postOf } from "./message.ts";
import { putSession, sessionEnd } from "./session.ts";

type MessageSubject = Extract<Subject, { table: "message" }>;

/** What an op is about; empty for one that cannot be understood. Pure: also answers for old ops. */
export function subjectsOf(hash: FoldView["hash"], n: number, op: Op): Subject[] {
  const kind = KINDS.get(op.kind);
  const parsed = kind?.parse(n, op) ?? null;
  return kind === undefined || parsed === null ? [] : kind.subjects(parsed, { hash });
}

/**
 * Folds one durable op. Returns its subjects when something may have changed, or nothing.
 * Other ops are read through `view.op`, that is, from the log.
 */
export function foldOp(view: FoldView, n: number, op: Op): readonly Subject[] {
  const kind = KINDS.get(op.kind);
  if (kind === undefined) {
    view.report("unknown_kind", n);
    return [];
  }
  const parsed = kind.parse(n, op);
  if (parsed === null) {
    view.report("invalid", n);
    return [];
  }
  const subjects = kind.subjects(parsed, view);
  const counting = view.claimEffect(op.author, op.id, n);
  if (counting === n) return [];
  if (counting === undefined) {
    for (const subject of subjects) applyNew(view, kind, parsed, subject);
    return subjects;
  }
  view.report("shadowed", n);
  const before = view.op(counting);
  if (positionOf(before) > parsed.at) return takeOver(view, parsed, subjects, counting, before);
  for (const subject of subjects) {
    if (kind.final) {
      applyNew(view, kind, parsed, subject);
      continue;
    }
    const by = goneBy(view, subject);
    view.addSubjectOp(subject, n);
    if (by !== undefined && op.bodyHash !== null) view.erase(n, by);
  }
  return kind.final ? subjects : [];
}

function applyNew(view: FoldView, kind: Kind, parsed: Parsed<unknown, unknown>, subject: Subject) {
  if (isPostOf(parsed.op, subject)) {
    kind.apply(view, parsed, subject);
    const by = messageGoneBy(view, subject, parsed.op.author);
    if (by !== undefined) view.erase(parsed.n, by);
    return;
  }
  const wasGone = isGone(view, subject);
  view.addSubjectOp(subject, parsed.n);
  kind.apply(view, parsed, subject);
  if (!wasGone) eraseGone(view, subject, null);
  else if (parsed.op.bodyHash !== null) eraseGone(view, subject, [parsed.n]);
}

/** A smaller op of the same key arrived: it counts instead, wherever the other one did. */
function takeOver(
  view: FoldView,
  parsed: Parsed<unknown, unknown>,
  subjects: readonly Subject[],
  counting: number,
  before: Op,
): readonly Subject[] {
  const concerned = new Map<string, Subject>();
  for (const subject of subjectsOf(view.hash, counting, before)) {
    concerned.set(`${subject.table} ${subject.key}`, subject);
    if (isPostOf(before, subject)) {
      view.dropPost(counting);
      view.addSubjectOp(subject, counting);
    }
  }
  view.setEffect(parsed.op.author, parsed.op.id, parsed.n);
  for (const subject of subjects) {
    concerned.set(`${subject.table} ${subject.key}`, subject);
    if (!isPostOf(parsed.op, subject)) view.addSubjectOp(subject, parsed.n);
  }
  for (const subject of concerned.values()) refold(view, subject);
  return [...concerned.values()];
}

/** Folds a subject again from its own counting ops. */
function refold(view: FoldView, subject: Subject): void {
  clear(view, subject);
  const ns = [...view.subjectOps(subject)];
  const post = subject.table === "message" ? postOf(view, subject.key) : undefined;
  if (post !== undefined) ns.push(post);
  for (const n of ns) {
    const op = view.op(n);
    const kind = KINDS.get(op.kind);
    if (kind === undefined || !(kind.final || view.effect(op.author, op.id) === n)) continue;
    const parsed = kind.parse(n, op);
    if (parsed !== null) kind.apply(view, parsed, subject);
  }
  if (subject.table === "member") hideAnew(view, subject.key, POSITION_START);
  eraseGone(view, subject, null);
}

/** Empties a subject's state and what was derived from it. */
function clear(view: FoldView, subject: Subject): void {
  switch (subject.table) {
    case "account":
      changeAccount(view, subject.key, () => ({}));
      break;
    case "channel":
      changeChannel(view, subject.key, () => ({}));
      break;
    case "message":
      view.put("amend", subject.key, undefined);
      return;
    default:
  }
  view.put(subject.table, subject.key, undefined);
}

function isPostOf(op: Op, subject: Subject): subject is MessageSubject {
  return op.kind === messagePost.number && subject.table === "message";
}

/** Queues the bodies of a subject that is gone: those named, or all that are there. */
function eraseGone(view: FoldView, subject: Subject, only: readonly number[] | null): void {
  const by = goneBy(view, subject);
  if (by === undefined) return;
  for (const n of only ?? opsOf(view, subject)) {
    if (n !== by && view.op(n).bodyHash !== null) view.erase(n, by);
  }
  if (only !== null || subject.table !== "account") return;
  for (const key of view.sessionsOf(subject.key)) {
    const state = view.get("session", key);
    if (state !== undefined) putSession(view, key, state);
    eraseGone(view, { table: "session", key, account: subject.key }, null);
  }
}

function opsOf(view: FoldView, subject: Subject): number[] {
  const ns = [...view.subjectOps(subject)];
  const post = subject.table === "message" ? postOf(view, subject.key) : undefined;
  return post === undefined ? ns : [...ns, post];
}

/** Whether nothing of this subject may stay readable. */
function isGone(view: FoldView, subject: Subject): boolean {
  switch (subject.table) {
    case "account":
      return view.get("account", subject.key)?.deleted !== undefined;
    case "session":
      if (view.get("session", subject.key)?.ended !== undefined) return true;
      return isGone(view, { table: "account", key: subject.account });
    case "message":
      if (view.get("amend", subject.key)?.deleted !== undefined) return true;
      return view.authorErasedBy(effectOf(subject.key).author) !== undefined;
    default:
      return false;
  }
}

/** The op because of which it is gone, if it is; looks through all ops of the subject. */
function goneBy(view: FoldView, subject: Subject): number | undefined {
  switch (subject.table) {
    case "account":
      if (view.get("account", subject.key)?.deleted === undefined) return undefined;
      return findKind(view, subject, accountDelete.number);
    case "session":
      if (view.get("session", subject.key)?.ended !== undefined) {
        return findKind(view, subject, sessionEnd.number);
      }
      return goneBy(view, { table: "account", key: subject.account });
    case "message":
      return messageGoneBy(view, subject, effectOf(subject.key).author);
    default:
      return undefined;
  }
}

function messageGoneBy(view: FoldView, subject: MessageSubject, author: AccountId) {
  if (view.get("amend", subject.key)?.deleted === undefined) return view.authorErasedBy(author);
  return findKind(view, subject, messageDelete.number);
}

function findKind(view: FoldView, subject: Subject, kind: number): number | undefined {
  return view.subjectOps(subject).find((n) => view.op(n).kind === kind);
}
