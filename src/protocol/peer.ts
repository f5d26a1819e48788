/**
 * What servers say to each other over a link once both have proved who they are (see peer-hello.ts).
 *
 * Two kinds of frames: JSON text for everything small, declared and checked here, and a binary frame for
 * batches of ops (peer-ops.ts), whose envelopes are passed on as the bytes that were hashed. Frames of a link
 * arrive whole and in order, or the link is over. Members that a release does not know are left alone, and
 * so are messages of a type that it does not know: only what an older one cannot ignore raises the version.
 */
import Type, { type Static } from "typebox";
import {
  CHAIN_SAMPLES_MAX,
  HEADS_PER_FRAME_MAX,
  LINKS_MAX,
  PRESENCE_PER_FRAME_MAX,
  VECTOR_BUCKETS,
} from "../core/limits.ts";
import { NAME_PATTERN } from "../core/names.ts";
import { RangeAsk, RangeDigest } from "./view-digest.ts";

/**
 * Version of the links between servers. Two releases talk if one of their versions is the same; a change
 * that an older one cannot ignore raises it.
 *
 * 1  2026-11  first; presence and typing
 *             hellos list secrets, and may say `joins`; carriers say `link.refused`, `link.secret`, `link.holds`,
 *             `link.meets`
 */
export const PEER_VERSION = 1;
/** The oldest that this release still speaks. */
export const PEER_VERSION_MIN = 1;

const Digest = Type.String({ pattern: "^[0-9a-f]{1,16}$", description: "64 bits in hex" });
const Origin = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}\\.[0-9a-v]{10}(/[0-9a-v]{10})?$" });
const ServerName = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" });
const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const StampText = Type.String({ pattern: "^[0-9a-v]{13}$" });
const Name = Type.String({ pattern: NAME_PATTERN });
/** Chain hash, 16 bytes in base64url. */
const Chain = Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" });
/** `[origin, seq, chain]`: everything of this origin up to there is fsynced, and this is the chain hash there. */
const Held = Type.Tuple([Origin, Seq, Chain]);
const HeldList = Type.Array(Held, { maxItems: HEADS_PER_FRAME_MAX });
/**
 * The sender's arrival number: with what it said on this link until now, all that it holds up to there was
 * named. 0 says nothing.
 */
const UpTo = Count;
const AccountIdText = Type.String({ pattern: "^a_[A-Za-z0-9_-]{21}[AQgw]$" });
const Accounts = Type.Array(AccountIdText, { maxItems: PRESENCE_PER_FRAME_MAX });
const ServerNames = Type.Array(ServerName, { maxItems: LINKS_MAX });

export const NameTable = Type.Union([Type.Literal("account"), Type.Literal("channel")]);

/** Whose people these are, if not the sender's: passed on once, to one that does not hear that server. */
const PassedOn = Type.Optional(ServerName);

export const peerMessages = {
  /** What the log holds, as a sum: first on a link from both, and again where two sums stay apart. */
  vector: Type.Object({ type: Type.Literal("vector"), digest: Digest, origins: Count, upTo: UpTo }),
  /** The same by bucket of origins, when the sums differ. */
  buckets: Type.Object({
    type: Type.Literal("buckets"),
    digests: Type.Array(Digest, { minItems: VECTOR_BUCKETS, maxItems: VECTOR_BUCKETS }),
  }),
  /** The heads of the buckets that differ. The last frame says which those are, and ends the list. */
  heads: Type.Object({
    type: Type.Literal("heads"),
    heads: HeldList,
    last: Type.Optional(
      Type.Object({
        differ: Type.Array(Type.Integer({ minimum: 0, maximum: VECTOR_BUCKETS - 1 }), {
          maxItems: VECTOR_BUCKETS,
        }),
        upTo: UpTo,
      }),
    ),
  }),
  /** What became durable since the last one; never taken back while the store lives. */
  ack: Type.Object({
    type: Type.Literal("ack"),
    held: HeldList,
    upTo: UpTo,
    /** Whose disk it is, if not the sender's: passed on to whom that server has no link to. */
    by: Type.Optional(
      Type.Object({ server: ServerName, store: Type.String({ minLength: 1, maxLength: 64 }) }),
    ),
  }),
  /**
   * Chain hashes of the sender at some seqs of an incarnation of which both hold another branch: the search for
   * where they part (src/replica/fork-search.ts). None: the sender sees no difference.
   */
  chains: Type.Object({
    type: Type.Literal("chains"),
    origin: Origin,
    at: Type.Array(Type.Tuple([Seq, Chain]), { maxItems: CHAIN_SAMPLES_MAX + 1 }),
  }),
  /** Every BEAT_PEER_INTERVAL_MS: this server lives, and how it is. */
  beat: Type.Object({
    type: Type.Literal("beat"),
    count: Count,
    /** Of the durable vector. */
    digest: Digest,
    wallMs: Count,
    /** Mean of the last commits' transaction and fsync. */
    fsyncMs: Type.Number({ minimum: 0 }),
    /** Ops it knows of and lacks. */
    lagOps: Count,
    /** Whether its disk takes writes. */
    takesWrites: Type.Boolean(),
    /** Whom it is linked to and hears. */
    links: ServerNames,
    /** Those of them that its writes wait for. */
    inSync: ServerNames,
    /** Whom it takes for the leader. */
    leader: ServerName,
  }),
  /** May this name be claimed? Ordered against others by (stamp, origin). */
  reserve: Type.Object({
    type: Type.Literal("reserve"),
    /** Of the sender, unique on this link. */
    key: Count,
    table: NameTable,
    name: Name,
    /** The account or channel that is to have it: a repeat of one request is no race. */
    holder: Type.String({ minLength: 1, maxLength: 64 }),
    stamp: StampText,
    origin: Origin,
  }),
  granted: Type.Object({ type: Type.Literal("granted"), key: Count }),
  denied: Type.Object({ type: Type.Literal("denied"), key: Count }),
  /** The reservation is used or given up. */
  release: Type.Object({ type: Type.Literal("release"), key: Count }),
  /** What of a range of the view stands there? `key` is the sender's, unique on this link. */
  digest: Type.Object({ type: Type.Literal("digest"), key: Count, range: RangeAsk }),
  /** The answer, or why there is none. */
  digested: Type.Object({
    type: Type.Literal("digested"),
    key: Count,
    range: Type.Optional(RangeDigest),
    problem: Type.Optional(Type.String({ maxLength: 400 })),
  }),
  /** Who has come online at the sender, and who has gone; never stored, and over with the link. */
  presence: Type.Object({
    type: Type.Literal("presence"),
    of: PassedOn,
    /** What was said before counts no more: in the first frame on a link. */
    anew: Type.Boolean(),
    online: Accounts,
    offline: Accounts,
  }),
  /** Somebody is typing at the sender; at most once in TYPING_INTERVAL_MS for one account and conversation. */
  typing: Type.Object({
    type: Type.Literal("typing"),
    of: PassedOn,
    account: AccountIdText,
    conversation: Type.String({ pattern: "^[cd]_[A-Za-z0-9_-]{21}[AQgw]$" }),
  }),
  /** This server stops: no write needs to wait for it. */
  goodbye: Type.Object({ type: Type.Literal("goodbye") }),
} as const;

export type PeerText = {
  [K in keyof typeof peerMessages]: Static<(typeof peerMessages)[K]>;
}[keyof typeof peerMessages];
export type PeerMessage<K extends PeerText["type"]> = Extract<PeerText, { type: K }>;
