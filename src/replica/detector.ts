/**
 * Who is alive and in sync, as this server sees it.
 *
 * Problem: a write waits for every server in sync, so one that is dead, frozen, slow or flapping must leave that
 * set soon, and must not come back just to stall writers again. Approach: every sign (a frame, silence, an
 * acknowledgment that is late, a link that ends) only changes {@link Signs}; one function says what follows from
 * them. Who left in trouble stays out for a quiet period that doubles each time, up to a bound. Rejected: an
 * adaptive (phi) detector (nobody can say in advance when it fires).
 *
 * Decision: {@link Detector.evaluate}.
 * Invariants: 1. In sync is only who is heard, known, near in its log, and healthy, directly or through a server
 * that is in sync itself. 2. Whoever leaves the set but by goodbye or removal is out for its quiet period. 3. Every
 * change is told once, with its reason. 4. Time in which this server itself stood still is nobody's silence. 5. A
 * link that breaks, or begins, puts nobody out whom a third server hears; a link that falls silent does when it
 * did so not long before, because each time writes wait until the silence is noticed.
 */
import {
  BEAT_PEER_INTERVAL_MS,
  PEER_LAG_MS_MAX,
  PEER_LAG_OPS_MAX,
  QUIET_FORGIVEN_MS,
  QUIET_MS_MAX,
  QUIET_MS_MIN,
  SUSPECT_AFTER_MS,
  VOUCH_SILENT_MS_MAX,
} from "../core/limits.ts";

/** What speaks for or against a peer. */
export type Signs = {
  readonly isLinked: boolean;
  /** In sync with a server that is in sync with this one and heard, which hears it. */
  readonly isReached: boolean;
  readonly isRemoved: boolean;
  readonly saidGoodbye: boolean;
  /** What it holds is known, and everything minted here is sent or on its way. */
  readonly isCaughtUp: boolean;
  /** Age of the oldest frame of ops that it has not answered, ms. */
  readonly unansweredMs: number;
  /** What it says of itself. */
  readonly lagOps: number;
  readonly takesWrites: boolean;
};

/** Why a peer is not in sync. */
export type OutReason =
  | "removed"
  | "goodbye"
  | "unlinked"
  | "suspect"
  | "catching_up"
  | "lag"
  | "disk"
  | "quiet";

export type PeerChange =
  | { readonly what: "joined" | "returned" | "lost" | "suspect" | "in_sync" }
  | { readonly what: "out_of_sync"; readonly reason: OutReason };

const NO_TROUBLE: ReadonlySet<OutReason> = new Set(["removed", "goodbye"]);

export class Detector {
  /** Null while in sync. */
  out: OutReason | null = "unlinked";
  isSuspect = false;
  private silentMs = 0;
  private wasLinked = false;
  private everLinked = false;
  private quietMs = 0;
  private quietUntilMs = 0;
  /** Since when it has been in sync. */
  private sinceMs = 0;
  /** When it was last suspected, monotonic ms. */
  private suspectedMs = Number.NEGATIVE_INFINITY;
  /** It was not suspected for long before this time. */
  private isExcused = false;
  private readonly tell: (change: PeerChange) => void;

  constructor(tell: (change: PeerChange) => void) {
    this.tell = tell;
  }

  /** Something came from it. */
  heard(): void {
    this.silentMs = 0;
  }

  get silenceMs(): number {
    return this.silentMs;
  }

  get isInSync(): boolean {
    return this.out === null;
  }

  /** Whether it is in sync and may be vouched for. */
  get isHeardLately(): boolean {
    return this.isInSync && this.silentMs <= VOUCH_SILENT_MS_MAX;
  }

  /** How long it stays out because of its quiet period, ms; 0 if it doesn't. */
  quietLeftMs(nowMs: number): number {
    return Math.max(0, this.quietUntilMs - nowMs);
  }

  /** A beat's time went by: more than that is this server's own standstill. */
  tick(passedMs: number): void {
    this.silentMs += Math.min(passedMs, 2 * BEAT_PEER_INTERVAL_MS);
  }

  /** The one decision. Returns whether the in-sync set changed. */
  evaluate(signs: Signs, nowMs: number): boolean {
    const isLost = this.followLink(signs, nowMs);
    const reason = this.judge(signs, isLost, nowMs);
    const wasIn = this.out === null;
    this.out = reason;
    if (wasIn === (reason === null)) {
      if (wasIn && nowMs - this.sinceMs >= QUIET_FORGIVEN_MS) this.quietMs = 0;
      return false;
    }
    if (reason === null) {
      this.sinceMs = nowMs;
      this.tell({ what: "in_sync" });
      return true;
    }
    if (!NO_TROUBLE.has(reason)) this.beQuiet(nowMs);
    this.tell({ what: "out_of_sync", reason });
    return true;
  }

  private beQuiet(nowMs: number): void {
    const forgiven = nowMs - this.sinceMs >= QUIET_FORGIVEN_MS;
    this.quietMs =
      this.quietMs === 0 || forgiven ? QUIET_MS_MIN : Math.min(2 * this.quietMs, QUIET_MS_MAX);
    this.quietUntilMs = nowMs + this.quietMs;
  }

  /** Whether the link has just ended. */
  private followLink({ isLinked }: Signs, nowMs: number): boolean {
    const isLost = this.wasLinked && !isLinked;
    if (isLinked !== this.wasLinked) {
      this.wasLinked = isLinked;
      this.isSuspect = false;
      this.silentMs = 0;
      if (!isLinked) this.tell({ what: "lost" });
      else this.tell({ what: this.everLinked ? "returned" : "joined" });
      this.everLinked ||= isLinked;
    }
    const isSuspect = isLinked && this.silentMs >= SUSPECT_AFTER_MS;
    if (isSuspect !== this.isSuspect) this.tell({ what: isSuspect ? "suspect" : "returned" });
    if (isSuspect && !this.isSuspect) {
      this.isExcused = nowMs - this.suspectedMs >= QUIET_FORGIVEN_MS;
      this.suspectedMs = nowMs;
    }
    this.isSuspect = isSuspect;
    return isLost;
  }

  private judge(signs: Signs, isLost: boolean, nowMs: number): OutReason | null {
    if (signs.isRemoved) return "removed";
    const trouble = this.linkTrouble(signs);
    if (trouble !== null && !this.isSpokenFor(signs, trouble, isLost)) return trouble;
    if (trouble === null) {
      if (signs.unansweredMs >= PEER_LAG_MS_MAX) return "lag";
      if (signs.lagOps > PEER_LAG_OPS_MAX) return "lag";
      if (!signs.takesWrites) return "disk";
    }
    return nowMs < this.quietUntilMs ? "quiet" : null;
  }

  /** Why its own link does not tell what it holds; null if it does. */
  private linkTrouble(signs: Signs): OutReason | null {
    if (signs.saidGoodbye) return "goodbye";
    if (!signs.isLinked) return "unlinked";
    if (this.isSuspect) return "suspect";
    return signs.isCaughtUp ? null : "catching_up";
  }

  /** Whether another server's word is enough, for one that stays in sync or for one that comes in. */
  private isSpokenFor(signs: Signs, trouble: OutReason, isLost: boolean): boolean {
    if (!signs.isReached) return false;
    // What was said of one that has just gone may be from before.
    if (!this.isInSync) return !signs.isLinked && !isLost;
    return trouble === "suspect" ? this.isExcused : trouble !== "goodbye";
  }
}
