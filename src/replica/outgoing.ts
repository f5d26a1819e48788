/**
 * What one peer is sent of the ops that are durable here.
 *
 * Problem: a peer must get live ops at once, a peer that was away millions of old ones without harm to the rest,
 * and ops of a third server only if nobody nearer sends them. Approach: one place for each origin (`place`),
 * the higher of what the peer holds and what was sent. A commit goes out live where it continues that place
 * and the window is open. Everything else is a lack: it is read from the log in chunks, several origins merged
 * by stamp, while few chunks are unanswered. Rejected: two modes of a link (each change of mode loses or
 * repeats something at its seam).
 *
 * Decision: {@link due}, what is a lack of this peer for this server to fill.
 * Invariants: 1. Of an origin nothing is sent that does not continue `place`. 2. At most LIVE_FRAMES_MAX live
 * frames and PEER_WINDOW_FRAMES chunks are unanswered. 3. What is durable here and not at the peer is on its way,
 * or a lack. 4. A body that was erased is never sent; its op goes with its proof, or waits for it.
 */
import { plainOrigin } from "../core/branch.ts";
import type { Hash } from "../core/hash.ts";
import type { Incarnation } from "../core/ids.ts";
import {
  LIVE_BYTES_MAX,
  LIVE_FRAMES_MAX,
  PEER_WINDOW_FRAMES,
  RELAY_AFTER_MS,
} from "../core/limits.ts";
import { CHAIN_START, chainHash, type Op } from "../core/op.ts";
import { compareStamps } from "../core/stamp.ts";
import { serverOf } from "./minter.ts";
import { isErased, OpsFrame, type SentFrame } from "./ops-frame.ts";
import type { Clock, Log, StoredOp, Timer } from "./ports.ts";
import type { HeadSeq, StoreMarks } from "./store-marks.ts";
import type { Line, VectorDigests } from "./vector-digests.ts";

/** Origins that a chunk is merged from at once. */
const MERGED_ORIGINS = 64;
const RUN_OPS = 128;
/** About a ms of work here and some at the peer: it is what everybody else waits for. Larger ones are no faster. */
const CHUNK_OPS = 128;
/** Between two chunks other work has its turn. */
const PAUSE_MS = 2;
/** An op without its proof is looked at again after this. */
const PROOF_RETRY_MS = 1_000;

type Lack = { seenSeq: number; sinceMs: number; blockedUntilMs: number };
type Stream = { ops: StoredOp[]; at: number; chain: Uint8Array };
type Flight = {
  readonly heads: readonly HeadSeq[];
  readonly bytes: number;
  readonly sentMs: number;
  readonly live: boolean;
};

export type OutgoingParts = {
  readonly name: string;
  readonly peer: string;
  readonly clock: Clock;
  readonly hash: Hash;
  readonly log: Log;
  readonly digests: VectorDigests;
  readonly marks: StoreMarks;
  /** The servers that the peer says it is linked to; null before it said. */
  readonly peerLinks: () => ReadonlySet<string> | null;
  /** An origin of which the peer has another branch: nothing of it is sent. */
  readonly isSplit: (origin: Incarnation) => boolean;
  readonly proofOf: (op: Op) => Uint8Array | undefined;
  readonly send: (bytes: Uint8Array) => void;
};

export class Outgoing {
  private readonly parts: OutgoingParts;
  private readonly lacks = new Map<Incarnation, Lack>();
  private readonly sent = new Map<Incarnation, number>();
  private readonly streams = new Map<Incarnation, Stream>();
  private flights: Flight[] = [];
  private liveFlights = 0;
  private liveBytes = 0;
  private timer: Timer | null = null;
  private isOpen = false;

  constructor(parts: OutgoingParts) {
    this.parts = parts;
  }

  /** What the peer holds is known: everything else is a lack. */
  begin(): void {
    this.clear();
    this.isOpen = true;
    for (const [origin, { seq }] of this.parts.digests.heads) {
      if (seq > this.parts.marks.placeOf(origin)) this.lack(origin);
    }
    this.pump();
  }

  /** The link is over. */
  end(): void {
    this.isOpen = false;
    this.clear();
    this.timer?.cancel();
    this.timer = null;
  }

  private clear(): void {
    this.lacks.clear();
    this.sent.clear();
    this.streams.clear();
    this.flights = [];
    this.liveFlights = 0;
    this.liveBytes = 0;
  }

  private place(origin: Incarnation): number {
    const begin = this.parts.digests.heads.get(origin)?.base?.seq ?? 0;
    return Math.max(this.parts.marks.placeOf(origin), this.sent.get(origin) ?? 0, begin);
  }

