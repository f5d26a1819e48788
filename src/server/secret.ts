/**
 * The cluster's secret: 32 random bytes in a file of their own. Servers with one secret are one cluster; its
 * id is computed from the first one, and written beside every later one.
 */
import { createHash, createHmac } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { toBase32Hex, toBase64Url, utf8 } from "../core/bytes.ts";
import { SECRETS_FORMER_MAX } from "../core/limits.ts";
import { StartError } from "./exit-codes.ts";

export const SECRET_FILE = "secret";
const DRAFT = ".new";
export const SECRET_FILES: readonly string[] = [SECRET_FILE, SECRET_FILE + DRAFT];
export const SECRET_BYTES = 32;
export const OPERATOR_TOKEN_PREFIX = "hfo_";
/** No secret is longer; a path that leads to something huge must not fill the memory. */
const SECRET_FILE_BYTES_MAX = 1024;

export function clusterIdOf(secret: Uint8Array): string {
  const hash = createHash("sha256").update("holdfast/cluster\0").update(secret).digest();
  return toBase32Hex(hash.subarray(0, 16));
}

/** By what a command on this machine proves that it may read the server's data; 32 bytes of its own key. */
export function operatorTokenOf(own: Uint8Array): string {
  const mac = createHmac("sha256", own).update("holdfast/operator").digest();
  return OPERATOR_TOKEN_PREFIX + toBase64Url(mac);
}

/** 32 bytes that only holders of the secret can compute, the same on every server. */
export function deriveKey(secret: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", secret).update(label).digest());
}

/** The cluster's secret, and where it stands in the line of those that it had. */
export type Secrets = {
  readonly secret: Uint8Array;
  /** Computed from the cluster's first secret; the same whatever secret it has now. */
  readonly cluster: string;
  /** How many came before it. */
  readonly generation: number;
  /** The last ones before it, newest first. */
  readonly former: readonly Uint8Array[];
};

export type ReadSecret = Secrets & {
  /** Whether users other than the owner can read the file. */
  readonly exposed: boolean;
};

/** null if there is no such file. Throws StartError for one that can't be read or holds no secret. */
export function readSecret(path: string): ReadSecret | null {
  let text: string;
  let mode: number;
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > SECRET_FILE_BYTES_MAX) throw notASecret(path);
    mode = stat.mode;
    text = readFileSync(path, "utf8").trim();
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new StartError(
      "no_permission",
      `the secret file ${path} can't be read: ${(cause as Error).message}`,
      "run the server as the user who owns the file, or give that user the right to read it",
    );
  }
  const secrets = parseSecrets(text);
  if (secrets === null) throw notASecret(path);
  return { ...secrets, exposed: (mode & 0o077) !== 0 };
}

/** A secret alone, or with what became of it, a line for each; null for anything else. */
function parseSecrets(text: string): Secrets | null {
  const [first = "", ...lines] = text.split(/\r?\n/);
  const secret = bytesOf(first.trim());
  if (secret === null) return null;
  let cluster = clusterIdOf(secret);
  let generation = 0;
  const former: Uint8Array[] = [];
  for (const line of lines) {
    const [, word, value = ""] = /^(cluster|generation|former) (\S+)$/.exec(line.trim()) ?? [];
    const before = word === "former" ? bytesOf(value) : null;
    if (word === "cluster" && /^[0-9a-v]{26}$/.test(value)) cluster = value;
    else if (word === "generation" && /^\d{1,9}$/.test(value)) generation = Number(value);
    else if (before !== null && former.length < SECRETS_FORMER_MAX) former.push(before);
    else return null;
  }
  return { secret, cluster, generation, former };
}

function bytesOf(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, "base64");
  const standard = bytes.toString("base64");
  const isExact = text === standard || text === standard.slice(0, -1);
  return isExact && bytes.length === SECRET_BYTES ? new Uint8Array(bytes) : null;
}

/** What is kept when a secret becomes the present one. */
export function withSecret(
  before: Secrets | null,
  { secret, generation, cluster }: Omit<Secrets, "former">,
): Secrets {
  const all = before === null ? [] : [before.secret, ...before.former];
  const former = all.filter((one) => Buffer.compare(one, secret) !== 0);
  return { secret, cluster, generation, former: former.slice(0, SECRETS_FORMER_MAX) };
}

export function secretText({ secret, cluster, generation, former }: Secrets): string {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const lines = [`cluster ${cluster}`, `generation ${generation}`];
  return `${[base64(secret), ...lines, ...former.map((one) => `former ${base64(one)}`)].join("\n")}\n`;
}

function notASecret(path: string): StartError {
  return new StartError(
    "foreign_cluster",
    `${path} does not hold a secret (${SECRET_BYTES} bytes in base64)`,
    "copy the secret file of another server of the cluster, or make a new one by `openssl rand -base64 32`",
  );
}

/**
 * Makes the file, whole and durable before anything depends on it. If another process was quicker, its
 * secret is the one.
 */
export function makeSecret(path: string): { readonly secret: Uint8Array; readonly made: boolean } {
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const draft = `${path}${DRAFT}`;
  rmSync(draft, { force: true });
  try {
    const fd = openSync(draft, "wx", 0o600);
    try {
      writeSync(fd, utf8(`${Buffer.from(secret).toString("base64")}\n`));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    linkSync(draft, path); // unlike a renaming it never takes the place of one that is there
  } catch (cause) {
    const other = (cause as NodeJS.ErrnoException).code === "EEXIST" ? readSecret(path) : null;
    if (other === null) throw cause;
    return { secret: other.secret, made: false };
  } finally {
    rmSync(draft, { force: true });
  }
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
  return { secret, made: true };
}
