/**
 * Tells authors that a message has reached more servers than its receipt said.
 *
 * Problem: a message that was acknowledged by one server alone looks endangered to its author until somebody says
 * otherwise; and the author may have moved to another server since, which never gave that receipt. Approach: of
 * messages minted here the replica says when their receipts grow. Of those minted elsewhere this server tells the
 * author what it knows itself, but only where reaching all took so long that the first receipt was short: they
 * came here late, or were not everywhere at the first look, or a repeat got a short one here. Both are told in batches, each message with its
 * newest receipt. Rejected: telling every growth to every session (twice the events in a healthy cluster).
 *
 * Bounds: the newest HELD_NEWS_MAX messages of each kind, HELD_EVENTS_PER_TURN events each HELD_INTERVAL_MS. What
 * goes past them is not told; a repeat of the request gets the receipt as of then.
 */
import { BoundedMap } from "../core/bounded-map.ts";
import { type AccountId, type Incarnation, messageIdFor } from "../core/ids.ts";
import { HELD_EVENTS_PER_TURN, HELD_INTERVAL_MS, HELD_NEWS_MAX } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import { messagePost } from "../ops/message.ts";
import type { PeerChange } from "../replica/detector.ts";
import { serverOf } from "../replica/minter.ts";
import type { Clock, Folded, Timer } from "../replica/ports.ts";
import type { Grown, Outcome, Receipt, Replica } from "../replica/replica.ts";

/** What is older when it comes here was answered long before. */
const LATE_MS = 1_000;
const ORIGINS_MAX = 64;

export type HeldMessage = { readonly id: string; readonly receipt: Receipt };

type Foreign = {
  readonly n: number;
  /** How many servers its author may know of; null until the first look. */
  held: number | null;
};

/** Messages of one incarnation, in order: who holds one holds all before it. */
type Line = {
  entries: Foreign[];
  /** So many of the first entries were all found with `held` servers. */
  settled: number;
  held: number;
  /** None of them was looked at, and none came late. */
  isFresh: boolean;
};

export class HeldNews {
  private readonly replica: Replica;
  private readonly clock: Clock;
  private readonly tell: (author: AccountId, message: HeldMessage) => void;
  private readonly grown = new BoundedMap<number, Receipt>(HELD_NEWS_MAX);
  private readonly lines = new BoundedMap<Incarnation, Line>(ORIGINS_MAX);
  /** Since when each server is in sync: what it minted before, it answered without this one. */
  private readonly inSyncMs = new Map<string, number>();
  private timer: Timer | null = null;
  private stopped = false;

  constructor(
    replica: Replica,
    clock: Clock,
    tell: (author: AccountId, message: HeldMessage) => void,
  ) {
    this.replica = replica;
    this.clock = clock;
    this.tell = tell;
  }

  /** Receipts that were given here have grown. */
  held(grown: readonly Grown[]): void {
    for (const { n, receipt } of grown) this.note(n, receipt);
  }

  /** A server entered or left the in-sync set. */
  peer(server: string, { what }: PeerChange): void {
    if (what === "in_sync") this.inSyncMs.set(server, this.replica.wallMs());
  }

  /** Remembers the messages of a batch that other servers minted. */
  folded(batch: readonly Folded[]): void {
    for (const { n, op, subjects } of batch) {
      const isForeign = serverOf(op.origin) !== this.replica.name;
      if (isForeign && op.kind === messagePost.number && subjects.length > 0) this.follow(n, op);
    }
  }

  /** Somebody is told this receipt; of what is minted here for them the replica says when it grows. */
  given({ n, receipt: { held, of }, repeated }: Outcome): void {
    if (held.length >= of) return;
    const { origin, kind } = this.replica.view.op(n);
    const isOwn = serverOf(origin) === this.replica.name && !repeated;
    if (isOwn || kind !== messagePost.number) return;
    const line = this.lineOf(origin);
    const at = line.entries.findLastIndex((entry) => entry.n < n) + 1;
    const isKnown = line.entries[at]?.n === n;
    line.entries.splice(at, isKnown ? 1 : 0, { n, held: held.length });
    // Among those that stand alike it changes nothing: who repeats much makes no work for all the rest.
    if (at < line.settled && held.length === line.held) line.settled += isKnown ? 0 : 1;
    else line.settled = Math.min(line.settled, at);
    line.isFresh = false;
    this.bound(line);
  }