  private lack(origin: Incarnation): void {
    if (this.lacks.has(origin) || this.parts.isSplit(origin)) return;
    const sinceMs = this.parts.clock.monotonicMs();
    this.lacks.set(origin, { seenSeq: this.place(origin), sinceMs, blockedUntilMs: 0 });
  }

  /** Whether it is for this server to send what the peer lacks of an origin. */
  private due(origin: Incarnation, lack: Lack, nowMs: number): boolean {
    if (nowMs < lack.blockedUntilMs) return false;
    const server = serverOf(origin);
    if (server === this.parts.name) return true;
    const links = this.parts.peerLinks();
    if (links !== null && !links.has(server) && this.isFirstOf(links)) return true;
    return nowMs - lack.sinceMs >= RELAY_AFTER_MS;
  }

  /** Of several that could relay, the one with the smallest name does; the others see that it gets on. */
  private isFirstOf(links: ReadonlySet<string>): boolean {
    for (const name of links) if (name < this.parts.name) return false;
    return true;
  }

  /** The lines of a commit that go out live; all others that the peer may lack are lacks from now on. */
  chooseLive(lines: readonly Line[]): Line[] {
    if (!this.isOpen) return [];
    const room = this.liveFlights < LIVE_FRAMES_MAX && this.liveBytes < LIVE_BYTES_MAX;
    const live: Line[] = [];
    for (const line of lines) {
      const place = this.place(line.origin);
      if (place >= line.after.seq || this.parts.isSplit(line.origin)) continue;
      const continues = place === line.before.seq && !this.lacks.has(line.origin);
      if (continues && room && this.isNear(line) && !line.ops.some(({ op }) => isErased(op))) {
        live.push(line);
      } else {
        this.lack(line.origin);
      }
    }
    return live;
  }

  /** Whether ops of this line go to the peer from here without waiting whether somebody else sends them. */
  private isNear({ origin }: Line): boolean {
    const server = serverOf(origin);
    if (server === this.parts.name) return true;
    const links = this.parts.peerLinks();
    return links !== null && !links.has(server) && this.isFirstOf(links);
  }

  sendLive(frames: readonly SentFrame[]): void {
    for (const frame of frames) this.fly(frame, true);
  }

  private fly({ bytes, heads }: SentFrame, live: boolean): void {
    for (const [origin, seq] of heads) this.sent.set(origin, seq);
    const sentMs = this.parts.clock.monotonicMs();
    this.flights.push({ heads, bytes: bytes.length, sentMs, live });
    if (live) {
      this.liveFlights++;
      this.liveBytes += bytes.length;
    }
    this.parts.send(bytes);
  }

  /** The peer holds more than before: frames that it has are answered. */
  acked(): void {
    const { marks } = this.parts;
    let answered = 0;
    for (const { heads, live, bytes } of this.flights) {
      if (!heads.every(([origin, seq]) => marks.seqOf(origin) >= seq)) break;
      answered++;
      if (!live) continue;
      this.liveFlights--;
      this.liveBytes -= bytes;
    }
    if (answered > 0) this.flights.splice(0, answered);
    if (this.lacks.size > 0) this.soon();
  }

  /** Every beat: who got on without this server, what is to be sent now. */
  tick(): void {
    // What answers a frame may have come before it could be compared: then no acknowledgment follows.
    if (this.flights.length > 0) this.acked();
    const nowMs = this.parts.clock.monotonicMs();
    for (const [origin, lack] of this.lacks) {
      const held = this.parts.marks.placeOf(origin);
      if (held >= (this.parts.digests.heads.get(origin)?.seq ?? 0)) {
        this.lacks.delete(origin);
      } else if (held > lack.seenSeq && held > (this.sent.get(origin) ?? 0)) {
        lack.seenSeq = held;
        lack.sinceMs = nowMs;
      }
    }
    if (this.lacks.size > 0) this.soon();
  }

  private soon(): void {
    if (!this.isOpen) return;
    this.timer ??= this.parts.clock.schedule(PAUSE_MS, () => {
      this.timer = null;
      this.pump();
    });
  }

