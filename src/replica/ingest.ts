/**
 * Takes in batches of ops that peers send: checks all of a batch before any of it is used.
 *
 * Problem: several peers send the same ops, and a peer may be wrong, malicious, or hold another branch of an
 * incarnation. Approach: for each origin the place and chain hash up to which ops were handed to the log;
 * what is before it is passed over (but hashed along), what follows it without a gap and on the same chain is
 * taken. Rejected: asking the log (what is in its queue it does not tell).
 *
 * An op is held under one name. A server that has not heard of the other branch sends under the plain name what
 * is a branch elsewhere: that is not taken. And whoever is sent as a branch what it holds under another name
 * learns by that how it is called.
 *
 * Invariants: 1. All or nothing: of a batch that is refused nothing is stored. 2. What goes to the log continues
 * its origin's chain, and a branch begins with the op that it is named by. 3. A body matches its hash; one that is
 * missing comes with an op that erases it.
 */
import { branchName, isBranch, plainOrigin } from "../core/branch.ts";
import { equalBytes } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import { BRANCHES_MAX } from "../core/limits.ts";
import {
  CHAIN_START,
  chainHash,
  decodeEnvelope,
  type Envelope,
  hashBody,
  type Op,
} from "../core/op.ts";
import type { PeerLine, PeerOp, PeerOps } from "../protocol/peer-ops.ts";
import type { Log, Split } from "./ports.ts";
import { erases } from "./proof.ts";
import type { Mark } from "./store-marks.ts";

/** Proofs are needed until this log has the erasing op itself: a short time, as a rule. */
const PROOFS_MAX = 10_000;

/** What a store says of an origin, or shows. */
export type Held = readonly [origin: Incarnation, mark: Mark];

export type Taken = {
  /** New here, in the order in which they came. */
  readonly ops: readonly Op[];
  /** What the sender showed that it holds. */
  readonly heads: readonly Held[];
  /** Origins of which it holds another branch: nothing of these was taken. */
  readonly branches: readonly Incarnation[];
  /** Branches that are new here. */
  readonly begun: readonly Incarnation[];
  /** What is here under another name than the sender gives it. */
  readonly splits: readonly Split[];
};

/** An origin of a batch while it is looked through. */
type Run = {
  readonly origin: Incarnation;
  readonly top: Mark;
  /** It is new to this log. */
  readonly begins: boolean;
  at: Mark;
  branch: boolean;
  fresh: boolean;
  /** From here on its ops are here, or are to be here, under another name. */
  renamed: boolean;
  split: Split | null;
};

export class Ingest {
  private readonly hash: Hash;
  private readonly log: Log;
  /** Of origins that are not as the log's vector has them: ops of theirs are on their way to it. */
  private readonly tops = new Map<Incarnation, Mark>();
  private readonly proofs = new Map<string, Uint8Array>();
  /** Incarnations with branches. */
  private readonly branched = new Set<Incarnation>();
  /** About to be split: nothing of these is taken. */
  private readonly frozen = new Set<Incarnation>();
  private readonly own: () => Incarnation | null;

  /** `own`: the incarnation that mints here; nobody else may go on with it. */
  constructor(hash: Hash, log: Log, own: () => Incarnation | null) {
    this.hash = hash;
    this.log = log;
    this.own = own;
    for (const origin of log.vector().keys()) this.meet(origin);
  }

  private meet(origin: Incarnation): void {
    if (isBranch(origin)) this.branched.add(plainOrigin(origin));
  }

  /** Whether a batch must wait for ops that are on their way to the disk: what they are called may be decided by it. */
  mustWait({ lines }: PeerOps): boolean {
    return lines.some(({ origin }) => {
      if (!isBranch(origin) || this.topOf(origin) !== undefined) return false;
      const plain = plainOrigin(origin);
      for (const name of this.tops.keys()) if (plainOrigin(name) === plain) return true;
      return false;
    });
  }

  /** Up to where ops of this origin were handed to the log. */
  private topOf(origin: Incarnation): Mark | undefined {
    return this.tops.get(origin) ?? this.log.vector().get(origin);
  }

  /** Nothing more of an origin goes to the log. True if nothing of it is on its way there. */
  freeze(origin: Incarnation): boolean {
    this.frozen.add(origin);
    return !this.tops.has(origin);
  }

  /** It was split. */
  thaw(origin: Incarnation): void {
    this.frozen.delete(origin);
    this.branched.add(plainOrigin(origin));
  }

  /** Ops are durable: what the log says of their origins is enough again, unless more is on its way. */
  durable(): void {
    for (const [origin, { seq }] of this.tops) {
      if ((this.log.vector().get(origin)?.seq ?? 0) >= seq) this.tops.delete(origin);
    }
  }

  /** Envelope of the op that erased this one, as a peer showed it; undefined if none did. */
  proofOf(op: Envelope): Uint8Array | undefined {
    return this.proofs.get(`${op.origin} ${op.seq}`);
  }

