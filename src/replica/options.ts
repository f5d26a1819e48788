/** What a replica is made of, and whom it tells what. */
import type { Hash } from "../core/hash.ts";
import type { PeerMessage, PeerText } from "../protocol/peer.ts";
import type { CatchUpProgress } from "./catch-up.ts";
import type { PeerChange } from "./detector.ts";
import type { Clock, Folded, Log, Random, View } from "./ports.ts";
import type { Grown } from "./receipts.ts";

export type Alarm = "clock" | "space" | "erasure" | "branch";

export interface ReplicaListener {
  /** A durable batch was folded: tell those whom it concerns. */
  folded(batch: readonly Folded[]): void;
  /** Something that an operator should know; `clear` when it is over. */
  alarm(what: Alarm, message: string, clear: boolean): void;
  /** Ops minted here that more servers hold than their receipts said: `message.held` to their authors. */
  held?(grown: readonly Grown[]): void;
  /** What a peer says that is never stored: who is there, who types. */
  said?(peer: string, message: PeerText): void;
  /** A peer is linked and heard, is silent, or its link is over. */
  reach?(peer: string, what: "live" | "silent" | "gone"): void;
  /** This server takes over much that others hold: how far it has come; to be logged. */
  catchUp?(progress: CatchUpProgress): void;
  /** A peer came, went, fell silent, or entered or left the in-sync set: to be logged and counted. */
  peer?(server: string, change: PeerChange): void;
  /** A peer asks for a digest of the view, or gives one. */
  compared?(server: string, message: PeerMessage<"digest" | "digested">): void;
}

export type ReplicaOptions = {
  readonly name: string;
  /** Public key and address of this server, as its peers are to record them. */
  readonly key?: string;
  readonly url?: string;
  /** Fewer live copies than that, this server's included, and writes are refused; 1 unless configured. */
  readonly minCopies?: number;
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
