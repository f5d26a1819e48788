/**
 * Makes a store of a backup: another store, with another id, that holds the same ops.
 *
 * Problem: what is restored must be whole or not there at all, and must not pass for the store that it was made
 * of, which may live on or have told others more than the backup holds. Approach: the file is read to its end and
 * checked before anything is written; then a log is made of it in a folder of its own, verified as every
 * server verifies a log that it opens, and only then moved into the directory. The store id is new, and a
 * server mints under a new incarnation after each start, so no number is ever given twice. The view is made
 * anew by the first start. Rejected: restoring over a store (the other one may be the better one).
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type BackupHeader, BackupReader, BLOCK } from "./backup-file.ts";
import { type OpRecord, RecordReader } from "./backup-rows.ts";
import { findingLines, StorageError, storageFailure } from "./failure.ts";
import { HEAD_ORIGINS_MAX, HeadFile, readHead } from "./head.ts";
import { type LogMeta, migrate, openWriter, truncateWal } from "./log-file.ts";
import { rowCheck } from "./log-hash.ts";
import { LOG_FORMAT } from "./migrations.ts";
import { newStoreId, syncDirectory } from "./store.ts";
import { DirectoryLock } from "./store-lock.ts";
import { entriesOf, HEAD_FILE, holdsStore, LOG_FILE } from "./store-look.ts";
import { envelopeOfFound } from "./store-survey.ts";
import { verifyLog } from "./verify.ts";

/** Being written: of no worth after a crash, and in the way of nothing. */
export const RESTORE_FOLDER = "restore-unfinished";
const COMMIT_OPS = 20_000;
const KEY_BYTES_MAX = 4_096;

export type Checked = { readonly header: BackupHeader; readonly key: Uint8Array | null };

export type Restoring = {
  readonly file: string;
  readonly directory: string;
  /** null: the one that the backup was made of. */
  readonly name: string | null;
  readonly release: string;
  /** File name of the server's key in a data directory. */
  readonly keyFile: string;
  /** Names of other files that may stand in the directory. */
  readonly companions: readonly string[];
  readonly onProgress?: (doing: string, done: number, total: number) => void;
};

/** Reads all of it: throws StorageError for whatever is wrong with the file. */
export function checkBackup(file: string, onProgress?: Restoring["onProgress"]): Checked {
  const reader = openBackup(file);
  try {
    const { header } = reader;
    if (header.logFormat > LOG_FORMAT) {
      const what = `it was made by a newer release (format of the log ${header.logFormat}, this one knows ${LOG_FORMAT})`;
      throw new StorageError("newer_format", what);
    }
    let key: Uint8Array | null = null;
    const counts = { ops: 0, origins: 0 };
    const say = (done: number) => onProgress?.("checking the file", done, header.bodyBytes);
    for (const { kind, content } of reader.blocks(say)) {
      if (kind === BLOCK.key) key = content;
      else count(kind, new RecordReader(content), counts, header.ops);
    }
    if (counts.ops !== header.ops || counts.origins !== header.origins) {
      throw new StorageError("damaged", "it holds another number of ops than its header says");
    }
    if (key !== null && key.length > KEY_BYTES_MAX)
      throw new StorageError("damaged", "its key is too long");
    return { header, key };
  } catch (cause) {
    throw aboutFile(file, cause);
  } finally {
    reader.close();
  }
}

function openBackup(file: string): BackupReader {
  try {
    return new BackupReader(file);
  } catch (cause) {
    throw aboutFile(file, cause);
  }
}

function aboutFile(file: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) {
    return new StorageError(cause.code, `${file}: ${cause.message}`, { cause });
  }
  const isSystem = typeof (cause as { code?: unknown }).code === "string";
  if (isSystem) return storageFailure(`read ${file}`, cause);
  const what = cause instanceof Error ? cause.message : String(cause);
  return new StorageError("damaged", `${file}: ${what}`, { cause });
}

/** Decodes what a block holds: every op by its own check, form and hash. */
function count(
  kind: number,
  reader: RecordReader,
  counts: { ops: number; origins: number },
  lastN: number,
): void {
  while (!reader.isDone) {
    if (kind === BLOCK.ops) {
      checkOp(reader.op(), ++counts.ops, lastN);
    } else if (kind === BLOCK.origins) {
      reader.origin();
      counts.origins++;
    } else if (kind === BLOCK.branches) reader.branch();
    else if (kind === BLOCK.holes) reader.hole();
    else throw new StorageError("damaged", `it holds a block of kind ${kind}`);
  }
}

function checkOp(record: OpRecord, n: number, lastN: number): void {
  const row = { ...record, n, crc: rowCheck(record.envelope, record.erased_by) };
  const envelope = envelopeOfFound(row);
  const isErasedLater = (record.erased_by ?? 0) > lastN;
  if (envelope === null || envelope.seq !== record.seq || isErasedLater) {
    throw new StorageError("damaged", `op ${n} in it is none`);
  }
}

