/**
 * What one other store is known to hold, and what its arrival numbers mean here.
 *
 * Problem: a client that was attached to server A comes here with A's cursor, "everything that store A had up to
 * its arrival number 812". Is all of that here (else the answer is stale), and from which arrival number of
 * ours on may the client lack something? And none of it may grow with the number of incarnations. Approach: A
 * says with each commit what it took in and its own arrival number (`upTo`). Such claims stand in
 * a line and are passed off once their heads are folded here: the number of the last one is what is covered.
 * And the other way round: our commits stand in a line and are passed off once A holds their heads; each
 * pair (A's number, ours) says from where to replay. Rejected: version vectors in cursors (10,000 restarts
 * make them too long, and a digest in their place only tells "the same" from "not the same").
 *
 * Two branches of an incarnation have the same name and seqs until that is noticed. So what a store says of an
 * origin counts only once its chain hash was found in this log (holdings.ts); until then it is only said.
 *
 * Invariants: 1. `coversN` never passes a claim with a head that is not folded here. 2. Of a pair (theirs, ours):
 * when that store had its ops up to `theirs`, it held ours up to `ours`. 3. All lines are bounded: joined at
 * their end, thinned out where they are history. 4. `seqOf` says nothing that was not compared.
 * 5. Of a store that was seen to go back nothing is concluded from an arrival number.
 */
import type { Incarnation } from "../core/ids.ts";
import { STORE_MARKS_MAX } from "../core/limits.ts";

export type HeadSeq = readonly [origin: Incarnation, seq: number];
export type SeqOf = (origin: Incarnation) => number;

/** Everything of an origin up to a seq, and the chain hash there, which tells its branches apart. */
export type Mark = { readonly seq: number; readonly chain: Uint8Array };
export type Marks = ReadonlyMap<Incarnation, Mark>;

type Claim = { upTo: number; heads: HeadSeq[]; sinceMs: number };
type Pair = { readonly theirs: number; readonly ours: number };

type Committed = {
  /** Arrival number before its first op, and of its last. */
  readonly afterN: number;
  readonly n: number;
  readonly heads: readonly HeadSeq[];
};

/** What our own commits moved, for all peers together; the newest of them. */
export class OwnCommits {
  private list: Committed[] = [];
  private dropped = 0;

  add(commit: Committed): void {
    this.list.push(commit);
    if (this.list.length <= 2 * STORE_MARKS_MAX) return;
    this.dropped += this.list.length - STORE_MARKS_MAX;
    this.list = this.list.slice(-STORE_MARKS_MAX);
  }

  /** The number of the commit with the op after an arrival number; null if that is forgotten. */
  indexAfter(n: number, lastN: number): number | null {
    if (n >= lastN) return this.dropped + this.list.length;
    const at = this.list.findIndex((commit) => commit.n > n);
    const found = this.list[at];
    return found === undefined || found.afterN > n ? null : this.dropped + at;
  }

  /** Undefined past the end, null for one that is forgotten. */
  at(index: number) {
    return index < this.dropped ? null : this.list[index - this.dropped];
  }
}

export class StoreMarks {
  readonly storeId: string;
  private readonly held = new Map<Incarnation, Mark>();
  /** The same by the word of others, while its own link is silent or new: no part of its claims. */
  private readonly vouched = new Map<Incarnation, number>();
  /** Past the end of this log, so not compared yet. */
  private readonly said = new Map<Incarnation, Mark>();
  /** Of these it has another branch than this log. */
  private readonly branched = new Set<Incarnation>();
  private claims: Claim[] = [];
  private pairs: Pair[] = [];
  /** The last arrival number that this store claimed; 0 before the first. */
  private claimedN = 0;
  /** The highest that it ever claimed. */
  private highestN = 0;
  /** Its disk was put back to an older copy: its arrival numbers of before mean something else now. */
  private isPutBack = false;
  private covered = -1;
  /** Up to which of our arrival numbers it holds everything; -1 when that is not known. */
  private ours = -1;
  /** The first of our commits that it may lack; null if that is forgotten. */
  private nextCommit: number | null = null;
  /** What it was found to hold since its last claim: part of the next one, and no pair is made of it before. */
  private readonly unclaimed = new Map<Incarnation, number>();

  constructor(storeId: string) {
    this.storeId = storeId;
  }

  /** Up to where it holds the ops of this log. */
  seqOf(origin: Incarnation): number {
    return Math.max(this.toldSeqOf(origin), this.vouched.get(origin) ?? 0);
  }

  /** The same, as far as it goes together with the arrival numbers that it claimed. */
  toldSeqOf(origin: Incarnation): number {
    return this.held.get(origin)?.seq ?? 0;
  }

  /** Up to where it need not be sent anything: what it holds, or said that it does. */
  placeOf(origin: Incarnation): number {
    return Math.max(this.seqOf(origin), this.said.get(origin)?.seq ?? 0);
  }

  heads(): Marks {
    return this.held;
  }

  /** Of how many origins it said something that this log cannot be compared with. */
  get saidOrigins(): number {
    return this.said.size;
  }

  saidOf(origin: Incarnation): Mark | undefined {
    return this.said.get(origin);
  }

  /** It holds this; `mark` was compared with this log. Returns what it was known to hold before. */
  raise(origin: Incarnation, mark: Mark): number {
    const before = this.seqOf(origin);
    if (mark.seq > this.toldSeqOf(origin)) {
      this.held.set(origin, mark);
      this.unclaimed.set(origin, Math.max(mark.seq, this.unclaimed.get(origin) ?? 0));
    }
    if ((this.said.get(origin)?.seq ?? 0) <= mark.seq) this.said.delete(origin);
    return before;
  }

