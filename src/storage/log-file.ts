/**
 * Ways to open log.db, each for one use.
 *
 * Problem: SQLite writes by merely looking (a -shm file, recovery of a WAL, a checkpoint at close), but a
 * store that is refused must stay as it was found. Approach: looking goes through SQLite's `unix-none` VFS,
 * read-only and in exclusive mode: it takes no locks, keeps the index of the WAL in memory, reads the WAL and
 * writes nothing; our own lock on the directory makes that safe. Rejected: a copy (the log may be larger than
 * what is free).
 *
 * A process that has the log open must never open and close log.db, its -shm or the lock file by other
 * means: POSIX drops all of a process's locks on a file when any of its descriptors is closed.
 */
import { constants, Database } from "bun:sqlite";
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
} from "node:fs";
import { utf8 } from "../core/bytes.ts";
import { LOG_APPLICATION_ID, LOG_FORMAT, MIGRATIONS } from "./migrations.ts";

export const LOG_PAGE_BYTES = 4096;
/** Pages in the WAL after which the worker moves them into the database. */
export const WAL_PAGES_MAX = 1_000;

const HEADER_BYTES = 100;
const HEADER_MAGIC = "SQLite format 3\0";

export type FileHeader = { readonly applicationId: number; readonly format: number };

/**
 * What the first 100 bytes of a log say; null if they are not those of a database with our pages. Opens no
 * database: SQLite deletes the WAL of one that is shorter than a page, even when it may only read.
 */
export function readHeader(path: string): FileHeader | null {
  if (!existsSync(path)) return null;
  const bytes = new Uint8Array(HEADER_BYTES);
  const fd = openSync(path, "r");
  try {
    if (fstatSync(fd).size < LOG_PAGE_BYTES) return null;
    readSync(fd, bytes, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(fd);
  }
  if (Buffer.from(bytes.subarray(0, 16)).toString("latin1") !== HEADER_MAGIC) return null;
  const view = new DataView(bytes.buffer);
  if (view.getUint16(16) !== LOG_PAGE_BYTES) return null;
  return { format: view.getUint32(60), applicationId: view.getUint32(68) };
}

/** Reads log and WAL, takes no lock and changes no file, not even at close. */
export function openUntouched(path: string): Database {
  const name = path.split("/").map(encodeURIComponent).join("/");
  const flags = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI;
  // Without a WAL one would be made: `immutable` does not look for it.
  const how = existsSync(`${path}-wal`) ? "vfs=unix-none" : "immutable=1";
  const db = new Database(`file:${name}?${how}&mode=ro`, flags);
  db.run("PRAGMA locking_mode = EXCLUSIVE");
  db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1); // a WAL that it can't read would be deleted
  db.run("PRAGMA cell_size_check = ON");
  return db;
}

/** The one connection that writes; lives in the worker. */
export function openWriter(path: string): Database {
  const db = new Database(path, { readwrite: true, create: true });
  db.run(`PRAGMA page_size = ${LOG_PAGE_BYTES}`);
  db.run("PRAGMA auto_vacuum = NONE");
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA fullfsync = ON"); // where the system's fsync does not reach the disk
  db.run("PRAGMA checkpoint_fullfsync = ON");
  db.run("PRAGMA secure_delete = ON");
  db.run("PRAGMA wal_autocheckpoint = 0");
  db.run("PRAGMA cell_size_check = ON");
  db.run("PRAGMA temp_store = MEMORY");
  return db;
}

/** A connection that only reads, beside a writer. */
export function openReader(path: string): Database {
  const db = new Database(path, { readonly: true });
  db.run("PRAGMA cell_size_check = ON");
  db.run("PRAGMA busy_timeout = 1000");
  db.run("PRAGMA cache_size = -16000");
  return db;
}

/** What a log says about itself. */
export type LogMeta = {
  readonly storeId: string;
  readonly clusterId: string;
  readonly server: string;
};

function metaCheck(values: ReadonlyMap<string, string>): string {
  const lines = [...values].filter(([key]) => key !== "check").sort(([a], [b]) => (a < b ? -1 : 1));
  const text = lines.map(([key, value]) => `${key}\0${value}\n`).join("");
  return Bun.hash.crc32(utf8(text)).toString(16);
}

function metaValues(db: Database): Map<string, string> {
  const rows = db.query<{ key: string; value: string }, []>("SELECT key, value FROM meta").all();
  return new Map(rows.map(({ key, value }) => [key, value]));
}

/** Null if a value is missing or does not match the check over all of them. */
export function readMeta(db: Database): LogMeta | null {
  const values = metaValues(db);
  const storeId = values.get("store");
  const clusterId = values.get("cluster");
  const server = values.get("server");
  if (storeId === undefined || clusterId === undefined || server === undefined) return null;
  return values.get("check") === metaCheck(values) ? { storeId, clusterId, server } : null;
}

/** Inside the caller's transaction. */
function writeMeta(db: Database, changes: Readonly<Record<string, string>>): void {
  const values = metaValues(db);
  for (const [key, value] of Object.entries(changes)) values.set(key, value);
  values.set("check", metaCheck(values));
  const put = db.query("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)");
  for (const [key, value] of values) put.run(key, value);
}

export function formatOf(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

/**
 * Whether a database has room to take in its WAL. To be asked before: a checkpoint that stops halfway for
 * want of room has taken what there was, from the commits, for nothing.
 */
export function hasRoomForWal(db: Database, path: string): boolean {
  const { page_count: pages } = db.query<{ page_count: number }, []>("PRAGMA page_count").get()!;
  const { page_size: size } = db.query<{ page_size: number }, []>("PRAGMA page_size").get()!;
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize >= pages * size - statSync(path).size;
}

/** Moves the whole WAL into the database and empties it. False while a reader is in the way. */
export function truncateWal(db: Database): boolean {
  return db.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy === 0;
}

/**
 * Brings a log to this release's format in one transaction, and makes it if it is empty. `release` stays in
 * the log's history of formats.
 */
export function migrate(db: Database, meta: LogMeta, release: string): void {
  const from = formatOf(db);
  if (from === LOG_FORMAT) return;
  db.transaction(() => {
    if (from === 0) db.run(`PRAGMA application_id = ${LOG_APPLICATION_ID}`);
    for (const migration of MIGRATIONS.slice(from)) migration.apply(db);
    const identity = { store: meta.storeId, cluster: meta.clusterId, server: meta.server };
    writeMeta(db, { ...identity, [`format ${LOG_FORMAT}`]: release });
    db.run(`PRAGMA user_version = ${LOG_FORMAT}`);
  })();
  truncateWal(db); // so that the first bytes of the file tell the format
}