  private pump(): void {
    if (!this.isOpen || this.flights.length - this.liveFlights >= PEER_WINDOW_FRAMES) return;
    const open = this.openStreams();
    const frame = new OpsFrame();
    for (let ops = 0; open.size > 0 && ops < CHUNK_OPS; ops++) {
      const origin = earliest(open);
      const stream = open.get(origin) as Stream;
      const { op, n } = stream.ops[stream.at] as StoredOp;
      const proof = isErased(op) ? this.proof(op, n) : null;
      if (isErased(op) && proof === null) {
        this.block(origin);
        open.delete(origin);
        continue;
      }
      if (!frame.add(op, stream.chain, proof)) break;
      stream.chain = chainHash(this.parts.hash, stream.chain, op.bytes);
      stream.at++;
      if (stream.at === stream.ops.length && !this.refill(origin, stream, op.seq)) {
        open.delete(origin);
      }
    }
    if (frame.isEmpty) return;
    this.fly(frame.encode(0), false);
    this.soon();
  }

  /** Bodies left the log: what was read ahead may hold them. */
  erased(): void {
    this.streams.clear();
  }

  private proof(op: Op, n: number): Uint8Array | null {
    const by = this.parts.log.eraserOf(n);
    return by === null ? (this.parts.proofOf(op) ?? null) : this.parts.log.op(by).bytes;
  }

  private block(origin: Incarnation): void {
    const lack = this.lacks.get(origin);
    if (lack !== undefined) lack.blockedUntilMs = this.parts.clock.monotonicMs() + PROOF_RETRY_MS;
    this.streams.delete(origin);
  }

  /** The streams that a chunk is made of now, each standing at the op after the peer's place. */
  private openStreams(): Map<Incarnation, Stream> {
    const nowMs = this.parts.clock.monotonicMs();
    const open = new Map<Incarnation, Stream>();
    const plain = new Set<Incarnation>(); // a frame holds one branch of each
    for (const [origin, lack] of this.lacks) {
      if (open.size >= MERGED_ORIGINS) break;
      if (this.parts.isSplit(origin)) this.lacks.delete(origin);
      else if (!plain.has(plainOrigin(origin)) && this.due(origin, lack, nowMs)) {
        const stream = this.streamOf(origin);
        if (stream === null) continue;
        open.set(origin, stream);
        plain.add(plainOrigin(origin));
      }
    }
    return open;
  }

  private streamOf(origin: Incarnation): Stream | null {
    const place = this.place(origin);
    const known = this.streams.get(origin);
    if (known !== undefined && known.ops[known.at]?.op.seq === place + 1) return known;
    const { log } = this.parts;
    const chain = place === 0 ? CHAIN_START : log.chainAt(origin, place);
    const stream: Stream = { ops: [], at: 0, chain: chain ?? CHAIN_START };
    if (chain === null) this.block(origin);
    else if (this.refill(origin, stream, place)) return stream;
    return null;
  }

  /** Reads on after a seq. False where there is nothing more: then it is no lack, or one that must wait. */
  private refill(origin: Incarnation, stream: Stream, afterSeq: number): boolean {
    const { log, digests } = this.parts;
    stream.ops = log.run(origin, afterSeq + 1, RUN_OPS);
    stream.at = 0;
    if (stream.ops.length > 0) {
      this.streams.set(origin, stream);
      return true;
    }
    this.streams.delete(origin);
    if (afterSeq >= (digests.heads.get(origin)?.seq ?? 0)) this.lacks.delete(origin);
    else this.block(origin);
    return false;
  }

  /** Whether everything that this server minted is sent, or on its way. */
  get hasOwnLacks(): boolean {
    for (const origin of this.lacks.keys()) if (serverOf(origin) === this.parts.name) return true;
    return false;
  }

  get lackingOrigins(): number {
    return this.lacks.size;
  }

  get framesInFlight(): number {
    return this.flights.length;
  }

  /** When the oldest unanswered frame was sent, monotonic ms; null if all are answered. */
  get oldestFlightMs(): number | null {
    return this.flights[0]?.sentMs ?? null;
  }

  /** Ops that are durable here and that the peer does not hold. */
  lagOps(): number {
    let ops = 0;
    for (const origin of new Set([...this.lacks.keys(), ...this.sent.keys()])) {
      const mine = this.parts.digests.heads.get(origin)?.seq ?? 0;
      ops += Math.max(0, mine - this.parts.marks.placeOf(origin));
    }
    return ops;
  }
}

/** The origin whose next op has the smallest stamp. */
function earliest(open: ReadonlyMap<Incarnation, Stream>): Incarnation {
  let best: { origin: Incarnation; op: Op } | null = null;
  for (const [origin, stream] of open) {
    const { op } = stream.ops[stream.at] as StoredOp;
    if (best === null || compareStamps(op.stamp, best.op.stamp) < 0) best = { origin, op };
  }
  return (best as { origin: Incarnation }).origin;
}
