/**
 * What of a damaged log can be kept, and what can't: the list that a refusal prints, and the plan that
 * `acceptLoss` carries out. Changes nothing.
 *
 * Problem: keep every op that still verifies, name every one that does not, and leave a log that is sound
 * again and says no more than it holds. Approach: find rows page by page (log-pages.ts), believe only those whose
 * envelope matches check, form and place; where several versions of an op are found the best one counts, then
 * the newest. An origin is kept up to its first gap; peers send the rest again. What stands above a gap has no
 * place in a vector, so it is kept as a branch of its own that begins there (decision 0017). An op whose body is
 * lost is a gap: nobody takes an op whose body is missing without cause. One that was erased is kept as erased, also
 * where the op that erased it is lost: what was gone must not come back (decision 0033). Rejected: to keep the origin's end and a
 * list of holes (the vector would claim them, and so would receipts).
 */

import { type BranchBase, branchName, isBranch, plainOrigin } from "../core/branch.ts";
import { type Incarnation, isIncarnation } from "../core/ids.ts";
import { BRANCHES_MAX } from "../core/limits.ts";
import { CHAIN_BYTES, CHAIN_START, chainHash, decodeEnvelope, type Envelope } from "../core/op.ts";
import { Findings } from "./failure.ts";
import type { LogHead } from "./head.ts";
import { sha256 } from "./log-hash.ts";
import type { LogPages, Place, Row } from "./log-pages.ts";
import { bodyFault, envelopeOf, findingOf, type OpRow } from "./log-rows.ts";
import { BODY_LOST } from "./migrations.ts";

/** Page versions between two turns of the event loop. */
const CHUNK_PAGES = 500;
/** Pieces above gaps that are kept of one incarnation: the longest. */
const PIECES_MAX = BRANCHES_MAX / 2;

/** A row that was found, as numbers: there may be ten million of them. */
type Found = {
  readonly n: number;
  /** The origin number that the row had. */
  readonly o: number;
  readonly seq: number;
  readonly page: number;
  readonly cell: number;
  /** Its envelope verifies, its body is neither there nor rightly gone. */
  bodyLost: boolean;
};

export type KeptOp = { readonly n: number; readonly place: Place; readonly origin: KeptOrigin };

export type KeptOrigin = {
  readonly origin: Incarnation;
  /** Of a branch, one that begins above a gap included. */
  readonly base: BranchBase | null;
  /** Newest op and the chain hash up to it. */
  readonly seq: number;
  readonly chain: Uint8Array;
};

type KeptPiece = { readonly origin: KeptOrigin; readonly ops: readonly KeptOp[] };

export type Survey = {
  readonly findings: Findings;
  readonly origins: readonly KeptOrigin[];
  /** In order of arrival, each origin's in order of its seqs. */
  readonly ops: readonly KeptOp[];
};

/** A row of `ops`, as found in a page; null if it can't be one. */
export function opRowOf({ rowid, values }: Row): OpRow | null {
  const [n, o, seq, crc, envelope, body, chain, erasedBy] = values;
  if (values.length !== 8 || n !== null) return null;
  if (typeof o !== "number" || typeof seq !== "number" || typeof crc !== "number") return null;
  if (!(envelope instanceof Uint8Array)) return null;
  return {
    n: rowid,
    o,
    seq,
    crc,
    envelope,
    body: body instanceof Uint8Array ? body : null,
    chain: chain instanceof Uint8Array && chain.length === CHAIN_BYTES ? chain : null,
    erased_by: typeof erasedBy === "number" ? erasedBy : null,
  };
}

/** The envelope of a row whose origin's number means nothing any more; null if it does not verify. */
export function envelopeOfFound(row: OpRow): Envelope | null {
  try {
    const { origin } = decodeEnvelope(row.envelope);
    const envelope = envelopeOf(row, origin);
    return typeof envelope === "string" ? null : envelope;
  } catch {
    return null;
  }
}

