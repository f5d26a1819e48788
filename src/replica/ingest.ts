/**
 * Takes in batches of ops that peers send: checks all of a batch before any of it is used.
 *
 * Problem: several peers send the same ops, and a peer may be wrong, malicious, or hold another branch of an
 * incarnation. Approach: for each origin the place and chain hash up to which ops were handed to the log;
 * what is before it is passed over (but hashed along), what follows it without a gap and on the same chain is
 * taken. Rejected: asking the log (what is in its queue it does not tell).
 *
 * Invariants: 1. All or nothing: of a batch that is refused nothing is stored. 2. What goes to the log continues
 * its origin's chain. 3. A body matches its hash; one that is missing comes with an op that erases it.
 */
import { equalBytes } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import {
  CHAIN_START,
  chainHash,
  decodeEnvelope,
  type Envelope,
  hashBody,
  type Op,
} from "../core/op.ts";
import type { PeerLine, PeerOp, PeerOps } from "../protocol/peer-ops.ts";
import type { Log } from "./ports.ts";
import { erases } from "./proof.ts";
import type { HeadSeq } from "./store-marks.ts";

/** Proofs are needed until this log has the erasing op itself: a short time, as a rule. */
const PROOFS_MAX = 10_000;

type Top = { seq: number; chain: Uint8Array };

export type Taken = {
  /** New here, in the order in which they came. */
  readonly ops: readonly Op[];
  /** What the sender showed that it holds. */
  readonly heads: readonly HeadSeq[];
  /** Origins of which it holds another branch: nothing of these was taken. */
  readonly branches: readonly Incarnation[];
};

/** An origin of a batch while it is looked through. */
type Run = { readonly top: Top; at: Top; branch: boolean; fresh: boolean };

export class Ingest {
  private readonly hash: Hash;
  private readonly log: Log;
  /** Of origins that are not as the log's vector has them: ops of theirs are on their way to it. */
  private readonly tops = new Map<Incarnation, Top>();
  private readonly proofs = new Map<string, Uint8Array>();

  private readonly own: () => Incarnation | null;

  /** `own`: the incarnation that mints here; nobody else may go on with it. */
  constructor(hash: Hash, log: Log, own: () => Incarnation | null) {
    this.hash = hash;
    this.log = log;
    this.own = own;
  }

  /** Up to where ops of this origin were handed to the log. */
  private topOf(origin: Incarnation): Top {
    return this.tops.get(origin) ?? this.log.vector().get(origin) ?? { seq: 0, chain: CHAIN_START };
  }

  /** Ops are durable: what the log says of these origins is enough again, unless more is on its way. */
  durable(origins: Iterable<Incarnation>): void {
    for (const origin of origins) {
      const top = this.tops.get(origin);
      if (top !== undefined && (this.log.vector().get(origin)?.seq ?? 0) >= top.seq) {
        this.tops.delete(origin);
      }
    }
  }

  /** Envelope of the op that erased this one, as a peer showed it; undefined if none did. */
  proofOf(op: Envelope): Uint8Array | undefined {
    return this.proofs.get(`${op.origin} ${op.seq}`);
  }

  /** Throws Refusal `invalid` for a batch that no server sends. */
  take(batch: PeerOps): Taken {
    const runs = new Map<Incarnation, Run>();
    for (const line of batch.lines) runs.set(line.origin, this.open(line));
    if (runs.size < batch.lines.length) throw wrong("an origin begins twice");
    const ops: Op[] = [];
    const proofs: [string, Uint8Array][] = [];
    for (const peerOp of batch.ops) {
      const envelope = decodeEnvelope(peerOp.envelope);
      const run = runs.get(envelope.origin);
      if (run === undefined) throw wrong("an op belongs to no origin that it names");
      if (envelope.seq !== run.at.seq + 1) throw wrong(`ops of ${envelope.origin} have a gap`);
      if (envelope.seq === run.top.seq + 1 && !equalBytes(run.at.chain, run.top.chain)) {
        run.branch = true;
      }
      if (envelope.seq > run.top.seq && envelope.origin === this.own()) run.branch = true;
      const chain = chainHash(this.hash, run.at.chain, peerOp.envelope);
      run.at = { seq: envelope.seq, chain };
      if (envelope.seq === run.top.seq && !equalBytes(chain, run.top.chain)) run.branch = true;
      if (envelope.seq <= run.top.seq || run.branch) continue;
      this.checkBody(envelope, peerOp);
      if (peerOp.proof !== null) proofs.push([`${envelope.origin} ${envelope.seq}`, peerOp.proof]);
      // Copied out of the frame, which would otherwise stay in memory as long as any op of it.
      ops.push({ ...envelope, bytes: peerOp.envelope.slice(), body: peerOp.body?.slice() ?? null });
      run.fresh = true;
    }
    return this.keep(ops, proofs, runs);
  }

  private open({ origin, seq, chain }: PeerLine): Run {
    const top = this.topOf(origin);
    if (seq > top.seq + 1) throw wrong(`ops of ${origin} are missing before its first`);
    if (seq === 1 && !equalBytes(chain, CHAIN_START)) throw wrong("a chain does not begin");
    // What ends before ours does is compared where it ends, by the log.
    return { top, at: { seq: seq - 1, chain }, branch: false, fresh: false };
  }

  private keep(ops: Op[], proofs: [string, Uint8Array][], runs: Map<Incarnation, Run>): Taken {
    const heads: HeadSeq[] = [];
    const branches: Incarnation[] = [];
    for (const [origin, run] of runs) {
      if (run.branch || this.differs(origin, run)) branches.push(origin);
      else heads.push([origin, run.at.seq]);
      if (run.fresh && !run.branch) this.tops.set(origin, run.at);
    }
    for (const [key, proof] of proofs) this.proofs.set(key, proof.slice());
    for (const key of this.proofs.keys()) {
      if (this.proofs.size <= PROOFS_MAX) break;
      this.proofs.delete(key);
    }
    return { ops, heads, branches };
  }

  private differs(origin: Incarnation, { at, top }: Run): boolean {
    if (at.seq >= top.seq) return false;
    const mine = this.log.chainAt(origin, at.seq);
    return mine !== null && !equalBytes(mine, at.chain);
  }

  private checkBody(envelope: Envelope, { body, proof }: PeerOp): void {
    const { bodyHash } = envelope;
    if (bodyHash === null) {
      if (body !== null || proof !== null) throw wrong("an op has a body that it never had");
    } else if (body !== null) {
      if (!equalBytes(hashBody(this.hash, body), bodyHash)) throw wrong("a body has another hash");
    } else {
      if (proof === null) throw wrong("a body is missing without proof");
      if (!erases(this.hash, decodeEnvelope(proof), envelope))
        throw wrong("a proof proves nothing");
    }
  }
}

function wrong(what: string): Refusal {
  return new Refusal("invalid", `batch of ops refused: ${what}`);
}
