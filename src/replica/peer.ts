/** Another server, as this one knows it: across links, as long as this process runs. */
import type { PeerMessage } from "../protocol/peer.ts";
import { Detector, type PeerChange, type Signs } from "./detector.ts";
import type { PeerIdentity } from "./ports.ts";
import { StoreMarks } from "./store-marks.ts";
import type { SyncSession } from "./sync-session.ts";
import { WaitingBatches } from "./waiting-batches.ts";

export class Peer {
  readonly name: string;
  readonly detector: Detector;
  /** As of its last link; null for one that is known by hearsay. */
  identity: PeerIdentity | null = null;
  /** The link that lives. */
  session: SyncSession | null = null;
  /** Of its present store, as far as that is known. */
  marks: StoreMarks;
  beat: PeerMessage<"beat"> | null = null;
  links: ReadonlySet<string> | null = null;
  inSync: ReadonlySet<string> = new Set();
  saidGoodbye = false;
  /** How far its wall clock is ahead of ours, without a leap of ours, ms. */
  clockOffsetMs = 0;
  /** Its arrival number when the link began: until that is covered, this server is behind. */
  learnedUpTo: number | null = null;
  /** Stores that it had before and came back without: what only they held is lost. */
  readonly formerStores = new Set<string>();
  readonly waiting = new WaitingBatches();

  constructor(name: string, storeId: string, tell: (change: PeerChange) => void) {
    this.name = name;
    this.marks = new StoreMarks(storeId);
    this.detector = new Detector(tell);
  }

  /** What is known of its disk counts only for the store that it has now. */
  isStore(storeId: string): void {
    if (this.marks.storeId === storeId) return;
    this.formerStores.add(this.marks.storeId);
    this.formerStores.delete(storeId); // an old disk was put back
    this.marks = new StoreMarks(storeId);
  }

  /** Nothing is known any more of what its store holds. */
  forget(): void {
    this.marks = new StoreMarks(this.marks.storeId);
  }

  /** Whether a link that lives says what it holds: its own, or that of one that is in sync with it. */
  get isAttested(): boolean {
    return this.session?.isLearned === true || this.detector.isInSync;
  }

  /** Whether its own link does not say what it holds: not yet, or no more. */
  get isSpokenFor(): boolean {
    return this.session === null || !this.session.isLearned || this.detector.isSuspect;
  }

  /** Whether what it had when its link began is known, and here. */
  get hasTold(): boolean {
    return this.session?.isLearned === true && this.learnedUpTo === null;
  }

  /** Heard, and asked for its word. */
  get isLive(): boolean {
    return this.session !== null && !this.detector.isSuspect && !this.saidGoodbye;
  }

  heardBeat(beat: PeerMessage<"beat">, readingMs: number): void {
    this.beat = beat;
    this.links = new Set(beat.links);
    this.inSync = new Set(beat.inSync);
    this.clockOffsetMs = beat.wallMs - readingMs;
  }

  signs(isReached: boolean, isRemoved: boolean, nowMs: number): Signs {
    const oldestMs = this.session?.outgoing.oldestFlightMs ?? null;
    return {
      isLinked: this.session !== null,
      isReached,
      isRemoved,
      saidGoodbye: this.saidGoodbye,
      isCaughtUp: this.beat !== null && isCaughtUp(this.session),
      unansweredMs: oldestMs === null ? 0 : nowMs - oldestMs,
      lagOps: this.beat?.lagOps ?? 0,
      takesWrites: this.beat?.takesWrites ?? true,
    };
  }
}

/** What it holds is known, and everything minted here is sent or on its way to it. */
function isCaughtUp(session: SyncSession | null): boolean {
  return session?.isLearned === true && !session.outgoing.hasOwnLacks;
}
