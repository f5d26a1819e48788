/**
 * R23, seen from outside: an edit carries a version above every one that its server had folded when it was asked for.
 *
 * Without that the later of two edits may lose to the earlier one as soon as a clock was wrong. Which of them wins in
 * the end is for texts.ts to see; this needs no wrong clock, and tells whose fault it was. Of requests that come again
 * the first counts: what was minted for it knew of no more.
 */
import { effectOf, type MessageId, type RequestId } from "../src/core/ids.ts";
import type { Op } from "../src/core/op.ts";
import { messageEdit } from "../src/ops/message.ts";
import type { SimServer } from "./server.ts";

type Edit = { readonly message: MessageId; readonly version: number };

function editOf({ kind, data }: Op): Edit | null {
  return kind === messageEdit.number ? (JSON.parse(data) as Edit) : null;
}

export class EditVersions {
  /** Of each server what each request that came to its present process could know: edits by their ids. */
  private readonly known = new Map<SimServer, Map<string, ReadonlyMap<string, Edit>>>();
  private readonly fail: (rule: string, what: string) => void;

  constructor(fail: (rule: string, what: string) => void) {
    this.fail = fail;
  }

  /** A process begins: what it does not find on its disk it does not know. */
  begin(server: SimServer): void {
    this.known.set(server, new Map());
  }

  asked(server: SimServer, id: RequestId, message: string): void {
    const known = this.known.get(server);
    if (known === undefined || known.has(id)) return;
    const { disk, running } = server;
    known.set(id, editsOf(message, disk.ops.slice(0, running?.view.foldedN ?? 0)));
  }

  /** An op of its own is durable. */
  minted(server: SimServer, op: Op): void {
    const edit = editOf(op);
    const known = this.known.get(server)?.get(op.id);
    if (edit === null || known === undefined) return;
    // Of what was minted twice one counts, and perhaps another one by now than when it was asked for.
    const now = editsOf(edit.message, server.disk.ops);
    const sure = [...known].filter(([id]) => now.has(id));
    const highest = Math.max(0, ...sure.map(([, { version }]) => version));
    if (edit.version > highest) return;
    const what = `${server.name} gave an edit of ${edit.message} version ${edit.version}`;
    this.fail("R23", `${what}, and knew of ${highest}`);
  }
}

/** Of one message the edits by its author that were minted once, by their ids. */
function editsOf(message: string, ops: readonly Op[]): Map<string, Edit> {
  const edits = new Map<string, Edit>();
  const twice = new Set<string>();
  for (const op of ops) {
    const edit = editOf(op);
    if (edit?.message !== message || effectOf(edit.message).author !== op.author) continue;
    if (edits.has(op.id)) twice.add(op.id);
    edits.set(op.id, edit);
  }
  for (const id of twice) edits.delete(id);
  return edits;
}
