/**
 * The view on SQLite: opened, folded forward, rebuilt.
 *
 * Problem: the view must agree with the log after any crash, and must never be worth repairing. Approach:
 * each batch is one transaction that also stores how far it came, so the view goes on from there; a view
 * that is missing, damaged, of another version, of another store or ahead of its log is made anew. The
 * arrival number stands for the version vector here: a log numbers its ops without gaps, and the store id
 * tells logs apart. Rejected: fsync of the view (it can be folded again); folding in another thread (the
 * next request must see the fold of the last).
 */
import { Database } from "bun:sqlite";
import { existsSync, rmSync, statSync } from "node:fs";
import { NoRoom, Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { AccountId, MessageId } from "../core/ids.ts";
import { ERASE_BATCH_OPS, SEARCH_LAG_OPS_MAX } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import { laterStamp, STAMP_ZERO, type Stamp } from "../core/stamp.ts";
import type { LogicalTable, RowKey } from "../core/view-range.ts";
import { feedScopes } from "../ops/audience.ts";
import { foldOp, subjectsOf } from "../ops/fold.ts";
import { KINDS } from "../ops/kinds.ts";
import { messagePost } from "../ops/message.ts";
import type { Folded, LogReader, StoredOp, View } from "../replica/ports.ts";
import { Statements } from "./statements.ts";
import { type DumpRow, dumpTable, dumpTables } from "./view-dump.ts";
import { SqliteFoldView } from "./view-fold.ts";
import { KINDS_KNOWN, KINDS_PASSED, kindsText, PassedKinds, unfitKinds } from "./view-kinds.ts";
import { textOf } from "./view-messages.ts";
import { ViewReads } from "./view-read.ts";
import { ViewRows } from "./view-rows.ts";
import { createViewTables, VIEW_APPLICATION_ID, VIEW_VERSION } from "./view-schema.ts";
import { breakSeal, sealPath, sealView, structureHolds } from "./view-seal.ts";
import { createSearchTables, SearchIndex } from "./view-search.ts";

const DISTRUSTED_OPS = 20_000;
/** Up to this size the structure of a larger one is checked. */
const STRUCTURE_BYTES_MAX = 64 * 1024 * 1024;
/** Pages that many ops change are written once a batch; of the ops themselves few are in memory at once. */
const REBUILD_BATCH_OPS = 5_000;
const REBUILD_READ_OPS = 500;
const SCAN_MESSAGES = 2_000;
const NO_ROOM_RETRY_MS = 5_000;

export type ViewOptions = {
  /** A view left by a crash is made anew if it holds no more ops than this: about a second's work. */
  readonly distrustedOps?: number;
  /** Path of view.db, or `:memory:`. */
  readonly path: string;
  readonly hash: Hash;
  readonly log: LogReader & { readonly storeId: string };
};

export class SqliteView extends ViewReads implements View {
  private readonly db: Database;
  private readonly folder: SqliteFoldView;
  private readonly options: ViewOptions;
  private folded = 0;
  private high: Stamp = STAMP_ZERO;
  private passed = new PassedKinds();

  private constructor(options: ViewOptions, db: Database) {
    const { path } = options;
    // In memory there is no file to lock.
    const atEndOfTurn = path === ":memory:" ? null : setImmediate;
    const sql = new Statements(db, () => SqliteView.discard(path), atEndOfTurn);
    const rows = new ViewRows(sql);
    const readOp = (n: number) => options.log.op(n);
    const erased = (op: Op) => this.folder.authorErasedBy(op.author) !== undefined;
    const search = new SearchIndex(rows.sql, readOp, textOf, erased);
    super(options.hash, rows, search, readOp);
    this.db = db;
    this.options = options;
    this.folder = new SqliteFoldView(options.hash, rows, search, readOp);
    this.load();
    if (this.meta(KINDS_KNOWN) !== kindsText(KINDS)) {
      this.transaction(() => this.setMeta(KINDS_KNOWN, kindsText(KINDS)));
    }
  }

  /**
   * Opens the view, or makes an empty one where there is none that fits the log. It is behind the log until
   * {@link catchUp} is done.
   */
  static open(options: ViewOptions): { view: SqliteView; rebuilt: string | null } {
    const reason = options.path === ":memory:" ? null : SqliteView.unusable(options);
    if (reason !== null) removeView(options.path);
    try {
      return { view: new SqliteView(options, openDatabase(options)), rebuilt: reason };
    } catch (error) {
      if (options.path === ":memory:") throw error;
      removeView(options.path);
      const why = `it could not be read (${(error as Error).message})`;
      return { view: new SqliteView(options, openDatabase(options)), rebuilt: why };
    }
  }

  /** Why a view on disk cannot be used, or null when there is none or it can. */
  private static unusable(options: ViewOptions): string | null {
    const { path, log, hash } = options;
    if (!existsSync(path)) {
      removeView(path); // a write-ahead log without its database belongs to nothing
      return log.lastN === 0 ? null : "it is missing";
    }
    let db: Database | null = null;
    try {
      const seal = breakSeal(path);
      if (seal === "damaged") return "it is not what was closed";
      db = new Database(path, { readwrite: true, create: false });
      const pragma = (name: string) =>
        Object.values(db?.query(`PRAGMA ${name}`).get() as Record<string, number>)[0];
      if (pragma("application_id") !== VIEW_APPLICATION_ID) return "it is not a view";
      const version = pragma("user_version");
      if (version !== VIEW_VERSION) return `it has version ${version}, not ${VIEW_VERSION}`;
      const meta = new Map(
        (db.query("SELECT key, value FROM meta").all() as { key: string; value: string }[]).map(
          ({ key, value }) => [key, value],
        ),
      );
      if (meta.get("store") !== log.storeId) return "it belongs to another store";
      const folded = Number(meta.get("folded"));
      if (!(folded <= log.lastN)) return "it is ahead of the log";
      if (folded > 0 && meta.get("folded-op") !== opMark(hash, log.op(folded))) {
        return "it was folded from other ops";
      }
      const unfit = unfitKinds(db, KINDS);
      if (unfit !== null) return unfit;
      return seal === null ? doubt(db, options, folded) : null;
    } catch (error) {
      return `it could not be read (${(error as Error).message})`;
    } finally {
      db?.close();
    }
  }

  /** Takes a view off the disk; the next to open makes it anew. */
  static discard(path: string): void {
    if (path !== ":memory:") removeView(path);
  }

  private load(): void {
    this.folded = Number(this.meta("folded") ?? 0);
    const [ms, counter] = (this.meta("stamp") ?? "0 0").split(" ").map(Number) as [number, number];
    this.high = { ms, counter };
    this.passed = new PassedKinds(this.meta(KINDS_PASSED));
    this.searchIndex.load();
  }

  private meta(key: string): string | undefined {
    return this.rows.sql.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
  }

  private setMeta(key: string, value: string): void {
    const set = `INSERT INTO meta (key, value) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET value = excluded.value`;
    this.rows.sql.run(set, key, value);
  }

  get foldedN(): number {
    return this.folded;
  }

  get highStamp(): Stamp {
    return this.high;
  }

  private transaction<T>(work: () => T): T {
    const { sql } = this.rows;
    sql.begin();
    try {
      const result = work();
      sql.commit();
      return result;
    } catch (error) {
      sql.rollback();
      this.rows.forget();
      this.folder.forget();
      this.load();
      throw error;
    }
  }

  fold(ops: readonly StoredOp[]): Folded[] {
    return this.transaction(() => this.foldSome(ops));
  }

  private foldSome(ops: readonly StoredOp[]): Folded[] {
    this.rows.justPosted.clear();
    const folded = ops.map((stored) => this.foldOne(stored));
    const last = ops.at(-1);
    if (last === undefined) return folded;
    this.setMeta("folded", String(last.n));
    this.setMeta("folded-op", opMark(this.options.hash, last.op));
    this.setMeta("stamp", `${this.high.ms} ${this.high.counter}`);
    while (this.folded - this.searchIndex.indexedN > SEARCH_LAG_OPS_MAX) {
      this.searchIndex.indexBatch(this.folded);
    }
    return folded;
  }

  private foldOne({ n, op }: StoredOp): Folded {
    if (n !== this.folded + 1) {
      throw new Error(`the fold is at op ${this.folded} and was given op ${n}`);
    }
    this.folded = n;
    this.high = laterStamp(this.high, op.stamp);
    const passed = KINDS.has(op.kind) ? null : this.passed.add(op.kind);
    if (passed !== null) this.setMeta(KINDS_PASSED, passed);
    this.folder.begin(n);
    const subjects = foldOp(this.folder, n, op);
    const isCounting = subjects.length > 0;
    for (const subject of isCounting ? subjects : subjectsOf(this.options.hash, n, op)) {
      // Found by its place, or entered as late.
      if (isCounting && op.kind === messagePost.number && subject.table === "message") continue;
      for (const scope of feedScopes(subject, op)) {
        this.folder.addToFeed(this.rows.feedScope(scope, true) as number, n);
      }
    }
    return { n, op, subjects };
  }

  /** Folds a slice of what the log holds and the view lacks. True if more is left. */
  catchUp(): boolean {
    const { log } = this.options;
    const toN = Math.min(log.lastN, this.folded + REBUILD_BATCH_OPS);
    if (this.folded === toN) return false;
    this.transaction(() => {
      while (this.folded < toN) {
        this.foldSome(log.ops(this.folded + 1, Math.min(REBUILD_READ_OPS, toN - this.folded)));
      }
    });
    return this.folded < log.lastN;
  }

  tidy(): boolean {
    return this.transaction(() => {
      const moreToIndex = this.searchIndex.indexBatch(this.folded);
      const moreToScan = this.scanErasedAuthor();
      return moreToIndex || moreToScan;
    });
  }

  /** Looks through a slice of all messages for those of an author who had everything erased. */
  private scanErasedAuthor(): boolean {
    const { sql } = this.rows;
    const job = sql.get<{ account: AccountId; by: number; scanned: number }>(
      "SELECT account, by, scanned FROM erased_authors WHERE scanned >= 0 LIMIT 1",
    );
    if (job === null) return false;
    const rows = sql.all<{ n: number; author: number }>(
      "SELECT n, author FROM messages WHERE n > ? ORDER BY n LIMIT ?",
      job.scanned,
      SCAN_MESSAGES,
    );
    const author = this.rows.accountRow(job.account);
    for (const row of rows) {
      if (row.author === author) this.eraseMessage(row.n, job.by);
    }
    const last = rows.at(-1);
    const done = rows.length < SCAN_MESSAGES || last === undefined;
    // What is folded later finds the author erased by itself: see the fold.
    if (done) this.eraseAmends(job.account, job.by);
    sql.run(
      "UPDATE erased_authors SET scanned = ? WHERE account = ?",
      done ? -1 : last.n,
      job.account,
    );
    return true;
  }

  private eraseMessage(n: number, by: number): void {
    this.folder.setPostText(n, null);
    this.folder.erase(n, by);
  }

  /** Edits, also of messages that never came, and posts that do not count. */
  private eraseAmends(author: AccountId, by: number): void {
    for (const key of this.folder.ownedSubjects("message", author)) {
      for (const n of this.folder.amendsOf(key as MessageId)) {
        if (this.op(n).bodyHash !== null) this.folder.erase(n, by);
      }
    }
  }

  pendingErasures(limit = ERASE_BATCH_OPS): { n: number; by: number }[] {
    const sql = "SELECT n, by FROM erasures ORDER BY n LIMIT ?";
    return this.rows.sql.all<{ n: number; by: number }>(sql, limit);
  }

  erasuresDone(ns: readonly number[]): void {
    this.transaction(() => {
      for (const n of ns) this.rows.sql.run("DELETE FROM erasures WHERE n = ?", n);
    });
  }

  get needsCleaning(): boolean {
    return this.searchIndex.needsRewrite;
  }

  /** One slice of rewriting the search index after erasures. True if more is left. */
  clean(): boolean {
    return this.transaction(() => this.searchIndex.rewriteStep());
  }

  override search(...args: Parameters<ViewReads["search"]>) {
    if (this.searchIndex.indexedN < this.folded) this.indexAll();
    return super.search(...args);
  }

  /** Throws Refusal where the disk has no room for it: a search that leaves out the newest would mislead. */
  private indexAll(): void {
    try {
      this.transaction(() => {
        while (this.searchIndex.indexBatch(this.folded));
      });
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
      const what = "the disk has no room to index the newest messages: search again later";
      throw new Refusal("unavailable", what, NO_ROOM_RETRY_MS);
    }
  }

  dump(): Iterable<string> {
    return dumpTables(this.rows.sql, (...page) => this.history(...page));
  }

  /** The rows of one table of the dump that come after a key. */
  rowsOf(table: LogicalTable, after: RowKey | null): Iterable<DumpRow> {
    return dumpTable(this.rows.sql, (...page) => this.history(...page), table, after);
  }

  close(): void {
    this.rows.sql.close();
    this.db.close();
    if (this.options.path !== ":memory:") sealView(this.options.path);
  }
}

/** Why a view that was not closed in order is better made anew; null where that would take too long. */
function doubt(db: Database, options: ViewOptions, folded: number): string | null {
  const { path, distrustedOps = DISTRUSTED_OPS } = options;
  if (folded <= distrustedOps) return "it was not closed in order";
  if (statSync(path).size > STRUCTURE_BYTES_MAX) return null;
  return structureHolds(db) ? null : "it is damaged";
}

/** Tells whether the view was folded from the op that the log has under this number. */
function opMark(hash: Hash, op: Op): string {
  return Buffer.from(hash.sha256(op.bytes)).toString("base64url");
}

function openDatabase({ path, log }: ViewOptions): Database {
  const db = new Database(path, { readwrite: true, create: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run("PRAGMA secure_delete = ON");
  db.run("PRAGMA wal_autocheckpoint = 0"); // the log's worker does it: this thread never syncs
  db.run("PRAGMA cache_size = -65536");
  db.run("PRAGMA busy_timeout = 5000");
  const { user_version: version } = db.query("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version === VIEW_VERSION) return db;
  db.run("BEGIN IMMEDIATE");
  createViewTables(db);
  const sql = new Statements(db);
  createSearchTables(sql);
  sql.run("INSERT INTO meta (key, value) VALUES ('store', ?)", log.storeId);
  sql.run("INSERT INTO meta (key, value) VALUES ('folded', '0')");
  sql.run("INSERT INTO meta (key, value) VALUES (?, ?)", KINDS_KNOWN, kindsText(KINDS));
  sql.close();
  db.run(`PRAGMA application_id = ${VIEW_APPLICATION_ID}`);
  db.run(`PRAGMA user_version = ${VIEW_VERSION}`);
  db.run("COMMIT");
  return db;
}

function removeView(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`, sealPath(path)])
    rmSync(file, { force: true });
}
