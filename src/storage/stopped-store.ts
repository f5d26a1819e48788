/**
 * The store of a server that does not run, read without changing anything in its directory: the log as it
 * stands, and a view folded anew from it somewhere else. What the directory says of itself is not believed.
 */
import type { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogReader } from "../replica/ports.ts";
import { type Finding, StorageError, storageFailure } from "./failure.ts";
import { type LogMeta, openUntouched, readMeta } from "./log-file.ts";
import { sha256 } from "./log-hash.ts";
import { RowReader } from "./log-rows.ts";
import { DirectoryLock } from "./store-lock.ts";
import { entriesOf, HEAD_FILE, LOG_FILE, type Look, look, VIEW_FILE } from "./store-look.ts";
import { verifyLog } from "./verify.ts";
import { readOrigins } from "./verify-rows.ts";
import { SqliteView } from "./view.ts";
import { ViewWal } from "./view-wal.ts";

type Progress = (doing: string, done: number, total: number) => void;

export class StoppedStore {
  readonly directory: string;
  readonly logPath: string;
  readonly viewPath: string;
  private readonly lock: DirectoryLock;
  private readonly found: Look;

  /** Throws StorageError: `locked` while a server has it. */
  constructor(directory: string) {
    this.directory = directory;
    this.logPath = join(directory, LOG_FILE);
    this.viewPath = join(directory, VIEW_FILE);
    const entries = entriesOf(directory) ?? [];
    if (!entries.includes(LOG_FILE) && !entries.includes(HEAD_FILE)) {
      throw new StorageError("not_a_store", `${directory} holds no data of a server`);
    }
    this.lock = new DirectoryLock(directory);
    try {
      this.found = look(directory);
    } catch (cause) {
      this.lock.undo();
      throw cause;
    }
  }

  get identity(): LogMeta | null {
    return this.found.identity;
  }

  /** All ops, by their hashes, chains and the head file. */
  async verify(onProgress?: Progress): Promise<{ ops: number; findings: readonly Finding[] }> {
    const { lastN, findings } = await verifyLog({
      logPath: this.logPath,
      head: this.found.head,
      verifyOps: Number.MAX_SAFE_INTEGER,
      onProgress: (done, total) => onProgress?.("verifying the log: ops", done, total),
    });
    return { ops: lastN, findings: findings.list };
  }

  /** Folds the first so many ops, all for null, and lets `use` look at the view and the log. */
  async refolded<T>(
    ops: number | null,
    use: (view: Database, log: Database) => T | Promise<T>,
    onProgress?: Progress,
  ): Promise<T> {
    const log = openUntouched(this.logPath);
    const folder = mkdtempSync(join(tmpdir(), "holdfast-fold-"));
    const path = join(folder, VIEW_FILE);
    try {
      await foldTo(path, logReader(log, ops), onProgress);
      const view = openUntouched(path);
      try {
        return await use(view, log);
      } finally {
        view.close();
      }
    } catch (cause) {
      throw storageFailure(`fold the log of ${this.directory}`, cause);
    } finally {
      log.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  close(): void {
    this.lock.undo();
  }
}

type StoredReader = LogReader & { readonly storeId: string };

function logReader(log: Database, ops: number | null): StoredReader {
  const origins = readOrigins(log);
  const rows = new RowReader(log, (o) => origins.get(o));
  const newest = log.query<{ n: number }, []>("SELECT ifnull(max(n), 0) AS n FROM ops").get();
  const lastN = Math.min(ops ?? Number.MAX_SAFE_INTEGER, newest?.n ?? 0);
  return {
    storeId: readMeta(log)?.storeId ?? "",
    lastN,
    op: (n) => rows.op(n),
    ops: (fromN, limit) => {
      const count = Math.min(limit, lastN - fromN + 1);
      return count > 0 ? rows.ops(fromN, count) : [];
    },
  };
}

async function foldTo(path: string, log: StoredReader, onProgress?: Progress): Promise<void> {
  const { view } = SqliteView.open({ path, hash: sha256, log });
  const viewWal = new ViewWal(path);
  try {
    while (view.catchUp()) {
      onProgress?.("folding the log: ops", view.foldedN, log.lastN);
      viewWal.checkpoint();
      await viewWal.idle();
    }
  } finally {
    viewWal.stop();
    view.close();
  }
}
