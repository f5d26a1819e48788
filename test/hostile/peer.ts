/** Decoders of what servers say to each other: ops, frames, handshakes, join tokens. */
import { createHash } from "node:crypto";
import { toBase64Url } from "../../src/core/bytes.ts";
import { Refusal } from "../../src/core/errors.ts";
import { accountIdOf, channelIdOf, type Incarnation, requestIdFrom } from "../../src/core/ids.ts";
import { LINK_PIECE_BYTES_MAX, VECTOR_BUCKETS } from "../../src/core/limits.ts";
import {
  CHAIN_START,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  hashBody,
  sealBody,
} from "../../src/core/op.ts";
import { decodeJoinToken, encodeJoinToken } from "../../src/mesh/join-token.ts";
import { Opener, Sealer, Unsealable } from "../../src/mesh/sealed-frames.ts";
import { decodePeerFrame } from "../../src/protocol/peer-codec.ts";
import { decodeHandshake, encodeHandshake, type Hello } from "../../src/protocol/peer-hello.ts";
import { decodeLinkMessage, isLinkMessage } from "../../src/protocol/peer-link.ts";
import { decodePeerOps, encodePeerOps } from "../../src/protocol/peer-ops.ts";
import { sha256 } from "../../src/storage/log-hash.ts";
import { skim } from "../../src/storage/log-skim.ts";
import { asBytes, asText, type Decoder } from "./fuzz.ts";

const raw = (from: number, length = 16) => Uint8Array.from({ length }, (_, i) => (from + i) & 255);
const TEXT_22 = toBase64Url(raw(1));
const TEXT_32 = toBase64Url(raw(9, 32));
const ORIGIN = "a-b.0123456789" as Incarnation;
const BRANCH = `${ORIGIN}/vvvvvvvvvv` as Incarnation;

/** `taken`, or the code of a Refusal with its reason. */
export function toldBy(work: () => unknown): string {
  try {
    work();
    return "taken";
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.message}`;
    throw error;
  }
}

export function same(a: Uint8Array, b: Uint8Array, what: string): void {
  if (Buffer.compare(a, b) !== 0)
    throw new Error(`it has another form than its encoder's: ${what}`);
}

const sealed = (body: object | null) =>
  body === null ? null : sealBody(raw(0x40), JSON.stringify(body));

export function envelopeOf(over: Partial<Envelope> = {}, body: object | null = null): Envelope {
  const bytes = sealed(body);
  return {
    origin: ORIGIN,
    seq: 1,
    stamp: { ms: 1_700_000_000_000, counter: 7 },
    author: accountIdOf(raw(0)),
    id: requestIdFrom(1_700_000_000_001, raw(0x80)),
    kind: 40,
    scope: channelIdOf(raw(0x10)),
    data: "",
    bodyHash: bytes === null ? null : hashBody(sha256, bytes),
    ...over,
  };
}

const ENVELOPES = [
  envelopeOf(),
  envelopeOf({ origin: BRANCH, seq: 2 ** 53 - 1, kind: 65_535, scope: accountIdOf(raw(5)) }),
  envelopeOf({ scope: null, data: '{"ä":1}', seq: 129 }, { text: "x" }),
].map(encodeEnvelope);

const envelopes: Decoder = {
  name: "envelopes of ops",
  of: [
    "src/core/op.ts decodeEnvelope",
    "src/core/stamp.ts readStamp",
    "src/storage/log-skim.ts skim",
  ],
  form: "bytes",
  good: () => ENVELOPES,
  outcomes: ["taken", "invalid"],
  decode(input) {
    const bytes = asBytes(input);
    const short = skim(bytes);
    return toldBy(() => {
      const said = decodeEnvelope(bytes);
      same(encodeEnvelope(said), bytes, "envelope");
      if (short?.seq !== said.seq) throw new Error("the short way reads another seq");
    });
  },
};

