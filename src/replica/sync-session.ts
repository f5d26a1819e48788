/**
 * One link to one peer: finding out what each side holds, then sending what the other lacks and saying what
 * became durable, until the link ends.
 *
 * Both sides do the same, each for itself. `vector` sums up what a log holds. If that is what this side holds
 * too, nothing more is needed. Else it answers with its `buckets`, and gets the `heads` of those that differ.
 * Then it knows the peer, and sends (outgoing.ts). Two sums that stay apart although nothing is on its way are
 * compared again: whatever a defect or a damaged disk lost on the way is found.
 *
 * Decision: {@link learn}, the only place where what a peer holds is replaced.
 * Invariants: 1. No op is sent before the peer is known. 2. What is acknowledged is durable. 3. With `upTo` goes only
 * what completes the peer's knowledge of this log up to there.
 */
import { equalBytes, fromBase64Url, toBase64Url } from "../core/bytes.ts";
import type { Incarnation } from "../core/ids.ts";
import { HEADS_PER_FRAME_MAX, RECOMPARE_AFTER_MS, RECOMPARE_AFTER_MS_MAX } from "../core/limits.ts";
import type { PeerMessage, PeerText } from "../protocol/peer.ts";
import { encodePeerText } from "../protocol/peer-codec.ts";
import { Outgoing, type OutgoingParts } from "./outgoing.ts";
import type { PeerLink } from "./ports.ts";
import type { HeadSeq, SeqOf } from "./store-marks.ts";
import type { Line } from "./vector-digests.ts";

export type SessionParts = Omit<OutgoingParts, "send" | "isSplit"> & {
  readonly link: PeerLink;
  /** Up to where an origin is folded here. */
  readonly foldedSeqOf: SeqOf;
  /** The peer holds other ops under the numbers of this origin. */
  readonly branched: (origin: Incarnation) => void;
  /** What the peer holds was found out. */
  readonly learned: () => void;
};

