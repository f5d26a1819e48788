/** Looks at a view from the side: its canonical dump, and what its search index really holds. */
import { Database } from "bun:sqlite";
import type { Op } from "../src/core/op.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { SqliteView } from "../src/storage/view.ts";
import type { ViewRows } from "../src/storage/view-rows.ts";
import { ArrayLog } from "./memory-log.ts";

export function openView(log: ArrayLog, path = ":memory:"): SqliteView {
  return SqliteView.open({ path, hash: sha256, log }).view;
}

/** Folds what the log holds and the view lacks, in batches of these sizes, the last one again and again. */
export function foldAll(
  view: SqliteView,
  log: ArrayLog,
  batches: readonly number[] = [1_000],
): void {
  for (let i = 0; view.foldedN < log.lastN; i++) {
    const size = batches[Math.min(i, batches.length - 1)] as number;
    view.fold(log.ops(view.foldedN + 1, size));
  }
}

export function dumpOf(view: SqliteView): string {
  return [...view.dump()].join("\n");
}

/** The dump of a fold of these ops, in this order. */
export function dumpOfOps(ops: readonly Op[], batches?: readonly number[]): string {
  const log = new ArrayLog(ops);
  const view = openView(log);
  try {
    foldAll(view, log, batches);
    return dumpOf(view);
  } finally {
    view.close();
  }
}

/** All work behind the fold. */
export function settle(view: SqliteView): void {
  while (view.tidy());
}

/** Its connection, with no reading of this turn open. */
export function databaseOf(view: SqliteView): Database {
  const { db, rows } = view as unknown as { db: Database; rows: ViewRows };
  rows.sql.endReading();
  return db;
}

type Instance = { term: string; doc: number; offset: number };

function instances(db: Database): Instance[] {
  db.run(
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab('main', 'search', 'instance')",
  );
  return db
    .query<Instance, []>(
      "SELECT term, doc, offset FROM temp.words WHERE col = 'text' ORDER BY term, doc, offset",
    )
    .all()
    .filter(({ doc }) => doc > 0);
}

/** Every word of the index with its place. */
export function indexedWords(view: SqliteView): Instance[] {
  const db = databaseOf(view);
  db.run("INSERT INTO search (search) VALUES ('integrity-check')");
  return instances(db);
}

/** The words that an index of these texts has, made in one go. */
export function wordsOf(texts: ReadonlyMap<number, string>): Instance[] {
  const db = new Database(":memory:");
  db.run("CREATE VIRTUAL TABLE search USING fts5(text, tokenize='unicode61 remove_diacritics 2')");
  for (const [n, text] of texts) {
    const spaced = text.replace(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu, " $& ");
    db.run("INSERT INTO search (rowid, text) VALUES (?, ?)", [n, spaced]);
  }
  const all = instances(db);
  db.close();
  return all;
}
