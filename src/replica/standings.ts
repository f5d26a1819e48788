/**
 * How all other servers stand: who is in sync, whom one can reach, who leads, whether this server is behind.
 *
 * Decision: {@link Standings.judge}. Invariant: between two beats nothing but links and their frames changes
 * who is in sync.
 */
import type { PeerMessage } from "../protocol/peer.ts";
import type { Members } from "./members.ts";
import type { Proposal } from "./minter.ts";
import type { ReplicaListener } from "./options.ts";
import { Peer } from "./peer.ts";
import type { Clock } from "./ports.ts";
import type { SeqOf } from "./store-marks.ts";

/** Missing for longer than this is not just on its way. */
const BEHIND_AFTER_MS = 1_000;

export type StandingsParts = {
  readonly name: string;
  readonly clock: Clock;
  readonly members: Members;
  /** Up to where an origin is folded here. */
  readonly foldedSeqOf: SeqOf;
  readonly takesWrites: () => boolean;
  readonly fsyncMs: () => number;
  /** The in-sync set changed, or somebody holds more than before. */
  readonly changed: () => void;
  readonly listeners: readonly ReplicaListener[];
  /** A peer is live now, silent, or its link is over: for what waits for its word. */
  readonly presence: (peer: string, what: "live" | "silent" | "gone") => void;
  /** To be minted here unless it was, under the same ids, anywhere. */
  readonly mintOnce: (proposals: readonly Proposal[]) => void;
  /** The same, without a link: what it holds counts from now on. */
  readonly reached: (peer: Peer) => void;
};

export class Standings {
  readonly all = new Map<string, Peer>();
  /** Transitions since the start, by what they were. */
  readonly changes = new Map<string, number>();
  /** Servers that a write waits for. */
  inSync: readonly Peer[] = [];
  private readonly parts: StandingsParts;
  private beats = 0;

  constructor(parts: StandingsParts) {
    this.parts = parts;
  }

  add(name: string, storeId: string): Peer {
    const peer = new Peer(name, storeId, (change) => {
      const what = change.what === "out_of_sync" ? `out_of_sync ${change.reason}` : change.what;
      this.changes.set(what, (this.changes.get(what) ?? 0) + 1);
      for (const listener of this.parts.listeners) listener.peer?.(name, change);
    });
    this.all.set(name, peer);
    return peer;
  }

  /** The one place where it is decided who is in sync. */
  judge(peer: Peer): void {
    const nowMs = this.parts.clock.monotonicMs();
    const wasSuspect = peer.detector.isSuspect;
    const isRemoved = this.parts.members.isRemoved(peer.name);
    const signs = peer.signs(this.isReached(peer), isRemoved, nowMs);
    const changed = peer.detector.evaluate(signs, nowMs);
    if (changed) this.inSync = [...this.all.values()].filter(({ detector }) => detector.isInSync);
    if (peer.detector.isSuspect !== wasSuspect && peer.session !== null) {
      this.parts.presence(peer.name, wasSuspect ? "live" : "silent");
    }
    if (!changed) return;
    this.parts.changed();
    if (!peer.detector.isInSync) return;
    if (peer.session === null) this.parts.reached(peer);
    this.met(peer);
  }

  /** It is in sync: all are to know it, and this server. */
  met({ identity }: Peer): void {
    if (identity !== null) this.parts.mintOnce(this.parts.members.missing(identity));
  }

  judgeAll(): void {
    for (const peer of this.all.values()) this.judge(peer);
    this.parts.changed();
  }

  /** Whether one that is in sync with here, and heard, hears this server and is in sync with it. */
  isReached(peer: Peer): boolean {
    return this.inSync.some(
      (other) => other !== peer && other.isLive && other.inSync.has(peer.name),
    );
  }

  /** Who is known by what others say is judged anew: one of them has just said something. */
  judgeSpokenFor(): void {
    for (const peer of this.all.values()) if (peer.isSpokenFor) this.judge(peer);
  }

  /** Names of those that are linked and heard. */
  live(): string[] {
    return [...this.all.values()].filter((peer) => peer.isLive).map(({ name }) => name);
  }

  /** Whether two others hear each other, as far as one of them said. */
  hear(a: string, b: string): boolean {
    const saysSo = (x: string, y: string) => this.all.get(x)?.links?.has(y) ?? false;
    return saysSo(a, b) || saysSo(b, a);
  }

  /** Ops that others are known to hold and that are not folded here. */
  lagOps(): number {
    let most = 0;
    for (const { marks, session } of this.all.values()) {
      if (session !== null) most = Math.max(most, marks.missingOps(this.parts.foldedSeqOf));
    }
    return most;
  }

  /** Whether a server that can be reached holds what is missing here, not just what is on its way. */
  get isBehind(): boolean {
    const nowMs = this.parts.clock.monotonicMs();
    for (const peer of this.all.values()) {
      if (!peer.isLive || this.parts.members.isRemoved(peer.name)) continue;
      if (!peer.session?.isLearned || peer.learnedUpTo !== null) return true;
      const { missingSinceMs } = peer.marks;
      if (missingSinceMs !== null && nowMs - missingSinceMs >= BEHIND_AFTER_MS) return true;
    }
    return false;
  }

  /** All other members are linked and heard. */
  get hearsAll(): boolean {
    const { members, name } = this.parts;
    return members.names.every((other) => other === name || this.all.get(other)?.isLive === true);
  }

  /** The smallest name among those that are live and caught up: does what must be done once. */
  get leader(): string {
    const names = this.inSync.map(({ name }) => name);
    if (!this.isBehind || names.length === 0) names.push(this.parts.name);
    return names.sort()[0] as string;
  }

  beat(digest: bigint): PeerMessage<"beat"> {
    const { clock, takesWrites, fsyncMs } = this.parts;
    const live = [...this.all.values()].filter((peer) => peer.isLive);
    return {
      type: "beat",
      count: this.beats++,
      digest: digest.toString(16),
      wallMs: Math.max(0, Math.floor(clock.wallMs())),
      fsyncMs: fsyncMs(),
      lagOps: this.lagOps(),
      takesWrites: takesWrites(),
      links: live.map(({ name }) => name),
      inSync: live.filter(({ detector }) => detector.isHeardLately).map(({ name }) => name),
      leader: this.leader,
    };
  }
}