export class SyncSession {
  readonly link: PeerLink;
  readonly outgoing: Outgoing;
  /** Whether it is known what the peer holds. */
  isLearned = false;
  private readonly parts: SessionParts;
  private readonly splits = new Set<Incarnation>();
  /** This log's heads as sent in buckets: those that the peer finds equal are what it holds. */
  private asked: Map<Incarnation, { seq: number }> | null = null;
  private received: [Incarnation, number, Uint8Array][] = [];
  private apartSinceMs: number | null = null;
  private recompareAfterMs = RECOMPARE_AFTER_MS;

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.link = parts.link;
    this.outgoing = new Outgoing({
      ...parts,
      isSplit: (origin) => this.splits.has(origin),
      send: (bytes) => this.link.send(bytes),
    });
  }

  say(message: PeerText): void {
    this.link.send(encodePeerText(message));
  }

  /** Says what this log holds, as a sum. */
  compare(): void {
    const { digests, log } = this.parts;
    const digest = digests.total.toString(16);
    this.say({ type: "vector", digest, origins: digests.heads.size, upTo: log.lastN });
  }

  end(): void {
    this.outgoing.end();
  }

  onVector({ digest, upTo }: PeerMessage<"vector">): void {
    const { digests } = this.parts;
    if (digest === digests.total.toString(16)) {
      this.learn(seqsOf(digests.heads), upTo);
      return;
    }
    this.asked = new Map(digests.heads);
    const all = digests.bucketDigests().map((bucket) => bucket.toString(16));
    this.say({ type: "buckets", digests: all });
  }

  onBuckets({ digests: theirs }: PeerMessage<"buckets">): void {
    const { digests, log } = this.parts;
    const mine = digests.bucketDigests();
    const differ = theirs.flatMap((digest, i) => (digest === mine[i]?.toString(16) ? [] : [i]));
    const wanted = new Set(differ);
    let heads: PeerMessage<"heads">["heads"] = [];
    for (const [origin, { seq, chain }] of digests.heads) {
      if (!wanted.has(digests.bucketOf(origin))) continue;
      heads.push([origin, seq, toBase64Url(chain)]);
      if (heads.length < HEADS_PER_FRAME_MAX) continue;
      this.say({ type: "heads", heads });
      heads = [];
    }
    this.say({ type: "heads", heads, last: { differ, upTo: log.lastN } });
  }

  onHeads({ heads, last }: PeerMessage<"heads">): void {
    if (this.asked === null) return; // the answer to nothing
    for (const [origin, seq, chain] of heads) {
      this.received.push([origin as Incarnation, seq, fromBase64Url(chain) ?? new Uint8Array()]);
    }
    if (last === undefined) return;
    const differ = new Set(last.differ);
    const seqs = new Map<Incarnation, number>();
    for (const [origin, { seq }] of this.asked) {
      if (!differ.has(this.parts.digests.bucketOf(origin))) seqs.set(origin, seq);
    }
    const branches: Incarnation[] = [];
    for (const [origin, seq, chain] of this.received) {
      if (this.isBranch(origin, seq, chain)) branches.push(origin);
      else seqs.set(origin, seq);
    }
    this.asked = null;
    this.received = [];
    for (const origin of branches) this.split(origin);
    this.learn(seqs, last.upTo);
  }

  private isBranch(origin: Incarnation, seq: number, chain: Uint8Array): boolean {
    const mine = this.parts.log.chainAt(origin, seq);
    return mine !== null && !equalBytes(mine, chain);
  }

  /** The peer holds another branch of this origin: neither is sent to the other under this name. */
  split(origin: Incarnation): void {
    if (this.splits.has(origin)) return;
    this.splits.add(origin);
    this.parts.branched(origin);
  }

  private learn(seqs: ReadonlyMap<Incarnation, number>, upTo: number): void {
    const { marks, clock, foldedSeqOf } = this.parts;
    marks.reset(seqs);
    const missing: HeadSeq[] = [];
    for (const [origin, seq] of seqs) if (seq > foldedSeqOf(origin)) missing.push([origin, seq]);
    marks.claim(upTo, clock.monotonicMs(), missing);
    marks.folded(foldedSeqOf);
    this.isLearned = true;
    this.outgoing.begin();
    this.parts.learned();
  }

  /** A commit is durable here: what it moved, but for what goes out live in these frames. */
  acknowledge(lines: readonly Line[], live: readonly Line[], upTo: number): void {
    if (lines.length === live.length) return; // the frames say it all
    const sent = new Set(live.map(({ origin }) => origin));
    const held = lines
      .filter(({ origin }) => !sent.has(origin))
      .map(({ origin, after }): [string, number] => [origin, after.seq]);
    for (let at = 0; at < held.length; at += HEADS_PER_FRAME_MAX) {
      const isLast = at + HEADS_PER_FRAME_MAX >= held.length;
      const part = held.slice(at, at + HEADS_PER_FRAME_MAX);
      this.say({ type: "ack", held: part, upTo: isLast ? upTo : 0 });
    }
  }

  /** What another server is known to hold, for a peer that has no link to it. */
  vouch(server: string, store: string, heads: readonly HeadSeq[]): void {
    for (let at = 0; at < heads.length; at += HEADS_PER_FRAME_MAX) {
      const part = heads.slice(at, at + HEADS_PER_FRAME_MAX);
      const held = part.map(([origin, seq]): [string, number] => [origin, seq]);
      this.say({ type: "ack", held, upTo: 0, by: { server, store } });
    }
  }

  /** What the peer said that it holds, or showed by sending it, is noted; `upTo` if that is all it has. */
  heard(upTo: number): void {
    const { marks, clock, foldedSeqOf } = this.parts;
    if (this.isLearned && upTo > 0) {
      marks.claim(upTo, clock.monotonicMs());
      marks.folded(foldedSeqOf);
    }
    this.outgoing.acked();
  }

  /** Each beat of the peer: whether the two logs should be the same and are not. */
  onDigest(digest: string): void {
    const { clock, digests, marks } = this.parts;
    const isQuiet =
      this.isLearned && this.outgoing.oldestFlightMs === null && marks.missingSinceMs === null;
    if (digest === digests.total.toString(16)) this.recompareAfterMs = RECOMPARE_AFTER_MS;
    else if (isQuiet) {
      const nowMs = clock.monotonicMs();
      this.apartSinceMs ??= nowMs;
      if (nowMs - this.apartSinceMs < this.recompareAfterMs) return;
      this.recompareAfterMs = Math.min(2 * this.recompareAfterMs, RECOMPARE_AFTER_MS_MAX);
      this.compare();
    }
    this.apartSinceMs = null;
  }
}

function seqsOf(heads: ReadonlyMap<Incarnation, { seq: number }>): Map<Incarnation, number> {
  const seqs = new Map<Incarnation, number>();
  for (const [origin, { seq }] of heads) seqs.set(origin, seq);
  return seqs;
}
