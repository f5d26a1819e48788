/**
 * A seal on a view that was closed: size and hash of its file, in a file beside it.
 *
 * Problem: SQLite has no checks over its pages, and a bit that flips within a row is read as if it had been
 * written. Approach: what was closed in order is sealed, and the seal is compared and broken at the next
 * open; a view left by a crash has none, and is checked for its structure only, its WAL by SQLite itself.
 * Rejected: checks by page (SQLite's own need an extension); comparing with a fresh fold (minutes).
 */
import type { Database } from "bun:sqlite";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";

const CHUNK_BYTES = 1 << 20;

export const sealPath = (path: string) => `${path}-seal`;

function sealOf(path: string): string {
  const fd = openSync(path, "r");
  const chunk = new Uint8Array(CHUNK_BYTES);
  try {
    let hash = 0n;
    let size = 0;
    for (;;) {
      const length = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      if (length === 0) return `1 ${size} ${hash.toString(16)}\n`;
      hash = Bun.hash.xxHash3(chunk.subarray(0, length), hash);
      size += length;
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * To be called after the last connection was closed: one that goes on leaves a WAL, and there is no seal. Nor
 * is there one where the disk takes none: it is worth less than an orderly stop.
 */
export function sealView(path: string): void {
  if (!existsSync(path) || existsSync(`${path}-wal`)) return;
  try {
    writeFileSync(sealPath(path), sealOf(path), { mode: 0o600 });
  } catch {
    rmSync(sealPath(path), { force: true });
  }
}

/** Compares and breaks the seal, before the view is opened. null when there is none. */
export function breakSeal(path: string): "whole" | "damaged" | null {
  const seal = sealPath(path);
  if (!existsSync(seal)) return null;
  const said = readFileSync(seal, "utf8");
  rmSync(seal);
  return !existsSync(`${path}-wal`) && said === sealOf(path) ? "whole" : "damaged";
}

/** Whether the structure of every table and index holds together; virtual tables by what they stand on. */
export function structureHolds(db: Database): boolean {
  const tables = db
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'",
    )
    .all();
  return tables.every(({ name }) => {
    const found = db.query<Record<string, string>, []>(`PRAGMA integrity_check('${name}')`).get();
    return found !== null && Object.values(found)[0] === "ok";
  });
}
