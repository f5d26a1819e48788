/**
 * Is the log whole? Asked at every open, before anything is written.
 *
 * Problem: a file system may hand back flipped bits, less than was written, or an older state, and SQLite
 * itself takes a damaged WAL for the end of a crash: a server that went on with less than it acknowledged
 * would make the loss final. Approach: every op is checked by its own hashes, each origin by its chain, the
 * whole by the head file outside the log; SQLite's own check of its structure is run where the file is small.
 * A WAL left by SIGKILL is normal and needs no word. What is older than the newest `verifyOps` is checked in
 * the background and on every read. Rejected: everything before opening (10 million messages take a minute);
 * nothing (then a loss is found by the person who misses a message).
 */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { equalBytes } from "../core/bytes.ts";
import { isIncarnation } from "../core/ids.ts";
import { CHAIN_BYTES } from "../core/op.ts";
import { Findings, StorageError } from "./failure.ts";
import type { HeadReading, LogHead } from "./head.ts";
import { formatOf, type LogMeta, openUntouched, readHeader, readMeta } from "./log-file.ts";
import { RowReader } from "./log-rows.ts";
import { LOG_APPLICATION_ID, LOG_FORMAT, MIGRATIONS } from "./migrations.ts";
import { type OriginRow, RowVerifier, readOrigins } from "./verify-rows.ts";

/** The newest ops that an open verifies unless told otherwise. */
export const VERIFY_OPS = 100_000;
/** Up to this size SQLite's own check of the structure is part of it. */
export const STRUCTURE_BYTES_MAX = 64 * 1024 * 1024;
/** Rows between two turns of the event loop. */
const CHUNK_OPS = 2_000;

export type Verdict = {
  readonly findings: Findings;
  /** null if it can't be read. */
  readonly meta: LogMeta | null;
  readonly lastN: number;
  /** The oldest op that was verified; 1 for all of them. */
  readonly fromN: number;
};

export type VerifyOptions = {
  readonly logPath: string;
  readonly head: HeadReading;
  readonly verifyOps: number;
  readonly onProgress?: ((doneOps: number, totalOps: number) => void) | undefined;
};

/** Changes nothing. Only under the lock, while nobody has the log open. */
export async function verifyLog(options: VerifyOptions): Promise<Verdict> {
  const findings = new Findings();
  const { head, logPath } = options;
  if (head.state !== "valid") findings.add({ what: `head file ${head.state}` });
  const header = readHeader(logPath);
  if (header === null) {
    const there = statSync(logPath, { throwIfNoEntry: false }) !== undefined;
    findings.add({ what: there ? "log.db is no database" : "log.db is missing" });
    return { findings, meta: null, lastN: 0, fromN: 1 };
  }
  if (header.applicationId !== LOG_APPLICATION_ID || header.format > LOG_FORMAT) {
    findings.add({ what: "header of log.db damaged" });
  }
  let verdict: Verdict = { findings, meta: null, lastN: 0, fromN: 1 };
  let db: Database | null = null;
  try {
    db = openUntouched(logPath);
    verdict = await new LogVerifier(db, findings, options).run();
  } catch (cause) {
    // Whatever SQLite can't read is damage: permission was checked, and nobody else is there.
    findings.add({
      what: `log.db can't be read (${cause instanceof Error ? cause.message : cause})`,
    });
  } finally {
    db?.close();
  }
  return verdict;
}

class LogVerifier {
  private readonly db: Database;
  private readonly findings: Findings;
  private readonly options: VerifyOptions;

  constructor(db: Database, findings: Findings, options: VerifyOptions) {
    this.db = db;
    this.findings = findings;
    this.options = options;
  }

  async run(): Promise<Verdict> {
    const { findings, options } = this;
    this.checkSchema();
    const meta = readMeta(this.db);
    if (meta === null) findings.add({ what: "the log's identity is damaged" });
    const origins = this.checkOrigins();
    const lastN =
      this.db.query<{ n: number | null }, []>("SELECT max(n) AS n FROM ops").get()?.n ?? 0;
    const firstN =
      this.db.query<{ n: number | null }, []>("SELECT min(n) AS n FROM ops").get()?.n ?? 1;
    if (firstN !== 1) findings.add({ what: "the log does not start with its first op", n: firstN });
    const { head } = options;
    if (head.state === "valid") this.checkHead(head.head, meta, lastN, origins);
    const fromN = Math.max(1, lastN - options.verifyOps + 1);
    await this.checkRows(origins, fromN, lastN);
    this.checkStructure();
    return { findings, meta, lastN, fromN };
  }