const erasing = encodeEnvelope(envelopeOf({ kind: 42, seq: 2 }));
const BATCHES = [
  encodePeerOps({
    upTo: 0,
    lines: [{ origin: ORIGIN, seq: 1, chain: CHAIN_START }],
    ops: [{ envelope: ENVELOPES[0]!, body: null, proof: null }],
  }),
  encodePeerOps({
    upTo: 2 ** 40,
    lines: [
      { origin: ORIGIN, seq: 1, chain: CHAIN_START },
      { origin: BRANCH, seq: 9, chain: raw(7) },
    ],
    ops: [
      { envelope: ENVELOPES[2]!, body: sealed({ text: "x" }), proof: null },
      { envelope: ENVELOPES[1]!, body: null, proof: erasing },
    ],
  }),
];

const batches: Decoder = {
  name: "batches of ops",
  of: ["src/protocol/peer-ops.ts decodePeerOps", "src/protocol/peer-codec.ts decodePeerFrame"],
  form: "bytes",
  good: () => BATCHES,
  outcomes: ["taken", "invalid"],
  decode: (input) =>
    toldBy(() => {
      const bytes = asBytes(input);
      decodePeerFrame(bytes);
      same(encodePeerOps(decodePeerOps(bytes)), bytes, "batch");
    }),
};

const held = [ORIGIN, 7, TEXT_22];
const range = { table: "messages", after: null, upTo: ["a", "b"], rowsMax: 100, keys: true };
const digest = { rows: 1, digest: "0".repeat(32), end: ["a"], vector: "0".repeat(16), ops: 3 };
const account = accountIdOf(raw(0));
const PEER_TEXTS = [
  { type: "vector", digest: "0f", origins: 3, upTo: 9 },
  { type: "buckets", digests: Array.from({ length: VECTOR_BUCKETS }, () => "a1") },
  { type: "heads", heads: [held], last: { differ: [0, VECTOR_BUCKETS - 1], upTo: 9 } },
  { type: "ack", held: [held], upTo: 3, by: { server: "b", store: "store-of-b" } },
  { type: "chains", origin: ORIGIN, at: [[1, TEXT_22]] },
  {
    type: "beat",
    count: 3,
    digest: "0",
    wallMs: 1_700_000_000_000,
    fsyncMs: 0.5,
    lagOps: 0,
    takesWrites: true,
    links: ["a", "b"],
    inSync: ["b"],
    leader: "a",
  },
  {
    type: "reserve",
    key: 1,
    table: "account",
    name: "ann",
    holder: account,
    stamp: "06h02d5jg0000",
    origin: ORIGIN,
  },
  { type: "granted", key: 1 },
  { type: "denied", key: 1 },
  { type: "release", key: 1 },
  { type: "digest", key: 4, range },
  { type: "digested", key: 4, range: { ...digest, keys: [[["a"], "0".repeat(16)]] } },
  { type: "presence", of: "c", anew: true, online: [account], offline: [] },
  { type: "typing", account, conversation: channelIdOf(raw(0x10)) },
  { type: "goodbye" },
  { type: "of a later release", anything: [1] },
].map((said) => JSON.stringify(said));

export { PEER_TEXTS };

const peerTexts: Decoder = {
  name: "texts of peers",
  cost: 2,
  of: ["src/protocol/peer-codec.ts decodePeerFrame", "src/core/bytes.ts fromUtf8"],
  form: "json",
  good: () => PEER_TEXTS,
  outcomes: ["taken", "invalid"],
  decode: (input) => toldBy(() => decodePeerFrame(asText(input))),
};

const SECRET_ID = "0".repeat(26);
const hello: Hello = {
  type: "hello",
  versionMin: 1,
  versionMax: 1,
  cluster: "one-cluster",
  server: "a",
  store: "store-of-a",
  instance: TEXT_32,
  url: "http://a:7300",
  release: "0.1.0",
  key: TEXT_32,
  secrets: [SECRET_ID],
  nonce: TEXT_32,
  share: TEXT_32,
  wallMs: 1_790_000_000_000,
};
export const HANDSHAKES = [
  encodeHandshake(hello),
  encodeHandshake({ ...hello, joins: true, secrets: [SECRET_ID, SECRET_ID] }),
  encodeHandshake({ type: "proof", mac: TEXT_32, signature: toBase64Url(raw(0, 64)) }),
  encodeHandshake({ type: "refused", code: "wrong_secret" }),
];

