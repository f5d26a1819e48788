/**
 * A server's own key pair, Ed25519 (RFC 8032), in the file `key` of its data directory: by it the cluster
 * knows a server again, also against another one that knows the secret.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { utf8 } from "../core/bytes.ts";

export const KEY_FILE = "key";
const DRAFT = `${KEY_FILE}.new`;
export const KEY_FILES: readonly string[] = [KEY_FILE, DRAFT];
const KEY_FILE_BYTES_MAX = 4_096;

/** The file can't be read, or holds no key. */
export class KeyFileError extends Error {
  override name = "KeyFileError";
  /** This user may not read it. */
  readonly isForbidden: boolean;

  constructor(path: string, cause: unknown) {
    const { code, message } = cause as NodeJS.ErrnoException;
    super(`the key file ${path} can't be used: ${message}`);
    this.isForbidden = code === "EACCES" || code === "EPERM";
  }
}

export class ServerKey {
  /** As others record it: 32 bytes in base64url. */
  readonly publicText: string;
  private readonly privateKey: KeyObject;

  constructor(privateKey: KeyObject) {
    this.privateKey = privateKey;
    this.publicText = createPublicKey(privateKey).export({ format: "jwk" }).x as string;
  }

  /** 32 bytes that only who can read the key can compute. */
  derive(label: string): Uint8Array {
    const own = this.privateKey.export({ type: "pkcs8", format: "der" });
    return new Uint8Array(createHmac("sha256", own).update(label).digest());
  }

  sign(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, bytes, this.privateKey));
  }
}

export function freshKey(): ServerKey {
  return new ServerKey(generateKeyPairSync("ed25519").privateKey);
}

/** Whether the holder of this public key, as text, signed these bytes. Never throws. */
export function isSignedBy(publicText: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const jwk = { kty: "OKP", crv: "Ed25519", x: publicText };
    return verify(null, bytes, createPublicKey({ key: jwk, format: "jwk" }), signature);
  } catch {
    return false; // 32 bytes that are no key
  }
}

/** The key of a data directory, made if there is none. Throws KeyFileError. */
export function openKey(data: string): ServerKey {
  return readKey(data) ?? makeKey(data, join(data, KEY_FILE));
}

/** null if there is none. Throws KeyFileError. */
export function readKey(data: string): ServerKey | null {
  const path = join(data, KEY_FILE);
  let pem: string | null = null;
  try {
    const { size } = statSync(path);
    if (size > KEY_FILE_BYTES_MAX) throw new Error("it is too large");
    pem = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw new KeyFileError(path, cause);
  }
  if (pem === null) return null;
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== "ed25519") throw new Error("it is no Ed25519 key");
    return new ServerKey(key);
  } catch (cause) {
    throw new KeyFileError(path, cause);
  }
}

/** Whole and durable before anybody is told of it. */
function makeKey(data: string, path: string): ServerKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  const draft = join(data, DRAFT);
  rmSync(draft, { force: true });
  const fd = openSync(draft, "wx", 0o600);
  try {
    writeSync(fd, utf8(privateKey.export({ type: "pkcs8", format: "pem" }) as string));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
  return new ServerKey(privateKey);
}
