/**
 * What a data directory is, found out without changing it: a store, an empty place for one, or something
 * else; whose, and in which format. The head file answers first, because it needs no database to be read;
 * where it is damaged the log's own table does.
 */
import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isCorruption, StorageError, storageFailure } from "./failure.ts";
import { type HeadReading, readHead } from "./head.ts";
import { type FileHeader, type LogMeta, openUntouched, readHeader, readMeta } from "./log-file.ts";
import { LOG_APPLICATION_ID, LOG_FORMAT } from "./migrations.ts";
import { HOLDER_FILE, LOCK_FILE } from "./store-lock.ts";

export const LOG_FILE = "log.db";
export const HEAD_FILE = "log.head";
export const VIEW_FILE = "view.db";
/** Folders with what `acceptLoss` found damaged. */
export const DAMAGED_PREFIX = "damaged-";

const OURS: ReadonlySet<string> = new Set(
  [LOCK_FILE, HOLDER_FILE, HEAD_FILE, LOG_FILE, VIEW_FILE].flatMap((name) =>
    name.endsWith(".db") ? [name, `${name}-wal`, `${name}-shm`] : [name],
  ),
);

/** null if there is no such directory. Throws StorageError `no_permission`. */
export function entriesOf(directory: string): string[] | null {
  try {
    const entries = readdirSync(directory);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const name of entries) {
      if (OURS.has(name)) accessSync(join(directory, name), constants.R_OK | constants.W_OK);
    }
    return entries;
  } catch (cause) {
    const code = (cause as { code?: string }).code;
    if (code === "ENOENT") return null;
    if (code === "ENOTDIR")
      throw new StorageError("not_a_store", `${directory} is not a directory`);
    throw storageFailure(`use the data directory ${directory}`, cause);
  }
}

/** Whether there is a store, or room for one. Throws StorageError `not_a_store`. */
export function holdsStore(
  directory: string,
  entries: readonly string[],
  companions: readonly string[],
): boolean {
  if (entries.includes(LOG_FILE) || entries.includes(HEAD_FILE)) return true;
  const strange = entries.filter(
    (name) => !OURS.has(name) && !companions.includes(name) && !name.startsWith(DAMAGED_PREFIX),
  );
  if (strange.length === 0) return false;
  const some = strange.slice(0, 3).join(", ");
  throw new StorageError("not_a_store", `${directory} is not a data directory: it holds ${some}`);
}

export type Look = {
  readonly head: HeadReading;
  /** null for a missing, empty or headless log. */
  readonly header: FileHeader | null;
  readonly logBytes: number;
  /** From head file or log; null if neither can be read. */
  readonly identity: LogMeta | null;
};

/** Reads whose store it is. Only under the lock, and before the log is opened. */
export function look(directory: string): Look {
  const logPath = join(directory, LOG_FILE);
  try {
    const head = readHead(join(directory, HEAD_FILE));
    const header = readHeader(logPath);
    const logBytes = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
    const identity = head.state === "valid" ? head.head : metaOf(logPath, header);
    return { head, header, logBytes, identity };
  } catch (cause) {
    throw storageFailure(`read the store in ${directory}`, cause);
  }
}

function metaOf(logPath: string, header: FileHeader | null): LogMeta | null {
  if (header?.applicationId !== LOG_APPLICATION_ID) return null;
  try {
    const db = openUntouched(logPath);
    try {
      return readMeta(db);
    } finally {
      db.close();
    }
  } catch (cause) {
    if (isCorruption(cause) || /no such table/.test(String(cause))) return null;
    throw cause;
  }
}

/** Throws StorageError if the store is another server's, another cluster's, or of a newer release. */
export function checkIdentity(
  directory: string,
  found: Look,
  wanted: { readonly server: string; readonly clusterId: string },
): void {
  const { head, header, identity } = found;
  const format = head.state === "valid" ? head.head.format : (header?.format ?? 0);
  const ours = head.state === "valid" || header?.applicationId === LOG_APPLICATION_ID;
  if (head.state === "missing" && header !== null && !ours) {
    throw new StorageError("not_a_store", `${join(directory, LOG_FILE)} is no log of Holdfast`);
  }
  if (identity !== null && identity.server !== wanted.server) {
    throw new StorageError(
      "foreign_server",
      `${directory} holds the data of server ${identity.server}, not of ${wanted.server}`,
    );
  }
  if (identity !== null && identity.clusterId !== wanted.clusterId) {
    throw new StorageError(
      "foreign_cluster",
      `${directory} holds the data of cluster ${identity.clusterId}, not of ${wanted.clusterId}`,
    );
  }
  if (ours && format > LOG_FORMAT) {
    throw new StorageError(
      "newer_format",
      `${directory} was written in format ${format} by a newer release; this one knows ${LOG_FORMAT}`,
    );
  }
}

/** Whose store a directory holds, for tools that don't open it; null if it holds none, or can't be read. */
export function identityOf(directory: string): LogMeta | null {
  try {
    const head = readHead(join(directory, HEAD_FILE));
    return head.state === "valid" ? head.head : null;
  } catch {
    return null;
  }
}
