/**
 * What comes over a link, to the machines behind the decoders: the handshake, from somebody who knows the secret and
 * from somebody who does not, and the replica, from a peer that says whatever has a shape. Each ends by a code of
 * src/mesh/refusals.ts, or by a link that is dropped for a reason that is counted; nothing else may come of it.
 */
import { toBase64Url } from "../../src/core/bytes.ts";
import type { Op } from "../../src/core/op.ts";
import { Handshake, HandshakeRefused } from "../../src/mesh/handshake.ts";
import { type LinkSecrets, linkSecret } from "../../src/mesh/link-secret.ts";
import { makeProof, Share, transcriptOf } from "../../src/mesh/proof.ts";
import { freshKey } from "../../src/mesh/server-key.ts";
import { encodeHandshake } from "../../src/protocol/peer-hello.ts";
import { encodePeerOps } from "../../src/protocol/peer-ops.ts";
import { chainOf, Hand, opOf } from "../peer-hand.ts";
import { Rig } from "../replica-rig.ts";
import { asBytes, asText, type Decoder } from "./fuzz.ts";
import { PEER_TEXTS } from "./peer.ts";

const SECRET = new Uint8Array(32).fill(7);
const [OURS, THEIRS] = [freshKey(), freshKey()];
const told: LinkSecrets = { told: [linkSecret(SECRET)], token: () => null };
const text32 = (byte: number) => toBase64Url(new Uint8Array(32).fill(byte));
const selfOf = (server: string, byte: number) => ({
  versionMin: 1,
  versionMax: 1,
  cluster: "one-cluster",
  server,
  store: `store-of-${server}`,
  instance: text32(byte),
  url: `http://${server}:7300`,
  release: "0.1.0",
});

const share = new Share();
const HELLO = {
  type: "hello" as const,
  ...selfOf("b", 2),
  key: THEIRS.publicText,
  secrets: [linkSecret(SECRET).id],
  nonce: text32(3),
  share: share.text,
  wallMs: 1_790_000_000_000,
};

/** `[hello, proof]`; a proof that is `true` is the right one for that hello, as who knows the secret makes it. */
const handshakes: Decoder = {
  name: "handshakes",
  of: ["src/mesh/handshake.ts Handshake", "src/mesh/proof.ts checkProof"],
  form: "json",
  cost: 8,
  good: () => [JSON.stringify([HELLO, true])],
  also: () => [
    JSON.stringify([{ ...HELLO, cluster: "another" }, true]),
    JSON.stringify([{ ...HELLO, versionMin: 2, versionMax: 9 }, true]),
    JSON.stringify([{ ...HELLO, secrets: ["0".repeat(26)] }, true]),
    JSON.stringify([{ ...HELLO, instance: text32(1) }, true]),
    JSON.stringify([{ ...HELLO, joins: true }, true]),
    JSON.stringify([{ ...HELLO, key: text32(4) }, true]),
    JSON.stringify([{ type: "refused", code: "busy" }]),
    JSON.stringify([
      HELLO,
      { type: "proof", mac: text32(1), signature: toBase64Url(new Uint8Array(64)) },
    ]),
  ],
  outcomes: [
    "taken",
    "open",
    "malformed",
    "other_cluster",
    "version",
    "wrong_secret",
    "itself",
    "token_unknown",
    "wrong_key",
    "busy",
  ],
  decode(input) {
    let said: unknown;
    try {
      said = JSON.parse(asText(input));
    } catch {
      said = [asText(input)];
    }
    const [hello, proof] = (Array.isArray(said) ? said : [said]) as unknown[];
    return meet(hello, proof);
  },
};

