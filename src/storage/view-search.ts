/**
 * The search index of a view: FTS5 without content, text and conversation as columns.
 *
 * Problem: indexing costs more than everything else that a message needs, and an erased text must not stay
 * in the index, not even as a single word. Approach: messages are indexed in batches behind the fold, and a
 * search first catches up, so it never misses what was folded; erasing deletes entries physically
 * (`secure-delete`), and because FTS5 keeps words as separators between its pages, a stepwise rewrite of the
 * index follows, in slices, soon after. Rejected: `contentless_delete` (leaves the words in place);
 * indexing keyed hashes of words (nothing to rewrite, but no search by prefix).
 *
 * Invariant: a post is in the index, with its present text, if and only if its arrival number is at most
 * `indexedN` and it is marked neither deleted nor unindexed (its text was not there, or its author erased).
 */
import { SEARCH_SCAN_MAX } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import type { Statements } from "./statements.ts";
import { STATE_DELETED, STATE_UNINDEXED } from "./view-schema.ts";

const SCOPES_IN_QUERY_MAX = 200;
/** Each batch becomes a piece of the index that has to be merged with others later: a large one costs less. */
const BATCH_MESSAGES = 512;
/** Pages that one step of a rewrite moves: some ms. */
const REWRITE_STEP_PAGES = 100;

/**
 * `due`: words of erased texts stand in the index. `running`: a rewrite has begun, its placeholder is in the
 * index. `again`: and something was taken out since, which it may have copied already.
 */
type Rewrite = "due" | "running" | "again";

type IndexRow = { n: number; conversation: number; state: number; text: number | null };

/** Scripts written without spaces: every character becomes a word, so a run of them is a phrase. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for what is not ASCII
const BEYOND_ASCII = /[^\u0000-\u007f]/;

function indexText(text: string): string {
  return BEYOND_ASCII.test(text) ? text.replace(UNSPACED, " $& ") : text;
}

/** An FTS5 phrase: nothing in it is an operator. A final `*` asks for words that begin so. */
function phrase(term: string): string {
  const prefix = term.length > 1 && term.endsWith("*");
  const text = indexText(prefix ? term.slice(0, -1) : term).replaceAll('"', " ");
  return `"${text}"${prefix ? " *" : ""}`;
}

export function createSearchTables(sql: Statements): void {
  sql.run(`CREATE VIRTUAL TABLE search USING fts5(
    text, scope, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2')`);
  sql.run("INSERT INTO search (search, rank) VALUES ('secure-delete', 1)");
}

export class SearchIndex {
  private indexed = 0;
  private rewrite: Rewrite | null = null;
  private readonly sql: Statements;
  private readonly readOp: (n: number) => Op;
  private readonly isErased: (op: Op) => boolean;
  private readonly textOf: (op: Op) => string | null;

  constructor(
    sql: Statements,
    readOp: (n: number) => Op,
    textOf: (op: Op) => string | null,
    isErased: (op: Op) => boolean,
  ) {
    this.sql = sql;
    this.readOp = readOp;
    this.textOf = textOf;
    this.isErased = isErased;
  }

  /** Everything up to this arrival number is indexed. */
  get indexedN(): number {
    return this.indexed;
  }

  /** Reads where indexing stands; after opening, and after a transaction that failed. */
  load(): void {
    const stored = this.sql.get<{ value: string }>("SELECT value FROM meta WHERE key = 'indexed'");
    this.indexed = Number(stored?.value ?? 0);
    const rewrite = this.sql.get<{ value: Rewrite }>(
      "SELECT value FROM meta WHERE key = 'search-rewrite'",
    );
    this.rewrite = rewrite?.value ?? null;
  }

  /** Indexes the next batch up to `foldedN`, within a transaction of the caller. True if more is left. */
  indexBatch(foldedN: number): boolean {
    if (this.indexed >= foldedN) return false;
    const rows = this.sql.all<IndexRow>(
      "SELECT n, conversation, state, text FROM messages WHERE n > ? ORDER BY n LIMIT ?",
      this.indexed,
      BATCH_MESSAGES,
    );
    for (const row of rows) this.insert(row);
    const last = rows.at(-1);
    this.setIndexed(rows.length < BATCH_MESSAGES || last === undefined ? foldedN : last.n);
    return this.indexed < foldedN;
  }

  private setIndexed(n: number): void {
    this.indexed = n;
    this.sql.run(
      "INSERT INTO meta (key, value) VALUES ('indexed', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      String(n),
    );
  }

  private present(row: IndexRow): string | null {
    return this.textOf(this.readOp(row.text ?? row.n));
  }

  private insert(row: IndexRow): void {
    if ((row.state & STATE_DELETED) !== 0) return;
    const text = this.isErased(this.readOp(row.n)) ? null : this.present(row);
    if (text === null) {
      this.sql.run("UPDATE messages SET state = state | ? WHERE n = ?", STATE_UNINDEXED, row.n);
      return;
    }
    this.sql.run(
      "INSERT INTO search (rowid, text, scope) VALUES (?, ?, ?)",
      row.n,
      indexText(text),
      `c${row.conversation}`,
    );
  }

