/**
 * Puts ops into frames for a peer, each within the bounds of a frame, each line with the chain before it. A frame
 * holds one branch of an incarnation: envelopes do not say which one they belong to.
 */
import { plainOrigin } from "../core/branch.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import { PEER_OPS_BYTES_MAX, PEER_OPS_MAX } from "../core/limits.ts";
import { CHAIN_START, chainHash, type Op } from "../core/op.ts";
import { encodePeerOps, type PeerLine, type PeerOp, peerOpBytes } from "../protocol/peer-ops.ts";
import type { StoredOp } from "./ports.ts";
import type { HeadSeq } from "./store-marks.ts";
import type { Line } from "./vector-digests.ts";

export type SentFrame = {
  readonly bytes: Uint8Array;
  /** Up to where each origin goes in it. */
  readonly heads: readonly HeadSeq[];
};

/** Whether an op's body was erased, so that it travels with a proof. */
export function isErased(op: Op): boolean {
  return op.body === null && op.bodyHash !== null;
}

export class OpsFrame {
  private readonly lines = new Map<Incarnation, PeerLine>();
  private readonly plain = new Map<Incarnation, Incarnation>();
  private readonly heads = new Map<Incarnation, number>();
  private readonly ops: PeerOp[] = [];
  private bytes = 0;

  get isEmpty(): boolean {
    return this.ops.length === 0;
  }

  has(origin: Incarnation): boolean {
    return this.lines.has(origin);
  }

  /** False if it does not fit. `chain` is that before the op. */
  add(op: Op, chain: Uint8Array, proof: Uint8Array | null = null): boolean {
    const peerOp = { envelope: op.bytes, body: op.body, proof: op.body === null ? proof : null };
    const bytes = peerOpBytes(peerOp);
    if (this.ops.length >= PEER_OPS_MAX) return false;
    if (this.ops.length > 0 && this.bytes + bytes > PEER_OPS_BYTES_MAX) return false;
    if (!this.lines.has(op.origin)) {
      const plain = plainOrigin(op.origin);
      if (this.plain.has(plain)) return false;
      this.plain.set(plain, op.origin);
      this.lines.set(op.origin, { origin: op.origin, seq: op.seq, chain });
    }
    this.heads.set(op.origin, op.seq);
    this.ops.push(peerOp);
    this.bytes += bytes;
    return true;
  }

  encode(upTo: number): SentFrame {
    const bytes = encodePeerOps({ upTo, lines: [...this.lines.values()], ops: this.ops });
    return { bytes, heads: [...this.heads] };
  }
}

/**
 * Frames for those who have what was before a commit: its ops of these lines, in order of arrival. The last
 * one vouches for everything up to `upTo`.
 */
export function liveFrames(hash: Hash, lines: readonly Line[], upTo: number): SentFrame[] {
  const frames: SentFrame[] = [];
  let frame = new OpsFrame();
  const chains = new Chains(hash, lines);
  for (const { op } of inOrder(lines)) {
    if (!frame.add(op, frame.has(op.origin) ? CHAIN_START : chains.before(op))) {
      frames.push(frame.encode(0));
      frame = new OpsFrame();
      frame.add(op, chains.before(op));
    }
    chains.pass(op);
  }
  frames.push(frame.encode(upTo));
  return frames;
}

function inOrder(lines: readonly Line[]): readonly StoredOp[] {
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) return only.ops;
  return lines.flatMap(({ ops }) => ops).sort((a, b) => a.n - b.n);
}

/** Chain hashes within a commit, computed only where a frame begins in its middle. */
class Chains {
  private readonly hash: Hash;
  private readonly at = new Map<Incarnation, { chain: Uint8Array; passed: Op[] }>();

  constructor(hash: Hash, lines: readonly Line[]) {
    this.hash = hash;
    for (const { origin, before } of lines) {
      this.at.set(origin, { chain: before.chain, passed: [] });
    }
  }

  pass(op: Op): void {
    this.at.get(op.origin)?.passed.push(op);
  }

  before(op: Op): Uint8Array {
    const at = this.at.get(op.origin);
    if (at === undefined) return CHAIN_START;
    for (const { bytes } of at.passed) at.chain = chainHash(this.hash, at.chain, bytes);
    at.passed = [];
    return at.chain;
  }
}