function meet(hello: unknown, proof: unknown): string {
  const sent: Uint8Array[] = [];
  const handshake = new Handshake({
    role: "acceptor",
    self: selfOf("a", 1),
    secrets: told,
    key: OURS,
    wallMs: 1_790_000_000_000,
    nonce: text32(5),
    send: (frame) => sent.push(frame),
    judge: () => null,
  });
  const theirs = new Uint8Array(Buffer.from(JSON.stringify(hello ?? null)));
  try {
    if (handshake.receive(theirs) !== null) throw new Error("linked by a hello");
    if (proof === undefined) return "open";
    const transcript = transcriptOf(theirs, sent[0] as Uint8Array);
    const right = encodeHandshake(makeProof(SECRET, THEIRS, "dialler", transcript));
    const answer = proof === true ? right : new Uint8Array(Buffer.from(JSON.stringify(proof)));
    const linked = handshake.receive(answer);
    if (linked === null) return "open";
    if (proof !== true) throw new Error("linked by a proof that was not made for it");
    return "taken";
  } catch (error) {
    if (!(error instanceof HandshakeRefused)) throw error;
    return error.code;
  }
}

/** A rig of so many frames is a new one: what a peer made a replica keep must not end the run. */
const RIG_FRAMES = 400;
let rig: Rig | null = null;
let hand: Hand | null = null;
let frames = 0;

/** A peer that is linked, in sync, and has said something good. */
function peer(): Hand {
  if (rig === null || frames++ % RIG_FRAMES === 0) {
    rig = new Rig();
    hand = null;
  }
  if (hand === null || hand.closed !== null) hand = new Hand(rig).join();
  return hand;
}

const DROPS = new Set(["nonsense", "branch", "flood", "same_store", "too_many", "silent"]);

/** What became of the link, and whether the replica still works. */
function judged(at: Hand, before: number): string {
  const { clock, log, replica } = rig as Rig;
  clock.pass(1);
  while (log.batches.length > 0) log.commit();
  clock.pass(1);
  const { drops } = replica.figures();
  for (const reason of drops.keys()) if (!DROPS.has(reason)) throw new Error(`dropped: ${reason}`);
  const count = [...drops.values()].reduce((sum, n) => sum + n, 0);
  if ((at.closed !== null) !== count > before) throw new Error("a drop that is not counted");
  if (at.said.length > 200) at.said.length = 0;
  at.frames.length = 0;
  return at.closed === null ? "taken" : `dropped: ${at.closed}`;
}

function dropsSoFar(): number {
  const { drops } = (rig as Rig).replica.figures();
  return [...drops.values()].reduce((sum, n) => sum + n, 0);
}

const replicaTexts: Decoder = {
  name: "what peers say to replicas",
  of: ["src/replica/peers.ts Peers", "src/replica/reservations.ts Reservations"],
  form: "json",
  cost: 4,
  good: () => PEER_TEXTS,
  outcomes: ["taken", "dropped"],
  decode(input) {
    const at = peer();
    const before = dropsSoFar();
    at.frame(asText(input));
    return judged(at, before);
  },
};

const OPS: readonly Op[] = [opOf(1), opOf(2), opOf(3)];
const asPeerOps = (ops: readonly Op[]) =>
  ops.map((op) => ({ envelope: op.bytes, body: op.body, proof: null }));
const lines = (from: number, chain: Uint8Array) => {
  return [{ origin: (OPS[0] as Op).origin, seq: from, chain }];
};

const replicaOps: Decoder = {
  name: "ops that peers send to replicas",
  of: ["src/replica/ingest.ts Ingest"],
  form: "bytes",
  cost: 4,
  good: () => [
    encodePeerOps({ upTo: 0, lines: lines(1, new Uint8Array(16)), ops: asPeerOps(OPS) }),
    encodePeerOps({
      upTo: 3,
      lines: lines(1, new Uint8Array(16)),
      ops: asPeerOps(OPS.slice(0, 1)),
    }),
  ],
  also: () => [
    encodePeerOps({
      upTo: 0,
      lines: lines(3, chainOf(OPS.slice(0, 2))),
      ops: asPeerOps(OPS.slice(2)),
    }),
  ],
  outcomes: ["taken", "dropped"],
  decode(input) {
    const at = peer();
    const before = dropsSoFar();
    at.frame(asBytes(input));
    return judged(at, before);
  },
};

export const linkDecoders: readonly Decoder[] = [handshakes, replicaTexts, replicaOps];
