/** What the log's two threads say to each other. Messages go in order; nothing follows `failed`. */

import type { Finding, StorageCode } from "./failure.ts";
import type { LogMeta } from "./log-file.ts";

/** A place where tests let the process die, by SIGKILL, at its `count`th passing. */
export type KillAt = { readonly point: "before-commit" | "after-commit"; readonly count: number };

export type WorkerOptions = {
  readonly logPath: string;
  readonly headPath: string;
  readonly viewPath: string;
  readonly meta: LogMeta;
  /** Free bytes below which writes are refused; null for the default share of the file system. */
  readonly reserveBytes: number | null;
  /** Ops from 1 to this arrival number were not verified at open: the worker does it, bit by bit. */
  readonly scrubTo: number;
  readonly killAt: KillAt | null;
};

export type Erasure = { readonly n: number; readonly by: number };

export type ToWorker = { readonly type: "open"; readonly options: WorkerOptions } | ToOpenLog;

/** To a worker that has its log open. */
/** A branch that is new to the log: its origin number, its name, and where it begins. */
export type NewBranch = {
  readonly o: number;
  readonly origin: string;
  readonly seq: number;
  readonly chain: Uint8Array;
};

/** The ops of origin number `o` after `to.seq` become that branch. */
export type SplitOrder = { readonly o: number; readonly to: NewBranch };

export type ToOpenLog =
  | { readonly type: "append"; readonly batch: ArrayBuffer }
  /** Before its first op. */
  | { readonly type: "begin"; readonly branch: NewBranch }
  | { readonly type: "split"; readonly split: SplitOrder }
  | { readonly type: "erase"; readonly items: readonly Erasure[] }
  /** Finish everything, then say `drained`. */
  | { readonly type: "drain" }
  /** Nobody reads any more: sync, close, say `closed`. */
  | { readonly type: "close" };

export type NewHead = { readonly o: number; readonly seq: number; readonly chain: Uint8Array };

export type FromWorker =
  | { readonly type: "ready" }
  | {
      readonly type: "durable";
      /** How many ops of those appended, in order. */
      readonly count: number;
      readonly tookMs: number;
      readonly heads: readonly NewHead[];
    }
  | { readonly type: "split" }
  | { readonly type: "erased"; readonly ns: readonly number[] }
  | { readonly type: "space"; readonly freeBytes: number; readonly reserveBytes: number }
  | { readonly type: "scrubbed"; readonly toN: number }
  | {
      readonly type: "failed";
      readonly code: StorageCode;
      readonly message: string;
      readonly findings: readonly Finding[];
    }
  | { readonly type: "drained" }
  | { readonly type: "closed" };
