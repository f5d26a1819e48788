/** Whether a repeat asks for what was stored under its id. */
import { Refusal } from "../core/errors.ts";
import type { Op } from "../core/op.ts";
import type { Content, Kind } from "../ops/kind.ts";
import { KINDS } from "../ops/kinds.ts";

/** Throws Refusal `id_reused` if the op, of arrival number `n` or 0, is for something else. */
export function assertSame<D, B>(
  kind: Kind<D, B>,
  content: Content<D, B>,
  op: Op,
  n: number,
): void {
  const stored = KINDS.get(op.kind);
  if (stored?.number === kind.number) {
    const parsed = kind.parse(n, op);
    if (parsed !== null && kind.same({ scope: op.scope, ...parsed }, content)) return;
  }
  throw idReused();
}

export function idReused(): Refusal {
  const what = "this id was used for another request: make a new id for every new request";
  return new Refusal("id_reused", what);
}
