/**
 * Rows of `ops` back to ops, each checked on every read: a disk may change what it was given at any time,
 * and a wrong op must never reach the fold, a client or a peer.
 */
import type { Database, Statement } from "bun:sqlite";
import { type BranchBase, plainOrigin } from "../core/branch.ts";
import { equalBytes } from "../core/bytes.ts";
import type { Incarnation } from "../core/ids.ts";
import { CHAIN_MARK_EVERY } from "../core/limits.ts";
import {
  CHAIN_START,
  chainHash,
  decodeEnvelope,
  type Envelope,
  hashBody,
  type Op,
} from "../core/op.ts";
import type { StoredOp } from "../replica/ports.ts";
import { type Finding, StorageError } from "./failure.ts";
import { rowCheck, sha256 } from "./log-hash.ts";
import { ERASED_ELSEWHERE } from "./migrations.ts";

/** A row of `ops`, as read: nothing in it is to be trusted yet. */
export type OpRow = {
  readonly n: number;
  readonly o: number;
  readonly seq: number;
  readonly crc: number;
  readonly envelope: Uint8Array;
  readonly body: Uint8Array | null;
  readonly chain: Uint8Array | null;
  readonly erased_by: number | null;
};

export const OP_COLUMNS = "n, o, seq, crc, envelope, body, chain, erased_by";

/** What an origin number stands for. */
export type Line = { readonly origin: Incarnation; readonly base?: BranchBase | undefined };
export type LineOf = (o: number) => Line | undefined;

/** The envelope of a row, or what is wrong with the row: its check, its form, or its place. */
export function envelopeOf(row: OpRow, origin: Incarnation | undefined): Envelope | string {
  if (!(row.envelope instanceof Uint8Array)) return "op damaged";
  if (row.crc !== rowCheck(row.envelope, row.erased_by)) return "op does not match its check";
  let envelope: Envelope;
  try {
    envelope = decodeEnvelope(row.envelope);
  } catch {
    return "op can't be decoded";
  }
  const inPlace = origin !== undefined && envelope.origin === plainOrigin(origin);
  if (!inPlace || envelope.seq !== row.seq) return "op stands in another's place";
  return envelope.origin === origin ? envelope : { ...envelope, origin };
}

/** What is wrong with the body of a row whose envelope is good; null if nothing is. */
export function bodyFault(row: OpRow, bodyHash: Uint8Array | null): string | null {
  if (bodyHash === null) {
    return row.body === null && row.erased_by === null ? null : "op has a body that it never had";
  }
  if (row.body === null) return row.erased_by === null ? "body missing" : null;
  if (!(row.body instanceof Uint8Array)) return "body damaged";
  if (row.erased_by !== null) return "body present although erased";
  return equalBytes(hashBody(sha256, row.body), bodyHash) ? null : "body does not match its hash";
}

/** What can be said of a damaged op. */
export function findingAt(what: string, row: OpRow, origin: string | undefined): Finding {
  const finding: Finding = { what, n: row.n, seq: row.seq };
  return origin === undefined ? finding : { ...finding, origin };
}

/** The same, when at least its envelope is good. */
export function findingOf(what: string, n: number, envelope: Envelope): Finding {
  const { origin, seq, kind, author } = envelope;
  return { what, n, origin, seq, kind, author };
}

/** The op of a row. Throws StorageError `damaged`. */
export function opOf(row: OpRow, origin: Incarnation | undefined): Op {
  const envelope = envelopeOf(row, origin);
  if (typeof envelope === "string") throw damage(findingAt(envelope, row, origin));
  const fault = bodyFault(row, envelope.bodyHash);
  if (fault !== null) throw damage(findingOf(fault, row.n, envelope));
  return { ...envelope, bytes: row.envelope, body: row.body };
}

function damage(finding: Finding): StorageError {
  return new StorageError("damaged", `log: ${finding.what} (n ${finding.n})`, {
    findings: [finding],
  });
}