  private lineOf(origin: Incarnation): Line {
    const known = this.lines.get(origin);
    if (known !== undefined) return known;
    const line = { entries: [], settled: 0, held: 0, isFresh: true };
    this.lines.set(origin, line);
    return line;
  }

  private follow(n: number, { origin, stamp }: Op): void {
    const line = this.lineOf(origin);
    const inSyncMs = this.inSyncMs.get(serverOf(origin)) ?? 0;
    const isLate = stamp.ms < inSyncMs || this.replica.wallMs() - stamp.ms > LATE_MS;
    line.entries.push({ n, held: isLate ? 0 : null });
    if (isLate) line.isFresh = false;
    this.bound(line);
  }

  private bound(line: Line): void {
    if (line.entries.length > 2 * HELD_NEWS_MAX) {
      line.entries = line.entries.slice(-HELD_NEWS_MAX);
      line.settled = 0;
    }
    this.arm();
  }

  private note(n: number, receipt: Receipt): void {
    this.grown.set(n, receipt);
    this.arm();
  }

  private arm(): void {
    if (this.stopped) return;
    this.timer ??= this.clock.schedule(HELD_INTERVAL_MS, () => {
      this.timer = null;
      for (const origin of [...this.lines.keys()]) this.look(origin);
      this.tellSome();
      if (this.grown.size > 0 || this.lines.size > 0) this.arm();
    });
  }

  /** Looks who holds the messages of one incarnation now; those that all hold are done with. */
  private look(origin: Incarnation): void {
    const line = this.lines.get(origin) as Line;
    const { entries } = line;
    if (line.isFresh && this.isFull(entries.at(-1))) {
      this.lines.delete(origin);
      return;
    }
    line.isFresh = false;
    let full = 0;
    for (let i = this.firstUnsettled(line); i < entries.length; i++) {
      const entry = entries[i] as Foreign;
      const receipt = this.replica.receiptOf(entry.n);
      const held = receipt.held.length;
      if (entry.held !== null && held > entry.held) this.note(entry.n, receipt);
      entry.held = Math.max(held, entry.held ?? 0);
      if (held >= receipt.of && full === i) full++;
    }
    line.entries = entries.slice(full);
    if (line.entries.length === 0) {
      this.lines.delete(origin);
      return;
    }
    line.held = line.entries[0]?.held ?? 0;
    const other = line.entries.findIndex(({ held }) => held !== line.held);
    line.settled = other < 0 ? line.entries.length : other;
  }

  private isFull(entry: Foreign | undefined): boolean {
    if (entry === undefined) return true;
    const { held, of } = this.replica.receiptOf(entry.n);
    return held.length >= of;
  }

  /** Receipts never rise along a line: if the ends of the settled part stand where they stood, all of it does. */
  private firstUnsettled({ entries, settled, held }: Line): number {
    const ends = settled === 0 ? [] : [entries[0], entries[settled - 1]];
    const isStill = ends.every(
      (entry) => entry !== undefined && this.replica.receiptOf(entry.n).held.length === held,
    );
    return isStill ? settled : 0;
  }

  private tellSome(): void {
    const some = [...this.grown.keys()].slice(0, HELD_EVENTS_PER_TURN);
    for (const n of some) {
      const receipt = this.grown.get(n) as Receipt;
      this.grown.delete(n);
      const { kind, author, id } = this.replica.view.op(n);
      if (kind !== messagePost.number) continue;
      const { held, of } = receipt;
      const told = { held: [...held], of };
      this.tell(author, { id: messageIdFor(author, id), receipt: told });
    }
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }
}
