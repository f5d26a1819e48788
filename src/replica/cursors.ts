/**
 * Makes the cursor of this server's fold, and reads those that clients come back with.
 *
 * Problem: "is everything that this cursor saw on another server folded here, and from where on may its client
 * lack something?", exactly, after 10,000 restarts, when that server is dead, and when its disk was put back to an
 * older copy that nobody noticed. Approach: in the store that made it the arrival number says all, with the mark of
 * the op there. Elsewhere the vector in the cursor is compared, which is true whatever became of that disk: the
 * origins it lists one by one, all the rest by one sum, without the origins that are younger than anything the
 * cursor saw. Where that sum tells nothing, and of a store that is or was linked, it is known what its arrival
 * numbers mean here (store-marks.ts), and against what is listed they have no word.
 */
import { BoundedMap } from "../core/bounded-map.ts";
import { toBase64Url } from "../core/bytes.ts";
import { AHEAD, type Cursor, cursorText, parseCursor, partsOf, type Seen } from "../core/cursor.ts";
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import { CURSOR_PARTS_MAX, LOST_AFTER_BEATS } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import { compareStamps, type Stamp } from "../core/stamp.ts";
import { addShares, digestShare, type Head, subtractShares } from "../core/vector.ts";
import type { Log, StoredOp, View } from "./ports.ts";

/** Origins that a cursor lists: those that moved last. All others are in the digest. */
const LISTED_ORIGINS = 8;
const MARK_BYTES = 6;
/** Origins whose age is known: the last ones that this store met. */
const YOUNG_ORIGINS = 64;
/** What is past it is waited for anew. */
const MISSING_MAX = 1_000;

/** What is known of another store. */
export type StoreKnown = {
  /** Everything that it had up to this arrival number of its is folded here. */
  readonly coversN: number;
  /** It brings nothing more: its server was removed, or came back with another one. */
  readonly isGone: boolean;
  /** Up to which of our arrival numbers it held everything when it had its own up to `theirs`. */
  oursAt(theirs: number): number | null;
};

export interface Stores {
  /** Null for a store of which nothing is known. */
  storeKnown(storeId: string): StoreKnown | null;
  /** Whether no server has it any more, and nothing that others have is missing here. */
  isNowhere(storeId: string): boolean;
  /** Whether all others are heard, and nothing that they have is missing here. */
  readonly hasAll: boolean;
}