/** Reads ops by arrival number and chain hashes by seq over one connection. */
export class RowReader {
  private readonly one: Statement<OpRow, [number]>;
  private readonly range: Statement<OpRow, [number, number]>;
  private readonly mark: Statement<{ chain: Uint8Array | null }, [number, number]>;
  private readonly between: Statement<OpRow, [number, number, number]>;
  private readonly eraser: Statement<{ erased_by: number | null }, [number]>;
  private readonly noEraser: Statement<OpRow, [number]>;
  private readonly lineOf: LineOf;

  constructor(db: Database, lineOf: LineOf) {
    this.lineOf = lineOf;
    this.one = db.prepare(`SELECT ${OP_COLUMNS} FROM ops WHERE n = ?`);
    this.range = db.prepare(`SELECT ${OP_COLUMNS} FROM ops WHERE n >= ? ORDER BY n LIMIT ?`);
    this.mark = db.prepare("SELECT chain FROM ops WHERE o = ? AND seq = ?");
    this.between = db.prepare(
      `SELECT ${OP_COLUMNS} FROM ops WHERE o = ? AND seq > ? AND seq <= ? ORDER BY seq`,
    );
    this.eraser = db.prepare("SELECT erased_by FROM ops WHERE n = ?");
    this.noEraser = db.prepare(
      `SELECT ${OP_COLUMNS} FROM ops WHERE erased_by = ${ERASED_ELSEWHERE} ORDER BY n LIMIT ?`,
    );
  }

  /** Throws StorageError `damaged` if it is missing or does not match its hashes. */
  op(n: number): Op {
    const row = this.one.get(n);
    if (row === null) throw damage({ what: "op missing", n });
    return opOf(row, this.lineOf(row.o)?.origin);
  }

  /** Exactly `count` ops; throws as {@link op} does. */
  ops(fromN: number, count: number): StoredOp[] {
    const rows = this.range.all(fromN, count);
    return Array.from({ length: count }, (_, i) => {
      const n = fromN + i;
      const row = rows[i];
      if (row?.n !== n) throw damage({ what: "op missing", n });
      return { n, op: opOf(row, this.lineOf(row.o)?.origin) };
    });
  }

  /** From the nearest mark, or the branch's beginning, on; null if an op between the two was given up. */
  chainAt(o: number, seq: number): Uint8Array | null {
    const line = this.lineOf(o);
    const base = line?.base ?? { seq: 0, chain: CHAIN_START };
    const from = Math.max(base.seq, seq - (seq % CHAIN_MARK_EVERY));
    if (seq < from) return null;
    let chain = from === base.seq ? base.chain : (this.mark.get(o, from)?.chain ?? null);
    let at = from;
    for (const row of seq === from ? [] : this.between.all(o, from, seq)) {
      if (chain === null || row.seq !== ++at) return null;
      const envelope = envelopeOf(row, line?.origin);
      if (typeof envelope === "string") throw damage(findingAt(envelope, row, line?.origin));
      chain = chainHash(sha256, chain, row.envelope);
    }
    return at === seq ? chain : null;
  }

  /** Ops `fromSeq` to `toSeq` of an origin, as far as none is missing; throws as {@link op} does. */
  run(o: number, fromSeq: number, toSeq: number): StoredOp[] {
    const ops: StoredOp[] = [];
    for (const row of this.between.all(o, fromSeq - 1, toSeq)) {
      if (row.seq !== fromSeq + ops.length) break;
      ops.push({ n: row.n, op: opOf(row, this.lineOf(o)?.origin) });
    }
    return ops;
  }

  /** Arrival number of the op that erased the body of this one; null if it is not known. */
  eraserOf(n: number): number | null {
    const by = this.eraser.get(n)?.erased_by ?? null;
    return by !== null && by > 0 ? by : null;
  }

  /** Ops that came without their body, and whose erasing op has not: the oldest. */
  unproven(limit: number): StoredOp[] {
    return this.noEraser
      .all(limit)
      .map((row) => ({ n: row.n, op: opOf(row, this.lineOf(row.o)?.origin) }));
  }

  close(): void {
    const all = [this.one, this.range, this.mark, this.between, this.eraser, this.noEraser];
    for (const statement of all) statement.finalize();
  }
}
