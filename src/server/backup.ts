/**
 * Backups for commands: where they come from, where they go, and what to do when it does not work.
 *
 * A backup holds the log and the server's own key, so that a restored server is known to the others under its
 * name. It does not hold the cluster's secret: the file alone opens nothing. Read from the data directory by the
 * command itself, not through the running server: it costs its event loop nothing, and works as well when the
 * server hangs. Rejected: a stream over HTTP (one more door, and every byte through the event loop).
 */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { KEY_FILE } from "../mesh/server-key.ts";
import { writeBackup } from "../storage/backup.ts";
import { type BackupHeader, BackupWriter } from "../storage/backup-file.ts";
import { FilePlace } from "../storage/backup-place.ts";
import { type StorageCode, StorageError } from "../storage/failure.ts";
import { type Checked, checkBackup, restoreBackup } from "../storage/restore.ts";
import { storageRefusal } from "./exit-codes.ts";
import { COMPANIONS } from "./opening.ts";

export type { BackupHeader } from "../storage/backup-file.ts";

const KEY_BYTES_MAX = 4_096;

type Progress = (doing: string, done: number, total: number) => void;

type Remedies = Readonly<Partial<Record<StorageCode, string>>>;

const BACKUP_REMEDIES: Remedies = {
  no_permission: "run this as the user who owns the data, and write where that user may",
  not_a_store: "give the server's data directory by --data DIR",
  newer_format: "use the release that the server runs",
  damaged:
    'there is no backup of what is damaged: look at the disk, then see "A damaged log" in the handbook; other servers of the cluster hold the same',
  disk_failed: "is the disk full, or failing?",
};

const RESTORE_REMEDIES: Remedies = {
  no_permission: "run this as the user who is to run the server",
  locked: "a server runs there: restore to another directory",
  not_a_store:
    "give a backup made by `holdfast backup`, and a new or empty directory by --data DIR",
  newer_format: "restore it with the release that made it, or a newer one",
  damaged: "take another backup, or copy the file once more and compare",
  disk_failed: "is there room for the log on that disk?",
};

function asked(error: unknown, doing: string, remedies: Remedies): never {
  throw storageRefusal(error, doing, remedies);
}

/** Makes a backup of the server that keeps its data there, running or not. Throws StartError. */
export function backupTo(options: {
  readonly data: string;
  readonly file: string;
  readonly force: boolean;
  readonly made: string;
  readonly onProgress?: Progress;
}): { readonly header: BackupHeader; readonly bytes: number } {
  const directory = resolve(options.data);
  const { file, force, made, onProgress } = options;
  try {
    const key = readKey(directory);
    const place = new FilePlace(file, force);
    try {
      let writer = new BackupWriter(place.fd);
      const startOver = () => {
        place.empty();
        writer = new BackupWriter(place.fd);
        return writer;
      };
      const say = (done: number, total: number) => onProgress?.("backing up: ops", done, total);
      const source = { directory, release: manifest.version, made, key, onProgress: say };
      const header = writeBackup(source, startOver);
      place.finish();
      return { header, bytes: writer.bytes };
    } finally {
      place.abandon();
    }
  } catch (error) {
    return asked(error, `no backup in ${file}`, BACKUP_REMEDIES);
  }
}

function readKey(directory: string): Uint8Array | null {
  const path = join(directory, KEY_FILE);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return null;
  if (size > KEY_BYTES_MAX) throw new StorageError("damaged", `${path} is no key`);
  return new Uint8Array(readFileSync(path));
}

/** Reads the whole file and checks it. Throws StartError. */
export function readBackup(file: string, onProgress?: Progress): Checked {
  try {
    return checkBackup(file, onProgress);
  } catch (error) {
    return asked(error, "the backup is not good", RESTORE_REMEDIES);
  }
}

/** Makes a store of a backup. Throws StartError, and has then changed nothing. */
export async function restoreTo(options: {
  readonly file: string;
  readonly data: string;
  readonly name: string | null;
  readonly onProgress?: Progress;
}): Promise<{ readonly header: BackupHeader; readonly storeId: string; readonly hasKey: boolean }> {
  const { file, name, onProgress } = options;
  try {
    const { header, storeId, key } = await restoreBackup({
      file,
      directory: resolve(options.data),
      name,
      release: manifest.version,
      keyFile: KEY_FILE,
      companions: COMPANIONS,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return { header, storeId, hasKey: key !== null && (name ?? header.server) === header.server };
  } catch (error) {
    return asked(error, "nothing was restored", RESTORE_REMEDIES);
  }
}
