/** Damage to one file of a data directory, by chance; and the list of what a server says is lost by it. */
import { Database } from "bun:sqlite";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Chance } from "./chance.ts";

const PAGE = 4096;

/** Damages a file, if it is there, and says what was done to it. */
export function damage(directory: string, file: string, chance: Chance): string {
  const path = join(directory, file);
  if (!existsSync(path)) return `${file}: not there`;
  const bytes = readFileSync(path);
  if (bytes.length === 0) return `${file}: empty`;
  const page = Math.floor(chance.whole(0, bytes.length - 1) / PAGE) * PAGE;
  const flip = (at: number) => {
    bytes[at] = (bytes[at] as number) ^ (1 << chance.whole(0, 7));
    return at;
  };
  const kinds: (() => string)[] = [
    () => `bit flipped at ${flip(chance.whole(0, bytes.length - 1))}`,
    () => `bit flipped at ${flip(Math.min(page + chance.whole(0, 120), bytes.length - 1))}`,
    () =>
      `bits flipped at ${Array.from({ length: 20 }, () => flip(chance.whole(0, bytes.length - 1)))}`,
    () => `page at ${page} zeroed ${bytes.fill(0, page, page + PAGE) && ""}`,
    () => `page at ${page} overwritten ${bytes.fill(chance.word(16), page, page + PAGE) && ""}`,
    () => {
      const other = Math.floor(chance.whole(0, bytes.length - 1) / PAGE) * PAGE;
      bytes.copy(bytes, page, other, other + PAGE);
      return `page at ${page} replaced by that at ${other}`;
    },
  ];
  const dice = chance.whole(0, kinds.length + 2);
  const kind = kinds[dice];
  if (kind !== undefined) {
    const what = kind();
    writeFileSync(path, bytes);
    return `${file}: ${what}`;
  }
  if (dice === kinds.length) {
    const to = chance.whole(0, bytes.length - 1);
    truncateSync(path, to);
    return `${file}: cut to ${to}`;
  }
  if (dice === kinds.length + 1) {
    truncateSync(path, 0);
    return `${file}: emptied`;
  }
  rmSync(path);
  return `${file}: deleted`;
}

/** What an op is called in the list of losses. */
export type OpName = { readonly n: number; readonly origin: string; readonly seq: number };

/** Every op of a whole log, read from a copy, by plain SQL. */
export function opsOf(directory: string): OpName[] {
  const copy = mkdtempSync(join(tmpdir(), "holdfast-ops-"));
  try {
    for (const file of ["log.db", "log.db-wal"]) {
      if (existsSync(join(directory, file))) cpSync(join(directory, file), join(copy, file));
    }
    const db = new Database(join(copy, "log.db"));
    const rows = db
      .query("SELECT n, origin, ops.seq AS seq FROM ops JOIN origins USING(o) ORDER BY n")
      .all();
    db.close();
    return rows as OpName[];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** `ORIGIN SEQ` of the op that a message's position names; its text is STAMP-ORIGIN-SEQ in docs/PROTOCOL.md. */
export function opAt(position: string): string {
  const [, origin = "", digits = ""] =
    /^.{13}-([^/]+)(?:\/[0-9a-v]+)?-.([0-9a-v]+)$/.exec(position) ?? [];
  return `${origin} ${Number.parseInt(digits, 32)}`;
}

export type Losses = {
  /** `ORIGIN SEQ` */
  readonly ops: ReadonlySet<string>;
  /** The list was too long to be printed whole. */
  readonly isCut: boolean;
};

/** Reads the lines that a server prints: `op lost: of ORIGIN seq 3-7`, `body lost: n 4 of ORIGIN seq 4 ...`. */
export function lossesIn(output: string, ops: readonly OpName[]): Losses {
  const lost = new Set<string>();
  const line =
    /^\s*(?:op|body|arrival number) lost: (?:n (\d+)(?:-(\d+))?)?\s*(?:of (\S+))?(?: seq (\d+)(?:-(\d+))?)?/gm;
  for (const [, n, toN, origin, seq, toSeq] of output.matchAll(line)) {
    if (origin !== undefined && seq !== undefined) {
      for (let s = Number(seq); s <= Number(toSeq ?? seq); s++) lost.add(`${origin} ${s}`);
    } else if (n !== undefined) {
      for (const op of ops) {
        if (op.n >= Number(n) && op.n <= Number(toN ?? n)) lost.add(`${op.origin} ${op.seq}`);
      }
    }
  }
  const [, end] = /not known whether there was more: after: n (\d+)/.exec(output) ?? [];
  for (const op of end === undefined ? [] : ops) {
    if (op.n > Number(end)) lost.add(`${op.origin} ${op.seq}`);
  }
  return { ops: lost, isCut: /^\s*\.\.\. and \d+ more$/m.test(output) };
}
