/**
 * Digests of a view by table and range, so that servers can be compared and the first difference has a name.
 *
 * Problem: whether several servers show the same must be known without stopping them, without holding the
 * event loop, and without keeping a snapshot open for so long that erased words could not leave the files.
 * Approach: a range of rows is read under one short snapshot of view and log; it is answered with the number of
 * its rows, the sum of their hashes, where it ended, and of which vector it is. Sums of neighbouring ranges add
 * up, so a whole table has one digest whatever it was cut into; who compares asks for a large range first and
 * for the keys of a small one where two sums differ. Rejected: a tree of hashes kept with the fold (costs every
 * write, and tells of what was folded, not of what stands on the disk); one snapshot of everything (minutes).
 */
import type { Database } from "bun:sqlite";
import { utf8 } from "../core/bytes.ts";
import { DIGEST_KEYS_MAX, DIGEST_ROWS_MAX } from "../core/limits.ts";
import { addShares, digestShare } from "../core/vector.ts";
import {
  LOGICAL_TABLES,
  type LogicalTable,
  type RangeAsk,
  type RangeDigest,
  type RowKey,
} from "../core/view-range.ts";
import { StorageError } from "./failure.ts";
import { openReader } from "./log-file.ts";
import { sha256 } from "./log-hash.ts";
import { RowReader } from "./log-rows.ts";
import { Statements } from "./statements.ts";
import { type OriginRow, readOrigins } from "./verify-rows.ts";
import { dumpLine, dumpTable, keyLength } from "./view-dump.ts";
import { MessageReads, textOf } from "./view-messages.ts";
import { ViewRows } from "./view-rows.ts";
import { VIEW_VERSION } from "./view-schema.ts";
import { SearchIndex } from "./view-search.ts";

/** Sums of row hashes: 128 bits, in two halves that each wrap around. */
export class RowSum {
  rows = 0;
  private high = 0n;
  private low = 0n;

  /** The row's own hash. */
  add(line: string): string {
    const bytes = sha256.sha256(utf8(line));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    this.high = addShares(this.high, view.getBigUint64(0));
    this.low = addShares(this.low, view.getBigUint64(8));
    this.rows++;
    return hex(view.getBigUint64(0));
  }

  addDigest(rows: number, digest: string): void {
    this.rows += rows;
    this.high = addShares(this.high, BigInt(`0x${digest.slice(0, 16)}`));
    this.low = addShares(this.low, BigInt(`0x${digest.slice(16)}`));
  }

  get digest(): string {
    return hex(this.high) + hex(this.low);
  }
}

const hex = (value: bigint) => value.toString(16).padStart(16, "0");

export type Paths = { readonly viewPath: string; readonly logPath: string };

/** Reads beside the server's own connections; blocks, so not on the event loop. Throws StorageError. */
export function digestRange({ viewPath, logPath }: Paths, ask: RangeAsk): RangeDigest {
  const view = openReader(viewPath);
  const log = openReader(logPath);
  try {
    view.run("BEGIN");
    const ops = foldedN(view); // takes the snapshot; that of the log comes after it, and holds as much
    log.run("BEGIN");
    return new Snapshot(view, log).range(ask, ops);
  } finally {
    view.close();
    log.close();
  }
}

export function foldedN(view: Database): number {
  const { user_version: version } = view.query("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version !== VIEW_VERSION) throw new StorageError("damaged", "the view is of another version");
  const row = view
    .query<{ value: string }, []>("SELECT value FROM meta WHERE key = 'folded'")
    .get();
  return Number(row?.value ?? 0);
}

/** View and log of one store as they are at one moment, to be read as the server reads them. */
export class Snapshot {
  private readonly log: Database;
  private readonly origins: ReadonlyMap<number, OriginRow>;
  private readonly sql: Statements;
  private readonly ops: RowReader;
  private readonly messages: MessageReads;

  constructor(view: Database, log: Database) {
    this.log = log;
    this.origins = readOrigins(log);
    this.ops = new RowReader(log, (o) => this.origins.get(o));
    this.sql = new Statements(view);
    const readOp = (n: number) => this.ops.op(n);
    const index = new SearchIndex(this.sql, readOp, textOf, () => false); // nothing is searched for
    this.messages = new MessageReads(sha256, new ViewRows(this.sql), index, readOp);
  }

  rows(table: LogicalTable, after: RowKey | null) {
    return dumpTable(this.sql, (...page) => this.messages.history(...page), table, after);
  }

  range(ask: RangeAsk, ops: number): RangeDigest {
    const { after, upTo } = ask;
    const table = ask.table as LogicalTable;
    const most = Math.min(ask.rowsMax, ask.keys ? DIGEST_KEYS_MAX : DIGEST_ROWS_MAX);
    const sum = new RowSum();
    const keys: [RowKey, string][] = [];
    let last: RowKey | null = null;
    let end: RowKey | null = null;
    for (const row of this.rows(table, after)) {
      const { key } = row;
      if (upTo !== null && compareKeys(key, upTo) > 0) break;
      if (sum.rows === most) {
        end = last;
        break;
      }
      last = key;
      const hash = sum.add(dumpLine(table, row));
      if (ask.keys) keys.push([key, hash]);
    }
    const vector = this.vectorAt(ops);
    this.close();
    const found = { rows: sum.rows, digest: sum.digest, end, vector, ops };
    return ask.keys ? { ...found, keys } : found;
  }

  /** Lets go of its statements, not of the databases. */
  close(): void {
    this.sql.close();
    this.ops.close();
  }

  /** The vector of the first so many ops, which the log may have gone past. */
  vectorAt(ops: number): string {
    type Later = { o: number; seq: number };
    const later = new Map(
      this.log
        .query<Later, [number]>("SELECT o, min(seq) AS seq FROM ops WHERE n > ? GROUP BY o")
        .all(ops)
        .map(({ o, seq }) => [o, seq - 1]),
    );
    let total = 0n;
    for (const head of this.origins.values()) {
      const seq = later.get(head.o) ?? head.seq;
      if (seq === (head.base?.seq ?? 0)) continue; // not begun yet
      const chain = seq === head.seq ? head.chain : this.ops.chainAt(head.o, seq);
      if (chain === null) return "";
      total = addShares(total, digestShare(sha256, head.origin, { seq, chain }));
    }
    return hex(total);
  }
}

/** In the order in which SQLite has them: by bytes. */
export function compareKeys(a: RowKey, b: RowKey): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as string, b[i] as string];
    if (x !== y) return Buffer.compare(utf8(x), utf8(y));
  }
  return 0;
}

/** Whether an ask of another server can be carried out. */
export function isRangeAsk({ table, after, upTo, rowsMax }: RangeAsk): boolean {
  const known = LOGICAL_TABLES.find((name) => name === table);
  if (known === undefined || rowsMax < 1) return false;
  return [after, upTo].every((key) => key === null || key.length === keyLength(known));
}
