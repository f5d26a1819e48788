/**
 * The other servers: their links, what they hold, who is in sync, and what that means for writes here.
 *
 * Everything that comes from a peer or its link ends here, changes what is known of that peer, and leads to
 * the decisions of standings.ts and receipts.ts: is it in sync, what can be answered now. What a peer sends is
 * checked before it is used; one that sends nonsense is dropped, counted, and costs nothing but that. A server
 * without peers never gets further than the first line of each method.
 *
 * Invariants: 1. A frame of a link that is over is not heard. 2. What is told to peers is durable here.
 */
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import {
  BEAT_PEER_INTERVAL_MS,
  HEADS_PER_FRAME_MAX,
  INGEST_WAITING_BYTES_MAX,
  LINK_SILENT_MS,
  LINKS_MAX,
  SAID_ORIGINS_MAX,
} from "../core/limits.ts";
import { highestStamp } from "../core/stamp.ts";
import type { PeerMessage, PeerText } from "../protocol/peer.ts";
import { decodePeerFrame, encodePeerText, type PeerSaid } from "../protocol/peer-codec.ts";
import type { PeerOps } from "../protocol/peer-ops.ts";
import { Branches } from "./branches.ts";
import { CatchUp } from "./catch-up.ts";
import type { CommitQueue } from "./commit-queue.ts";
import { Holdings, type HoldingsParts } from "./holdings.ts";
import { type Held, Ingest } from "./ingest.ts";
import { LostProofs } from "./lost-proofs.ts";
import { type Minter, serverOf } from "./minter.ts";
import { liveFrames, type SentFrame } from "./ops-frame.ts";
import type { Peer } from "./peer.ts";
import type {
  Commit,
  LinkListener,
  Log,
  PeerFrame,
  PeerIdentity,
  PeerLink,
  Split,
  Timer,
} from "./ports.ts";
import type { StampClock } from "./stamp-clock.ts";
import { Standings, type StandingsParts } from "./standings.ts";
import type { HeadSeq } from "./store-marks.ts";
import { heldOf, SyncSession } from "./sync-session.ts";
import { type Line, VectorDigests } from "./vector-digests.ts";

/** Why a link was ended from here. */
export type DropReason = "nonsense" | "silent" | "flood" | "branch" | "same_store" | "too_many";

type OwnParts = {
  readonly hash: Hash;
  readonly log: Log;
  readonly queue: CommitQueue;
  readonly minter: Minter;
  readonly stamps: StampClock;
  readonly compareClocks: (offsetsMs: readonly number[]) => void;
  /** Two branches of one incarnation were seen. */
  readonly tellBranch: (message: string) => void;
  readonly tookOps: (count: number) => void;
  /** What a peer says about names. */
  readonly said: (peer: string, message: PeerText) => void;
};

export type PeersParts = OwnParts &
  Omit<StandingsParts, "reached"> &
  Omit<HoldingsParts, "standings">;

/** What is kept from the first link on, and begins anew when a branch was split off. */
type Knowledge = { readonly digests: VectorDigests; readonly holdings: Holdings };

export class Peers implements LinkListener {
  readonly standings: Standings;
  /** Links ended from here, by reason. */
  readonly drops = new Map<DropReason, number>();
  readonly branches: Branches;
  readonly catchUp: CatchUp;
  private readonly lostProofs: LostProofs;
  private readonly parts: PeersParts;
  private readonly byLink = new Map<PeerLink, Peer>();
  private readonly ingest: Ingest;
  private knowledge: Knowledge | null = null;
  private timer: Timer | null = null;
  private lastTickMs = 0;
  private stopped = false;

  constructor(parts: PeersParts) {
    this.parts = parts;
    const reached = (peer: Peer) => this.knowledge?.holdings.growBy(peer);
    this.standings = new Standings({ ...parts, reached });
    this.lostProofs = new LostProofs({ ...parts, hearsAll: () => this.standings.hearsAll });
    const { hash, log, minter, tellBranch: tell } = parts;
    this.ingest = new Ingest(hash, log, () => minter.current);
    this.branches = new Branches({ log, minter, ingest: this.ingest, tell });
    this.catchUp = new CatchUp((progress) => {
      for (const listener of parts.listeners) listener.catchUp?.(progress);
    });
  }

