/** A peer of a replica in the hands of a test, and ops that it minted. */
import type { Incarnation } from "../src/core/ids.ts";
import {
  CHAIN_START,
  chainHash,
  encodeEnvelope,
  hashBody,
  type Op,
  sealBody,
} from "../src/core/op.ts";
import type { PeerText } from "../src/protocol/peer.ts";
import { encodePeerOps, type PeerOp } from "../src/protocol/peer-ops.ts";
import type { PeerFrame, PeerLink } from "../src/replica/ports.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { id, type Rig } from "./replica-rig.ts";

/** A peer in the hands of a test: it says what it is told to, right or wrong. */
export class Hand implements PeerLink {
  readonly said: PeerText[] = [];
  readonly frames: Uint8Array[] = [];
  closed: string | null = null;
  readonly backlogBytes = 0;
  readonly name: string;
  private readonly rig: Rig;

  constructor(rig: Rig, name = "b", storeId = `store of ${name}`) {
    this.rig = rig;
    this.name = name;
    const identity = { name, storeId, key: "", url: "", wallMs: 0, release: "test" };
    rig.replica.linked(identity, this);
  }

  send(frame: PeerFrame): void {
    if (typeof frame === "string") this.said.push(JSON.parse(frame) as PeerText);
    else this.frames.push(frame);
  }

  close(reason: string): void {
    this.closed = reason;
  }

  say(message: PeerText | object): void {
    this.rig.replica.received(this, JSON.stringify(message));
  }

  frame(frame: PeerFrame): void {
    this.rig.replica.received(this, frame);
  }

  ops(
    ops: readonly Op[],
    change: (op: PeerOp) => PeerOp = (op) => op,
    chain = CHAIN_START,
    upTo = 0,
  ): void {
    const [first] = ops as [Op];
    const lines = [{ origin: first.origin, seq: first.seq, chain }];
    const all = ops.map((op) => change({ envelope: op.bytes, body: op.body, proof: null }));
    this.frame(encodePeerOps({ upTo, lines, ops: all }));
  }

  beat(links: readonly string[] = ["a"]): void {
    const { length } = this.said;
    this.say({
      type: "beat",
      count: length,
      digest: "0",
      wallMs: this.rig.clock.wallMs(),
      fsyncMs: 1,
      lagOps: 0,
      takesWrites: true,
      links,
      inSync: links,
      leader: "a",
    });
  }

  /** Holds nothing, and says so: from then on it is in sync. */
  join(): this {
    this.beat();
    this.say({ type: "vector", digest: "0", origins: 0, upTo: 0 });
    this.rig.clock.pass(150);
    return this;
  }

  heard<T extends PeerText["type"]>(type: T) {
    return this.said.filter((said): said is Extract<PeerText, { type: T }> => said.type === type);
  }
}

export const ORIGIN = "b.0123456789" as Incarnation;

export function opOf(seq: number, text: string | null = `b ${seq}`, origin = ORIGIN): Op {
  const body = text === null ? null : sealBody(new Uint8Array(16), JSON.stringify({ text }));
  const envelope = {
    origin,
    seq,
    stamp: { ms: 1_700_000_000_000 + seq, counter: 0 },
    author: "a_AQEBAQEBAQEBAQEBAQEBAQ" as never,
    id: id(1_000_000 + seq),
    kind: 40,
    scope: "a_AgICAgICAgICAgICAgICAg" as never,
    data: "",
    bodyHash: body === null ? null : hashBody(sha256, body),
  };
  return { ...envelope, bytes: encodeEnvelope(envelope), body };
}

export function chainOf(ops: readonly Op[]): Uint8Array {
  return ops.reduce((chain, { bytes }) => chainHash(sha256, chain, bytes), CHAIN_START);
}
