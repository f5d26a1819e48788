/**
 * `acceptLoss`: carries out the plan of a survey. A damaged log becomes a sound one with everything that
 * still verifies.
 *
 * First the damaged files are copied to `damaged-<time>/`. Then a new log is written beside them and synced
 * as a whole; its folder is renamed to say that it is complete; then it takes the old one's place. A crash
 * before the renaming leaves the damaged store as it was, a crash after it is made good at the next open.
 * Arrival numbers are given anew, without gaps, and the store gets a new id: it counts as another copy, and
 * the view is folded again. The copy in `damaged-<time>/` keeps what it holds, also texts that are erased
 * later: it is a backup, and its reader deletes it. Rejected: repair in place (a second fault would hit the
 * only copy).
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { CHAIN_MARK_EVERY } from "../core/limits.ts";
import { CHAIN_START, chainHash } from "../core/op.ts";
import { HEAD_ORIGINS_MAX, HeadFile, type OriginHead } from "./head.ts";
import { type LogMeta, migrate, openWriter, truncateWal } from "./log-file.ts";
import { rowCheck, sha256 } from "./log-hash.ts";
import type { LogPages } from "./log-pages.ts";
import { ERASED_ELSEWHERE, LOG_FORMAT } from "./migrations.ts";
import { HEAD_FILE, LOG_FILE } from "./store-look.ts";
import { envelopeOfFound, type KeptOrigin, opRowOf, type Survey } from "./store-survey.ts";

/** Being written; of no worth after a crash. */
const SALVAGE_FOLDER = "salvage-unfinished";
/** Complete: takes the place of what is there. */
export const SALVAGED_FOLDER = "salvaged";
const COMMIT_ROWS = 10_000;

/** Copies log, WAL and head file; returns the folder's name. */
export function keepDamaged(directory: string, wallMs: number): string {
  const time = new Date(wallMs).toISOString().replace(/[-:]/g, "").replace(/\..*/, "Z");
  let name = `damaged-${time}`;
  for (let i = 2; existsSync(join(directory, name)); i++) name = `damaged-${time}-${i}`;
  mkdirSync(join(directory, name), { mode: 0o700 });
  for (const file of [LOG_FILE, `${LOG_FILE}-wal`, HEAD_FILE]) {
    const from = join(directory, file);
    if (!existsSync(from)) continue;
    const to = join(directory, name, file);
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
    syncFile(to);
  }
  syncFile(join(directory, name));
  syncFile(directory);
  return name;
}

function syncFile(path: string): void {
  const fd = openSync(path, "r");
  fsyncSync(fd);
  closeSync(fd);
}

/** Writes the new log and puts it in the old one's place. */
export function salvage(
  directory: string,
  pages: LogPages,
  plan: Survey,
  meta: LogMeta,
  release: string,
): void {
  const folder = join(directory, SALVAGE_FOLDER);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  const heads = writeLog(join(folder, LOG_FILE), pages, plan, meta, release);
  const head = { format: LOG_FORMAT, ...meta, n: plan.ops.length, origins: heads };
  new HeadFile(join(folder, HEAD_FILE)).close(head);
  syncFile(folder);
  renameSync(folder, join(directory, SALVAGED_FOLDER));
  syncFile(directory);
}

/** Puts a complete salvage in place, also one that a crash interrupted; can be repeated. */
export function finishSalvage(directory: string): void {
  const folder = join(directory, SALVAGED_FOLDER);
  if (!existsSync(folder)) return;
  for (const end of ["-wal", "-shm"]) rmSync(join(directory, LOG_FILE + end), { force: true });
  for (const file of [LOG_FILE, HEAD_FILE]) {
    const from = join(folder, file);
    if (existsSync(from)) renameSync(from, join(directory, file));
  }
  syncFile(directory);
  rmdirSync(folder);
}

type Writing = { readonly o: number; chain: Uint8Array; topN: number };

function writeLog(
  path: string,
  pages: LogPages,
  plan: Survey,
  meta: LogMeta,
  release: string,
): OriginHead[] {
  closeSync(openSync(path, "wx", 0o600));
  const db = openWriter(path);
  migrate(db, meta, release);
  const origins = new Map<KeptOrigin, Writing>();
  const putOrigin = db.query("INSERT INTO origins(o, origin, seq, chain) VALUES (?, ?, ?, ?)");
  const putBranch = db.query("INSERT INTO branches(o, seq, chain) VALUES (?, ?, ?)");
  const put = db.query(
    `INSERT INTO ops(n, o, seq, crc, envelope, body, chain, erased_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  db.transaction(() => {
    plan.origins.forEach((kept, i) => {
      const { origin, seq, chain, base } = kept;
      origins.set(kept, { o: i + 1, chain: base?.chain ?? CHAIN_START, topN: 0 });
      putOrigin.run(i + 1, origin, seq, chain);
      if (base !== null) putBranch.run(i + 1, base.seq, base.chain);
    });
  })();
  const newNumber = renumbering(plan);
  const write = db.transaction((from: number) => {
    for (let i = from; i < Math.min(from + COMMIT_ROWS, plan.ops.length); i++) {
      const { place, origin: kept } = plan.ops[i]!;
      const row = opRowOf(pages.rowOf(place)!)!;
      const hasBody = envelopeOfFound(row)!.bodyHash !== null;
      const origin = origins.get(kept)!;
      origin.chain = chainHash(sha256, origin.chain, row.envelope);
      origin.topN = i + 1;
      const mark = row.seq % CHAIN_MARK_EVERY === 0 ? origin.chain : null;
      const erasedBy = hasBody ? newNumber(row.erased_by) : null;
      const body = hasBody ? row.body : null;
      const crc = rowCheck(row.envelope, erasedBy);
      put.run(i + 1, origin.o, row.seq, crc, row.envelope, body, mark, erasedBy);
    }
  });
  for (let from = 0; from < plan.ops.length; from += COMMIT_ROWS) write(from);
  truncateWal(db);
  db.close();
  return newestHeads(plan.origins, origins);
}

/** From old to new arrival numbers of erasing ops; one that was lost is "elsewhere". */
function renumbering(plan: Survey): (n: number | null) => number | null {
  const numbers = Float64Array.from(plan.ops, ({ n }) => n);
  return (n) => {
    if (n === null || n <= 0) return n;
    let low = 0;
    let high = numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((numbers[middle] as number) < n) low = middle + 1;
      else high = middle;
    }
    return numbers[low] === n ? low + 1 : ERASED_ELSEWHERE;
  };
}

function newestHeads(
  kept: readonly KeptOrigin[],
  origins: ReadonlyMap<KeptOrigin, Writing>,
): OriginHead[] {
  return [...kept]
    .sort((a, b) => origins.get(b)!.topN - origins.get(a)!.topN)
    .slice(0, HEAD_ORIGINS_MAX)
    .map(({ origin, seq, chain }) => ({ origin, seq, chain }));
}
