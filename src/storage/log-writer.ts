/**
 * Commits: batches of ops into the log in one transaction with one fsync, then the head file.
 *
 * Everything that follows from an op is written with it: its row, its chain mark, its origin's head. The
 * chain hash is computed here, off the event loop. Blocks; lives in the log's worker.
 *
 * A disk without room is no failed sync: SQLite says so when a write is refused, which is before it syncs,
 * and takes the transaction back. So does this writer with what it has in memory, and says NoRoom. Rejected:
 * ending the process (whoever fills the disk for a moment would stop the chat).
 */
import type { Database, Statement } from "bun:sqlite";
import { assert } from "../core/assert.ts";
import { NoRoom } from "../core/errors.ts";
import { CHAIN_MARK_EVERY } from "../core/limits.ts";
import { CHAIN_START, chainHash, decodeEnvelope } from "../core/op.ts";
import { isNoRoom } from "./failure.ts";
import { HEAD_ORIGINS_MAX, HeadFile, type LogHead, type OriginHead } from "./head.ts";
import { decodeBatch, type RawOp } from "./log-batch.ts";
import { hasRoomForWal, type LogMeta, openWriter, truncateWal, WAL_PAGES_MAX } from "./log-file.ts";
import { rowCheck, sha256 } from "./log-hash.ts";
import type { Erasure, NewBranch, NewHead, SplitOrder } from "./log-messages.ts";
import { ERASED_ELSEWHERE, LOG_FORMAT } from "./migrations.ts";

