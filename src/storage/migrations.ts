/**
 * The log's format on disk, as an append-only list: a store of version v gets the functions from index v on,
 * in one transaction. A released one is never changed, reordered or removed.
 *
 * Why these tables: `ops` is the truth and everything else follows from it; `origins` is the version vector,
 * changed in the same transactions, so that neither start nor heartbeat has to scan; `branches` says of a branch
 * of an incarnation where it begins; `ops_unproven` finds the few ops of which it is yet to be said who erased them;
 * `holes` is no longer written. Rejected: WITHOUT ROWID by (origin, seq)
 * (arrival order is what the fold reads, and rows of 300 bytes make poor index entries); a table of chain
 * hashes (16 bytes an op for something that 64 hashes recompute in 20 us).
 */
import type { Database } from "bun:sqlite";

/** "HFlg": tells a log from any other SQLite file. */
export const LOG_APPLICATION_ID = 0x48466c67;

/** `erased_by` of an op that came without its body: who erased it will be told by `erase`. */
export const ERASED_ELSEWHERE = -1;
/** `erased_by` of an op whose body was damaged and given up. */
export const BODY_LOST = 0;

export type Migration = { readonly name: string; readonly apply: (db: Database) => void };

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "ops, origins, holes",
    apply(db) {
      db.run("CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID");
      db.run(`CREATE TABLE origins(
        o INTEGER PRIMARY KEY,
        origin TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL,   -- of its newest op here
        chain BLOB NOT NULL     -- hash up to that op
      ) STRICT`);
      db.run(`CREATE TABLE ops(
        n INTEGER PRIMARY KEY,  -- order of arrival, 1, 2, 3, ...
        o INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        crc INTEGER NOT NULL,   -- rowCheck over envelope and erased_by
        envelope BLOB NOT NULL, -- original bytes
        body BLOB,              -- salt and text; NULL for none, or gone
        chain BLOB,             -- where seq is a multiple of CHAIN_MARK_EVERY
        erased_by INTEGER       -- arrival number of the erasing op; 0 lost, -1 came without body
      ) STRICT`);
      db.run("CREATE UNIQUE INDEX ops_by_origin ON ops(o, seq)");
      db.run(
        "CREATE TABLE holes(o INTEGER, seq INTEGER, PRIMARY KEY(o, seq)) STRICT, WITHOUT ROWID",
      );
    },
  },
  {
    name: "branches",
    apply(db) {
      db.run(`CREATE TABLE branches(
        o INTEGER PRIMARY KEY,
        seq INTEGER NOT NULL,   -- before its first op
        chain BLOB NOT NULL     -- hash up to there
      ) STRICT`);
    },
  },
  {
    name: "ops whose erasing op is not known",
    apply(db) {
      db.run(`CREATE INDEX ops_unproven ON ops(n) WHERE erased_by = ${ERASED_ELSEWHERE}`);
    },
  },
];

/** `user_version` of the logs that this release writes. */
export const LOG_FORMAT = MIGRATIONS.length;