  /** Throws Refusal `invalid` for a batch that no server sends. */
  take(batch: PeerOps): Taken {
    const runs = new Map<Incarnation, Run>();
    for (const line of batch.lines) runs.set(plainOrigin(line.origin), this.open(line));
    if (runs.size < batch.lines.length) throw wrong("an incarnation begins twice");
    const ops: Op[] = [];
    const proofs: [string, Uint8Array][] = [];
    for (const peerOp of batch.ops) {
      const envelope = decodeEnvelope(peerOp.envelope);
      const run = runs.get(envelope.origin);
      if (run === undefined) throw wrong("an op belongs to no origin that it names");
      if (!this.follow(run, envelope, peerOp.envelope)) continue;
      this.checkBody(envelope, peerOp);
      const { origin } = run;
      if (peerOp.proof !== null) proofs.push([`${origin} ${envelope.seq}`, peerOp.proof]);
      ops.push({ ...envelope, origin, bytes: peerOp.envelope, body: peerOp.body });
      run.fresh = true;
    }
    return this.keep(ops, proofs, [...runs.values()]);
  }

  private open({ origin, seq, chain }: PeerLine): Run {
    const before = { seq: seq - 1, chain };
    const top = this.topOf(origin);
    const begins = top === undefined && isBranch(origin);
    const from = top ?? (begins ? before : { seq: 0, chain: CHAIN_START });
    if (seq > from.seq + 1) throw wrong(`ops of ${origin} are missing before its first`);
    if (seq === 1 && !equalBytes(chain, CHAIN_START)) throw wrong("a chain does not begin");
    if (begins && this.branchesOf(origin) >= BRANCHES_MAX) {
      throw wrong(`${plainOrigin(origin)} has more than ${BRANCHES_MAX} branches`);
    }
    // What ends before ours does is compared where it ends, by the log.
    const branch = this.frozen.has(origin);
    const fresh = false;
    return { origin, top: from, begins, at: before, branch, fresh, renamed: false, split: null };
  }

  private branchesOf(origin: Incarnation): number {
    const plain = `${plainOrigin(origin)}/`;
    const all = new Set([...this.log.vector().keys(), ...this.tops.keys()]);
    let count = 0;
    for (const name of all) if (name.startsWith(plain)) count++;
    return count;
  }

  /** Goes on by one op. True if it is new here, and continues what is. */
  private follow(run: Run, { seq }: Envelope, envelope: Uint8Array): boolean {
    const { origin, top, at } = run;
    if (seq !== at.seq + 1 && !run.renamed) throw wrong(`ops of ${origin} have a gap`);
    if (run.renamed) return false;
    const isNew = seq > top.seq;
    if (isNew && origin === this.own()) run.branch = true;
    if (seq === top.seq + 1 && !equalBytes(at.chain, top.chain)) run.branch = true;
    const next = { seq, chain: chainHash(this.hash, at.chain, envelope) };
    if (run.begins && !run.fresh) {
      if (branchName(origin, next.chain) !== origin) {
        throw wrong("a branch has another name than its first op");
      }
      run.split = this.heldAs(origin, next);
      run.renamed = run.split !== null;
    } else if (isNew && this.branched.has(plainOrigin(origin))) {
      run.renamed = this.topOf(branchName(origin, next.chain)) !== undefined;
    }
    if (run.renamed) return false;
    run.at = next;
    if (seq === top.seq && !equalBytes(run.at.chain, top.chain)) run.branch = true;
    return isNew && !run.branch;
  }

  /** The first op of a branch may be here, in the middle of another line of its incarnation. */
  private heldAs(branch: Incarnation, { seq, chain }: Mark): Split | null {
    const plain = plainOrigin(branch);
    for (const [origin, head] of this.log.vector()) {
      if (plainOrigin(origin) !== plain || seq > head.seq) continue;
      const mine = this.log.chainAt(origin, seq);
      if (mine !== null && equalBytes(mine, chain)) return { origin, afterSeq: seq - 1, branch };
    }
    return null;
  }

  private keep(ops: Op[], proofs: [string, Uint8Array][], runs: readonly Run[]): Taken {
    const heads: Held[] = [];
    const branches: Incarnation[] = [];
    const begun: Incarnation[] = [];
    const splits: Split[] = [];
    for (const { origin, at, top, begins, branch, fresh, renamed, split } of runs) {
      if (split !== null) splits.push(split);
      if (branch) {
        branches.push(origin);
        continue;
      }
      if (fresh || !renamed) heads.push([origin, at]);
      if (!fresh) continue;
      if (begins) {
        this.log.begin(origin, top);
        this.meet(origin);
        begun.push(origin);
      }
      this.tops.set(origin, at);
    }
    for (const [key, proof] of proofs) this.proofs.set(key, proof);
    for (const key of this.proofs.keys()) {
      if (this.proofs.size <= PROOFS_MAX) break;
      this.proofs.delete(key);
    }
    return { ops, heads, branches, begun, splits };
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
