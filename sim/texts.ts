/**
 * What each message says, worked out from the ops alone and compared with what the servers show.
 *
 * Two views that are folded by one code are equal also where that code is wrong. This reads ops as docs/SPEC.md says
 * they count, and shares nothing with the fold: of one (author, id) the first in the total order counts, of edits the
 * one that knew of most before it, a deletion always.
 */
import { plainOrigin } from "../src/core/branch.ts";
import { effectOf, type MessageId, messageIdFor } from "../src/core/ids.ts";
import { type Op, openBody } from "../src/core/op.ts";
import { compareStamps } from "../src/core/stamp.ts";
import { messageDelete, messageEdit, messagePost } from "../src/ops/message.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

type Amends = { readonly message: MessageId; readonly version: number };
/** What people write says who wrote it and is written once: see workload.ts. */
const OF_A_PERSON = /^w\d+ of \S+/;

/** R4, R5: every server shows of each message what its ops say; what was written once is there once. */
export function textsAreRight(world: World): void {
  const [server] = world.servers;
  if (server === undefined) return;
  const ops = countingOps(server.disk.ops);
  writtenOnce(world, ops);
  const edits = lastEdits(ops);
  const deleted = new Set(
    server.disk.ops.filter(({ kind }) => kind === messageDelete.number).map(messageOf),
  );
  for (const op of ops) {
    if (op.kind !== messagePost.number) continue;
    const id = messageIdFor(op.author, op.id);
    const text = deleted.has(id) ? null : textOf(edits.get(id) ?? op);
    if (text === undefined) continue; // its body went with a deletion that is lost
    for (const one of world.servers) compare(world, one, id, text);
  }
  world.sometimes.happened("messages compared with what their ops say", ops.length);
}

function compare(world: World, { name, running }: SimServer, id: MessageId, text: string | null) {
  const shown = running?.view.messageById(id, true);
  if (shown?.text === text) return;
  const what = shown === null ? "nothing" : `"${shown?.text ?? "(deleted)"}"`;
  world.fail("R4", `${name} shows ${what} of ${id}, of which the ops say "${text ?? "(deleted)"}"`);
}

/** Of each (author, id) the op that is first in the total order. */
function countingOps(ops: readonly Op[]): Op[] {
  const first = new Map<string, Op>();
  for (const op of ops) {
    const key = `${op.author} ${op.id}`;
    const known = first.get(key);
    if (known === undefined || isBefore(op, known)) first.set(key, op);
  }
  return [...first.values()];
}

/** By stamp, then origin, then seq; which branch of an incarnation it is filed under says nothing. */
function isBefore(a: Op, b: Op): boolean {
  const byStamp = compareStamps(a.stamp, b.stamp);
  if (byStamp !== 0) return byStamp < 0;
  const [one, other] = [plainOrigin(a.origin), plainOrigin(b.origin)];
  return one === other ? a.seq < b.seq : one < other;
}

/** Of each message the edit by its author that counts: that of the highest version, the later of two. */
function lastEdits(ops: readonly Op[]): Map<MessageId, Op> {
  const last = new Map<MessageId, Op>();
  for (const op of ops) {
    if (op.kind !== messageEdit.number) continue;
    const id = messageOf(op);
    if (effectOf(id).author !== op.author) continue;
    const known = last.get(id);
    const ahead = known === undefined ? 1 : versionOf(op) - versionOf(known);
    if (known === undefined || ahead > 0 || (ahead === 0 && isBefore(known, op))) last.set(id, op);
  }
  return last;
}

/** Who asks once has it once: a repeat under another id is another message to everybody. */
function writtenOnce(world: World, ops: readonly Op[]): void {
  const ids = new Map<string, string>();
  for (const op of ops) {
    if (op.kind !== messagePost.number) continue;
    const text = OF_A_PERSON.exec(textOf(op) ?? "")?.[0];
    if (text === undefined) continue;
    const other = ids.get(text);
    if (other !== undefined) {
      world.fail("R5", `"${text}" was written once and is stored as ${other} and ${op.id}`);
    }
    ids.set(text, op.id);
  }
}

function textOf({ body }: Op): string | undefined {
  if (body === null) return undefined;
  return (JSON.parse(openBody(body)) as { readonly text: string }).text;
}

function messageOf({ data }: Op): MessageId {
  return (JSON.parse(data) as Amends).message;
}

function versionOf({ data }: Op): number {
  return (JSON.parse(data) as Amends).version;
}
