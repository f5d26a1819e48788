/**
 * The replica: one server's part in the cluster, as a state machine without I/O.
 *
 * Events in: proposals of the gateway, durable batches and free space from the log, links to peers and their
 * frames, turns of the clock. Effects out: `log.append`, `log.erase`, frames to peers, folded batches to its
 * listener, answers to proposals. What concerns other servers is in peers.ts; a server alone has none of it.
 *
 * Invariants:
 * 1. A proposal is answered with a receipt only after its op is durable here and folded, and held by every
 *    server in sync (receipts.ts).
 * 2. Nothing is folded or published that is not durable.
 * 3. One (author, id) is in flight at most once; a repeat joins it or finds it in the view.
 * 4. Seqs of this incarnation are handed to the log in order, without gaps.
 * 5. Nothing is minted below the reserve, past the queue's bound, or after `stop`.
 */
import { assert } from "../core/assert.ts";
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { AccountId, RequestId } from "../core/ids.ts";
import { PENDING_BYTES_MAX, PENDING_OPS_MAX } from "../core/limits.ts";
import type { FoldedName } from "../core/names.ts";
import type { Op } from "../core/op.ts";
import type { Stamp } from "../core/stamp.ts";
import type { NameSpace } from "../core/view.ts";
import type { Content, Kind } from "../ops/kind.ts";
import type { PeerText } from "../protocol/peer.ts";
import { CommitQueue } from "./commit-queue.ts";
import { Copies } from "./copies.ts";
import { Cursors } from "./cursors.ts";
import { DiskRoom, storageFull } from "./disk-room.ts";
import { FoldLine } from "./fold-line.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Members } from "./members.ts";
import { highestOwnStamp, Minter, type Proposal } from "./minter.ts";
import type { Alarm, ReplicaListener, ReplicaOptions } from "./options.ts";
import { Peers } from "./peers.ts";
import { type PendingKey, PendingOps } from "./pending.ts";
import type {
  Commit,
  Folded,
  LinkListener,
  Log,
  PeerFrame,
  PeerIdentity,
  PeerLink,
  Split,
  View,
} from "./ports.ts";
import { type Outcome, type Receipt, Receipts } from "./receipts.ts";
import { assertSame } from "./repeats.ts";
import { type Reservation, Reservations } from "./reservations.ts";
import { clockMessage, StampClock } from "./stamp-clock.ts";
import { type ClusterStatus, statusOf } from "./status.ts";

export type { Proposal } from "./minter.ts";
export type { Alarm, ReplicaListener, ReplicaOptions } from "./options.ts";
export type { Grown, Outcome, Receipt } from "./receipts.ts";
export { idReused } from "./repeats.ts";

/** How much the last commit counts in the mean of their times. */
const COMMIT_MEAN_WEIGHT = 0.1;

export class Replica implements LinkListener {
  readonly view: View;
  readonly cursors: Cursors;
  private readonly options: ReplicaOptions;
  private readonly log: Log;
  readonly members: Members;
  private readonly pending = new PendingOps();
  private readonly stamps: StampClock;
  private readonly minter: Minter;
  private readonly queue: CommitQueue;
  readonly peers: Peers;
  private readonly copies: Copies;
  private readonly receipts: Receipts;
  private readonly reservations: Reservations;
  private readonly housekeeping: Housekeeping;
  private readonly listeners: ReplicaListener[] = [];
  private readonly room = new DiskRoom();
  private stopping = false;
  private abandoned = false;
  private clockAlarmed = false;
  private commitMs = 0;
  private meanCommitMs = 0;
  private readonly foldLine: FoldLine;

  constructor(options: ReplicaOptions) {
    this.options = options;
    this.log = options.log;
    this.view = options.view;
    assert(this.view.foldedN === this.log.lastN, "the view has caught up before traffic begins");
    const { clock, hash, log, name } = options;
    this.stamps = new StampClock(clock, highestOwnStamp(log, name));
    this.stamps.merge(this.view.highStamp);
    this.minter = new Minter(options, this.stamps);
    this.cursors = new Cursors(hash, log, this.view);
    this.queue = new CommitQueue(options);
    const { key = "", url = "" } = options;
    this.members = new Members({ name, key, url }, hash, this.view);
    this.peers = this.makePeers();
    this.copies = new Copies(options, this.members, this.peers.standings);
    this.cursors.stores = this.copies;
    this.receipts = new Receipts(clock, this.copies);
    this.reservations = this.makeReservations();
    this.foldLine = new FoldLine({
      ...options,
      publish: (commit, folded) => this.publish(commit, folded),
      settled: () => this.judgeSpace(),
    });
    this.log.listen({
      durable: (commit) => this.durable(commit),
      split: (split) => this.renamed(split),
      erased: (ns) => {
        if (this.abandoned) return;
        this.peers.erased();
        this.housekeeping.erased(ns);
      },
      space: (free, reserve) => {
        if (this.abandoned) return;
        this.room.read(free, reserve);
        this.judgeSpace();
      },
      failed: (error) => {
        throw error;
      },
    });
    const isHeldByAll = (n: number) => this.copies.isHeldByAll(this.log.op(n));
    this.housekeeping = new Housekeeping({ ...options, isHeldByAll }, (message) =>
      this.alarm("erasure", message),
    );
  }

