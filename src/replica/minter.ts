/**
 * Makes ops: numbers, stamps and seals what a proposal says.
 *
 * Invariants: 1. seqs of an incarnation have no gaps, its stamps rise. 2. An incarnation begins with the first op
 * of this process, not with its start, and another one whenever this one turns out to be in use elsewhere.
 */
import { toBase32Hex } from "../core/bytes.ts";
import type { Hash } from "../core/hash.ts";
import type { AccountId, Incarnation, RequestId } from "../core/ids.ts";
import { encodeEnvelope, hashBody, type Op, SALT_BYTES, type Scope, sealBody } from "../core/op.ts";
import { laterStamp, STAMP_ZERO, type Stamp } from "../core/stamp.ts";
import type { Content, Kind } from "../ops/kind.ts";
import type { PendingKey } from "./pending.ts";
import type { Log, Random, Split } from "./ports.ts";
import type { StampClock } from "./stamp-clock.ts";

const INCARNATION_RANDOM_BYTES = 7;
const INCARNATION_RANDOM_CHARACTERS = 10;

/** What a client asks to be made an op. */
export type Proposal<D = unknown, B = unknown> = {
  readonly author: AccountId;
  readonly id: RequestId;
  readonly kind: Kind<D, B>;
  readonly content: Content<D, B>;
  /** What the op changes, so that requests that depend on it wait. */
  readonly changes: readonly PendingKey[];
};

type Parts = { readonly name: string; readonly hash: Hash; readonly random: Random };

export class Minter {
  /** Null until something is minted. */
  current: Incarnation | null = null;
  private readonly parts: Parts;
  private readonly stamps: StampClock;
  private seq = 0;
  /** Incarnations of this process before the current one, up to the seq that it minted: where one was given up. */
  private readonly former = new Map<Incarnation, number>();

  constructor(parts: Parts, stamps: StampClock) {
    this.parts = parts;
    this.stamps = stamps;
  }

  /** The incarnation under which the next op is minted. */
  incarnation(): Incarnation {
    if (this.current === null) {
      const bits = toBase32Hex(this.parts.random.bytes(INCARNATION_RANDOM_BYTES));
      const random = bits.slice(0, INCARNATION_RANDOM_CHARACTERS);
      this.current = `${this.parts.name}.${random}` as Incarnation;
    }
    return this.current;
  }

  /** Whether this process minted it. */
  isMine({ origin, seq }: Pick<Op, "origin" | "seq">): boolean {
    return seq <= this.mintedUpTo(origin);
  }

  /** The last seq that this process minted of an incarnation; 0 if none. */
  mintedUpTo(origin: Incarnation): number {
    return origin === this.current ? this.seq : (this.former.get(origin) ?? 0);
  }

  /** What is minted from now on belongs to another incarnation. */
  beginAnew(): void {
    if (this.current !== null) this.former.set(this.current, this.seq);
    this.current = null;
    this.seq = 0;
  }

  /** What was minted after a seq has another name now. */
  renamed({ origin, afterSeq, branch }: Split): void {
    const upTo = this.former.get(origin) ?? 0;
    if (upTo <= afterSeq) return;
    this.former.set(origin, afterSeq);
    this.former.set(branch, upTo);
  }

  make<D, B>({ author, id, kind, content }: Proposal<D, B>): Op {
    const { random, hash } = this.parts;
    const body =
      content.body === null
        ? null
        : sealBody(random.bytes(SALT_BYTES), JSON.stringify(content.body));
    const data = JSON.stringify(content.data);
    const envelope = {
      origin: this.incarnation(),
      seq: this.seq + 1,
      stamp: this.stamps.next(),
      author,
      id,
      kind: kind.number,
      scope: content.scope as Scope,
      data: data === "{}" ? "" : data,
      bodyHash: body === null ? null : hashBody(hash, body),
    };
    const bytes = encodeEnvelope(envelope);
    this.seq = envelope.seq; // only now: an op that cannot be made leaves no gap
    return { ...envelope, bytes, body };
  }
}

export function serverOf(origin: Incarnation): string {
  return origin.slice(0, origin.indexOf("."));
}

/** The highest stamp that a server has minted, as far as its ops are in the log. */
export function highestOwnStamp(log: Log, name: string): Stamp {
  let highest = STAMP_ZERO;
  for (const [origin, { seq }] of log.vector()) {
    if (serverOf(origin) !== name) continue;
    // Stamps of an incarnation rise: its last op has the highest.
    for (const { op } of log.run(origin, seq, 1)) highest = laterStamp(highest, op.stamp);
  }
  return highest;
}
