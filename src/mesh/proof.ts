/**
 * What two servers prove to each other, and the keys of what they say afterwards.
 *
 * Each proves that it knows the cluster's secret (a MAC) and that it is the server that the cluster knows by
 * this name (a signature by its own key). Both are over everything that both said, so nothing of another
 * handshake serves in this one; and over which side it is, so nobody's own words come back as an answer.
 * The frames that follow are sealed by keys that come from a Diffie-Hellman exchange under these proofs: a man
 * in the middle may pass on a whole handshake, and can then read and change nothing. That is SIGMA (Krawczyk,
 * CRYPTO 2003), with the secret as a second proof.
 *
 * Rejected: a plain challenge and response (whoever passes it on owns the link that it opens); TLS alone (every
 * server would need a certificate that every other one checks).
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import { concatBytes, fromBase64Url, toBase64Url, utf8 } from "../core/bytes.ts";
import type { Proof } from "../protocol/peer-hello.ts";
import { isSignedBy, type ServerKey } from "./server-key.ts";

/** Who opened the connection, and who took it. */
export type Role = "dialler" | "acceptor";

const LABEL = "holdfast/peer/1";

export function otherRole(role: Role): Role {
  return role === "dialler" ? "acceptor" : "dialler";
}

/** A key pair for one link: the keys of its frames are gone when it is. */
export class Share {
  readonly text: string;
  private readonly privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("x25519");
    this.text = publicKey.export({ format: "jwk" }).x as string;
    this.privateKey = privateKey;
  }

  /** Null for bytes that no honest server sends: points of small order among them. */
  agree(theirs: string): Uint8Array | null {
    try {
      const jwk = { kty: "OKP", crv: "X25519", x: theirs };
      const publicKey = createPublicKey({ key: jwk, format: "jwk" });
      const agreed = new Uint8Array(diffieHellman({ privateKey: this.privateKey, publicKey }));
      return agreed.every((byte) => byte === 0) ? null : agreed;
    } catch {
      return null;
    }
  }
}

/** Hash of both hellos as the bytes that were sent. */
export function transcriptOf(dialled: Uint8Array, accepted: Uint8Array): Uint8Array {
  const hash = createHash("sha256").update(`${LABEL} transcript\0`);
  for (const hello of [dialled, accepted]) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, hello.length);
    hash.update(length).update(hello);
  }
  return new Uint8Array(hash.digest());
}

function labelled(what: string, role: Role, transcript: Uint8Array): Uint8Array {
  return concatBytes(utf8(`${LABEL} ${what} of the ${role}\0`), transcript);
}

function mac(secret: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", secret).update(bytes).digest());
}

export function makeProof(
  secret: Uint8Array,
  key: ServerKey,
  role: Role,
  transcript: Uint8Array,
): Proof {
  return {
    type: "proof",
    mac: toBase64Url(mac(secret, labelled("secret", role, transcript))),
    signature: toBase64Url(key.sign(labelled("key", role, transcript))),
  };
}

/** What is wrong with a proof; null if it is good. The signature is looked at last: it costs most. */
export function checkProof(
  secret: Uint8Array,
  publicText: string,
  role: Role,
  transcript: Uint8Array,
  proof: Proof,
): "wrong_secret" | "wrong_key" | null {
  const given = fromBase64Url(proof.mac);
  const right = mac(secret, labelled("secret", role, transcript));
  if (given === null || given.length !== right.length || !timingSafeEqual(given, right)) {
    return "wrong_secret";
  }
  const signature = fromBase64Url(proof.signature);
  const signed = labelled("key", role, transcript);
  return signature !== null && isSignedBy(publicText, signed, signature) ? null : "wrong_key";
}

/** The key that seals what this role sends: 32 bytes. */
export function frameKey(
  secret: Uint8Array,
  agreed: Uint8Array,
  role: Role,
  transcript: Uint8Array,
): Uint8Array {
  return mac(secret, concatBytes(labelled("frames", role, transcript), agreed));
}
