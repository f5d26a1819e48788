/**
 * Checks rows of the log in order of arrival: numbers without gaps, envelopes, bodies, hash chains, marks,
 * index. Used at open for the newest ops and by the worker, bit by bit, for all others.
 *
 * An origin that is met in the middle of its ops starts from its nearest mark. A hole that an operator
 * accepted breaks the chain until the next mark.
 */
import type { Database, Statement } from "bun:sqlite";
import { type BranchBase, plainOrigin } from "../core/branch.ts";
import { equalBytes, utf8 } from "../core/bytes.ts";
import type { Incarnation } from "../core/ids.ts";
import { CHAIN_MARK_EVERY } from "../core/limits.ts";
import { CHAIN_START, chainHash } from "../core/op.ts";
import { type Findings, StorageError } from "./failure.ts";
import { rowCheck, sha256 } from "./log-hash.ts";
import {
  bodyFault,
  envelopeOf,
  findingAt,
  findingOf,
  OP_COLUMNS,
  type OpRow,
  RowReader,
} from "./log-rows.ts";
import { skim } from "./log-skim.ts";

export type OriginRow = {
  readonly o: number;
  readonly origin: Incarnation;
  readonly seq: number;
  readonly chain: Uint8Array;
  /** Of a branch. */
  readonly base?: BranchBase;
};

/** What has been seen of an origin; `chain` is null between a hole and the next mark. */
type Progress = { seq: number; chain: Uint8Array | null };

type OriginBase = BranchBase & { readonly o: number };

export function readOrigins(db: Database): Map<number, OriginRow> {
  const rows = db.query<OriginRow, []>("SELECT o, origin, seq, chain FROM origins").all();
  const origins = new Map(rows.map((row) => [row.o, row]));
  const branches = "SELECT o, seq, chain FROM branches";
  const isOld = db.query("SELECT 1 FROM sqlite_schema WHERE name = 'branches'").get() === null;
  for (const { o, ...base } of isOld ? [] : db.query<OriginBase, []>(branches).all()) {
    const row = origins.get(o);
    if (row !== undefined) origins.set(o, { ...row, base });
  }
  return origins;
}

export class RowVerifier {
  private readonly origins: ReadonlyMap<number, OriginRow>;
  private readonly findings: Findings;
  private readonly reader: RowReader;
  private readonly progress = new Map<number, Progress>();
  private readonly names = new Map<number, Uint8Array>();
  private readonly range: Statement<OpRow, [number, number]>;
  private readonly byIndex: Statement<{ n: number }, [number, number]>;
  private readonly holes: Statement<{ count: number }, [number, number, number]>;

  /** `origins` as of the newest op that will be checked. */
  constructor(db: Database, origins: ReadonlyMap<number, OriginRow>, findings: Findings) {
    this.origins = origins;
    this.findings = findings;
    this.reader = new RowReader(db, (o) => origins.get(o));
    this.range = db.prepare(`SELECT ${OP_COLUMNS} FROM ops WHERE n BETWEEN ? AND ? ORDER BY n`);
    this.byIndex = db.prepare("SELECT n FROM ops INDEXED BY ops_by_origin WHERE o = ? AND seq = ?");
    this.holes = db.prepare(
      "SELECT count(*) AS count FROM holes WHERE o = ? AND seq BETWEEN ? AND ?",
    );
  }

  /** Checks the ops from one arrival number to another; ranges are given in order, without gaps. */
  check(fromN: number, toN: number): void {
    let nextN = fromN;
    for (const row of this.range.all(fromN, toN)) {
      for (; nextN < row.n; nextN++) this.findings.add({ what: "op missing", n: nextN });
      nextN = row.n + 1;
      this.checkRow(row);
    }
    for (; nextN <= toN; nextN++) this.findings.add({ what: "op missing", n: nextN });
  }

