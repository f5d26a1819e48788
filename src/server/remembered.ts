/**
 * `server.json`: what the last start was told, kept with the data, and where the server that runs now can
 * be found by commands on the same machine. Written whole to a new file that takes the old one's place.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { utf8 } from "../core/bytes.ts";
import { isServerName } from "../core/ids.ts";
import type { SignUpPolicy } from "../gateway/ports.ts";
import { parseHostPort, parsePeer } from "./address.ts";
import { StartError } from "./exit-codes.ts";

export const REMEMBERED_FILE = "server.json";
export const REMEMBERED_FILES: readonly string[] = [REMEMBERED_FILE, `${REMEMBERED_FILE}.new`];
const FORMAT = 1;

export type Remembered = {
  readonly name: string;
  readonly listen: string;
  readonly peers: readonly string[];
  /** null: nobody was asked. */
  readonly signUp: SignUpPolicy | null;
  /** Absolute; null for the one in the data directory. */
  readonly secretFile: string | null;
  /** The join token that this server came in by: a start that is given it again needs nobody's word. */
  readonly joined?: string;
};

/** The server that runs now, or ran last. */
export type Running = {
  readonly pid: number;
  /** How commands on this machine reach it. */
  readonly localUrl: string;
  /** The address that clients use. */
  readonly url: string;
};

type Stored = { readonly format: number } & Remembered & { readonly running: Running | null };

/** null if there is none. Throws StartError for one that is not ours. */
export function readServerFile(data: string): Stored | null {
  const path = join(data, REMEMBERED_FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    if (code === "ENAMETOOLONG") {
      throw new StartError("usage", `${data} is no path: ${message}`, "give a shorter --data");
    }
    const remedy = "run this as the user who owns the directory, or choose another by --data";
    throw new StartError("no_permission", `${path} can't be read: ${message}`, remedy);
  }
  const stored = checked(text);
  if (stored !== null) return stored;
  const remedy =
    "remove the file: what it remembered (name, address, other servers) is asked again";
  throw new StartError("usage", `${path} is damaged or from another release`, remedy);
}

function checked(text: string): Stored | null {
  let value: Partial<Stored>;
  try {
    value = JSON.parse(text) as Partial<Stored>;
  } catch {
    return null;
  }
  const { format, name, listen, peers, signUp, secretFile, joined } = value ?? {};
  const isPeer = (peer: unknown) => typeof peer === "string" && parsePeer(peer) !== null;
  const good =
    format === FORMAT &&
    typeof name === "string" &&
    isServerName(name) &&
    typeof listen === "string" &&
    parseHostPort(listen) !== null &&
    Array.isArray(peers) &&
    peers.every(isPeer) &&
    [null, "open", "invitation", "closed"].includes(signUp as string | null) &&
    (joined === undefined || typeof joined === "string") &&
    (secretFile === null || typeof secretFile === "string");
  return good ? (value as Stored) : null;
}

export function readRemembered(data: string): Remembered | null {
  return readServerFile(data);
}

export function writeServerFile(data: string, answers: Remembered, running: Running | null): void {
  const { name, listen, peers, signUp, secretFile, joined } = answers;
  const known = { format: FORMAT, name, listen, peers, signUp, secretFile };
  const stored: Stored = { ...known, ...(joined === undefined ? {} : { joined }), running };
  const path = join(data, REMEMBERED_FILE);
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  const fd = openSync(fresh, "wx", 0o600);
  try {
    writeSync(fd, utf8(`${JSON.stringify(stored, null, 2)}\n`));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
}
