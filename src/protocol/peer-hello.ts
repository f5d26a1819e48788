/**
 * How two servers meet: what they say before either knows who the other is.
 *
 *   dialler   -> hello      acceptor -> hello
 *   dialler   -> proof      acceptor -> proof      from then on sealed frames only
 *
 * Either says `refused` with a code instead, and closes. All of it is JSON in binary frames of at most
 * HANDSHAKE_BYTES_MAX. The shape of a hello outlives versions: members may be added, none may go or change.
 * How the proofs are made, and against what, is in src/mesh/proof.ts.
 */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { HANDSHAKE_BYTES_MAX, SECRETS_FORMER_MAX } from "../core/limits.ts";

/** 32 bytes in base64url. */
export const Bytes32 = Type.String({ pattern: "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
/** An Ed25519 signature, 64 bytes in base64url. */
const Signature = Type.String({ pattern: "^[A-Za-z0-9_-]{85}[AQgw]$" });
const Version = Type.Integer({ minimum: 1, maximum: 1_000_000 });
/** Names a secret and tells nothing of it: 16 bytes in base32hex. */
export const SecretId = Type.String({ pattern: "^[0-9a-v]{25}[048cgkos]$" });
export const RefusalCode = Type.String({ pattern: "^[a-z_]{1,32}$" });
/** Printable, without spaces: it gets into logs and on terminals. */
const Plain = (max: number) => Type.String({ pattern: "^[!-~]*$", minLength: 1, maxLength: max });

export const handshakeMessages = {
  hello: Type.Object({
    type: Type.Literal("hello"),
    /** Versions of PEER_VERSION that it speaks, both included. */
    versionMin: Version,
    versionMax: Version,
    cluster: Plain(64),
    /** Its name within the cluster. */
    server: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" }),
    /** Of its log: counts copies, not names. */
    store: Plain(64),
    /** Drawn at each start of the process. */
    instance: Bytes32,
    /** Where clients and servers reach it. */
    url: Plain(300),
    release: Plain(64),
    /** Its public key, Ed25519. */
    key: Bytes32,
    /** By which secrets it can prove itself, the one that it holds for the cluster's present one first. */
    secrets: Type.Array(SecretId, { minItems: 1, maxItems: 1 + SECRETS_FORMER_MAX }),
    /** It is no member yet: its secret is that of a join token. */
    joins: Type.Optional(Type.Literal(true)),
    nonce: Bytes32,
    /** Public half of a key for this one link, X25519. */
    share: Bytes32,
    /** Its wall clock, ms since 1970. */
    wallMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  }),
  proof: Type.Object({ type: Type.Literal("proof"), mac: Bytes32, signature: Signature }),
  refused: Type.Object({
    type: Type.Literal("refused"),
    code: RefusalCode,
  }),
} as const;

export type HandshakeMessage = {
  [K in keyof typeof handshakeMessages]: Static<(typeof handshakeMessages)[K]>;
}[keyof typeof handshakeMessages];
export type Hello = Static<typeof handshakeMessages.hello>;
export type Proof = Static<typeof handshakeMessages.proof>;

const checks = new Map(
  Object.entries(handshakeMessages).map(([type, schema]) => [type, Compile(schema)] as const),
);

export function encodeHandshake(message: HandshakeMessage): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(message));
}

/** Throws Refusal `invalid` for anything but one of the messages above. */
export function decodeHandshake(frame: Uint8Array): HandshakeMessage {
  if (frame.length > HANDSHAKE_BYTES_MAX) throw malformed(`it has ${frame.length} bytes`);
  let said: unknown;
  try {
    said = JSON.parse(fromUtf8(frame));
  } catch {
    throw malformed("it is no JSON");
  }
  const type = typeof said === "object" && said !== null ? (said as { type?: unknown }).type : null;
  const check = typeof type === "string" ? checks.get(type) : undefined;
  if (check === undefined) throw malformed("it is of no known type");
  if (!check.Check(said)) throw malformed(`it is no "${type}" as declared`);
  return said as HandshakeMessage;
}

function malformed(why: string): Refusal {
  return new Refusal("invalid", `handshake refused: ${why}`);
}

/** The highest version that both speak; null if there is none. */
export function commonVersion(
  a: Pick<Hello, "versionMin" | "versionMax">,
  b: Pick<Hello, "versionMin" | "versionMax">,
): number | null {
  const version = Math.min(a.versionMax, b.versionMax);
  return version >= Math.max(a.versionMin, b.versionMin) ? version : null;
}
