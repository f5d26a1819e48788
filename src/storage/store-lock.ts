/**
 * One process per data directory.
 *
 * Problem: two servers on one log would both number ops. The lock must end with its process, however that
 * ends, and must be seen by others. Approach: an exclusive transaction on an empty SQLite file, never written,
 * kept open: a POSIX lock, which the kernel frees. Rejected: a pid file as the lock (left behind by SIGKILL,
 * and pids are reused); flock by bun:ffi (needs the C library's name on every system).
 *
 * POSIX locks of a process on a file end when the process closes any descriptor of that file: nothing in this
 * process may read the lock file by other means. The holder's pid therefore has a file of its own.
 */
import { Database } from "bun:sqlite";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StorageError, storageFailure } from "./failure.ts";

export const LOCK_FILE = "lock";
export const HOLDER_FILE = "lock.pid";

/** A lock that nothing refers to would be collected, and with it closed: these are held until released. */
const held = new Set<DirectoryLock>();

export class DirectoryLock {
  private readonly db: Database;
  private readonly path: string;
  private readonly holderPath: string;
  /** Whether there was no lock file before: then a refusal leaves none. */
  private readonly made: boolean;

  /** Throws StorageError `locked` if another process holds it. */
  constructor(directory: string) {
    this.path = join(directory, LOCK_FILE);
    this.holderPath = join(directory, HOLDER_FILE);
    this.made = !existsSync(this.path);
    try {
      if (this.made) closeSync(openSync(this.path, "a", 0o600));
      this.db = new Database(this.path, { readwrite: true, create: false });
    } catch (cause) {
      throw storageFailure("lock the data directory", cause);
    }
    try {
      this.db.run("PRAGMA journal_mode = MEMORY"); // no journal file beside an empty one
      this.db.run("BEGIN EXCLUSIVE");
    } catch (cause) {
      this.db.close();
      if ((cause as { code?: string }).code !== "SQLITE_BUSY") {
        throw storageFailure("lock the data directory", cause);
      }
      const holder = this.holder();
      const who = holder === null ? "another process" : `process ${holder}`;
      throw new StorageError("locked", `${directory} is in use by ${who}`, { cause });
    }
    held.add(this);
  }

  private holder(): number | null {
    try {
      const pid = Number.parseInt(readFileSync(this.holderPath, "latin1"), 10);
      return pid > 0 ? pid : null;
    } catch {
      return null;
    }
  }

  /** Tells others who holds it: only once the store is accepted. */
  sign(): void {
    writeFileSync(this.holderPath, `${process.pid}\n`, { mode: 0o600 });
  }

  /** After a refusal: the directory is left as it was found. */
  undo(): void {
    if (this.made) rmSync(this.path, { force: true });
    this.unlock();
  }

  release(): void {
    rmSync(this.holderPath, { force: true });
    this.unlock();
  }

  private unlock(): void {
    held.delete(this);
    this.db.close();
  }
}