  private learnt(): Knowledge {
    if (this.knowledge === null) {
      const digests = new VectorDigests(this.parts.hash, this.parts.log);
      const { parts, standings } = this;
      this.knowledge = { digests, holdings: new Holdings({ ...parts, standings }, digests) };
    }
    return this.knowledge;
  }

  linked(identity: PeerIdentity, link: PeerLink): void {
    const { log } = this.parts;
    const known = this.standings.all.get(identity.name);
    const isFull = known === undefined && this.standings.all.size >= LINKS_MAX;
    if (isFull || identity.storeId === log.storeId) {
      this.refuse(link, isFull ? "too_many" : "same_store");
      return;
    }
    if (known?.session) this.unlinked(known.session.link, "another link");
    const peer = known ?? this.standings.add(identity.name, identity.storeId);
    peer.isStore(identity.storeId);
    peer.identity = identity;
    peer.saidGoodbye = false;
    this.byLink.set(link, peer);
    peer.session = this.open(peer, link);
    peer.session.say(this.standings.beat(this.learnt().digests.total));
    peer.session.compare();
    if (this.timer === null) this.beginBeats();
    this.standings.judge(peer);
    this.parts.presence(peer.name, "live");
  }

  private refuse(link: PeerLink, reason: DropReason): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
    link.close(reason);
  }

  private open(peer: Peer, link: PeerLink): SyncSession {
    const { name, clock, hash, log, foldedSeqOf } = this.parts;
    return new SyncSession({
      name,
      peer: peer.name,
      link,
      clock,
      hash,
      log,
      digests: this.learnt().digests,
      marks: peer.marks,
      foldedSeqOf,
      peerLinks: () => peer.links,
      proofOf: (op) => this.ingest.proofOf(op),
      branched: (origin) => this.branches.noticed(origin, peer.name),
      fork: (split) => this.branches.split(split),
      learned: () => this.learned(peer),
    });
  }

  unlinked(link: PeerLink, _reason: string): void {
    const peer = this.byLink.get(link);
    if (peer === undefined) return;
    this.byLink.delete(link);
    peer.session?.end();
    peer.session = null;
    peer.beat = null;
    peer.links = null;
    peer.inSync = new Set();
    peer.waiting.clear();
    peer.learnedUpTo = null;
    this.standings.judge(peer);
    this.standings.judgeSpokenFor();
    this.sayBeat(); // others go by it whether they still wait for that one
    this.parts.presence(peer.name, "gone");
  }

  private drop(peer: Peer, reason: DropReason): void {
    const link = peer.session?.link;
    if (link === undefined) return;
    this.refuse(link, reason);
    this.unlinked(link, reason);
  }

  received(link: PeerLink, frame: PeerFrame): void {
    const peer = this.byLink.get(link);
    if (peer === undefined || peer.session === null || this.stopped) return;
    const wasSuspect = peer.detector.isSuspect;
    peer.detector.heard();
    try {
      const said = decodePeerFrame(frame);
      if (said !== null) this.hear(peer, peer.session, said);
      if (peer.marks.saidOrigins > SAID_ORIGINS_MAX) this.drop(peer, "flood");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.drop(peer, "nonsense");
    }
    if (wasSuspect && this.standings.all.get(peer.name) === peer) this.standings.judge(peer);
  }

  private hear(peer: Peer, session: SyncSession, said: PeerSaid): void {
    switch (said.type) {
      case "ops":
        this.onOps(peer, said);
        break;
      case "ack":
        this.onAck(peer, said);
        break;
      case "beat":
        this.onBeat(peer, session, said);
        break;
      case "vector":
        session.onVector(said);
        break;
      case "buckets":
        session.onBuckets(said);
        break;
      case "heads":
        session.onHeads(said);
        break;
      case "chains":
        session.onChains(said);
        break;
      case "goodbye":
        peer.saidGoodbye = true;
        this.standings.judge(peer);
        this.parts.presence(peer.name, "silent");
        break;
      case "digest":
      case "digested":
        for (const listener of this.parts.listeners) listener.compared?.(peer.name, said);
        break;
      default:
        this.parts.said(peer.name, said);
    }
  }

  private onOps(peer: Peer, batch: PeerOps): void {
    if (!this.canTake(batch) || peer.waiting.first !== undefined) {
      peer.waiting.push(batch); // its window closes; it goes on when there is room
      return;
    }
    this.take(peer, batch);
  }

  private take(peer: Peer, batch: PeerOps): void {
    const { session } = peer;
    if (session === null) return;
    const { digests, holdings } = this.learnt();
    const { ops, heads, branches, begun, splits } = this.ingest.take(batch);
    for (const [origin, mark] of heads) digests.remember(origin, mark);
    for (const origin of branches) session.split(origin);
    for (const origin of begun) this.branches.noticed(origin, peer.name);
    for (const split of splits) {
      this.branches.noticed(split.origin, peer.name);
      this.branches.split(split);
    }
    if (ops.length > 0) {
      const newest = highestStamp(ops);
      this.parts.stamps.merge(newest);
      this.lostProofs.took(this.parts.clock.wallMs() - newest.ms);
      this.parts.tookOps(ops.length);
      this.parts.queue.addForeign(ops);
    }
    this.hold(peer, heads, branches.length > 0 ? 0 : batch.upTo, holdings);
    if (this.parts.queue.waitingBytes > INGEST_WAITING_BYTES_MAX) this.drop(peer, "flood");
  }

  private canTake(batch: PeerOps): boolean {
    return this.parts.takesWrites() && !this.ingest.mustWait(batch);
  }

  /** There is room on the disk again, or what was on its way to it is there. */
  resume(): void {
    for (const peer of this.standings.all.values()) {
      while (peer.waiting.first !== undefined && this.canTake(peer.waiting.first)) {
        const batch = peer.waiting.shift() as PeerOps;
        try {
          this.take(peer, batch);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          this.drop(peer, "nonsense");
        }
      }
    }
  }

  private hold(peer: Peer, heads: readonly Held[], upTo: number, holdings: Holdings): void {
    holdings.raise(peer, heads);
    peer.session?.heard(upTo);
    peer.marks.follow(holdings.commits);
    holdings.passOn(peer, heads);
  }

  private onAck(peer: Peer, ack: PeerMessage<"ack">): void {
    const { holdings } = this.learnt();
    const heads = ack.held.map(heldOf);
    if (ack.by === undefined) {
      this.hold(peer, heads, peer.waiting.claimable(ack.upTo), holdings);
      return;
    }
    const { server, store } = ack.by;
    if (server === this.parts.name) return;
    const known = this.standings.all.get(server);
    if (known === undefined && this.standings.all.size >= LINKS_MAX) return;
    const other = known ?? this.standings.add(server, store);
    if (!other.isSpokenFor || other.formerStores.has(store)) return; // it says so, or has a new one
    holdings.vouch(other, store, heads);
    if (other.marks.saidOrigins > SAID_ORIGINS_MAX) this.drop(peer, "flood");
  }

  private learned(peer: Peer): void {
    const { holdings } = this.learnt();
    const wasInSync = peer.detector.isInSync;
    peer.waiting.compared();
    peer.learnedUpTo = peer.marks.missingSinceMs === null ? null : peer.marks.saidN;
    holdings.findOurs(peer);
    this.standings.judge(peer);
    if (wasInSync) this.standings.met(peer);
    this.parts.changed();
    holdings.watchLacks(peer);
    holdings.growBy(peer);
  }

  private onBeat(peer: Peer, session: SyncSession, beat: PeerMessage<"beat">): void {
    const before = peer.links;
    peer.heardBeat(beat, this.parts.stamps.readingMs());
    session.onDigest(beat.digest);
    this.standings.judgeSpokenFor();
    // Who it lost its link to: what that one holds of its ops, it hears from here from now on.
    for (const other of this.standings.all.values()) {
      if (other === peer || other.session === null || peer.links?.has(other.name)) continue;
      if (before !== null && !before.has(other.name)) continue;
      const held = [...other.marks.heads()].filter(([origin]) => serverOf(origin) === peer.name);
      session.vouch(other.name, other.marks.storeId, held.slice(-HEADS_PER_FRAME_MAX));
    }
  }

  private beginBeats(): void {
    this.lastTickMs = this.parts.clock.monotonicMs();
    const tick = () => {
      this.timer = this.stopped ? null : this.parts.clock.schedule(BEAT_PEER_INTERVAL_MS, tick);
      if (!this.stopped) this.tick();
    };
    this.timer = this.parts.clock.schedule(BEAT_PEER_INTERVAL_MS, tick);
  }

  private tick(): void {
    const nowMs = this.parts.clock.monotonicMs();
    const passedMs = nowMs - this.lastTickMs;
    this.lastTickMs = nowMs;
    for (const peer of this.standings.all.values()) {
      if (peer.session !== null) {
        peer.detector.tick(passedMs);
        peer.session.outgoing.tick();
        const { holdings } = this.learnt();
        if (peer.session.isLearned && !peer.marks.follow(holdings.commits)) holdings.findOurs(peer);
      }
      this.standings.judge(peer);
      if (peer.detector.silenceMs >= LINK_SILENT_MS) this.drop(peer, "silent");
    }
    const live = [...this.standings.all.values()].filter(({ beat }) => beat !== null);
    this.parts.compareClocks(live.map(({ clockOffsetMs }) => clockOffsetMs));
    this.catchUp.look(this.standings.lagOps(), nowMs);
    this.lostProofs.tick(nowMs);
    this.sayBeat();
  }

  private sayBeat(): void {
    if (this.byLink.size === 0) return;
    const beat = encodePeerText(this.standings.beat(this.learnt().digests.total));
    for (const link of this.byLink.keys()) link.send(beat);
  }

  /** A commit is durable: told to all before it is folded here. */
  durable({ ops }: Commit): void {
    this.ingest.durable();
    this.branches.durable();
    if (this.knowledge === null) return;
    const { digests, holdings } = this.knowledge;
    const lines = digests.advance(ops);
    const upTo = this.parts.log.lastN;
    const heads = lines.map(({ origin, after }): HeadSeq => [origin, after.seq]);
    holdings.commits.add({ afterN: upTo - ops.length, n: upTo, heads });
    holdings.durable(lines);
    const made = new Map<string, SentFrame[]>();
    for (const { session } of this.standings.all.values()) {
      if (session === null) continue;
      const live = session.isLearned ? session.outgoing.chooseLive(lines) : [];
      if (live.length > 0) session.outgoing.sendLive(this.framesOf(live, upTo, lines, made));
      session.acknowledge(lines, live, upTo);
    }
    this.resume();
  }

  /** Ops have another name now. Links begin anew, and with them what is known of each other. */
  split(split: Split): void {
    this.branches.done(split);
    this.knowledge = null;
    for (const peer of this.standings.all.values()) {
      this.drop(peer, "branch");
      peer.forget();
    }
  }

  /** Peers that lack the same get the same bytes. Only what is the whole commit vouches for it. */
  private framesOf(
    live: readonly Line[],
    upTo: number,
    lines: readonly Line[],
    made: Map<string, SentFrame[]>,
  ): SentFrame[] {
    const key = live.map(({ origin }) => origin).join(" ");
    const frames =
      made.get(key) ?? liveFrames(this.parts.hash, live, live.length === lines.length ? upTo : 0);
    made.set(key, frames);
    return frames;
  }

  /** A batch is folded. */
  folded(): void {
    for (const peer of this.standings.all.values()) {
      peer.marks.folded(this.parts.foldedSeqOf);
      if (peer.learnedUpTo !== null && peer.marks.coversN >= peer.learnedUpTo) {
        peer.learnedUpTo = null;
      }
    }
  }

  /** Bodies have left the log. */
  erased(): void {
    for (const { session } of this.standings.all.values()) session?.outgoing.erased();
  }

  isLinked(peer: string): boolean {
    return (this.standings.all.get(peer)?.session ?? null) !== null;
  }

  say(peer: string, message: PeerText): void {
    this.standings.all.get(peer)?.session?.say(message);
  }

  /** No write needs to wait for this server any more. */
  goodbye(): void {
    for (const { session } of this.standings.all.values()) session?.say({ type: "goodbye" });
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = null;
  }
}
