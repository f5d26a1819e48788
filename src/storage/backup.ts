/**
 * Makes a backup of a store, also while its server works on it.
 *
 * Problem: a copy of the files of a running server is none; a snapshot held for minutes keeps erased words on
 * the disk and lets the write-ahead log grow; stopping the server is what nobody does every night. Approach:
 * ops are read in order of arrival, a slice under each short snapshot, until a slice reaches the end; what goes
 * with all of them (origins, branches, holes) is read under that last one. Ops are only ever added, so that is
 * the log as it was at that last moment, but for bodies that were erased meanwhile: those may still be in it,
 * as in any older backup, or not, and then what erased them is, because it came before the end. An origin that
 * is split into branches moves ops that were read already: then it begins anew. Every op is checked as it is read:
 * a backup of a damaged log would be found out when it is needed. Reads only, from a process of its own.
 */
import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { addShares, digestShare } from "../core/vector.ts";
import { type BackupHeader, type BackupWriter, BLOCK, BLOCK_BYTES } from "./backup-file.ts";
import { Records } from "./backup-rows.ts";
import { StorageError, storageFailure } from "./failure.ts";
import { formatOf, openReader, openUntouched, readHeader, readMeta } from "./log-file.ts";
import { sha256 } from "./log-hash.ts";
import { OP_COLUMNS, type OpRow, opOf } from "./log-rows.ts";
import { LOG_APPLICATION_ID, LOG_FORMAT } from "./migrations.ts";
import { DirectoryLock } from "./store-lock.ts";
import { DAMAGED_PREFIX, entriesOf, LOG_FILE } from "./store-look.ts";
import { SALVAGED_FOLDER } from "./store-salvage.ts";
import { type OriginRow, readOrigins } from "./verify-rows.ts";

/** One snapshot: some milliseconds. */
const SLICE_OPS = 2_000;
const SLICE_BYTES = 4 << 20;
/** A log that is being split again and again has other troubles. */
const TRIES = 5;

/** Tables of the log that a backup has; test/backup.test.ts sees to it that there are no others. */
export const BACKED_UP_TABLES = ["branches", "holes", "meta", "ops", "origins"] as const;

export type BackupSource = {
  readonly directory: string;
  readonly release: string;
  /** Now, ISO 8601. */
  readonly made: string;
  /** The server's own key, as it stands in its file. */
  readonly key: Uint8Array | null;
  readonly onProgress?: (doneOps: number, totalOps: number) => void;
};

/** `startOver` gives an empty file; it is called again where the log was split meanwhile. Throws StorageError. */
export function writeBackup(source: BackupSource, startOver: () => BackupWriter): BackupHeader {
  const { directory } = source;
  try {
    const { db, close } = openForBackup(directory);
    try {
      for (let tries = 1; ; tries++) {
        const header = new LogCopy(db, source, startOver()).run();
        if (header !== null) return header;
        if (tries === TRIES)
          throw new StorageError("disk_failed", "the log was changed all the time");
      }
    } finally {
      close();
    }
  } catch (cause) {
    throw storageFailure(`back up ${directory}`, cause);
  }
}

/** The log of a running server by SQLite's own locks; that of a stopped one without touching it. */
function openForBackup(directory: string): { db: Database; close: () => void } {
  const logPath = join(directory, LOG_FILE);
  const entries = entriesOf(directory);
  if (entries === null || !entries.includes(LOG_FILE)) {
    const kept = entries?.find(
      (name) => name === SALVAGED_FOLDER || name.startsWith(DAMAGED_PREFIX),
    );
    const more = kept === undefined ? "" : ` (it holds ${kept}: start the server once)`;
    throw new StorageError("not_a_store", `${directory} holds no log of a server${more}`);
  }
  const header = readHeader(logPath);
  if (header?.applicationId !== LOG_APPLICATION_ID) {
    throw new StorageError("not_a_store", `${logPath} is no log of Holdfast`);
  }
  if (header.format > LOG_FORMAT) {
    const what = `${directory} was written in format ${header.format} by a newer release; this one knows ${LOG_FORMAT}`;
    throw new StorageError("newer_format", what);
  }
  const lock = lockUnlessRunning(directory);
  if (lock === null) {
    const db = openReader(logPath);
    return { db, close: () => db.close() };
  }
  if (existsSync(join(directory, SALVAGED_FOLDER))) {
    lock.undo();
    const what = `${directory} is being repaired: start the server once, it finishes that`;
    throw new StorageError("damaged", what);
  }
  const db = openUntouched(logPath);
  const close = () => {
    db.close();
    lock.undo();
  };
  return { db, close };
}

/** null while a server has the directory. */
export function lockUnlessRunning(directory: string): DirectoryLock | null {
  try {
    return new DirectoryLock(directory);
  } catch (cause) {
    if (cause instanceof StorageError && cause.code === "locked") return null;
    throw cause;
  }
}