  private row(n: number): IndexRow | null {
    return this.sql.get<IndexRow>(
      "SELECT n, conversation, state, text FROM messages WHERE n = ?",
      n,
    );
  }

  /** Takes a post out of the index, before its row changes. */
  forget(n: number): void {
    if (n > this.indexed) return;
    const row = this.row(n);
    if (row === null || (row.state & STATE_DELETED) !== 0) return;
    if ((row.state & STATE_UNINDEXED) !== 0) {
      this.sql.run("UPDATE messages SET state = state & ~? WHERE n = ?", STATE_UNINDEXED, n);
      return;
    }
    const text = this.present(row);
    if (text === null) {
      this.startAnew();
      return;
    }
    this.sql.run(
      "INSERT INTO search (search, rowid, text, scope) VALUES ('delete', ?, ?, ?)",
      n,
      indexText(text),
      `c${row.conversation}`,
    );
    this.setRewrite(this.rewrite === null || this.rewrite === "due" ? "due" : "again");
  }

  /**
   * A power cut can take back what the view had committed when the log has already erased a body: the words
   * to take out of the index are no longer known, so all of it is made again.
   */
  private startAnew(): void {
    this.sql.run("INSERT INTO search (search) VALUES ('delete-all')");
    this.sql.run(
      "UPDATE messages SET state = state & ~? WHERE state & ?",
      STATE_UNINDEXED,
      STATE_UNINDEXED,
    );
    this.setIndexed(0);
    this.setRewrite("due");
  }

  private setRewrite(rewrite: Rewrite | null): void {
    if (this.rewrite === rewrite) return;
    this.rewrite = rewrite;
    if (rewrite === null) {
      this.sql.run("DELETE FROM meta WHERE key = 'search-rewrite'");
      return;
    }
    this.sql.run(
      "INSERT INTO meta (key, value) VALUES ('search-rewrite', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      rewrite,
    );
  }

  /** Puts a post back, after its row changed. */
  renew(n: number): void {
    if (n > this.indexed) return;
    const row = this.row(n);
    if (row !== null) this.insert(row);
  }

  /** Whether words of erased texts may still stand in the index. */
  get needsRewrite(): boolean {
    return this.rewrite !== null;
  }

  /**
   * One step of writing the whole index anew, within a transaction of the caller. True if more is left.
   * A first step adds an entry of its own, because a single segment would not be written anew.
   */
  rewriteStep(): boolean {
    if (this.rewrite === null) return false;
    if (this.rewrite === "due") {
      this.setRewrite("running");
      this.sql.run("INSERT INTO search (rowid, text, scope) VALUES (-1, 'x', 'x')");
      this.sql.run("INSERT INTO search (search, rank) VALUES ('merge', ?)", -REWRITE_STEP_PAGES);
      return true;
    }
    const before = this.changes();
    this.sql.run("INSERT INTO search (search, rank) VALUES ('merge', ?)", REWRITE_STEP_PAGES);
    if (this.changes() - before >= 2) return true;
    this.sql.run("INSERT INTO search (search, rowid, text, scope) VALUES ('delete', -1, 'x', 'x')");
    this.setRewrite(this.rewrite === "again" ? "due" : null);
    return this.rewrite !== null;
  }

  private changes(): number {
    return (this.sql.get<{ c: number }>("SELECT total_changes() AS c") as { c: number }).c;
  }

  search(
    terms: readonly string[],
    conversations: ReadonlySet<number>,
    beforeN: number,
    limit: number,
  ): { ns: number[]; next?: number } {
    const words = terms.map(phrase).filter((word) => /[\p{L}\p{N}]/u.test(word));
    if (words.length === 0 || conversations.size === 0) return { ns: [] };
    const scoped = conversations.size <= SCOPES_IN_QUERY_MAX;
    const scope = scoped
      ? ` AND scope : (${[...conversations].map((row) => `c${row}`).join(" OR ")})`
      : "";
    const ns: number[] = [];
    const wanted = scoped ? limit + 1 : SEARCH_SCAN_MAX;
    const found = this.sql.all<{ n: number; conversation: number }>(
      `SELECT s.rowid AS n, m.conversation FROM search s JOIN messages m ON m.n = s.rowid
       WHERE s.search MATCH ? AND s.rowid < ? ORDER BY s.rowid DESC LIMIT ?`,
      `text : (${words.join(" AND ")})${scope}`,
      beforeN,
      wanted,
    );
    for (const { n, conversation } of found) {
      if (ns.length === limit) return { ns, next: ns.at(-1) as number };
      if (scoped || conversations.has(conversation)) ns.push(n);
    }
    const last = found.at(-1);
    return found.length === wanted && last !== undefined ? { ns, next: last.n } : { ns };
  }
}
