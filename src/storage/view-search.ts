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
 * Invariant: a post is in the index if and only if its arrival number is at most `indexedN`, it is not
 * marked deleted, its author was not erased before it was indexed, and its text was there.
 */
import { SEARCH_SCAN_MAX } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import type { Statements } from "./statements.ts";
import { STATE_DELETED } from "./view-schema.ts";

const SCOPES_IN_QUERY_MAX = 200;
const BATCH_MESSAGES = 128;
/** Pages that one step of a rewrite moves: some ms. */
const REWRITE_STEP_PAGES = 100;

type IndexRow = { n: number; conversation: number; state: number; text: number | null };

/** Scripts written without spaces: every character becomes a word, so a run of them is a phrase. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

function indexText(text: string): string {
  return text.replace(UNSPACED, " $& ");
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
  private dirty = false;
  private rewriting = false;
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
    const dirty = this.sql.get("SELECT value FROM meta WHERE key = 'search-rewrite'");
    this.dirty = dirty !== null;
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
    this.indexed = rows.length < BATCH_MESSAGES || last === undefined ? foldedN : last.n;
    this.sql.run(
      "INSERT INTO meta (key, value) VALUES ('indexed', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      String(this.indexed),
    );
    return this.indexed < foldedN;
  }

  private indexedText(row: IndexRow): string | null {
    if ((row.state & STATE_DELETED) !== 0) return null;
    return this.textOf(this.readOp(row.text ?? row.n));
  }

  private insert(row: IndexRow): void {
    if (this.isErased(this.readOp(row.n))) return;
    const text = this.indexedText(row);
    if (text === null) return;
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

  /** Takes a post out of the index, before its row changes. `asOf` is where indexing stood when it counted. */
  forget(n: number, asOf = this.indexed): void {
    if (n > asOf) return;
    const row = this.row(n);
    const text = row === null ? null : this.indexedText(row);
    if (row === null || text === null) return;
    this.sql.run(
      "INSERT INTO search (search, rowid, text, scope) VALUES ('delete', ?, ?, ?)",
      n,
      indexText(text),
      `c${row.conversation}`,
    );
    if (!this.dirty) {
      this.dirty = true;
      this.sql.run("INSERT OR IGNORE INTO meta (key, value) VALUES ('search-rewrite', '1')");
    }
  }

  /** Puts a post back, after its row changed. */
  renew(n: number): void {
    if (n > this.indexed) return;
    const row = this.row(n);
    if (row !== null) this.insert(row);
  }

  /** Whether words of erased texts may still stand in the index. */
  get needsRewrite(): boolean {
    return this.dirty;
  }

  /**
   * One step of writing the whole index anew, within a transaction of the caller. True if more is left.
   * A first step adds an entry of its own, because a single segment would not be written anew.
   */
  rewriteStep(): boolean {
    if (!this.dirty) return false;
    if (!this.rewriting) {
      this.rewriting = true;
      this.sql.run("INSERT INTO search (rowid, text, scope) VALUES (-1, 'x', 'x')");
      this.sql.run("INSERT INTO search (search, rank) VALUES ('merge', ?)", -REWRITE_STEP_PAGES);
      return true;
    }
    const before = this.changes();
    this.sql.run("INSERT INTO search (search, rank) VALUES ('merge', ?)", REWRITE_STEP_PAGES);
    if (this.changes() - before >= 2) return true;
    this.sql.run("INSERT INTO search (search, rowid, text, scope) VALUES ('delete', -1, 'x', 'x')");
    this.sql.run("DELETE FROM meta WHERE key = 'search-rewrite'");
    this.rewriting = false;
    this.dirty = false;
    return false;
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