  /** The tables and the index must read exactly as the migrations made them. */
  private checkSchema(): void {
    const schema = (db: Database) =>
      db
        .query<{ text: string }, []>(
          "SELECT group_concat(type || name || tbl_name || ifnull(sql, '') ORDER BY name) AS text FROM sqlite_schema",
        )
        .get()?.text;
    const model = new Database(":memory:");
    for (const { apply } of MIGRATIONS.slice(0, formatOf(this.db))) apply(model);
    if (schema(this.db) !== schema(model)) this.findings.add({ what: "schema of log.db damaged" });
    model.close();
  }

  private checkStructure(): void {
    type Size = { page_count: number; page_size: number };
    const pages = this.db.query<Pick<Size, "page_count">, []>("PRAGMA page_count").get()!;
    const size = this.db.query<Pick<Size, "page_size">, []>("PRAGMA page_size").get()!;
    if (pages.page_count * size.page_size > STRUCTURE_BYTES_MAX) return;
    const lines = this.db
      .query<{ integrity_check: string }, []>("PRAGMA integrity_check(20)")
      .all()
      .map((row) => row.integrity_check);
    if (lines.length === 1 && lines[0] === "ok") return;
    for (const line of lines) this.findings.add({ what: `structure of log.db: ${line}` });
  }

  private checkOrigins(): Map<number, OriginRow> {
    const origins = readOrigins(this.db);
    const top = this.db.query<{ seq: number | null }, [number]>(
      "SELECT max(seq) AS seq FROM ops WHERE o = ?",
    );
    for (const { o, origin, seq, chain } of origins.values()) {
      if (!isIncarnation(origin) || chain.length !== CHAIN_BYTES) {
        this.findings.add({ what: "origin damaged", origin: String(origin) });
      }
      const held = top.get(o)?.seq ?? 0;
      if (held < seq) {
        this.findings.add({ what: "op missing", origin, seq: held + 1, toSeq: seq });
      } else if (held > seq) {
        this.findings.add({ what: "op past its origin's head", origin, seq: seq + 1, toSeq: held });
      }
    }
    return origins;
  }

  private checkHead(
    head: LogHead,
    meta: LogMeta | null,
    lastN: number,
    origins: ReadonlyMap<number, OriginRow>,
  ): void {
    if (meta !== null && meta.storeId !== head.storeId) {
      this.findings.add({ what: "head file and log belong to different stores" });
    }
    if (lastN < head.n) this.findings.add({ what: "op missing", n: lastN + 1, toN: head.n });
    const byName = new Map([...origins.values()].map((row) => [row.origin as string, row]));
    const reader = new RowReader(this.db, (o) => origins.get(o));
    for (const { origin, seq, chain } of head.origins) {
      const row = byName.get(origin);
      if (row === undefined || row.seq < seq) {
        this.findings.add({ what: "op missing", origin, seq: (row?.seq ?? 0) + 1, toSeq: seq });
        continue;
      }
      const held = row.seq === seq ? row.chain : this.chainAt(reader, row.o, seq);
      if (held !== null && !equalBytes(held, chain)) {
        this.findings.add({ what: "ops differ from those that the head file names", origin, seq });
      }
    }
    reader.close();
  }

  /** null where a hole, or damage that the rows will tell, is in the way. */
  private chainAt(reader: RowReader, o: number, seq: number): Uint8Array | null {
    try {
      return reader.chainAt(o, seq);
    } catch (cause) {
      if (cause instanceof StorageError) return null;
      throw cause;
    }
  }

  private async checkRows(
    origins: ReadonlyMap<number, OriginRow>,
    fromN: number,
    lastN: number,
  ): Promise<void> {
    const rows = new RowVerifier(this.db, origins, this.findings);
    try {
      for (let n = fromN; n <= lastN; n += CHUNK_OPS) {
        rows.check(n, Math.min(n + CHUNK_OPS - 1, lastN));
        this.options.onProgress?.(
          Math.min(n + CHUNK_OPS - 1, lastN) - fromN + 1,
          lastN - fromN + 1,
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
      rows.finish();
    } finally {
      rows.close();
    }
  }
}