const handshakes: Decoder = {
  name: "messages of handshakes",
  of: ["src/protocol/peer-hello.ts decodeHandshake"],
  form: "json",
  good: () => HANDSHAKES.map((bytes) => Buffer.from(bytes).toString()),
  outcomes: ["taken", "invalid"],
  decode: (input) => toldBy(() => decodeHandshake(asBytes(input))),
};

const LINK_TEXTS = [
  { type: "link.refused", code: "too_slow" },
  { type: "link.secret", cluster: "k_1", generation: 3, secret: TEXT_32 },
  { type: "link.meets", processes: [["a", TEXT_32]] },
  { type: "link.holds", secret: SECRET_ID },
  { type: "link.later", more: 1 },
].map((said) => JSON.stringify(said));

const linkTexts: Decoder = {
  name: "texts of carriers",
  of: ["src/protocol/peer-link.ts decodeLinkMessage"],
  form: "json",
  good: () => LINK_TEXTS,
  outcomes: ["taken", "malformed", "none of the carrier's"],
  decode(input) {
    const text = asText(input);
    if (!isLinkMessage(text)) return "none of the carrier's";
    return decodeLinkMessage(text) === null ? "malformed" : "taken";
  },
};

const LINK_KEY = raw(3, 32);
const pieces = (frame: string | Uint8Array) => new Sealer(LINK_KEY).seal(frame);

const sealedPieces: Decoder = {
  name: "sealed pieces",
  of: ["src/mesh/sealed-frames.ts Opener"],
  form: "bytes",
  good: () => [...pieces("a text"), ...pieces(raw(0, 40)), ...pieces("")],
  outcomes: ["taken", "unsealable"],
  // A peer that has the key seals whatever it likes: flags and content are its own.
  dress(input) {
    const bytes = asBytes(input);
    const text = bytes[0] === undefined || bytes[0] < 128;
    const content = bytes.subarray(1, LINK_PIECE_BYTES_MAX);
    const [piece] = pieces(text ? Buffer.from(content).toString("latin1") : content);
    return piece as Uint8Array;
  },
  decode(input) {
    try {
      new Opener(LINK_KEY).open(asBytes(input));
      return "taken";
    } catch (error) {
      if (error instanceof Unsealable) return `unsealable: ${error.message}`;
      throw error;
    }
  },
};

const token = { cluster: "k_1", server: "a", key: TEXT_32, join: TEXT_32 };
const TOKENS = [["http://a:7300"], ["https://a.example", "http://10.0.0.1:7300"]].map((urls) =>
  encodeJoinToken({ ...token, urls }),
);

/** The sum of a token is no secret: whoever changes the rest puts it right. */
function summed(input: string | Uint8Array): string {
  const content = Buffer.from(asText(input).slice(4), "base64url").subarray(6);
  const sum = createHash("sha256").update("holdfast/join\0").update(content).digest();
  return `hfj_${Buffer.concat([sum.subarray(0, 6), content]).toString("base64url")}`;
}

const joinTokens: Decoder = {
  name: "join tokens",
  of: ["src/mesh/join-token.ts decodeJoinToken", "src/protocol/peer-join.ts isJoinToken"],
  form: "text",
  good: () => TOKENS,
  outcomes: ["taken", "none"],
  dress: summed,
  decode: (input) => (decodeJoinToken(asText(input)) === null ? "none" : "taken"),
};

/** What is in a join token, changed as JSON and packed again. */
const joinTokenContents: Decoder = {
  ...joinTokens,
  name: "contents of join tokens",
  form: "json",
  good: () => TOKENS.map((text) => Buffer.from(text.slice(4), "base64url").subarray(6).toString()),
  dress: (input) => input,
  decode(input) {
    const packed = Buffer.concat([Buffer.alloc(6), Buffer.from(asText(input))]);
    return decodeJoinToken(summed(`hfj_${packed.toString("base64url")}`)) === null
      ? "none"
      : "taken";
  },
};

export const peerDecoders: readonly Decoder[] = [
  envelopes,
  batches,
  peerTexts,
  handshakes,
  linkTexts,
  sealedPieces,
  joinTokens,
  joinTokenContents,
];
