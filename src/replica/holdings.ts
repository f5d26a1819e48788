/**
 * What the stores of peers hold of this log: from what they say and show, once it was compared.
 *
 * Problem: two processes that were resumed from one memory snapshot mint different ops under the same numbers, so
 * "everything of b.1 up to 80" may be about another 80. Approach: whatever is said of an origin comes with the
 * chain hash at that seq. Where this log has that seq, the two are compared at once; where it has not got there
 * yet, what was said waits until it has. Rejected: to count it and to take it back when the branch is noticed (the
 * receipt has been told by then).
 */
import { equalBytes } from "../core/bytes.ts";
import type { Incarnation } from "../core/ids.ts";
import { WATCHED_RECEIPTS_MAX } from "../core/limits.ts";
import type { Held } from "./ingest.ts";
import { serverOf } from "./minter.ts";
import type { ReplicaListener } from "./options.ts";
import type { Peer } from "./peer.ts";
import type { Log, StoredOp } from "./ports.ts";
import type { Grown } from "./receipts.ts";
import type { Standings } from "./standings.ts";
import { type Mark, OwnCommits } from "./store-marks.ts";
import type { Line, VectorDigests } from "./vector-digests.ts";

/** A peer that lacks ops of more origins is looked at when it lacks fewer. */
const OURS_LOOKS_MAX = 64;

/** What a chain hash says: the same as here, past the end of this log, another branch, or not known here. */
export type Verdict = "held" | "said" | "branch" | "unknown";

export function weigh(digests: VectorDigests, origin: Incarnation, mark: Mark): Verdict {
  if (mark.seq > digests.seqOf(origin)) return "said";
  const mine = digests.chainAt(origin, mark.seq);
  if (mine === null) return "unknown";
  return equalBytes(mine, mark.chain) ? "held" : "branch";
}

export type HoldingsParts = {
  readonly name: string;
  readonly log: Log;
  readonly standings: Standings;
  /** A server holds more of an origin of ours: receipts of it that grew by that. */
  readonly grew: (origin: Incarnation, fromSeq: number, toSeq: number) => Grown[];
  /** Receipts of these ops of ours may grow: a server lacks them. */
  readonly watch: (origin: Incarnation, ops: readonly StoredOp[]) => void;
  /** Origins of ours with receipts that may grow. */
  readonly growing: () => Iterable<Incarnation>;
  readonly changed: () => void;
  readonly listeners: readonly ReplicaListener[];
};

export class Holdings {
  readonly commits = new OwnCommits();
  private readonly parts: HoldingsParts;
  private readonly digests: VectorDigests;

  constructor(parts: HoldingsParts, digests: VectorDigests) {
    this.parts = parts;
    this.digests = digests;
  }

  /** A peer said or showed this. */
  raise(peer: Peer, heads: readonly Held[]): void {
    const grown: Grown[] = [];
    for (const [origin, mark] of heads) this.note(peer, origin, mark, grown);
    this.parts.changed();
    this.tellGrown(grown);
  }

  /** Another one said this of a store, whose server has no link to here, or one that is silent or new. */
  vouch(peer: Peer, storeId: string, heads: readonly Held[]): void {
    if (peer.session === null) {
      peer.isStore(storeId);
      this.raise(peer, heads);
      return;
    }
    if (peer.marks.storeId !== storeId) return;
    const grown: Grown[] = [];
    for (const [origin, mark] of heads) {
      if (peer.marks.hasBranch(origin) || weigh(this.digests, origin, mark) !== "held") continue;
      this.held(origin, peer.marks.vouch(origin, mark), mark, grown);
    }
    this.parts.changed();
    this.tellGrown(grown);
  }

  private note(peer: Peer, origin: Incarnation, mark: Mark, grown: Grown[]): void {
    const { marks } = peer;
    if (marks.hasBranch(origin)) return;
    switch (weigh(this.digests, origin, mark)) {
      case "said":
        marks.say(origin, mark);
        return;
      case "branch":
        // Of one without a link it is another's to find out.
        if (peer.session === null) marks.branch(origin);
        else peer.session.split(origin);
        return;
      case "unknown":
        return;
      case "held":
        this.held(origin, marks.raise(origin, mark), mark, grown);
    }
  }

  private held(origin: Incarnation, before: number, { seq }: Mark, grown: Grown[]): void {
    if (seq <= before || serverOf(origin) !== this.parts.name) return;
    grown.push(...this.parts.grew(origin, before, seq));
  }

  /** A commit is durable: what peers said of these origins may be compared now. */
  durable(lines: readonly Line[]): void {
    const grown: Grown[] = [];
    let any = false;
    for (const peer of this.parts.standings.all.values()) {
      for (const { origin, after } of lines) {
        const said = peer.marks.saidOf(origin);
        if (said === undefined || said.seq > after.seq) continue;
        any = true;
        this.note(peer, origin, said, grown);
      }
    }
    if (any) this.parts.changed();
    this.tellGrown(grown);
  }

  /**
   * What a peer lacks of what was minted here, also before a restart, had a receipt without it: who was told that
   * receipt hears when it grows.
   */
  watchLacks(peer: Peer): void {
    const { name, log, watch } = this.parts;
    let left = WATCHED_RECEIPTS_MAX;
    const heads = [...this.digests.heads].filter(([origin]) => serverOf(origin) === name);
    for (const [origin, { seq }] of heads.reverse()) {
      const from = Math.max(peer.marks.placeOf(origin) + 1, seq - left + 1);
      if (from > seq) continue;
      watch(origin, log.run(origin, from, left));
      left -= seq - from + 1;
      if (left <= 0) return;
    }
  }

  /** All that a peer holds counts from now on. */
  growBy(peer: Peer): void {
    const grown: Grown[] = [];
    for (const origin of this.parts.growing()) {
      grown.push(...this.parts.grew(origin, 0, peer.marks.seqOf(origin)));
    }
    this.tellGrown(grown);
  }

  private tellGrown(grown: readonly Grown[]): void {
    if (grown.length === 0) return;
    for (const listener of this.parts.listeners) listener.held?.(grown);
  }

  /** Tells what a peer holds to those who have no link to it. */
  passOn(peer: Peer, heads: readonly Held[]): void {
    for (const other of this.parts.standings.all.values()) {
      if (other === peer || other.session === null) continue;
      if (other.links === null || other.links.has(peer.name)) continue;
      other.session.vouch(peer.name, peer.marks.storeId, heads);
    }
  }

  /** Up to which arrival number of ours a peer holds everything, from what it holds. */
  findOurs(peer: Peer): void {
    const { log } = this.parts;
    let ours = log.lastN;
    let looks = 0;
    for (const [origin, { seq, base }] of this.digests.heads) {
      const held = Math.max(peer.marks.toldSeqOf(origin), base?.seq ?? 0);
      if (held >= seq) continue;
      if (++looks > OURS_LOOKS_MAX) return; // far behind: later
      const [first] = log.run(origin, held + 1, 1);
      if (first !== undefined) ours = Math.min(ours, first.n - 1);
    }
    peer.marks.holdsOurs(ours, this.commits.indexAfter(ours, log.lastN));
  }
}