class LogCopy {
  private readonly db: Database;
  private readonly source: BackupSource;
  private readonly file: BackupWriter;
  private readonly records = new Records();
  private origins: ReadonlyMap<number, OriginRow>;
  private readonly splits: number;
  private lastN = 0;

  constructor(db: Database, source: BackupSource, file: BackupWriter) {
    this.db = db;
    this.source = source;
    this.file = file;
    this.origins = readOrigins(db);
    this.splits = this.countSplits();
  }

  /** null if the log was split meanwhile: what was written is not to be used. */
  run(): BackupHeader | null {
    while (!this.slice());
    this.db.run("COMMIT");
    if (this.countSplits() !== this.splits) return null;
    const { key, made, release } = this.source;
    if (key !== null) this.file.block(BLOCK.key, key);
    const meta = readMeta(this.db);
    if (meta === null) throw new StorageError("damaged", "the log's identity is damaged");
    return this.file.finish({
      made,
      release,
      cluster: meta.clusterId,
      server: meta.server,
      store: meta.storeId,
      logFormat: formatOf(this.db),
      ops: this.lastN,
      origins: this.origins.size,
      vector: this.vector(),
    });
  }

  /** Branches that took ops from an origin; one that began with its first op took none, but is rare as well. */
  private countSplits(): number {
    if (!this.has("branches")) return 0;
    return this.db.query<{ count: number }, []>("SELECT count(*) AS count FROM branches").get()!
      .count;
  }

  private has(table: string): boolean {
    return this.db.query("SELECT 1 FROM sqlite_schema WHERE name = ?").get(table) !== null;
  }

  /** True when it came to the end: what goes with all ops is written too, its snapshot is still open. */
  private slice(): boolean {
    this.db.run("BEGIN");
    const rows = this.db.prepare<OpRow, [number, number]>(
      `SELECT ${OP_COLUMNS} FROM ops WHERE n > ? ORDER BY n LIMIT ?`,
    );
    let count = 0;
    let bytes = 0;
    for (const row of rows.iterate(this.lastN, SLICE_OPS)) {
      this.take(row);
      count++;
      bytes += row.envelope.length + (row.body?.length ?? 0);
      if (bytes >= SLICE_BYTES) break;
    }
    rows.finalize();
    const isEnd = count < SLICE_OPS && bytes < SLICE_BYTES;
    if (isEnd) this.rest();
    else this.db.run("COMMIT");
    this.source.onProgress?.(this.lastN, isEnd ? this.lastN : this.newestN());
    return isEnd;
  }

  private newestN(): number {
    return this.db.query<{ n: number }, []>("SELECT ifnull(max(n), 0) AS n FROM ops").get()!.n;
  }

  private take(row: OpRow): void {
    if (row.n !== this.lastN + 1) {
      const findings = [{ what: "op missing", n: this.lastN + 1 }];
      throw new StorageError("damaged", `log: op missing (n ${this.lastN + 1})`, { findings });
    }
    this.lastN = row.n;
    if (!this.origins.has(row.o)) this.origins = readOrigins(this.db);
    opOf(row, this.origins.get(row.o)?.origin); // throws for one that does not match its hashes
    this.records.op(row);
    if (this.records.length >= BLOCK_BYTES) this.flush(BLOCK.ops);
  }

  private flush(kind: (typeof BLOCK)[keyof typeof BLOCK]): void {
    if (this.records.length > 0) this.file.block(kind, this.records.take());
  }

  private rest(): void {
    this.flush(BLOCK.ops);
    this.origins = readOrigins(this.db);
    for (const origin of this.origins.values()) {
      this.records.origin(origin);
      if (this.records.length >= BLOCK_BYTES) this.flush(BLOCK.origins);
    }
    this.flush(BLOCK.origins);
    for (const { o, base } of this.origins.values()) {
      if (base !== undefined) this.records.branch({ o, ...base });
      if (this.records.length >= BLOCK_BYTES) this.flush(BLOCK.branches);
    }
    this.flush(BLOCK.branches);
    const holes = this.db.prepare<{ o: number; seq: number }, []>("SELECT o, seq FROM holes");
    for (const hole of holes.iterate()) {
      this.records.hole(hole);
      if (this.records.length >= BLOCK_BYTES) this.flush(BLOCK.holes);
    }
    holes.finalize();
    this.flush(BLOCK.holes);
  }

  private vector(): string {
    let total = 0n;
    for (const { origin, seq, chain } of this.origins.values()) {
      if (seq > 0) total = addShares(total, digestShare(sha256, origin, { seq, chain }));
    }
    return total.toString(16).padStart(16, "0");
  }
}
