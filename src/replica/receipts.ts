/**
 * Receipts: when a write is answered, with which servers, and who is told when more of them have it.
 *
 * Problem: an answer must name every copy there is and none that there isn't, wait for no server that is slow
 * or gone, and cost a server alone nothing. Approach: own ops that are durable and folded stand in a line in
 * order of seq; whenever an acknowledgment comes or a server enters or leaves the in-sync set, the line is
 * answered as far as every server in sync holds it. Rejected: a count of missing acknowledgments with each op
 * (every transition would have to go through all of them).
 *
 * Invariants: 1. Nothing is answered that is not durable and folded here, held by every server then in sync, and
 * by `minCopies` servers in all. 2. A receipt names only servers whose present store said that it holds the op,
 * over a link that lives. 3. Ops answered with fewer copies than servers are remembered, the newest
 * GROWING_RECEIPTS_MAX of them, until all have them.
 */
import { Refusal } from "../core/errors.ts";
import type { Incarnation } from "../core/ids.ts";
import { GROWING_RECEIPTS_MAX, RECEIPT_DEADLINE_MS } from "../core/limits.ts";
import type { Clock, Split, StoredOp, Timer, View } from "./ports.ts";

const ANSWER_LOOK_MS = 10;

export type Receipt = { readonly held: readonly string[]; readonly of: number };

export type Outcome = {
  /** Arrival number of the op that counts. */
  readonly n: number;
  readonly receipt: Receipt;
  readonly repeated: boolean;
};

/** An op that was answered with fewer copies than it has now. */
export type Grown = { readonly n: number; readonly receipt: Receipt };

/** What is known of where ops are (copies.ts). */
export interface KnownCopies {
  /** Whether every server in sync holds this op, and as many servers as a write needs. */
  isEnough(origin: Incarnation, seq: number): boolean;
  /** The same of the op with this arrival number. */
  isEnoughOf(n: number): boolean;
  receiptOf(n: number): Receipt;
}

type Waiter = {
  readonly effect: string;
  readonly dueMs: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Refusal) => void;
};

/** An own op that is folded here. */
type Folded = {
  readonly effect: string;
  readonly origin: Incarnation;
  readonly seq: number;
  /** Arrival number of the op that counts for its effect. */
  readonly n: number;
  /** Whether that is this op itself. */
  readonly counts: boolean;
};
type Growing = { readonly seq: number; readonly n: number; held: number };

export class Receipts {
  private readonly clock: Clock;
  private readonly copies: KnownCopies;
  private readonly waiters = new Map<string, Waiter[]>();
  /** All of them; all wait equally long, so they are due in this order, and one timer is enough. */
  private readonly due = new Set<Waiter>();
  private deadline: Timer | null = null;
  /** Folded, not answered, in order of seq; starts at `first`. */
  private line: Folded[] = [];
  private first = 0;
  /** Ops that were here when they were asked for again, by effect: arrival numbers. */
  private readonly repeats = new Map<string, number>();
  /** Of each incarnation of this server in order of seq. */
  private readonly growing = new Map<Incarnation, Growing[]>();
  private growingCount = 0;

  constructor(clock: Clock, copies: KnownCopies) {
    this.clock = clock;
    this.copies = copies;
  }

  /** Own ops that wait for other servers. */
  get waitingOps(): number {
    return this.line.length - this.first;
  }

  get growingOps(): number {
    return this.growingCount;
  }

  isWaiting(effect: string): boolean {
    return this.waiters.has(effect);
  }

