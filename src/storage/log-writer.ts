/**
 * Commits: batches of ops into the log in one transaction with one fsync, then the head file.
 *
 * Everything that follows from an op is written with it: its row, its chain mark, its origin's head. The
 * chain hash is computed here, off the event loop. Blocks; lives in the log's worker.
 */
import type { Database, Statement } from "bun:sqlite";
import { assert } from "../core/assert.ts";
import { CHAIN_MARK_EVERY } from "../core/limits.ts";
import { CHAIN_START, chainHash, decodeEnvelope } from "../core/op.ts";
import { HEAD_ORIGINS_MAX, HeadFile, type LogHead, type OriginHead } from "./head.ts";
import { decodeBatch, type RawOp } from "./log-batch.ts";
import { type LogMeta, openWriter, truncateWal, WAL_PAGES_MAX } from "./log-file.ts";
import { rowCheck, sha256 } from "./log-hash.ts";
import type { Erasure, NewHead } from "./log-messages.ts";
import { ERASED_ELSEWHERE, LOG_FORMAT } from "./migrations.ts";

type Origin = { readonly o: number; readonly origin: string; seq: number; chain: Uint8Array };

type OpRow = [
  n: number,
  o: number,
  seq: number,
  crc: number,
  envelope: Uint8Array,
  body: Uint8Array | null,
  chain: Uint8Array | null,
  erasedBy: number | null,
];

export class LogWriter {
  readonly db: Database;
  private readonly head: HeadFile;
  private readonly meta: LogMeta;
  private readonly origins = new Map<number, Origin>();
  /** Those that got an op last come last. */
  private readonly recent = new Set<Origin>();
  private readonly insertOp: Statement<unknown, OpRow>;
  private readonly putOrigin: Statement<unknown, [number, string, number, Uint8Array]>;
  private lastN: number;

  constructor(logPath: string, headPath: string, meta: LogMeta) {
    this.db = openWriter(logPath);
    this.meta = meta;
    this.insertOp = this.db.prepare(
      `INSERT INTO ops(n, o, seq, crc, envelope, body, chain, erased_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.putOrigin = this.db.prepare(
      `INSERT INTO origins(o, origin, seq, chain) VALUES (?, ?, ?, ?)
       ON CONFLICT(o) DO UPDATE SET seq = excluded.seq, chain = excluded.chain`,
    );
    for (const row of this.db
      .query<Origin, []>("SELECT o, origin, seq, chain FROM origins")
      .all()) {
      this.origins.set(row.o, row);
    }
    this.lastN = this.db
      .query<{ n: number }, []>("SELECT ifnull(max(n), 0) AS n FROM ops")
      .get()!.n;
    for (const row of this.lastTouched()) this.recent.add(this.origins.get(row.o)!);
    this.head = new HeadFile(headPath);
  }

  private lastTouched(): { o: number }[] {
    return this.db
      .query<{ o: number; top: number }, [number]>(
        `SELECT o, max(n) AS top FROM (SELECT n, o FROM ops ORDER BY n DESC LIMIT ?) GROUP BY o
         ORDER BY top`,
      )
      .all(1_000)
      .slice(-HEAD_ORIGINS_MAX);
  }

  private store(op: RawOp, touched: Set<Origin>): void {
    let origin = this.origins.get(op.o);
    if (origin === undefined) {
      origin = { o: op.o, origin: decodeEnvelope(op.envelope).origin, seq: 0, chain: CHAIN_START };
      this.origins.set(op.o, origin);
    }
    assert(op.seq === origin.seq + 1, "ops of an origin are stored without gaps");
    origin.seq = op.seq;
    origin.chain = chainHash(sha256, origin.chain, op.envelope);
    touched.add(origin);
    const mark = op.seq % CHAIN_MARK_EVERY === 0 ? origin.chain : null;
    const bodyless = op.body === null && decodeEnvelope(op.envelope).bodyHash !== null;
    const erasedBy = bodyless ? ERASED_ELSEWHERE : null;
    const crc = rowCheck(op.envelope, erasedBy);
    this.lastN++;
    this.insertOp.run(this.lastN, op.o, op.seq, crc, op.envelope, op.body, mark, erasedBy);
  }

  /**
   * One transaction, one fsync. After an error the writer must not be used again: what it has in memory is
   * ahead of the disk.
   */
  commit(batches: readonly ArrayBuffer[], hooks: { before(): void; after(): void }) {
    const touched = new Set<Origin>();
    let count = 0;
    this.db.run("BEGIN IMMEDIATE");
    for (const batch of batches) {
      for (const op of decodeBatch(batch)) {
        this.store(op, touched);
        count++;
      }
    }
    for (const { o, origin, seq, chain } of touched) this.putOrigin.run(o, origin, seq, chain);
    hooks.before();
    this.db.run("COMMIT");
    hooks.after();
    for (const origin of touched) {
      this.recent.delete(origin);
      this.recent.add(origin);
    }
    for (const origin of this.recent) {
      if (this.recent.size <= HEAD_ORIGINS_MAX) break;
      this.recent.delete(origin);
    }
    this.head.write(this.currentHead());
    const heads: NewHead[] = [];
    for (const { o, seq, chain } of touched) heads.push({ o, seq, chain });
    return { count, heads };
  }

  private currentHead(): LogHead {
    const origins: OriginHead[] = [...this.recent].reverse();
    return { format: LOG_FORMAT, ...this.meta, n: this.lastN, origins };
  }

  /** Removes bodies, in one transaction. They are off the disk once {@link truncate} has succeeded. */
  erase(items: readonly Erasure[]): void {
    const read = this.db.query<{ envelope: Uint8Array }, [number]>(
      "SELECT envelope FROM ops WHERE n = ?",
    );
    const remove = this.db.query("UPDATE ops SET body = NULL, erased_by = ?, crc = ? WHERE n = ?");
    this.db.transaction(() => {
      for (const { n, by } of items) {
        const row = read.get(n);
        assert(row !== null, "an op whose body is erased exists");
        remove.run(by, rowCheck(row.envelope, by), n);
      }
    })();
  }

  /** Empties the WAL; false while a reader is in the way. */
  truncate(): boolean {
    return truncateWal(this.db);
  }

  /** Moves the WAL into the database when it has grown past its bound. */
  checkpointIfDue(): void {
    checkpointIfDue(this.db);
  }

  syncHead(): void {
    this.head.sync();
  }

  close(): void {
    this.insertOp.finalize();
    this.putOrigin.finalize();
    this.db.close();
    this.head.close(this.currentHead());
  }
}

/** Checkpoints what no reader needs, if there is more of it than {@link WAL_PAGES_MAX}. */
export function checkpointIfDue(db: Database): void {
  type State = { log: number; checkpointed: number };
  const state = db.query<State, []>("PRAGMA wal_checkpoint(NOOP)").get();
  if (state !== null && state.log - state.checkpointed > WAL_PAGES_MAX) {
    db.query("PRAGMA wal_checkpoint(PASSIVE)").get();
  }
}