export async function survey(
  pages: LogPages,
  head: LogHead | null,
  onProgress?: (donePages: number, totalPages: number) => void,
): Promise<Survey> {
  const surveyor = new Surveyor(pages, head);
  for (let index = 0; index < pages.count; index++) {
    surveyor.look(index);
    if (index % CHUNK_PAGES !== 0) continue;
    onProgress?.(index, pages.count);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return surveyor.plan();
}

class Surveyor {
  private readonly pages: LogPages;
  private readonly head: LogHead | null;
  private readonly findings = new Findings();
  private readonly found = new Map<string, Found[]>();
  /** The highest seq that an origin is known to have had. */
  private readonly tops = new Map<string, number>();
  private readonly branches = new Map<number, Incarnation>();
  private readonly bases = new Map<number, BranchBase>();

  constructor(pages: LogPages, head: LogHead | null) {
    this.pages = pages;
    this.head = head;
    for (const { origin, seq } of head?.origins ?? []) this.know(origin, seq);
  }

  private know(origin: string, seq: number): void {
    this.tops.set(origin, Math.max(seq, this.tops.get(origin) ?? 0));
  }

  look(index: number): void {
    for (const { place, row } of this.pages.rows(index)) {
      if (row.values.length === 4) this.lookAtOrigin(row);
      if (row.values.length === 3) this.lookAtBranch(row);
      const op = opRowOf(row);
      const envelope = op && envelopeOfFound(op);
      if (op === null || envelope === null) continue;
      const fault = envelope.bodyHash === null ? null : bodyFault(op, envelope.bodyHash);
      const bodyLost = fault !== null || op.erased_by === BODY_LOST;
      const found = { n: op.n, o: op.o, seq: op.seq, ...place, bodyLost };
      const list = this.found.get(envelope.origin);
      if (list === undefined) this.found.set(envelope.origin, [found]);
      else list.push(found);
    }
  }

  private lookAtOrigin({ rowid, values }: Row): void {
    const [, origin, seq, chain] = values;
    if (typeof origin !== "string" || !isIncarnation(origin) || typeof seq !== "number") return;
    if (seq < 1 || !(chain instanceof Uint8Array) || chain.length !== CHAIN_BYTES) return;
    this.know(origin, seq);
    if (isBranch(origin)) this.branches.set(rowid, origin);
  }

  private lookAtBranch({ rowid, values }: Row): void {
    const [, seq, chain] = values;
    if (typeof seq !== "number" || seq < 0) return;
    if (!(chain instanceof Uint8Array) || chain.length !== CHAIN_BYTES) return;
    this.bases.set(rowid, { seq, chain });
  }

  plan(): Survey {
    const kept = new Map<Incarnation, KeptPiece>();
    for (const [line, found] of this.byLine()) {
      const best = bestVersions(found);
      this.nameLost(line, best);
      const pieces = piecesOf(best);
      const longest = [...pieces].sort((a, b) => b.length - a.length).slice(0, PIECES_MAX);
      for (const piece of pieces) {
        if (!longest.includes(piece)) this.giveUp(line, piece);
        else this.keep(line, piece, inArrivalOrder(piece, best), kept);
      }
    }
    const ops = [...kept.values()].flatMap((piece) => piece.ops).sort((a, b) => a.n - b.n);
    this.nameLostNumbers(ops);
    const origins = [...kept.values()].map(({ origin }) => origin);
    return { findings: this.findings, origins, ops };
  }

  private giveUp(origin: Incarnation, piece: readonly Found[]): void {
    const [first, last] = [piece[0] as Found, piece.at(-1) as Found];
    this.findings.add({ what: "op lost", origin, seq: first.seq, toSeq: last.seq });
  }

  /** What was found, by the origin or branch that it belongs to. */
  private byLine(): Map<Incarnation, Found[]> {
    const lines = new Map<Incarnation, Found[]>();
    for (const origin of [...this.tops.keys()].sort()) lines.set(origin as Incarnation, []);
    for (const [plain, all] of this.found) {
      for (const found of all) {
        const branch = this.branches.get(found.o);
        const isOf = branch !== undefined && plainOrigin(branch) === plain;
        const origin = isOf ? branch : (plain as Incarnation);
        const list = lines.get(origin);
        if (list === undefined) lines.set(origin, [found]);
        else list.push(found);
      }
    }
    return lines;
  }

  /** Where an origin began, if that is known. */
  private baseOf(origin: Incarnation, { o }: Found): BranchBase | null {
    if (!isBranch(origin)) return { seq: 0, chain: CHAIN_START };
    return this.bases.get(o) ?? null;
  }

  /** A piece without gaps: the origin itself, where it begins as that does, or else a branch of its own. */
  private keep(
    line: Incarnation,
    piece: readonly Found[],
    ns: readonly number[],
    kept: Map<Incarnation, KeptPiece>,
  ): void {
    const first = piece[0] as Found;
    const known = this.baseOf(line, first);
    const isWhole = known !== null && known.seq === first.seq - 1;
    const base = isWhole ? known : { seq: first.seq - 1, chain: CHAIN_START };
    let chain = base.chain;
    let name = line;
    for (const found of piece) {
      chain = chainHash(sha256, chain, this.rowAt(found).envelope);
      if (found === first && !isWhole) name = branchName(line, chain);
    }
    const { seq } = piece.at(-1) as Found;
    // After an earlier salvage one piece may be here twice: as a branch, and where peers filled the gap below it.
    if ((kept.get(name)?.origin.seq ?? 0) >= seq) return;
    const origin = { origin: name, base: isBranch(name) ? base : null, seq, chain };
    const ops = piece.map(({ page, cell }, i) => {
      return { n: ns[i] as number, place: { page, cell }, origin };
    });
    kept.set(name, { origin, ops });
  }

  /** What of an origin is missing between what was found, and at its end. */
  private nameLost(origin: string, best: readonly Found[]): void {
    let before = best[0] === undefined || !isBranch(origin as Incarnation) ? 0 : best[0].seq - 1;
    const name = (toSeq: number) => {
      if (toSeq > before) {
        this.findings.add({ what: "op lost", origin, seq: before + 1, toSeq });
      }
    };
    for (const found of best) {
      name(found.seq - 1);
      before = found.seq;
      if (found.bodyLost) this.nameLostBody(found);
    }
    name(this.tops.get(origin) ?? 0);
  }

  private rowAt({ page, cell }: Found): OpRow {
    return opRowOf(this.pages.rowOf({ page, cell })!)!;
  }

  private nameLostBody(found: Found): void {
    this.findings.add(findingOf("body lost", found.n, decodeEnvelope(this.rowAt(found).envelope)));
  }

  /** Without knowing whose they were: the only name of ops of an origin that is lost altogether. */
  private nameLostNumbers(ops: readonly KeptOp[]): void {
    let next = 1;
    const name = (toN: number) => {
      if (toN >= next) this.findings.add({ what: "arrival number lost", n: next, toN });
    };
    for (const { n } of ops) {
      if (n < next) continue;
      name(n - 1);
      next = n + 1;
    }
    name(this.head?.n ?? 0);
  }
}

/** One version of each op, in order of seq: with its body rather than without, else the newest. */
function bestVersions(found: readonly Found[]): Found[] {
  const order = found.map((_, i) => i);
  order.sort((a, b) => {
    const [x, y] = [found[a] as Found, found[b] as Found];
    return x.seq - y.seq || Number(x.bodyLost) - Number(y.bodyLost) || a - b;
  });
  const best: Found[] = [];
  for (const i of order) {
    const candidate = found[i] as Found;
    if (best.at(-1)?.seq !== candidate.seq) best.push(candidate);
  }
  return best;
}

/** Ops that follow each other and have what they need, piece by piece. */
function piecesOf(best: readonly Found[]): Found[][] {
  const pieces: Found[][] = [];
  let before: Found | null = null;
  for (const found of best) {
    const follows = before !== null && !before.bodyLost && before.seq === found.seq - 1;
    before = found;
    if (found.bodyLost) continue;
    if (follows) pieces.at(-1)?.push(found);
    else pieces.push([found]);
  }
  return pieces;
}

/** Arrival numbers for a piece that grow with its seqs, although a damaged one may have been read. */
function inArrivalOrder(piece: readonly Found[], best: readonly Found[]): number[] {
  const numbers = best.map(({ n }) => n).sort((a, b) => a - b);
  const from = best.indexOf(piece[0] as Found);
  return numbers.slice(from, from + piece.length);
}