  private makePeers(): Peers {
    return new Peers({
      ...this.options,
      queue: this.queue,
      minter: this.minter,
      members: this.members,
      foldedSeqOf: (origin) => this.cursors.seqOf(origin),
      stamps: this.stamps,
      compareClocks: (offsets) => {
        this.stamps.compare(offsets);
        this.checkClock();
      },
      takesWrites: () => !this.room.isLow,
      fsyncMs: () => this.meanCommitMs,
      changed: () => this.receipts.evaluate(),
      grew: (origin, from, to) => this.receipts.grew(origin, from, to),
      growing: () => this.receipts.growingOrigins,
      watch: (origin, ops) => this.receipts.watch(origin, ops, this.view),
      listeners: this.listeners,
      tellBranch: (message) => this.alarm("branch", message),
      tookOps: (count) => this.reservations.tookOps(count),
      said: (peer, message) => {
        this.reservations.hear(peer, message);
        for (const listener of this.listeners) listener.said?.(peer, message);
      },
      presence: (peer, what) => {
        this.reservations.presence(peer, what);
        for (const listener of this.listeners) listener.reach?.(peer, what);
      },
      mintOnce: (proposals) => this.mintOnce(proposals),
    });
  }

  private makeReservations(): Reservations {
    return new Reservations({
      clock: this.options.clock,
      nextStamp: () => this.stamps.next(),
      merge: (stamp) => this.stamps.merge(stamp),
      incarnation: () => this.minter.incarnation(),
      isTaken: (table, name, holder) =>
        this.view.claims(table, name).some((claim) => claim.holder !== holder),
      peers: () => this.peers.standings.live(),
      say: (peer, message) => this.peers.say(peer, message),
      hear: (a, b) => this.peers.standings.hear(a, b),
    });
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
      commitsInFlight: this.queue.inFlight,
      lastCommitMs: this.commitMs,
      foldLagOps: this.log.lastN - this.view.foldedN,
      lastN: this.log.lastN,
      spaceLow: this.room.isLow,
      clockLeapMs: this.stamps.alarm()?.leapMs ?? 0,
      incarnation: this.minter.current,
      waitingForCopies: this.receipts.waitingOps,
      growingReceipts: this.receipts.growingOps,
      reservations: this.reservations.size,
      drops: this.peers.drops as ReadonlyMap<string, number>,
      peerChanges: this.peers.standings.changes as ReadonlyMap<string, number>,
      branches: this.peers.branches.known.size,
      catchUp: this.peers.catchUp.progress,
    };
  }

  /** This server and the others, as this one sees them: for `holdfast status` and metrics. */
  status(): ClusterStatus {
    return statusOf(this.options, this.members, this.peers.standings);
  }

  /** A server that can be reached holds what this one lacks: clients are better off there. */
  get isBehind(): boolean {
    return this.peers.standings.isBehind;
  }

  /** Does what must be done once per cluster; two of them during a partition do no harm. */
  get isLeader(): boolean {
    return this.peers.standings.leader === this.name;
  }

  linked(peer: PeerIdentity, link: PeerLink): void {
    this.peers.linked(peer, link);
  }

  received(link: PeerLink, frame: PeerFrame): void {
    this.peers.received(link, frame);
  }

  unlinked(link: PeerLink, reason: string): void {
    this.peers.unlinked(link, reason);
  }

  /**
   * Agrees with all live servers that this account or channel may claim a name; ask before the op is minted,
   * and release what you get once the op is answered or is not to be. Throws Refusal `name_taken`, or
   * `unavailable` where the others do not answer.
   */
  reserve(table: NameSpace, name: FoldedName, holder: string): Promise<Reservation> {
    return this.reservations.reserve(table, name, holder);
  }

  /** Says something to a peer that is never stored; where there is no link nothing happens. */
  say(peer: string, message: PeerText): void {
    this.peers.say(peer, message);
  }

  get isStorageFull(): boolean {
    return this.room.isLow;
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

  /** The servers that hold the op with this arrival number, as of now. */
  receiptOf(n: number): Receipt {
    return this.copies.receiptOf(n);
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
      return this.receipts.wait(author + id, true);
    }
    const n = this.view.effect(author, id);
    if (n === undefined) return null;
    assertSame(kind, content, this.view.op(n), n);
    return this.repeated(n);
  }

  /** The outcome of a request whose op is here: answered with no fewer copies than the first time. */
  repeated(n: number): Promise<Outcome> | Outcome {
    const { author, id } = this.view.op(n);
    return this.receipts.repeat(author + id, n);
  }

  /**
   * Mints an op. The caller has checked that it may, in this same turn, and that nothing pending changes
   * what it checked. Resolves when the op is durable, folded and published, and every server in sync has it.
   */
  mint<D, B>(proposal: Proposal<D, B>): Promise<Outcome> {
    const { author, id } = proposal;
    assert(this.pending.get(author, id) === undefined, "one effect is in flight once");
    this.assertRoom();
    const op = this.minter.make(proposal);
    this.checkClock();
    this.pending.add(op, proposal.changes);
    this.queue.add(op);
    return this.receipts.wait(author + id, false);
  }

  private assertRoom(): void {
    if (this.stopping) {
      const what = `server ${this.name} is stopping: go to another one`;
      throw new Refusal("shutting_down", what, 1_000);
    }
    if (this.members.isRemoved(this.name)) {
      const what = `server ${this.name} was removed from the cluster: go to another one`;
      throw new Refusal("shutting_down", what, 1_000);
    }
    this.judgeSpace();
    if (this.room.isLow) throw storageFull(this.name);
    if (this.pending.size >= PENDING_OPS_MAX || this.pending.bytes >= PENDING_BYTES_MAX) {
      throw new Refusal("unavailable", "too many writes wait for the disk: try again", 500);
    }
    this.copies.assertEnough();
  }

  private checkClock(): void {
    const alarm = this.stamps.alarm();
    if ((alarm !== null) === this.clockAlarmed) return;
    this.clockAlarmed = alarm !== null;
    this.alarm("clock", clockMessage(alarm), alarm === null);
  }

  private durable(commit: Commit): void {
    if (this.abandoned) return;
    this.commitMs = commit.tookMs;
    this.meanCommitMs += (commit.tookMs - this.meanCommitMs) * COMMIT_MEAN_WEIGHT;
    this.peers.durable(commit);
    this.foldLine.add(commit);
    this.queue.done();
  }

  private publish(commit: Commit, folded: readonly Folded[]): void {
    this.cursors.advance(commit.ops);
    this.options.probe?.("folded");
    let foreign = 0;
    let members = false;
    for (const { op } of commit.ops) {
      if (this.minter.isMine(op)) this.pending.remove(op);
      else foreign++;
      members ||= Members.isAbout(op);
    }
    for (const listener of this.listeners) listener.folded(folded);
    this.options.probe?.("published");
    for (const { n, op, subjects } of folded) this.answer(n, op, subjects.length > 0);
    if (members) {
      this.members.read();
      this.peers.standings.judgeAll();
    }
    this.peers.folded();
    this.reservations.foldedOps(foreign);
    this.pending.wake();
    this.housekeeping.soon();
  }

  /** `counts`: whether this op is the one of its key that counts, as far as the fold has said. */
  private answer(n: number, op: Op, counts: boolean): void {
    if (!this.minter.isMine(op)) return;
    const counting = counts ? n : (this.view.effect(op.author, op.id) ?? n);
    const { origin, seq } = op;
    this.receipts.folded({ effect: op.author + op.id, origin, seq, n: counting, counts });
  }

  /** What follows from what is here, whoever mints it first; tried again by those who ask for it. */
  private mintOnce(proposals: readonly Proposal[]): void {
    for (const proposal of proposals) {
      const { author, id, kind, content } = proposal;
      try {
        const known = this.earlier(author, id, kind, content);
        Promise.resolve(known ?? this.mint(proposal)).catch(() => {});
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }

  /** A branch has its name: whoever knew its ops by another one follows. */
  private renamed(split: Split): void {
    if (this.abandoned) return;
    this.minter.renamed(split);
    this.receipts.renamed(split);
    this.cursors.renamed();
    this.peers.split(split);
  }

  private judgeSpace(): void {
    const message = this.room.judge(this.pending.bytes, !this.foldLine.isEmpty);
    if (message === null) return;
    this.alarm("space", message, !this.room.isLow);
    if (!this.room.isLow) this.peers.resume();
  }

  private alarm(what: Alarm, message: string, clear = false): void {
    for (const listener of this.listeners) listener.alarm(what, message, clear);
  }

  /** Takes nothing new, tells the peers so; resolves when all is answered and what is erased is off the disk. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.peers.goodbye();
    while (this.pending.size > 0) await this.nextFold();
    await this.receipts.answered();
    await this.housekeeping.finish();
    this.abandon(); // of peers there may be ops on their way to the disk
  }

  /** Gives up what is not at its end: the view is not touched again. What becomes durable the next start folds. */
  abandon(): void {
    this.abandoned = true;
    this.queue.stop();
    this.peers.stop();
    this.foldLine.stop();
    this.housekeeping.abandon();
  }
}
