/**
 * What of a damaged log can be kept, and what can't: the list that a refusal prints, and the plan that
 * `acceptLoss` carries out. Changes nothing.
 *
 * Problem: keep every op that still verifies, name every one that does not, and leave a log that is sound
 * again. Approach: find rows page by page (log-pages.ts), believe only those whose envelope matches check,
 * form and place; where several versions of an op are found the best one counts, then the newest. Per origin,
 * ops are kept up to the last whose chain hash is known: computed, or taken from a mark or a known head above a
 * gap. Gaps below become holes; what is missing at the end is simply not held, and peers send it again.
 */

import { isIncarnation } from "../core/ids.ts";
import { CHAIN_MARK_EVERY } from "../core/limits.ts";
import { CHAIN_BYTES, CHAIN_START, chainHash, decodeEnvelope, type Envelope } from "../core/op.ts";
import { Findings } from "./failure.ts";
import type { LogHead } from "./head.ts";
import { sha256 } from "./log-hash.ts";
import type { LogPages, Place, Row } from "./log-pages.ts";
import { bodyFault, envelopeOf, findingOf, type OpRow } from "./log-rows.ts";

/** Page versions between two turns of the event loop. */
const CHUNK_PAGES = 500;

/** A row that was found, as numbers: there may be ten million of them. */
type Found = {
  readonly n: number;
  readonly seq: number;
  readonly page: number;
  readonly cell: number;
  /** Its envelope verifies, its body is neither there nor rightly gone. */
  readonly bodyLost: boolean;
};

export type KeptOp = { n: number; readonly place: Place; readonly bodyLost: boolean };

export type KeptOrigin = {
  readonly origin: string;
  /** Newest op and the chain hash up to it. */
  readonly seq: number;
  readonly chain: Uint8Array;
  readonly holes: readonly { readonly from: number; readonly to: number }[];
};

export type Survey = {
  readonly findings: Findings;
  readonly origins: readonly KeptOrigin[];
  /** In order of arrival, each origin's in order of its seqs. */
  readonly ops: readonly KeptOp[];
};

type KnownHead = { readonly seq: number; readonly chain: Uint8Array };

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
  private readonly heads = new Map<string, KnownHead[]>();

  constructor(pages: LogPages, head: LogHead | null) {
    this.pages = pages;
    this.head = head;
    for (const { origin, seq, chain } of head?.origins ?? []) this.know(origin, { seq, chain });
  }

  private know(origin: string, known: KnownHead): void {
    const list = this.heads.get(origin);
    if (list === undefined) this.heads.set(origin, [known]);
    else list.push(known);
  }

  look(index: number): void {
    for (const { place, row } of this.pages.rows(index)) {
      if (row.values.length === 4) this.lookAtOrigin(row);
      const op = opRowOf(row);
      const envelope = op && envelopeOfFound(op);
      if (op === null || envelope === null) continue;
      const bodyLost = envelope.bodyHash !== null && bodyFault(op, envelope.bodyHash) !== null;
      const found = { n: op.n, seq: op.seq, ...place, bodyLost };
      const list = this.found.get(envelope.origin);
      if (list === undefined) this.found.set(envelope.origin, [found]);
      else list.push(found);
    }
  }

  private lookAtOrigin({ values }: Row): void {
    const [, origin, seq, chain] = values;
    if (typeof origin !== "string" || !isIncarnation(origin) || typeof seq !== "number") return;
    if (seq < 1 || !(chain instanceof Uint8Array) || chain.length !== CHAIN_BYTES) return;
    this.know(origin, { seq, chain });
  }

  plan(): Survey {
    const origins: KeptOrigin[] = [];
    const ops: KeptOp[] = [];
    const names = [...new Set([...this.found.keys(), ...this.heads.keys()])].sort();
    for (const origin of names) {
      const best = bestVersions(this.found.get(origin) ?? []);
      const kept = this.planOrigin(origin, best);
      if (kept !== null) origins.push(kept);
      for (const op of inArrivalOrder(
        best.slice(0, kept === null ? 0 : heldUpTo(best, kept.seq)),
      )) {
        ops.push(op);
      }
    }
    ops.sort((a, b) => a.n - b.n);
    this.nameLostNumbers(ops);
    return { findings: this.findings, origins, ops };
  }

  private planOrigin(origin: string, best: readonly Found[]): KeptOrigin | null {
    const known = this.heads.get(origin) ?? [];
    const tied = this.tie(best, known);
    const holes: { from: number; to: number }[] = [];
    let before = 0;
    for (const found of best) {
      if (found.seq > tied.seq) break;
      if (found.seq > before + 1) holes.push({ from: before + 1, to: found.seq - 1 });
      before = found.seq;
      if (found.bodyLost) this.nameLostBody(found);
    }
    for (const { from, to } of holes)
      this.findings.add({ what: "op lost", origin, seq: from, toSeq: to });
    const top = Math.max(best.at(-1)?.seq ?? 0, ...known.map(({ seq }) => seq));
    if (top > tied.seq) {
      this.findings.add({ what: "op lost", origin, seq: tied.seq + 1, toSeq: top });
    }
    return tied.seq === 0 ? null : { origin, seq: tied.seq, chain: tied.chain, holes };
  }

  /** The newest op whose chain hash is known. */
  private tie(best: readonly Found[], known: readonly KnownHead[]): KnownHead {
    let tied: KnownHead = { seq: 0, chain: CHAIN_START };
    let chain: Uint8Array | null = CHAIN_START;
    let before = 0;
    for (const found of best) {
      const row = this.rowAt(found);
      if (found.seq !== before + 1) chain = null;
      before = found.seq;
      if (chain !== null) chain = chainHash(sha256, chain, row.envelope);
      else if (found.seq % CHAIN_MARK_EVERY === 0) chain = row.chain;
      chain ??= known.find(({ seq }) => seq === found.seq)?.chain ?? null;
      if (chain !== null) tied = { seq: found.seq, chain };
    }
    return tied;
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

function heldUpTo(best: readonly Found[], seq: number): number {
  const past = best.findIndex((found) => found.seq > seq);
  return past < 0 ? best.length : past;
}

/** Arrival numbers that grow with the seqs, although a damaged one may have been read. */
function inArrivalOrder(best: readonly Found[]): KeptOp[] {
  const numbers = best.map(({ n }) => n).sort((a, b) => a - b);
  return best.map(({ page, cell, bodyLost }, i) => ({
    n: numbers[i] as number,
    place: { page, cell },
    bodyLost,
  }));
}
