/** What the replica needs from the world. Each port has a contract suite beside its implementation. */

import type { BranchBase } from "../core/branch.ts";
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

/** The ops of an origin after a seq have become a branch of their own. */
export type Split = {
  readonly origin: Incarnation;
  readonly afterSeq: number;
  readonly branch: Incarnation;
};

export interface LogListener {
  /** A batch is on disk. Batches come in the order of `append`. */
  durable(commit: Commit): void;
  /** What {@link Log.split} was asked for is on disk: from now on these ops have the branch's name. */
  split?(split: Split): void;
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
  /**
   * The chain hash of an origin at `seq`, recomputed from the nearest mark; null if `seq` isn't held. Of a
   * branch also that before its first op.
   */
  chainAt(origin: Incarnation, seq: number): Uint8Array | null;
  /** Up to `limit` durable ops of one origin from `fromSeq` on, in order of seq; ends before one that is missing. */
  run(origin: Incarnation, fromSeq: number, limit: number): StoredOp[];
  /** Arrival number of the op that erased this op's body; null if none did, or none that is known here. */
  eraserOf(n: number): number | null;
  /** Up to `limit` ops that came without their body, and whose erasing op is not known here: the oldest. */
  unproven(limit: number): StoredOp[];
  /** Set once, before the first append. */
  listen(listener: LogListener): void;
  /**
   * Stores a batch in one transaction with one fsync, not on this thread; `durable` follows. Ops of one
   * origin come with consecutive seqs: anything else is a defect and throws.
   */
  append(ops: readonly Op[]): void;
  /** A branch that is not held yet begins here: told once, before its first op is appended. */
  begin(branch: Incarnation, base: BranchBase): void;
  /**
   * Gives the ops of an origin after a seq another name, in one transaction; `split` follows. Nothing of this
   * origin may be on its way to the disk.
   */
  split(split: Split): void;
  /** Overwrites bodies, records the op (by arrival number) that erased each; `erased` follows. */
  erase(items: readonly { readonly n: number; readonly by: number }[]): void;
  /** Waits for what was appended, syncs the head file, closes. */
  close(): Promise<void>;
}

/** Who is at the other end of a link: what its hello said and its authentication proved. */
export type PeerIdentity = {
  /** Name of the server, a member of this cluster or about to become one; never this server's own. */
  readonly name: string;
  /** Counts copies, not names: an emptied server comes back under another one. */
  readonly storeId: string;
  /** Public key of the server, as text: recorded with its name when it joins. */
  readonly key: string;
  /** Where clients and servers reach it. */
  readonly url: string;
  /** Its wall clock at the hello, ms since 1970. */
  readonly wallMs: number;
  readonly release: string;
};

/** A frame between servers: JSON text, or bytes for a batch of ops (src/protocol/peer-codec.ts). */
export type PeerFrame = string | Uint8Array;

/**
 * One end of an authenticated link to one peer, given to the replica with `linked`.
 *
 * What its maker promises: frames arrive at the other end whole, in order and once, or the link is over; a
 * frame is never dropped while the link lives. Calls never throw and never call back within the same turn:
 * what follows from them (`received`, `unlinked`) comes later. The replica sends no frame over
 * PEER_FRAME_BYTES_MAX; one that arrives larger ends the link before it is read whole.
 */
export interface PeerLink {
  /** After the end of the link this does nothing. */
  send(frame: PeerFrame): void;
  /** Bytes sent and not yet taken over by the network. */
  readonly backlogBytes: number;
  /**
   * Ends the link at once, whatever waits to be sent. `reason` is for the log of this server and may be told
   * to the other. `unlinked` follows, unless it was called already.
   */
  close(reason: string): void;
}

/**
 * What the mesh tells the replica (the replica implements it). For each link: `linked` once, then any number
 * of `received`, then `unlinked` once; after it nothing more of this link.
 *
 * Of several links to one name the mesh keeps one (that dialled by the smaller name) and lets the others
 * end before they are linked, or says `unlinked` of the old one before `linked` of the new one. A second
 * live process under one name, or under this server's own, is refused by the mesh: it never gets here.
 *
 * Silence is the replica's to judge: it beats every BEAT_PEER_INTERVAL_MS and closes a link from which it
 * heard nothing for LINK_SILENT_MS. Dialling again, with jitter, is the mesh's.
 */
export interface LinkListener {
  linked(peer: PeerIdentity, link: PeerLink): void;
  /** A frame that a peer sent after both ends were authenticated. Nothing in it is believed yet. */
  received(link: PeerLink, frame: PeerFrame): void;
  /** The socket is gone, broken or closed by either side; a killed peer shows so at once. */
  unlinked(link: PeerLink, reason: string): void;
}

/** The carrier of links, as the replica sees it: where there is none, the server is alone. */
export interface Links {
  /** Set once, before the first link. */
  listen(listener: LinkListener): void;
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
