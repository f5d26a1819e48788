/**
 * Whether one op erases the body of another. A peer that sends an op without its body must show the op that
 * erased it: a body that merely got lost, or was kept back, is not passed on as erased. And what is minted where the
 * op that erased a body is lost: the same ending once more, of no more than what is known to be gone.
 */
import { concatBytes, utf8 } from "../core/bytes.ts";
import type { Hash } from "../core/hash.ts";
import { type AccountId, requestIdFrom } from "../core/ids.ts";
import type { Envelope, Op } from "../core/op.ts";
import type { Subject } from "../core/view.ts";
import { accountDelete } from "../ops/account.ts";
import { subjectsOf } from "../ops/fold.ts";
import { KINDS } from "../ops/kinds.ts";
import { messageDelete } from "../ops/message.ts";
import { sessionEnd } from "../ops/session.ts";
import type { Proposal } from "./minter.ts";
import { subjectKey } from "./pending.ts";

/** Bytes of the hash that a request id is made from. */
const ID_HASH_BYTES = 10;

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

/**
 * What ends once more what an op without body was about, under the same request id wherever it is minted; null for
 * an op that nothing erases, as far as this release knows.
 */
export function endingOf(hash: Hash, op: Op): Proposal | null {
  for (const subject of subjects(hash, op)) {
    const changes = [subjectKey(subject)];
    const digest = hash.sha256(concatBytes(utf8("holdfast/ended\0"), op.bytes));
    const id = requestIdFrom(0, digest.subarray(0, ID_HASH_BYTES));
    const make = (author: AccountId, kind: object, data: object, scope: Op["scope"] = null) => ({
      author,
      id,
      kind: kind as Proposal["kind"],
      content: { scope, data, body: null },
      changes,
    });
    switch (subject.table) {
      case "message":
        return make(op.author, messageDelete, { message: subject.key }, op.scope);
      case "session":
        return make(subject.account, sessionEnd, { session: subject.key });
      case "account":
        return make(subject.key, accountDelete, { erase: false });
      default:
    }
  }
  return null;
}