/** Throws StorageError; the directory is then as it was before. */
export async function restoreBackup(restoring: Restoring): Promise<Checked & { storeId: string }> {
  const { file, directory, name, onProgress } = restoring;
  refuseStore(directory, restoring.companions);
  const checked = checkBackup(file, onProgress);
  const { header, key } = checked;
  const meta = {
    storeId: newStoreId(),
    clusterId: header.cluster,
    server: name ?? header.server,
  };
  const isFresh = !existsSync(directory);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = new DirectoryLock(directory);
    const folder = join(directory, RESTORE_FOLDER);
    try {
      refuseStore(directory, restoring.companions);
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { mode: 0o700 });
      writeLog(folder, file, meta, restoring);
      if (key !== null && meta.server === header.server)
        writeKey(join(folder, restoring.keyFile), key);
      await verify(folder, onProgress);
      chmodSync(directory, 0o700);
      moveIn(folder, directory, restoring.keyFile);
    } finally {
      rmSync(folder, { recursive: true, force: true });
      lock.undo();
    }
  } catch (cause) {
    if (isFresh) removeEmpty(directory);
    throw storageFailure(`restore to ${directory}`, cause);
  }
  return { ...checked, storeId: meta.storeId };
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // somebody has put something into it
  }
}

function refuseStore(directory: string, companions: readonly string[]): void {
  const entries = entriesOf(directory);
  const others = entries?.filter((entry) => entry !== RESTORE_FOLDER) ?? [];
  if (!holdsStore(directory, others, companions)) return;
  throw new StorageError("not_a_store", `${directory} holds a server's data already`);
}

function writeLog(folder: string, file: string, meta: LogMeta, { release, onProgress }: Restoring) {
  const path = join(folder, LOG_FILE);
  closeSync(openSync(path, "wx", 0o600));
  const db = openWriter(path);
  const reader = openBackup(file);
  try {
    migrate(db, meta, release);
    const put = db.prepare(
      "INSERT INTO ops(n, o, seq, crc, envelope, body, chain, erased_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    const putOrigin = db.prepare("INSERT INTO origins(o, origin, seq, chain) VALUES (?, ?, ?, ?)");
    const putBranch = db.prepare("INSERT INTO branches(o, seq, chain) VALUES (?, ?, ?)");
    const putHole = db.prepare("INSERT INTO holes(o, seq) VALUES (?, ?)");
    let n = 0;
    db.run("BEGIN");
    for (const { kind, content } of reader.blocks()) {
      const records = new RecordReader(kind === BLOCK.key ? new Uint8Array() : content);
      while (!records.isDone) {
        if (kind === BLOCK.ops) {
          const { o, seq, envelope, body, chain, erased_by } = records.op();
          put.run(++n, o, seq, rowCheck(envelope, erased_by), envelope, body, chain, erased_by);
          if (n % COMMIT_OPS !== 0) continue;
          db.run("COMMIT");
          truncateWal(db); // or it would grow to the size of the log
          onProgress?.("writing the log: ops", n, reader.header.ops);
          db.run("BEGIN");
        } else if (kind === BLOCK.origins) {
          const { o, origin, seq, chain } = records.origin();
          putOrigin.run(o, origin, seq, chain);
        } else if (kind === BLOCK.branches) {
          const { o, seq, chain } = records.branch();
          putBranch.run(o, seq, chain);
        } else {
          const { o, seq } = records.hole();
          putHole.run(o, seq);
        }
      }
    }
    db.run("COMMIT");
    const origins = newestOrigins(db);
    for (const statement of [put, putOrigin, putBranch, putHole]) statement.finalize();
    truncateWal(db);
    const head = { format: LOG_FORMAT, ...meta, n, origins };
    new HeadFile(join(folder, HEAD_FILE)).close(head);
  } finally {
    reader.close();
    db.close();
  }
}

type Db = ReturnType<typeof openWriter>;
type TopOrigin = { origin: string; seq: number; chain: Uint8Array };

/** As a head file names them: the origin of the last op first. */
function newestOrigins(db: Db): TopOrigin[] {
  return db
    .query<TopOrigin & { top: number }, [number]>(
      `SELECT origin, origins.seq AS seq, origins.chain AS chain, max(n) AS top
       FROM origins JOIN ops ON ops.o = origins.o AND ops.seq = origins.seq
       GROUP BY origins.o ORDER BY top DESC LIMIT ?`,
    )
    .all(HEAD_ORIGINS_MAX)
    .map(({ origin, seq, chain }) => ({ origin, seq, chain }));
}

function writeKey(path: string, key: Uint8Array): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    writeSync(fd, key);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The same check as at every start, over all ops. */
async function verify(folder: string, onProgress: Restoring["onProgress"]): Promise<void> {
  const { findings } = await verifyLog({
    logPath: join(folder, LOG_FILE),
    head: readHead(join(folder, HEAD_FILE)),
    verifyOps: Number.MAX_SAFE_INTEGER,
    onProgress: (done, total) => onProgress?.("verifying the log: ops", done, total),
  });
  if (!findings.any) return;
  const lines = findingLines(findings.list).join("\n");
  throw new StorageError("damaged", `what the backup holds is no whole log:\n${lines}`, {
    findings: findings.list,
  });
}

/** The head file comes last: a log without one is refused, never taken for a new one. */
function moveIn(folder: string, directory: string, keyFile: string): void {
  syncDirectory(folder);
  const isKnown = existsSync(join(directory, keyFile)); // a key that is there is not replaced
  for (const name of isKnown ? [LOG_FILE, HEAD_FILE] : [keyFile, LOG_FILE, HEAD_FILE]) {
    if (existsSync(join(folder, name))) renameSync(join(folder, name), join(directory, name));
  }
  syncDirectory(directory);
}
