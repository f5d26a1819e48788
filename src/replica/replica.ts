/**
 * The replica: one server's part in the cluster, as a state machine without I/O.
 *
 * Events in: proposals of the gateway, durable batches and free space from the log, turns of the clock.
 * Effects out: `log.append`, `log.erase`, folded batches to its listener, answers to proposals.
 *
 * Invariants:
 * 1. A proposal is answered with a receipt only after its op is durable here and folded.
 * 2. Nothing is folded or published that is not durable.
 * 3. One (author, id) is in flight at most once; a repeat joins it or finds it in the view.
 * 4. Seqs of this incarnation are handed to the log in order, without gaps.
 * 5. Nothing is minted below the reserve, past the queue's bound, or after `stop`.
 */
import { assert } from "../core/assert.ts";
import { toBase32Hex } from "../core/bytes.ts";
import { NoRoom, Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { AccountId, Incarnation, RequestId } from "../core/ids.ts";
import {
  COMMIT_BYTES_MAX,
  COMMIT_OPS_MAX,
  PENDING_BYTES_MAX,
  PENDING_OPS_MAX,
  RECEIPT_DEADLINE_MS,
} from "../core/limits.ts";
import { encodeEnvelope, hashBody, type Op, SALT_BYTES, type Scope, sealBody } from "../core/op.ts";
import type { Stamp } from "../core/stamp.ts";
import type { Content, Kind } from "../ops/kind.ts";
import { KINDS } from "../ops/kinds.ts";
import { Cursors } from "./cursors.ts";
import { Housekeeping } from "./housekeeping.ts";
import { type PendingKey, PendingOps } from "./pending.ts";
import type { Clock, Commit, Folded, Log, Random, Timer, View } from "./ports.ts";
import { StampClock } from "./stamp-clock.ts";

const COMMITS_IN_FLIGHT_MAX = 2;
const FOLD_RETRY_MS = 500;
const INCARNATION_RANDOM_BYTES = 7;
const INCARNATION_RANDOM_CHARACTERS = 10;
/** Free space must pass the reserve by this factor before writes come back. */
const SPACE_RETURN_FACTOR = 1.1;

export type Receipt = { readonly held: readonly string[]; readonly of: number };

/** What a client asks to be made an op. */
export type Proposal<D = unknown, B = unknown> = {
  readonly author: AccountId;
  readonly id: RequestId;
  readonly kind: Kind<D, B>;
  readonly content: Content<D, B>;
  /** What the op changes, so that requests that depend on it wait. */
  readonly changes: readonly PendingKey[];
};

export type Outcome = {
  /** Arrival number of the op that counts. */
  readonly n: number;
  readonly receipt: Receipt;
  readonly repeated: boolean;
};

export type Alarm = "clock" | "space" | "erasure";

export interface ReplicaListener {
  /** A durable batch was folded: tell those whom it concerns. */
  folded(batch: readonly Folded[]): void;
  /** Something that an operator should know; `clear` when it is over. */
  alarm(what: Alarm, message: string, clear: boolean): void;
}

export type ReplicaOptions = {
  readonly name: string;
  readonly hash: Hash;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly view: View;
  /** Called at named points of a write; tests kill the process there. */
  readonly probe?: (point: "before_append" | "folded" | "published") => void;
  /** Erased words have left the view's tables: their last copies may leave its write-ahead log. */
  readonly viewCleaned?: () => void;
};

type Waiter = {
  resolve: (outcome: Outcome) => void;
  reject: (error: Refusal) => void;
  timer: Timer;
};

export class Replica {
  readonly view: View;
  readonly cursors: Cursors;
  private readonly options: ReplicaOptions;
  private readonly log: Log;
  private readonly pending = new PendingOps();
  private readonly waiters = new Map<string, Waiter[]>();
  private readonly stamps: StampClock;
  private readonly housekeeping: Housekeeping;
  private readonly listeners: ReplicaListener[] = [];
  private queue: Op[] = [];
  private commitsInFlight = 0;
  private flushTimer: Timer | null = null;
  private incarnation: Incarnation | null = null;
  private seq = 0;
  private spaceLow = false;
  private disk = { freeBytes: Number.POSITIVE_INFINITY, reserveBytes: 0 };
  private stopping = false;
  private abandoned = false;
  private clockAlarmed = false;
  private commitMs = 0;
  /** Durable and not folded: more than nothing only while the view finds no room on the disk. */
  private readonly unfolded: Commit[] = [];
  private foldRetry: Timer | null = null;

  constructor(options: ReplicaOptions) {
    this.options = options;
    this.log = options.log;
    this.view = options.view;
    assert(this.view.foldedN === this.log.lastN, "the view has caught up before traffic begins");
    this.stamps = new StampClock(options.clock, this.view.highStamp);
    this.cursors = new Cursors(options.hash, options.log, options.view);
    this.log.listen({
      durable: (commit) => this.abandoned || this.durable(commit),
      erased: (ns) => this.abandoned || this.housekeeping.erased(ns),
      space: (free, reserve) => this.abandoned || this.space(free, reserve),
      failed: (error) => {
        throw error;
      },
    });
    this.housekeeping = new Housekeeping(options, (message) => this.alarm("erasure", message));
  }

  listen(listener: ReplicaListener): void {
    this.listeners.push(listener);
  }

  get name(): string {
    return this.options.name;
  }

  get hash(): Hash {
    return this.options.hash;
  }

  /** Figures for metrics and status. */
  figures() {
    return {
      pendingOps: this.pending.size,
      pendingBytes: this.pending.bytes,
      commitsInFlight: this.commitsInFlight,
      lastCommitMs: this.commitMs,
      foldLagOps: this.log.lastN - this.view.foldedN,
      lastN: this.log.lastN,
      spaceLow: this.spaceLow,
      clockLeapMs: this.stamps.alarm()?.leapMs ?? 0,
      incarnation: this.incarnation,
    };
  }

  get isStorageFull(): boolean {
    return this.spaceLow;
  }

  /** ms since 1970, as far as this server trusts its clock. */
  wallMs(): number {
    return this.stamps.trustedWallMs();
  }

  get highStamp(): Stamp {
    return this.stamps.highest;
  }

  /** A client has seen this stamp: what it does next comes after it. */
  seen(stamp: Stamp): void {
    this.stamps.merge(stamp);
  }

  /** Whether something minted and not folded yet changes one of these. */
  isPending(keys: readonly PendingKey[]): boolean {
    return this.pending.touches(keys);
  }

  /** How many ops minted and not folded yet change this: what is counted in the view is that much short. */
  pendingCount(key: PendingKey): number {
    return this.pending.count(key);
  }

  /** Resolves after the next batch is folded. */
  nextFold(): Promise<void> {
    return this.pending.nextFold();
  }

  receiptOf(_n: number): Receipt {
    return { held: [this.options.name], of: 1 };
  }

  /**
   * The outcome of an earlier attempt with this (author, id), if there was one.
   * Throws Refusal `id_reused` if it was for something else.
   */
  earlier<D, B>(
    author: AccountId,
    id: RequestId,
    kind: Kind<D, B>,
    content: Content<D, B>,
  ): Promise<Outcome> | Outcome | null {
    const flying = this.pending.get(author, id);
    if (flying !== undefined) {
      assertSame(kind, content, flying.op, 0);
      return this.wait(author, id, true);
    }
    const n = this.view.effect(author, id);
    if (n === undefined) return null;
    assertSame(kind, content, this.view.op(n), n);
    return { n, receipt: this.receiptOf(n), repeated: true };
  }

  /**
   * Mints an op. The caller has checked that it may, in this same turn, and that nothing pending changes
   * what it checked. Resolves when the op is durable, folded and published.
   */
  mint<D, B>(proposal: Proposal<D, B>): Promise<Outcome> {
    const { author, id } = proposal;
    assert(this.pending.get(author, id) === undefined, "one effect is in flight once");
    this.assertRoom();
    const op = this.makeOp(proposal);
    this.pending.add(op, proposal.changes);
    this.queue.push(op);
    this.flushTimer ??= this.options.clock.schedule(0, () => {
      this.flushTimer = null;
      this.flush();
    });
    return this.wait(author, id, false);
  }

  private assertRoom(): void {
    if (this.stopping) {
      throw new Refusal(
        "shutting_down",
        `server ${this.name} is stopping: go to another one`,
        1_000,
      );
    }
    this.judgeSpace();
    if (this.spaceLow) {
      throw new Refusal(
        "storage_full",
        `the disk of server ${this.name} is nearly full: it takes no writes until there is room`,
        5_000,
      );
    }
    if (this.pending.size >= PENDING_OPS_MAX || this.pending.bytes >= PENDING_BYTES_MAX) {
      throw new Refusal("unavailable", "too many writes wait for the disk: try again", 500);
    }
  }

  private makeOp<D, B>({ author, id, kind, content }: Proposal<D, B>): Op {
    const { random, hash, name } = this.options;
    if (this.incarnation === null) {
      const bits = toBase32Hex(random.bytes(INCARNATION_RANDOM_BYTES));
      this.incarnation = `${name}.${bits.slice(0, INCARNATION_RANDOM_CHARACTERS)}` as Incarnation;
    }
    const body =
      content.body === null
        ? null
        : sealBody(random.bytes(SALT_BYTES), JSON.stringify(content.body));
    const data = JSON.stringify(content.data);
    const envelope = {
      origin: this.incarnation,
      seq: this.seq + 1,
      stamp: this.stamps.next(),
      author,
      id,
      kind: kind.number,
      scope: content.scope as Scope,
      data: data === "{}" ? "" : data,
      bodyHash: body === null ? null : hashBody(hash, body),
    };
    const bytes = encodeEnvelope(envelope);
    this.seq = envelope.seq; // only now: an op that cannot be made leaves no gap
    this.checkClock();
    return { ...envelope, bytes, body };
  }

  private checkClock(): void {
    const alarm = this.stamps.alarm();
    if ((alarm !== null) === this.clockAlarmed) return;
    this.clockAlarmed = alarm !== null;
    const message =
      alarm === null
        ? "the wall clock agrees with the monotonic clock again"
        : `the wall clock leapt by ${Math.round(alarm.leapMs / 1000)} s: messages are stamped by the monotonic clock; if the wall clock is right now, restart this server`;
    this.alarm("clock", message, alarm === null);
  }

  private wait(author: AccountId, id: RequestId, repeated: boolean): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const effect = author + id;
      const list = this.waiters.get(effect) ?? [];
      const timer = this.options.clock.schedule(RECEIPT_DEADLINE_MS, () => {
        this.dropWaiter(effect, waiter);
        const what = "it is not known yet whether this was stored: repeat it with the same id";
        reject(new Refusal("indefinite", what, 1_000));
      });
      const waiter: Waiter = {
        resolve: (outcome) => resolve(repeated ? { ...outcome, repeated } : outcome),
        reject,
        timer,
      };
      list.push(waiter);
      this.waiters.set(effect, list);
    });
  }

  private dropWaiter(effect: string, waiter: Waiter): void {
    const rest = (this.waiters.get(effect) ?? []).filter((other) => other !== waiter);
    if (rest.length === 0) this.waiters.delete(effect);
    else this.waiters.set(effect, rest);
  }

  private flush(): void {
    while (this.queue.length > 0 && this.commitsInFlight < COMMITS_IN_FLIGHT_MAX) {
      let count = 0;
      let bytes = 0;
      for (const op of this.queue) {
        bytes += op.bytes.length + (op.body?.length ?? 0);
        if (count > 0 && (count >= COMMIT_OPS_MAX || bytes > COMMIT_BYTES_MAX)) break;
        count++;
      }
      const batch = this.queue.slice(0, count);
      this.queue = this.queue.slice(count);
      this.commitsInFlight++;
      this.options.probe?.("before_append");
      this.log.append(batch);
    }
  }

  private durable(commit: Commit): void {
    this.commitsInFlight--;
    this.commitMs = commit.tookMs;
    this.unfolded.push(commit);
    if (this.foldRetry === null) this.foldWaiting();
    this.flush();
  }

  /**
   * Folds what is durable. Where the disk has no room for the view, it is tried again until there is: what
   * was stored is kept, its senders hear so or `indefinite`, and nothing new is minted meanwhile.
   */
  private foldWaiting(): void {
    for (let commit = this.unfolded[0]; commit !== undefined; commit = this.unfolded[0]) {
      let folded: Folded[];
      try {
        folded = this.view.fold(commit.ops);
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error;
        this.foldRetry = this.options.clock.schedule(FOLD_RETRY_MS, () => {
          this.foldRetry = null;
          this.foldWaiting();
        });
        break;
      }
      this.unfolded.shift();
      this.publish(commit, folded);
    }
    this.judgeSpace();
  }

  private publish(commit: Commit, folded: readonly Folded[]): void {
    this.cursors.advance(commit.ops);
    this.options.probe?.("folded");
    for (const { op } of commit.ops) this.pending.remove(op);
    for (const listener of this.listeners) listener.folded(folded);
    this.options.probe?.("published");
    for (const { n, op, subjects } of folded) this.answer(n, op, subjects.length > 0);
    this.pending.wake();
    this.housekeeping.soon();
  }

  /** `counts`: whether this op is the one of its key that counts, as far as the fold has said. */
  private answer(n: number, op: Op, counts: boolean): void {
    const effect = op.author + op.id;
    const waiting = this.waiters.get(effect);
    if (waiting === undefined) return;
    this.waiters.delete(effect);
    const counting = counts ? n : (this.view.effect(op.author, op.id) ?? n);
    const outcome = { n: counting, receipt: this.receiptOf(counting), repeated: false };
    for (const waiter of waiting) {
      waiter.timer.cancel();
      waiter.resolve(outcome);
    }
  }

  private space(freeBytes: number, reserveBytes: number): void {
    this.disk = { freeBytes, reserveBytes };
    this.judgeSpace();
  }

  /** What was minted since the last reading needs room too. */
  private judgeSpace(): void {
    const { freeBytes, reserveBytes } = this.disk;
    const bound = this.spaceLow ? reserveBytes * SPACE_RETURN_FACTOR : reserveBytes;
    const low = freeBytes - this.pending.bytes < bound || this.unfolded.length > 0;
    if (low === this.spaceLow) return;
    this.spaceLow = low;
    const message = low
      ? `free space ${freeBytes} bytes is below the reserve of ${reserveBytes}: writes are refused until there is room`
      : `free space ${freeBytes} bytes is above the reserve again: writes are taken`;
    this.alarm("space", message, !low);
  }

  private alarm(what: Alarm, message: string, clear = false): void {
    for (const listener of this.listeners) listener.alarm(what, message, clear);
  }

  /** Takes nothing new; resolves when everything minted is answered, and what is erased is off the disk. */
  async stop(): Promise<void> {
    this.stopping = true;
    while (this.pending.size > 0) await this.nextFold();
    await this.housekeeping.finish();
  }

  /**
   * Gives up what {@link stop} did not bring to an end in time: the view is not touched again. What becomes
   * durable all the same the next start folds.
   */
  abandon(): void {
    this.abandoned = true;
    this.flushTimer?.cancel();
    this.foldRetry?.cancel();
    this.housekeeping.abandon();
  }
}

function assertSame<D, B>(kind: Kind<D, B>, content: Content<D, B>, op: Op, n: number): void {
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
