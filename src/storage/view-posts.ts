/** Rows of messages: put, hidden, given another text, each step kept in line with the search index. */
import { BoundedMap } from "../core/bounded-map.ts";
import type { AccountId, ChannelId, DirectId } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { type Position, parsePosition, positionOf } from "../core/position.ts";
import { compareStamps, STAMP_ZERO, type Stamp } from "../core/stamp.ts";
import type { HiddenInterval, PostRow } from "../core/view.ts";
import type { ViewRows } from "./view-rows.ts";
import { STATE_DELETED, STATE_HIDDEN, STATE_LATE } from "./view-schema.ts";
import type { SearchIndex } from "./view-search.ts";

const CACHED_CONVERSATIONS_MAX = 20_000;

export class PostRows {
  private readonly rows: ViewRows;
  private readonly search: SearchIndex;
  private readonly readOp: (n: number) => Op;
  /** The newest stamp of a conversation by row: what comes below it is late. */
  private readonly newest = new BoundedMap<number, Stamp>(CACHED_CONVERSATIONS_MAX);
  private readonly openDirects = new BoundedMap<DirectId, true>(CACHED_CONVERSATIONS_MAX);

  constructor(rows: ViewRows, search: SearchIndex, readOp: (n: number) => Op) {
    this.rows = rows;
    this.search = search;
    this.readOp = readOp;
  }

  forget(): void {
    this.newest.clear();
    this.openDirects.clear();
  }

  openDirect(id: DirectId, a: AccountId, b: AccountId): void {
    if (this.openDirects.get(id) === true) return;
    this.openDirects.set(id, true);
    const [first, second] = a < b ? [a, b] : [b, a];
    this.rows.sql.run(
      "UPDATE conversations SET a = ?, b = ? WHERE row = ? AND a IS NULL",
      this.rows.accountRow(first),
      this.rows.accountRow(second),
      this.rows.conversationRow(id),
    );
  }

  /** A new post. Tells whether it sorts before one that is there. */
  put(post: PostRow): boolean {
    const { sql } = this.rows;
    const conversation = this.rows.conversationRow(post.conversation);
    const late = this.isLate(conversation, post.stamp);
    const state = (post.hidden ? STATE_HIDDEN : 0) | (late ? STATE_LATE : 0);
    sql.run(
      "INSERT INTO messages (n, conversation, ms, counter, author, state) VALUES (?, ?, ?, ?, ?, ?)",
      post.n,
      conversation,
      post.stamp.ms,
      post.stamp.counter,
      this.rows.accountRow(post.author),
      state,
    );
    if (late) sql.run("INSERT INTO late (conversation, n) VALUES (?, ?)", conversation, post.n);
    if (!post.hidden) this.remember(post, late);
    return late;
  }

  /** What is read of it next, when it is told to those whom it concerns, is known here. */
  private remember(post: PostRow, late: boolean): void {
    const { n, id, author, conversation, stamp, position, text } = post;
    const row = { n, id, author, conversation, stamp, position, text, edited: false, late };
    this.rows.justPosted.set(n, row);
  }

  /** A post that has its row already is folded again: its own text, unless an edit follows. */
  putAgain({ n, hidden }: PostRow): void {
    this.rows.justPosted.delete(n);
    this.search.forget(n);
    this.rows.sql.run(
      "UPDATE messages SET state = (state & ?) | ?, text = NULL WHERE n = ?",
      STATE_LATE,
      hidden ? STATE_HIDDEN : 0,
      n,
    );
    this.search.renew(n);
  }

  private isLate(conversation: number, stamp: Stamp): boolean {
    let newest = this.newest.get(conversation);
    if (newest === undefined) {
      newest =
        this.rows.sql.get<Stamp>(
          `SELECT ms, counter FROM messages WHERE conversation = ?
           ORDER BY ms DESC, counter DESC LIMIT 1`,
          conversation,
        ) ?? STAMP_ZERO;
    }
    const late = compareStamps(stamp, newest) < 0;
    this.newest.set(conversation, late ? newest : stamp);
    return late;
  }

  /** The post does not count any more. */
  drop(n: number): void {
    const { sql, justPosted } = this.rows;
    justPosted.delete(n);
    this.search.forget(n);
    const row = sql.get<{ conversation: number }>(
      "DELETE FROM messages WHERE n = ? RETURNING conversation",
      n,
    )?.conversation;
    if (row === undefined) return;
    sql.run("DELETE FROM late WHERE conversation = ? AND n = ?", row, n);
    this.newest.delete(row);
    if (sql.get("SELECT 1 FROM messages WHERE conversation = ? LIMIT 1", row) !== null) return;
    sql.run("UPDATE conversations SET a = NULL, b = NULL WHERE row = ?", row);
    this.openDirects.clear();
  }

  /** Another op has its text now; null: it is gone. */
  setText(n: number, textN: number | null): void {
    this.rows.justPosted.delete(n);
    const current = this.rows.sql.get<{ state: number; text: number | null }>(
      "SELECT state, text FROM messages WHERE n = ?",
      n,
    );
    if (current === null) return;
    this.search.forget(n);
    if (textN === null) {
      this.rows.sql.run(
        "UPDATE messages SET state = state | ?, text = NULL WHERE n = ?",
        STATE_DELETED,
        n,
      );
      return;
    }
    this.rows.sql.run("UPDATE messages SET text = ? WHERE n = ?", textN, n);
    this.search.renew(n);
  }

  hide(
    channel: ChannelId,
    author: AccountId,
    intervals: readonly HiddenInterval[],
    since: Position,
  ): void {
    const { ms, counter } = parsePosition(since)?.stamp ?? STAMP_ZERO;
    this.rows.justPosted.clear();
    const posts = this.rows.sql.all<{ n: number; state: number }>(
      `SELECT n, state FROM messages
       WHERE conversation = ? AND (ms, counter) >= (?, ?) AND author = ?`,
      this.rows.conversationRow(channel),
      ms,
      counter,
      this.rows.accountRow(author),
    );
    for (const { n, state } of posts) {
      const at = positionOf(this.readOp(n));
      const hidden = intervals.some(({ from, to }) => at > from && (to === null || at < to));
      if (hidden === ((state & STATE_HIDDEN) !== 0)) continue;
      this.rows.sql.run("UPDATE messages SET state = ? WHERE n = ?", state ^ STATE_HIDDEN, n);
    }
  }
}