type OriginTop = { seq: number; chain: Uint8Array };
type Origin = OriginTop & {
  readonly o: number;
  readonly origin: string;
  /** A branch whose beginning is not stored yet. */
  begins: OriginTop | null;
};
/** Origins that a transaction changes, with what they were before it. */
type Touched = Map<Origin, OriginTop>;

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
  private readonly path: string;
  private readonly head: HeadFile;
  private readonly meta: LogMeta;
  private readonly origins = new Map<number, Origin>();
  /** Those that got an op last come last. */
  private readonly recent = new Set<Origin>();
  private readonly insertOp: Statement<unknown, OpRow>;
  private readonly putOrigin: Statement<unknown, [number, string, number, Uint8Array]>;
  private readonly putBranch: Statement<unknown, [number, number, Uint8Array]>;
  private lastN: number;

  constructor(logPath: string, headPath: string, meta: LogMeta) {
    this.db = openWriter(logPath);
    this.path = logPath;
    this.meta = meta;
    this.insertOp = this.db.prepare(
      `INSERT INTO ops(n, o, seq, crc, envelope, body, chain, erased_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.putOrigin = this.db.prepare(
      `INSERT INTO origins(o, origin, seq, chain) VALUES (?, ?, ?, ?)
       ON CONFLICT(o) DO UPDATE SET seq = excluded.seq, chain = excluded.chain`,
    );
    this.putBranch = this.db.prepare("INSERT INTO branches(o, seq, chain) VALUES (?, ?, ?)");
    for (const row of this.db
      .query<Omit<Origin, "begins">, []>("SELECT o, origin, seq, chain FROM origins")
      .all()) {
      this.origins.set(row.o, { ...row, begins: null });
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

  private store(op: RawOp, touched: Touched): void {
    let origin = this.origins.get(op.o);
    if (origin === undefined) {
      const name = decodeEnvelope(op.envelope).origin;
      origin = { o: op.o, origin: name, seq: 0, chain: CHAIN_START, begins: null };
      this.origins.set(op.o, origin);
    }
    assert(op.seq === origin.seq + 1, "ops of an origin are stored without gaps");
    if (!touched.has(origin)) touched.set(origin, { seq: origin.seq, chain: origin.chain });
    origin.seq = op.seq;
    origin.chain = chainHash(sha256, origin.chain, op.envelope);
    const mark = op.seq % CHAIN_MARK_EVERY === 0 ? origin.chain : null;
    const bodyless = op.body === null && decodeEnvelope(op.envelope).bodyHash !== null;
    const erasedBy = bodyless ? ERASED_ELSEWHERE : null;
    const crc = rowCheck(op.envelope, erasedBy);
    this.lastN++;
    this.insertOp.run(this.lastN, op.o, op.seq, crc, op.envelope, op.body, mark, erasedBy);
  }

  /**
   * One transaction, one fsync. Throws NoRoom where the disk has none: nothing of it was stored then, and the
   * same batches can be given again. After any other error the writer must not be used again: what it has in
   * memory is ahead of the disk.
   */
  commit(batches: readonly ArrayBuffer[], hooks: { before(): void; after(): void }) {
    const touched: Touched = new Map();
    const fromN = this.lastN;
    try {
      this.db.run("BEGIN IMMEDIATE");
      for (const batch of batches) {
        for (const op of decodeBatch(batch)) this.store(op, touched);
      }
      for (const { o, origin, seq, chain, begins } of touched.keys()) {
        this.putOrigin.run(o, origin, seq, chain);
        if (begins !== null) this.putBranch.run(o, begins.seq, begins.chain);
      }
      hooks.before();
      this.db.run("COMMIT");
    } catch (cause) {
      if (!isNoRoom(cause)) throw cause;
      this.takeBack(touched, fromN);
      throw noRoom();
    }
    for (const origin of touched.keys()) origin.begins = null;
    hooks.after();
    return { count: this.lastN - fromN, heads: this.noteHead(touched) };
  }

  /** After a transaction that found no room: what is in memory is what the disk has again. */
  private takeBack(touched: Touched, lastN: number): void {
    if (this.db.inTransaction) this.db.run("ROLLBACK");
    for (const [origin, before] of touched) Object.assign(origin, before);
    this.lastN = lastN;
  }

  private noteHead(touched: Touched): NewHead[] {
    for (const origin of touched.keys()) {
      this.recent.delete(origin);
      this.recent.add(origin);
    }
    for (const origin of this.recent) {
      if (this.recent.size <= HEAD_ORIGINS_MAX) break;
      this.recent.delete(origin);
    }
    this.head.write(this.currentHead());
    return [...touched.keys()].map(({ o, seq, chain }) => ({ o, seq, chain }));
  }

  /** A branch begins; stored with its first op. */
  begin({ o, origin, seq, chain }: NewBranch): void {
    this.origins.set(o, { o, origin, seq, chain, begins: { seq, chain } });
  }

  /**
   * Gives the ops of an origin after a seq to a branch, in one transaction. The head file names neither while
   * that is under way: it must not ask for ops under a name that they no longer have.
   */
  split({ o, to }: SplitOrder): void {
    const from = this.origins.get(o);
    assert(from !== undefined, "an origin that is split exists");
    this.recent.delete(from);
    this.head.write(this.currentHead());
    this.head.sync();
    const { seq, chain } = from;
    const branch: Origin = { ...from, o: to.o, origin: to.origin, begins: null };
    const move = this.db.transaction(() => {
      this.db.query("UPDATE ops SET o = ? WHERE o = ? AND seq > ?").run(to.o, o, to.seq);
      this.putOrigin.run(to.o, to.origin, seq, chain);
      this.putBranch.run(to.o, to.seq, to.chain);
      const left = this.db.query("SELECT 1 FROM ops WHERE o = ? LIMIT 1").get(o) !== null;
      if (left) this.putOrigin.run(o, from.origin, to.seq, to.chain);
      else this.db.query("DELETE FROM origins WHERE o = ?").run(o);
    });
    inRoom(move);
    from.seq = to.seq;
    from.chain = to.chain;
    this.origins.set(to.o, branch);
    this.recent.add(branch);
    this.head.write(this.currentHead());
  }

  private currentHead(): LogHead {
    const origins: OriginHead[] = [...this.recent].reverse();
    return { format: LOG_FORMAT, ...this.meta, n: this.lastN, origins };
  }

  /**
   * Removes bodies, in one transaction. They are off the disk once {@link truncate} has succeeded. Throws
   * NoRoom as {@link commit} does.
   */
  erase(items: readonly Erasure[]): void {
    const read = this.db.query<{ envelope: Uint8Array }, [number]>(
      "SELECT envelope FROM ops WHERE n = ?",
    );
    const remove = this.db.query("UPDATE ops SET body = NULL, erased_by = ?, crc = ? WHERE n = ?");
    const all = this.db.transaction(() => {
      for (const { n, by } of items) {
        const row = read.get(n);
        assert(row !== null, "an op whose body is erased exists");
        remove.run(by, rowCheck(row.envelope, by), n);
      }
    });
    inRoom(all);
  }

  /** Empties the WAL; false while a reader is in the way. Throws NoRoom: then it is as it was. */
  truncate(): boolean {
    if (!hasRoomForWal(this.db, this.path)) throw noRoom();
    return inRoom(() => truncateWal(this.db));
  }

  /**
   * Moves what no reader needs of the WAL into the database when there is more of it than
   * {@link WAL_PAGES_MAX}. Where there is no room, all of it stays in the WAL, as safe as before, for later.
   */
  checkpointIfDue(): void {
    type State = { log: number; checkpointed: number };
    const state = this.db.query<State, []>("PRAGMA wal_checkpoint(NOOP)").get();
    if (state === null || state.log - state.checkpointed <= WAL_PAGES_MAX) return;
    if (!hasRoomForWal(this.db, this.path)) return;
    try {
      this.db.query("PRAGMA wal_checkpoint(PASSIVE)").get();
    } catch (cause) {
      if (!isNoRoom(cause)) throw cause;
    }
  }

  syncHead(): void {
    this.head.sync();
  }

  close(): void {
    this.insertOp.finalize();
    this.putOrigin.finalize();
    this.putBranch.finalize();
    this.db.close();
    this.head.close(this.currentHead());
  }
}

function noRoom(): NoRoom {
  return new NoRoom("there is no room on the disk for the log");
}

function inRoom<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw isNoRoom(cause) ? noRoom() : cause;
  }
}