  /** Another server says that it holds this; compared with this log. Returns what it was known to hold before. */
  vouch(origin: Incarnation, { seq }: Mark): number {
    const before = this.seqOf(origin);
    if (seq > before) this.vouched.set(origin, seq);
    return before;
  }

  /** It says that it holds more than this log does. */
  say(origin: Incarnation, mark: Mark): void {
    if (mark.seq <= this.placeOf(origin)) return;
    this.said.set(origin, mark);
    this.unclaimed.set(origin, mark.seq);
  }

  /** It has another branch: nothing that it says of this origin is about ours. */
  branch(origin: Incarnation): void {
    this.branched.add(origin);
    this.said.delete(origin);
  }

  hasBranch(origin: Incarnation): boolean {
    return this.branched.has(origin);
  }

  /** What is known begins anew, as for a link that begins: a disk may have been put back. */
  reset(held: Marks, said: Marks): void {
    this.held.clear();
    for (const [origin, mark] of held) this.held.set(origin, mark);
    this.vouched.clear();
    this.said.clear();
    for (const [origin, mark] of said) this.said.set(origin, mark);
    this.branched.clear();
    this.unclaimed.clear();
    this.claims = [];
    this.pairs = [];
    this.covered = -1;
    this.claimedN = 0;
    this.ours = -1;
  }

  /** All that it said until now is what it holds up to its arrival number `upTo`. */
  claim(upTo: number, nowMs: number, missing: readonly HeadSeq[] = []): void {
    const heads = [...missing, ...this.unclaimed];
    this.unclaimed.clear();
    this.claimedN = upTo;
    this.isPutBack ||= upTo < this.highestN;
    this.highestN = Math.max(this.highestN, upTo);
    const last = this.claims.at(-1);
    if (last !== undefined && this.claims.length >= STORE_MARKS_MAX) {
      last.upTo = upTo;
      last.heads = [...newest([...last.heads, ...heads])];
    } else {
      this.claims.push({ upTo, heads, sinceMs: nowMs });
    }
  }

  /** Passes off what is folded here. */
  folded(seqOf: SeqOf): void {
    let passed = 0;
    for (const { upTo, heads } of this.claims) {
      const isHere = ([origin, seq]: HeadSeq) => seqOf(origin) >= seq && !this.branched.has(origin);
      if (!heads.every(isHere)) break;
      this.covered = upTo;
      passed++;
    }
    if (passed > 0) this.claims.splice(0, passed);
  }

  /** Everything that this store had up to this arrival number is folded here. */
  get coversN(): number {
    return this.covered;
  }

  /** The same, for arrival numbers that others noted: -1 where they may mean something else now. */
  get coversNotedN(): number {
    return this.isPutBack ? -1 : this.covered;
  }

  /** The last arrival number that it told; what is over it, it does not have or has not said. */
  get saidN(): number {
    return this.claimedN;
  }

  /** Since when something that it holds is missing here, monotonic ms; null if nothing is. */
  get missingSinceMs(): number | null {
    return this.claims[0]?.sinceMs ?? null;
  }

  /** Ops that it is known to hold and this server lacks. */
  missingOps(seqOf: SeqOf): number {
    let ops = 0;
    for (const [origin, seq] of newest(this.claims.flatMap(({ heads }) => heads))) {
      ops += Math.max(0, seq - seqOf(origin));
    }
    return ops;
  }

  /** It holds everything of ours up to here, and lacks nothing before the commit `nextCommit`. */
  holdsOurs(n: number, nextCommit: number | null): void {
    this.ours = n;
    this.nextCommit = nextCommit;
    this.pair();
  }

  /** Looks how much further it has come with what is ours. False when that must be found out anew. */
  follow(commits: OwnCommits): boolean {
    if (this.ours < 0 || this.nextCommit === null) return false;
    if (this.unclaimed.size > 0) return true;
    const before = this.ours;
    for (;;) {
      const commit = commits.at(this.nextCommit);
      if (commit === null) {
        this.nextCommit = null;
        return false;
      }
      if (commit === undefined) break;
      if (!commit.heads.every(([origin, seq]) => this.toldSeqOf(origin) >= seq)) break;
      this.ours = commit.n;
      this.nextCommit++;
    }
    if (this.ours > before) this.pair();
    return true;
  }

  private pair(): void {
    if (this.claimedN === 0 || this.unclaimed.size > 0) return;
    const last = this.pairs.at(-1);
    if (last?.theirs === this.claimedN) this.pairs.pop();
    this.pairs.push({ theirs: this.claimedN, ours: this.ours });
    if (this.pairs.length <= STORE_MARKS_MAX) return;
    const half = this.pairs.length / 2;
    this.pairs = this.pairs.filter((_, i) => i >= half || i % 2 === 0);
  }

  /** Up to which of our arrival numbers it held everything when it had its own up to `theirs`; null if unknown. */
  oursAt(theirs: number): number | null {
    if (this.isPutBack) return null;
    let low = 0;
    let high = this.pairs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.pairs[middle] as Pair).theirs <= theirs) low = middle + 1;
      else high = middle;
    }
    return this.pairs[low - 1]?.ours ?? null;
  }
}

/** The highest seq of each origin. */
function newest(heads: readonly HeadSeq[]): Map<Incarnation, number> {
  const highest = new Map<Incarnation, number>();
  for (const [origin, seq] of heads) {
    if (seq > (highest.get(origin) ?? 0)) highest.set(origin, seq);
  }
  return highest;
}
