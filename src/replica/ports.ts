/** What the replica needs from the world. Each port has a contract suite beside its implementation. */

import type { Incarnation } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import type { ReadView } from "../core/read-view.ts";
import type { VersionVector } from "../core/vector.ts";
import type { Subject } from "../core/view.ts";

/** Two clocks, never one. */
export interface Clock {
  /** ms, never goes back: for timeouts and rates. */
  monotonicMs(): number;
  /** ms since 1970, may leap: only to feed stamps. */
  wallMs(): number;
  /** Runs `act` after at least `delayMs`; 0 is the end of this turn of the event loop. */
  schedule(delayMs: number, act: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  /** `length` bytes that nobody can guess. */
  bytes(length: number): Uint8Array;
}

/** An op and its arrival number in this store: 1, 2, 3, ... without gaps, different on every server. */
export type StoredOp = { readonly n: number; readonly op: Op };

export type Commit = {
  /** The ops that are durable now, in order of arrival. */
  readonly ops: readonly StoredOp[];
  /** Transaction and fsync, ms. */
  readonly tookMs: number;
};

export interface LogListener {
  /** A batch is on disk. Batches come in the order of `append`. */
  durable(commit: Commit): void;
  /** The bodies of these ops have left the log and its WAL. */
  erased(ns: readonly number[]): void;
  /** Free space of the log's file system, bytes, about every second and after each commit. */
  space(freeBytes: number, reserveBytes: number): void;
  /** A commit or an erasure failed: nothing may go on after this. */
  failed(error: Error): void;
}

export interface LogReader {
  /** The highest arrival number that is durable; 0 for an empty log. */
  readonly lastN: number;
  /** The op with this arrival number; throws for one that does not exist or does not match its hashes. */
  op(n: number): Op;
  /** Up to `limit` ops from `fromN` on, in order of arrival. */
  ops(fromN: number, limit: number): StoredOp[];
}

/** The set of ops on this server's disk: append-only but for erased bodies. */
export interface Log extends LogReader {
  /** Random, made with the store: counts copies, not names. */
  readonly storeId: string;
  /** What is durable, derived from the stored ops in the same transactions. */
  vector(): VersionVector;
  /** The chain hash of an origin at `seq`, recomputed from the nearest mark; null if `seq` isn't held. */
  chainAt(origin: Incarnation, seq: number): Uint8Array | null;
  /** Set once, before the first append. */
  listen(listener: LogListener): void;
  /**
   * Stores a batch in one transaction with one fsync, not on this thread; `durable` follows. Ops of one
   * origin come with consecutive seqs: anything else is a defect and throws.
   */
  append(ops: readonly Op[]): void;
  /** Overwrites bodies, records the op (by arrival number) that erased each; `erased` follows. */
  erase(items: readonly { readonly n: number; readonly by: number }[]): void;
  /** Waits for what was appended, syncs the head file, closes. */
  close(): Promise<void>;
}

/** What a batch changed: for each op its subjects, empty where nothing changed. */
export type Folded = StoredOp & { readonly subjects: readonly Subject[] };

/** The fold of the log, on this server. Synchronous: a fold is never seen half done. */
export interface View extends ReadView {
  /** Folds a durable batch in one transaction. Batches come without gaps, in order of arrival. */
  fold(ops: readonly StoredOp[]): Folded[];
  /** Work behind the fold: index for search, look for what is to be erased. True if more is left. */
  tidy(): boolean;
  /** Bodies that must leave the log, with the op that erased each. */
  pendingErasures(limit: number): { readonly n: number; readonly by: number }[];
  /** These bodies have left the log. */
  erasuresDone(ns: readonly number[]): void;
  /** Whether erased words may still stand in the files of the view. */
  readonly needsCleaning: boolean;
  /** One slice of cleaning. True if more is left. */
  clean(): boolean;
  close(): void;
}
