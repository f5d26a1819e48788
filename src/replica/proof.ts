/**
 * Whether one op erases the body of another. A peer that sends an op without its body must show the op that
 * erased it: a body that merely got lost, or was kept back, is not passed on as erased.
 */
import type { Hash } from "../core/hash.ts";
import type { AccountId } from "../core/ids.ts";
import type { Envelope } from "../core/op.ts";
import type { Subject } from "../core/view.ts";
import { accountDelete } from "../ops/account.ts";
import { subjectsOf } from "../ops/fold.ts";
import { KINDS } from "../ops/kinds.ts";

/** Kinds that this release does not know may erase and be erased: a later one knows why. */
export function erases(hash: Hash, eraser: Envelope, erased: Envelope): boolean {
  const kind = KINDS.get(eraser.kind);
  if (kind === undefined || !KINDS.has(erased.kind)) return true;
  if (!kind.final) return false;
  const ended = keysOf(hash, eraser);
  const about = keysOf(hash, erased);
  if (about.some((key) => ended.includes(key))) return true;
  return eraser.kind === accountDelete.number && concerns(hash, erased, eraser.author);
}

function subjects(hash: Hash, envelope: Envelope): Subject[] {
  return subjectsOf(hash, 0, { ...envelope, bytes: new Uint8Array(), body: null });
}

function keysOf(hash: Hash, envelope: Envelope): string[] {
  return subjects(hash, envelope).map(({ table, key }) => `${table} ${key}`);
}

/** Whether it goes when this account goes: its own doing, or a session of it. */
function concerns(hash: Hash, envelope: Envelope, account: AccountId): boolean {
  if (envelope.author === account) return true;
  return subjects(hash, envelope).some(
    (subject) => subject.table === "session" && subject.account === account,
  );
}
