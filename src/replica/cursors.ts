/** Makes the cursor of this server's fold, and reads those that clients come back with. */
import { toBase64Url } from "../core/bytes.ts";
import { type Cursor, cursorText, parseCursor } from "../core/cursor.ts";
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { addShares, digestShare, type Head, subtractShares } from "../core/vector.ts";
import type { Log, StoredOp, View } from "./ports.ts";

/** Origins that a cursor lists: those that moved last. All others are in the digest. */
const LISTED_ORIGINS = 8;
const MARK_CHARACTERS = 8;

type ListedOrigin = { seq: number; share: bigint };

export class Cursors {
  private readonly hash: Hash;
  private readonly log: Log;
  private readonly view: View;
  /** The origins that moved last, oldest first. */
  private readonly recent = new Map<Incarnation, ListedOrigin>();
  /** Heads of all origins as of the last fold. */
  private readonly heads: Map<Incarnation, Head>;
  private total = 0n;
  private listedTotal = 0n;
  private n: number;
  private mark = "";
  private text: string | null = null;
  /** As of before the last batch: what `at` says of other stores, so that it never says too much. */
  private before: string | null = null;

  constructor(hash: Hash, log: Log, view: View) {
    this.hash = hash;
    this.log = log;
    this.view = view;
    this.n = view.foldedN;
    const vector = log.vector();
    this.heads = new Map(vector);
    for (const [origin, head] of vector) {
      this.total = addShares(this.total, digestShare(hash, origin, head));
    }
    if (view.foldedN > 0) {
      const last = log.op(view.foldedN);
      this.mark = this.markOf(last);
      const head = vector.get(last.origin);
      if (head !== undefined) this.list(last.origin, head);
    }
  }

  /** Tells whether the op under an arrival number is the one that a cursor was made at. */
  markOf(op: Op): string {
    return toBase64Url(this.hash.sha256(op.bytes)).slice(0, MARK_CHARACTERS);
  }

  private list(origin: Incarnation, head: Head): void {
    const share = digestShare(this.hash, origin, head);
    const before = this.recent.get(origin);
    if (before !== undefined) this.listedTotal = subtractShares(this.listedTotal, before.share);
    this.recent.delete(origin);
    this.recent.set(origin, { seq: head.seq, share });
    this.listedTotal = addShares(this.listedTotal, share);
    for (const [oldest, listed] of this.recent) {
      if (this.recent.size <= LISTED_ORIGINS) break;
      this.recent.delete(oldest);
      this.listedTotal = subtractShares(this.listedTotal, listed.share);
    }
  }

  /** A batch was folded. */
  advance(ops: readonly StoredOp[]): void {
    this.before = this.current();
    const vector = this.log.vector();
    for (const origin of new Set(ops.map(({ op }) => op.origin))) {
      const old = this.heads.get(origin);
      const head = vector.get(origin);
      if (old !== undefined) {
        this.total = subtractShares(this.total, digestShare(this.hash, origin, old));
      }
      if (head === undefined) continue;
      this.total = addShares(this.total, digestShare(this.hash, origin, head));
      this.heads.set(origin, head);
      this.list(origin, head);
    }
    const last = ops.at(-1);
    if (last !== undefined) {
      this.n = last.n;
      this.mark = this.markOf(last.op);
    }
    this.text = null;
  }

  /** What somebody has seen who has seen everything folded here. */
  current(): string {
    this.text ??= cursorText({
      store: this.log.storeId,
      n: this.n,
      mark: this.mark,
      stamp: this.view.highStamp,
      digest: subtractShares(this.total, this.listedTotal),
      listed: this.recent,
    });
    return this.text;
  }

  /** What somebody has seen who has seen everything of the last batch up to this op. */
  at({ n, op }: StoredOp): string {
    if (n >= this.n || this.before === null) return this.current();
    const [format, store, , , ...rest] = this.before.split("~");
    return [format, store, n, this.markOf(op), ...rest].join("~");
  }

  /** Throws Refusal `invalid` for text that is no cursor. */
  parse(text: string): Cursor {
    const cursor = parseCursor(text);
    if (cursor !== null) return cursor;
    throw new Refusal("invalid", "this is not a cursor of a Holdfast server: leave it out");
  }

  /** The arrival number here that a cursor stands for; null when this store can't tell. */
  arrivalOf(cursor: Cursor): number | null {
    if (cursor.store !== this.log.storeId || cursor.n > this.view.foldedN) return null;
    if (cursor.n === 0) return 0;
    return this.markOf(this.log.op(cursor.n)) === cursor.mark ? cursor.n : null;
  }

  /** Whether this server has folded everything that a cursor vouches for. */
  covers(cursor: Cursor): boolean {
    if (this.arrivalOf(cursor) !== null) return true;
    const vector = this.log.vector();
    for (const [origin, head] of cursor.listed) {
      if ((vector.get(origin)?.seq ?? 0) < head.seq) return false;
    }
    let rest = this.total;
    for (const origin of cursor.listed.keys()) {
      const head = vector.get(origin);
      if (head !== undefined) rest = subtractShares(rest, digestShare(this.hash, origin, head));
    }
    return rest === cursor.digest;
  }
}