/** The store that this disk was when the cursor was made; within the bound of a store's id. */
function formerName({ store, n, mark }: Seen): string {
  return `${store.slice(0, 30)}-${n}-${mark}`;
}

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
  /** As of before the last batch, around place and mark: so `at` never says too much to other stores. */
  private before: { readonly start: string; readonly end: string } | null = null;
  /** First stamps of the origins met last, in the order in which this store met them. */
  private readonly young = new Map<Incarnation, Stamp>();
  /** For so many beats all others were heard and had nothing that is missing here. */
  private completeBeats = 0;
  private beats = 0;
  /** Since which beat what cursors vouch for, as store and arrival number, is missing here. */
  private readonly missing = new BoundedMap<string, number>(MISSING_MAX);
  stores: Stores = { storeKnown: () => null, isNowhere: () => false, hasAll: false };

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
    for (const origin of [...vector.keys()].slice(-YOUNG_ORIGINS)) {
      for (const { op } of log.run(origin, 1, 1)) this.young.set(origin, op.stamp);
    }
  }

  /** Up to where an origin is folded here. */
  seqOf(origin: Incarnation): number {
    return this.heads.get(origin)?.seq ?? 0;
  }

  /** Tells whether the op under an arrival number is the one that a cursor was made at. */
  markOf(op: Op): string {
    return toBase64Url(this.hash.sha256(op.bytes), 0, MARK_BYTES);
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
    const [format, store, , , ...rest] = this.current().split("~");
    this.before = { start: `${format}~${store}~`, end: `~${rest.join("~")}` };
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
    for (const { op } of ops) if (op.seq === 1) this.meet(op);
    const last = ops.at(-1);
    if (last !== undefined) {
      this.n = last.n;
      this.mark = this.markOf(last.op);
    }
    this.text = null;
  }

  private meet(op: Op): void {
    this.young.set(op.origin, op.stamp);
    for (const oldest of this.young.keys()) {
      if (this.young.size <= YOUNG_ORIGINS) break;
      this.young.delete(oldest);
    }
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
    return `${this.before.start}${n}${AHEAD}~${this.markOf(op)}${this.before.end}`;
  }

  /** Throws Refusal `invalid` for text that is no cursor. */
  parse(text: string): Cursor {
    const cursor = parseCursor(text);
    if (cursor === null) {
      throw new Refusal("invalid", "this is not a cursor of a Holdfast server: leave it out");
    }
    const parts = partsOf(cursor);
    if (!parts.some((part) => this.isOfFormer(part))) return cursor;
    const named = new Map<string, Seen>();
    for (const part of parts) {
      const store = this.isOfFormer(part) ? formerName(part) : part.store;
      if (!named.has(store)) named.set(store, { ...part, store });
    }
    const [first, ...also] = [...named.values()] as [Seen, ...Seen[]];
    return { ...first, also };
  }

  /**
   * Made here before this disk was put back to an older copy. What it was is another store, that no server has any
   * more: its arrival numbers tell nothing, its vector what it had, and others may have that.
   */
  private isOfFormer({ store, n, mark }: Seen): boolean {
    if (store !== this.log.storeId || n === 0) return false;
    return n > this.log.lastN || this.markOf(this.log.op(n)) !== mark;
  }

  /**
   * The arrival number here after which a client with this cursor may lack something; null when that is not
   * known, or when it was shown what is lost. Of another store's cursor that may repeat what the client has, and
   * leaves out nothing. Of a union the first part counts: the server that made it may have shown less of something
   * than one before it. Only if that tells nothing the others do, the furthest of them.
   */
  arrivalOf(cursor: Cursor): number | null {
    if (this.hasLost(cursor)) return null;
    const first = this.arrivalOfPart(cursor);
    if (first !== null) return first;
    let furthest: number | null = null;
    for (const part of cursor.also ?? []) {
      const n = this.arrivalOfPart(part);
      if (n !== null && (furthest === null || n > furthest)) furthest = n;
    }
    return furthest;
  }

  /** Whether something that a cursor vouches for is lost, as far as is known: not here, and gone with its store. */
  hasLost(cursor: Cursor): boolean {
    return partsOf(cursor).some((part) => this.isLost(part));
  }

  private isLost(cursor: Seen): boolean {
    const { store } = cursor;
    if (store === this.log.storeId) return false;
    const known = this.stores.storeKnown(store);
    if (cursor.isAhead ? this.coversNumber(cursor, known) : this.coversVector(cursor)) return false;
    return known?.isGone === true || this.stores.isNowhere(store) || this.isGivenUp(cursor);
  }

  /**
   * It has been missing here for some beats, and in all of them the others were heard and had nothing that is missing
   * here: it is here and cannot be told by what the cursor says, or it is lost.
   */
  private isGivenUp({ store, n }: Seen): boolean {
    if (store === this.log.storeId) return false;
    const key = `${store} ${n}`;
    const sinceBeat = this.missing.get(key);
    if (sinceBeat === undefined) this.missing.set(key, this.beats);
    const beats = Math.min(this.completeBeats, this.beats - (sinceBeat ?? this.beats));
    return beats >= LOST_AFTER_BEATS;
  }

  beat(): void {
    this.beats++;
    this.completeBeats = this.stores.hasAll ? this.completeBeats + 1 : 0;
  }

  private arrivalOfPart(cursor: Seen): number | null {
    const { store, n } = cursor;
    if (store === this.log.storeId) return n > this.view.foldedN ? null : n;
    return this.arrivalByVector(cursor) ?? this.arrivalByNumber(cursor);
  }

  /** Before the first op here that its maker had not, if its vector tells that of all ops; null otherwise. */
  private arrivalByVector(cursor: Seen): number | null {
    const unseen = this.unseenOrigins(cursor);
    return unseen === null ? null : this.beforeFirstUnseen(cursor, unseen, this.view.foldedN);
  }

  /** The same by what its arrival number means here, of which its vector knows better as far as it goes. */
  private arrivalByNumber(cursor: Seen): number | null {
    const ours = this.stores.storeKnown(cursor.store)?.oursAt(cursor.n) ?? null;
    if (ours === null || ours > this.view.foldedN) return null;
    return this.beforeFirstUnseen(cursor, this.youngerThan(cursor), ours);
  }

  private beforeFirstUnseen({ listed }: Seen, unseen: Iterable<Incarnation>, n: number): number {
    let before = n;
    const had = new Map<Incarnation, number>();
    for (const [origin, { seq }] of listed) had.set(origin, seq);
    for (const origin of unseen) had.set(origin, this.heads.get(origin)?.base?.seq ?? 0);
    for (const [origin, seq] of had) {
      for (const first of this.log.run(origin, seq + 1, 1)) before = Math.min(before, first.n - 1);
    }
    return before;
  }

  /** Whether this server has folded everything that a cursor vouches for and that is still to be had. */
  covers(cursor: Cursor): boolean {
    return partsOf(cursor).every((part) => this.coversPart(part));
  }

  /**
   * What a cursor vouches for and is not here yet. Whoever came with it goes on vouching for that: no other server
   * is to show less to them without saying so. What went with its store is vouched for no longer.
   */
  uncovered(cursor: Cursor): readonly Seen[] {
    const missing = partsOf(cursor).filter((part) => !this.coversPart(part));
    const foreign = missing.filter(
      ({ store }) => store !== this.log.storeId && !this.stores.isNowhere(store),
    );
    return foreign.slice(0, CURSOR_PARTS_MAX - 1).map((part) => {
      const { also: _, ...seen } = part as Cursor;
      return seen;
    });
  }

  private coversPart(cursor: Seen): boolean {
    if (cursor.store === this.log.storeId) {
      if (cursor.n <= this.view.foldedN) return true;
    } else {
      const known = this.stores.storeKnown(cursor.store);
      if (known?.isGone || this.coversNumber(cursor, known)) return true;
    }
    return this.coversVector(cursor) || this.isGivenUp(cursor);
  }

  private coversNumber(cursor: Seen, known: StoreKnown | null): boolean {
    return known !== null && known.coversN >= cursor.n && this.coversListed(cursor);
  }

  private coversListed({ listed }: Seen): boolean {
    return [...listed].every(([origin, { seq }]) => this.seqOf(origin) >= seq);
  }

  private coversVector(cursor: Seen): boolean {
    return !cursor.isAhead && this.coversListed(cursor) && this.unseenOrigins(cursor) !== null;
  }

  /**
   * Which of the origins here that a cursor does not list its maker had nothing of, when it had the same as is here of
   * all others; null if that cannot be told, or they are many.
   */
  private unseenOrigins(cursor: Seen): readonly Incarnation[] | null {
    const rest = this.restOf(cursor);
    if (rest === cursor.digest) return [];
    const young = this.youngerThan(cursor);
    if (young.reduce((sum, origin) => this.without(sum, origin), rest) === cursor.digest) {
      return young;
    }
    if (cursor.digest !== 0n || this.heads.size > YOUNG_ORIGINS) return null;
    // It lists all that its maker had.
    return [...this.heads.keys()].filter((origin) => !cursor.listed.has(origin));
  }

  /** Sum of the shares of the origins here that a cursor does not list. */
  private restOf(cursor: Seen): bigint {
    let rest = this.total;
    for (const origin of cursor.listed.keys()) rest = this.without(rest, origin);
    return rest;
  }

  private without(sum: bigint, origin: Incarnation): bigint {
    const head = this.heads.get(origin);
    return head === undefined ? sum : subtractShares(sum, digestShare(this.hash, origin, head));
  }

  /** Whoever made the cursor had seen no op stamped later than its stamp: not these origins, then. */
  private youngerThan({ listed, stamp }: Seen): readonly Incarnation[] {
    const young = [...this.young].filter(
      ([origin, first]) => !listed.has(origin) && compareStamps(first, stamp) > 0,
    );
    return young.map(([origin]) => origin);
  }

  /** Origins have other names now: a branch was split off. */
  renamed(): void {
    this.heads.clear();
    this.recent.clear();
    this.total = 0n;
    this.listedTotal = 0n;
    for (const [origin, head] of this.log.vector()) {
      this.heads.set(origin, head);
      this.total = addShares(this.total, digestShare(this.hash, origin, head));
    }
    this.text = null;
    this.before = null;
  }

  /**
   * A cursor that was read here, brought to a place in this log: of all else it says no more than before, and of
   * what is missing here (`also`) no less.
   */
  moved(cursor: Cursor, n: number, op: Op, also: readonly Seen[]): string {
    const mark = this.markOf(op);
    return cursorText({ ...cursor, store: this.log.storeId, n, mark, isAhead: true, also });
  }
}
