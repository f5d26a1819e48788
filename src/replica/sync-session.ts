/**
 * One link to one peer: finding out what each side holds, then sending what the other lacks and saying what
 * became durable, until the link ends.
 *
 * Both sides do the same, each for itself. `vector` sums up what a log holds. If that is what this side holds
 * too, nothing more is needed. Else it answers with its `buckets`, and gets the `heads` of those that differ.
 * Then it knows the peer, and sends (outgoing.ts). What the peer has past the end of this log cannot be compared
 * here; the peer, which can, confirms it. Two sums that stay apart although nothing is on its way are compared
 * again: whatever a defect or a damaged disk lost on the way is found. Of an origin of which both have another
 * branch nothing is sent; where they part is searched (fork-search.ts).
 *
 * Decision: {@link learn}, the only place where what a peer holds is replaced.
 * Invariants: 1. No op is sent before the peer is known. 2. What is acknowledged is durable. 3. With `upTo` goes only
 * what completes the peer's knowledge of this log up to there.
 */

import { fromBase64Url, toBase64Url } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { Incarnation } from "../core/ids.ts";
import {
  CHAIN_SAMPLINGS_MAX,
  HEADS_PER_FRAME_MAX,
  RECOMPARE_AFTER_MS,
  RECOMPARE_AFTER_MS_MAX,
  SAID_ORIGINS_MAX,
} from "../core/limits.ts";
import type { PeerMessage, PeerText } from "../protocol/peer.ts";
import { encodePeerText } from "../protocol/peer-codec.ts";
import { compareChains, firstSamples } from "./fork-search.ts";
import { weigh } from "./holdings.ts";
import type { Held } from "./ingest.ts";
import { Outgoing, type OutgoingParts } from "./outgoing.ts";
import type { PeerLink, Split } from "./ports.ts";
import type { HeadSeq, Mark, Marks, SeqOf } from "./store-marks.ts";
import type { Line } from "./vector-digests.ts";

type HeldText = PeerMessage<"ack">["held"][number];

/** What a store says that it holds of an origin, as it stands in a message. */
export function heldOf([origin, seq, chain]: HeldText): Held {
  return [origin as Incarnation, { seq, chain: fromBase64Url(chain) ?? new Uint8Array() }];
}

export type SessionParts = Omit<OutgoingParts, "send" | "isSplit"> & {
  readonly link: PeerLink;
  /** Up to where an origin is folded here. */
  readonly foldedSeqOf: SeqOf;
  /** The peer holds other ops under the numbers of this origin. */
  readonly branched: (origin: Incarnation) => void;
  /** This server's branch of it is to have another name. */
  readonly fork: (split: Split) => void;
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
  private asked: Map<Incarnation, Mark> | null = null;
  private received: Held[] = [];
  /** Messages of searches for a fork that came over this link, by origin. */
  private readonly searches = new Map<string, number>();
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
      this.learn(digests.heads, new Map(), upTo);
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
    for (const head of heads) this.received.push(heldOf(head));
    if (this.received.length > SAID_ORIGINS_MAX) throw new Refusal("invalid", "heads without end");
    if (last === undefined) return;
    const differ = new Set(last.differ);
    const held = new Map<Incarnation, Mark>();
    for (const [origin, mark] of this.asked) {
      if (!differ.has(this.parts.digests.bucketOf(origin))) held.set(origin, mark);
    }
    const all = this.received;
    this.asked = null;
    this.received = [];
    this.weighAll(all, held, last.upTo);
  }

  /** What the peer says that it holds: learnt, confirmed where it cannot compare it, or another branch. */
  private weighAll(all: readonly Held[], held: Map<Incarnation, Mark>, upTo: number): void {
    const { digests } = this.parts;
    const said = new Map<Incarnation, Mark>();
    const confirmed: Held[] = [];
    const branches: Incarnation[] = [];
    for (const [origin, mark] of all) {
      const verdict = weigh(digests, origin, mark);
      if (verdict === "said") said.set(origin, mark);
      if (verdict === "branch") branches.push(origin);
      if (verdict !== "held") continue;
      held.set(origin, mark);
      if (mark.seq < digests.seqOf(origin)) confirmed.push([origin, mark]);
    }
    this.learn(held, said, upTo, branches);
    this.sayHeld(confirmed, 0);
  }

  /**
   * The peer holds another branch of this origin: neither is sent to the other under this name, and where the
   * two part is searched.
   */
  split(origin: Incarnation): void {
    if (this.splits.has(origin)) return;
    this.splits.add(origin);
    this.parts.marks.branch(origin);
    this.parts.branched(origin);
    this.say({ type: "chains", origin, at: firstSamples(this.parts.log, origin) });
  }

  /** Throws Refusal `invalid` for a search without an end. */
  onChains(message: PeerMessage<"chains">): void {
    const { origin, at } = message;
    const messages = (this.searches.get(origin) ?? 0) + 1;
    this.searches.set(origin, messages);
    if (messages > CHAIN_SAMPLINGS_MAX) throw new Refusal("invalid", "a search without an end");
    const finding = compareChains(this.parts.log, message);
    if (finding.what === "answer") this.say({ type: "chains", origin, at: finding.at });
    else if (finding.what === "split") this.parts.fork(finding.split);
    else if (finding.what === "same") {
      if (at.length > 0) this.say({ type: "chains", origin, at: [] });
      this.compare();
    }
  }

  private learn(
    held: Marks,
    said: Marks,
    upTo: number,
    branches: readonly Incarnation[] = [],
  ): void {
    const { marks, clock, foldedSeqOf } = this.parts;
    this.splits.clear();
    marks.reset(held, said);
    for (const origin of branches) this.split(origin);
    const missing: HeadSeq[] = [];
    for (const [origin, { seq }] of [...held, ...said]) {
      if (seq > foldedSeqOf(origin)) missing.push([origin, seq]);
    }
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
    const rest = lines.filter(({ origin }) => !sent.has(origin));
    this.sayHeld(
      rest.map(({ origin, after }): Held => [origin, after]),
      upTo,
    );
  }

  private sayHeld(held: readonly Held[], upTo: number, by?: PeerMessage<"ack">["by"]): void {
    for (let at = 0; at < held.length; at += HEADS_PER_FRAME_MAX) {
      const isLast = at + HEADS_PER_FRAME_MAX >= held.length;
      const part = held
        .slice(at, at + HEADS_PER_FRAME_MAX)
        .map(([origin, { seq, chain }]): HeldText => [origin, seq, toBase64Url(chain)]);
      const ack = { type: "ack", held: part, upTo: isLast ? upTo : 0 } as const;
      this.say(by === undefined ? ack : { ...ack, by });
    }
  }

  /** What another server is known to hold, for a peer that has no link to it. */
  vouch(server: string, store: string, heads: readonly Held[]): void {
    this.sayHeld(heads, 0, { server, store });
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