  private checkRow(row: OpRow): void {
    const origin = this.origins.get(row.o);
    if (origin === undefined) {
      this.findings.add(findingAt("op of an unknown origin", row, undefined));
      return;
    }
    if (!this.isSound(row, origin)) {
      const envelope = envelopeOf(row, origin.origin);
      if (typeof envelope === "string") {
        this.findings.add(findingAt(envelope, row, origin.origin));
        return;
      }
      const fault = bodyFault(row, envelope.bodyHash);
      if (fault !== null) this.findings.add(findingOf(fault, row.n, envelope));
    }
    if (this.byIndex.get(row.o, row.seq)?.n !== row.n) {
      this.findings.add(findingAt("index does not lead to op", row, origin.origin));
    }
    this.advance(row, origin);
  }

  /** The quick way through for the many rows with which nothing is wrong. */
  private isSound(row: OpRow, { o, origin }: OriginRow): boolean {
    if (!(row.envelope instanceof Uint8Array)) return false;
    if (row.crc !== rowCheck(row.envelope, row.erased_by)) return false;
    const place = skim(row.envelope);
    if (place === null || place.seq !== row.seq || bodyFault(row, place.bodyHash) !== null)
      return false;
    const name = this.names.get(o) ?? utf8(plainOrigin(origin));
    this.names.set(o, name);
    return equalBytes(place.origin, name);
  }

  private advance(row: OpRow, { o, origin }: OriginRow): void {
    const seen = this.progress.get(o) ?? this.startOf(row, o);
    this.progress.set(o, seen);
    const missing = row.seq - seen.seq - 1;
    if (missing < 0) {
      this.findings.add(findingAt("op out of order", row, origin));
      return;
    }
    if (missing > 0) {
      if (this.holes.get(o, seen.seq + 1, row.seq - 1)?.count !== missing) {
        this.findings.add({ what: "op missing", origin, seq: seen.seq + 1, toSeq: row.seq - 1 });
      }
      seen.chain = null;
    }
    seen.seq = row.seq;
    if (seen.chain !== null) seen.chain = chainHash(sha256, seen.chain, row.envelope);
    this.checkMark(row, seen, origin);
  }

  private checkMark(row: OpRow, seen: Progress, origin: string): void {
    const due = row.seq % CHAIN_MARK_EVERY === 0;
    if (!due) {
      if (row.chain !== null) this.findings.add(findingAt("mark where none belongs", row, origin));
    } else if (row.chain === null) {
      // Between a hole and a mark that was lost with it there is none to store.
      if (seen.chain !== null) this.findings.add(findingAt("chain mark missing", row, origin));
    } else if (seen.chain === null) {
      seen.chain = row.chain;
    } else if (!equalBytes(seen.chain, row.chain)) {
      this.findings.add(findingAt("chain mark does not match its ops", row, origin));
    }
  }

  /** Where an origin stands before the first of its rows that is looked at. */
  private startOf(row: OpRow, o: number): Progress {
    if (row.seq === 1) return { seq: 0, chain: CHAIN_START };
    const before = row.seq - 1;
    try {
      const chain = this.reader.chainAt(o, before);
      if (chain !== null) return { seq: before, chain };
    } catch (cause) {
      if (!(cause instanceof StorageError)) throw cause;
      for (const finding of cause.findings) this.findings.add(finding);
      return { seq: before, chain: null };
    }
    if (this.holes.get(o, 1, before)?.count === 0) {
      const origin = this.origins.get(o)!.origin;
      this.findings.add({ what: "op or chain mark missing before", origin, seq: row.seq });
    }
    return { seq: before, chain: null };
  }

  /** Compares where the chains have come to with the version vector. */
  finish(): void {
    for (const [o, { seq, chain }] of this.progress) {
      const { origin, ...head } = this.origins.get(o)!;
      if (seq < head.seq) {
        this.findings.add({ what: "op missing", origin, seq: seq + 1, toSeq: head.seq });
      } else if (seq > head.seq) {
        this.findings.add({
          what: "op past its origin's head",
          origin,
          seq: head.seq + 1,
          toSeq: seq,
        });
      } else if (chain !== null && !equalBytes(chain, head.chain)) {
        this.findings.add({ what: "head of origin does not match its ops", origin, seq });
      }
    }
  }

  close(): void {
    for (const statement of [this.range, this.byIndex, this.holes]) statement.finalize();
    this.reader.close();
  }
}