  wait(effect: string, repeated: boolean): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        effect,
        dueMs: this.clock.monotonicMs() + RECEIPT_DEADLINE_MS,
        resolve: (outcome) => resolve(repeated ? { ...outcome, repeated } : outcome),
        reject,
      };
      const list = this.waiters.get(effect);
      if (list === undefined) this.waiters.set(effect, [waiter]);
      else list.push(waiter);
      this.due.add(waiter);
      this.deadline ??= this.clock.schedule(RECEIPT_DEADLINE_MS, () => this.giveUp());
    });
  }

  /** What became of an op that is here already, whoever minted it: known once it has the copies of any write. */
  repeat(effect: string, n: number): Promise<Outcome> | Outcome {
    if (this.isWaiting(effect)) return this.wait(effect, true);
    if (this.copies.isEnoughOf(n)) {
      return { n, receipt: this.copies.receiptOf(n), repeated: true };
    }
    this.repeats.set(effect, n);
    return this.wait(effect, true);
  }

  /** Who has waited too long is told that the outcome is not known. */
  private giveUp(): void {
    this.deadline = null;
    const nowMs = this.clock.monotonicMs();
    for (const waiter of this.due) {
      if (waiter.dueMs > nowMs) {
        this.deadline = this.clock.schedule(waiter.dueMs - nowMs, () => this.giveUp());
        return;
      }
      this.drop(waiter);
      const what = "it is not known yet whether this was stored: repeat it with the same id";
      waiter.reject(new Refusal("indefinite", what, 1_000));
    }
  }

  private drop(waiter: Waiter): void {
    const { effect } = waiter;
    this.due.delete(waiter);
    const rest = (this.waiters.get(effect) ?? []).filter((other) => other !== waiter);
    if (rest.length > 0) {
      this.waiters.set(effect, rest);
      return;
    }
    this.waiters.delete(effect);
    this.repeats.delete(effect);
  }

  /** An own op is durable and folded. */
  folded(op: Folded): void {
    const isNext = this.first === this.line.length;
    if (isNext && this.copies.isEnough(op.origin, op.seq)) this.answer(op);
    else this.line.push(op);
  }

  /** Something of the other servers changed: answers what can be answered now. */
  evaluate(): void {
    while (this.first < this.line.length) {
      const next = this.line[this.first] as Folded;
      if (!this.copies.isEnough(next.origin, next.seq)) break;
      this.first++;
      this.answer(next);
    }
    if (this.first > 0 && (this.first === this.line.length || this.first > 1_024)) {
      this.line = this.line.slice(this.first);
      this.first = 0;
    }
    for (const [effect, n] of this.repeats) {
      if (this.copies.isEnoughOf(n)) this.tell(effect, n, this.copies.receiptOf(n));
    }
  }

  private answer({ effect, origin, seq, n, counts }: Folded): void {
    if (!counts && !this.copies.isEnoughOf(n)) {
      this.repeats.set(effect, n); // of two that were minted at once the other counts: that one is waited for
      return;
    }
    const receipt = this.copies.receiptOf(n);
    if (receipt.held.length < receipt.of) this.grow(origin, { seq, n, held: receipt.held.length });
    this.tell(effect, n, receipt);
  }

  private tell(effect: string, n: number, receipt: Receipt): void {
    this.repeats.delete(effect);
    const waiting = this.waiters.get(effect);
    if (waiting === undefined) return;
    this.waiters.delete(effect);
    for (const waiter of waiting) {
      this.due.delete(waiter);
      waiter.resolve({ n, receipt, repeated: false });
    }
    if (this.due.size > 0) return;
    this.deadline?.cancel();
    this.deadline = null;
  }

  private grow(origin: Incarnation, entry: Growing): void {
    const list = this.growing.get(origin);
    if (list === undefined) this.growing.set(origin, [entry]);
    else list.push(entry);
    if (++this.growingCount > 2 * GROWING_RECEIPTS_MAX) this.forgetOldest();
  }

  private forgetOldest(): void {
    for (const [origin, list] of this.growing) {
      const left = list.slice(Math.min(list.length, this.growingCount - GROWING_RECEIPTS_MAX));
      this.keep(origin, list, left);
      if (this.growingCount <= GROWING_RECEIPTS_MAX) return;
    }
  }

  private keep(origin: Incarnation, before: readonly Growing[], left: Growing[]): void {
    this.growingCount -= before.length - left.length;
    if (left.length === 0) this.growing.delete(origin);
    else this.growing.set(origin, left);
  }

  /** Ops that not all servers hold: those that were answered, perhaps by a process before this one, may grow. */
  watch(origin: Incarnation, ops: readonly StoredOp[], view: Pick<View, "effect">): void {
    const list = this.growing.get(origin) ?? [];
    const known = new Set(list.map(({ seq }) => seq));
    const added: Growing[] = [];
    for (const { n, op } of ops) {
      if (known.has(op.seq) || this.isWaiting(op.author + op.id)) continue;
      const counting = view.effect(op.author, op.id) ?? n;
      const { held } = this.copies.receiptOf(counting);
      added.push({ seq: op.seq, n: counting, held: held.length });
    }
    if (added.length === 0) return;
    this.growingCount += added.length;
    const merged = [...list, ...added].sort((a, b) => a.seq - b.seq);
    this.growing.set(origin, merged);
  }

  /** The ops of an incarnation after a seq have another name now. */
  renamed({ origin, afterSeq, branch }: Split): void {
    this.line = this.line.map((folded) =>
      folded.origin === origin && folded.seq > afterSeq ? { ...folded, origin: branch } : folded,
    );
    const list = this.growing.get(origin);
    if (list === undefined) return;
    const cut = firstAfter(list, afterSeq);
    this.growing.delete(origin);
    if (cut > 0) this.growing.set(origin, list.slice(0, cut));
    if (cut < list.length) this.growing.set(branch, list.slice(cut));
  }

  /** Resolves when nothing is left to answer. */
  async answered(): Promise<void> {
    while (this.waiters.size > 0) {
      await new Promise<void>((resolve) => this.clock.schedule(ANSWER_LOOK_MS, resolve));
    }
  }

  /** A server now holds an origin's ops after `fromSeq` up to `toSeq`: which receipts grew by that. */
  grew(origin: Incarnation, fromSeq: number, toSeq: number): Grown[] {
    const list = this.growing.get(origin);
    if (list === undefined) return [];
    const grown: Grown[] = [];
    let of = 0;
    for (let i = firstAfter(list, fromSeq); i < list.length; i++) {
      const entry = list[i] as Growing;
      if (entry.seq > toSeq) break;
      const receipt = this.copies.receiptOf(entry.n);
      if (receipt.held.length <= entry.held) continue;
      entry.held = receipt.held.length;
      of = receipt.of;
      grown.push({ n: entry.n, receipt });
    }
    if (grown.length > 0) {
      const left = list.filter(({ held }) => held < of);
      this.keep(origin, list, left);
    }
    return grown;
  }

  /** Whose receipts may grow. */
  get growingOrigins(): Iterable<Incarnation> {
    return [...this.growing.keys()];
  }
}

/** Index of the first entry whose seq is over `seq`. */
function firstAfter(growing: readonly Growing[], seq: number): number {
  let low = 0;
  let high = growing.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((growing[middle] as Growing).seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
