/**
 * Messages as read from the view: by place, by id, by word, by arrival. Text comes from the log; what is
 * hidden, deleted or erased is decided here and nowhere else.
 */
import type { Hash } from "../core/hash.ts";
import {
  type AccountId,
  type ConversationId,
  effectOf,
  type MessageId,
  messageIdFor,
  type RequestId,
} from "../core/ids.ts";
import { type Op, openBody } from "../core/op.ts";
import { type Position, parsePosition, positionOf } from "../core/position.ts";
import type { FeedScope, HistoryRange, MessageRow, SearchPage } from "../core/read-view.ts";
import { type Stamp, stampText } from "../core/stamp.ts";
import type { Entities, Table } from "../core/view.ts";
import { conversationOf } from "../ops/message.ts";
import type { ViewRows } from "./view-rows.ts";
import { STATE_DELETED, STATE_HIDDEN, STATE_LATE } from "./view-schema.ts";
import type { SearchIndex } from "./view-search.ts";

type PostRead = { n: number; ms: number; counter: number; state: number; text: number | null };

const GONE = STATE_HIDDEN | STATE_DELETED;
const POST = "n, ms, counter, state, text";

export class MessageReads {
  protected readonly rows: ViewRows;
  protected readonly searchIndex: SearchIndex;
  private readonly hash: Hash;
  private readonly readOp: (n: number) => Op;

  constructor(hash: Hash, rows: ViewRows, search: SearchIndex, readOp: (n: number) => Op) {
    this.hash = hash;
    this.rows = rows;
    this.searchIndex = search;
    this.readOp = readOp;
  }

  op(n: number): Op {
    return this.readOp(n);
  }

  effect(author: AccountId, id: RequestId): number | undefined {
    return this.rows.effect(author, id);
  }

  get<T extends Table>(table: T, key: Entities[T]["key"]): Entities[T]["state"] | undefined {
    return this.rows.get(table, key);
  }

  authorErasedBy(author: AccountId): number | undefined {
    return this.rows.erasedBy(author);
  }

  message(n: number, evenHidden = false): MessageRow | null {
    const known = this.rows.justPosted.get(n);
    if (known !== undefined) return known;
    const row = this.rows.sql.get<PostRead>(`SELECT ${POST} FROM messages WHERE n = ?`, n);
    if (row === null || (!evenHidden && (row.state & STATE_HIDDEN) !== 0)) return null;
    return this.render(row);
  }

  messageById(id: MessageId, evenHidden = false): MessageRow | null {
    const { author, id: request } = effectOf(id);
    const n = this.rows.effect(author, request);
    return n === undefined ? null : this.message(n, evenHidden);
  }

  private render(row: PostRead): MessageRow {
    const op = this.readOp(row.n);
    const textOp = row.text === null ? op : this.readOp(row.text);
    const gone = (row.state & STATE_DELETED) !== 0 || textOp.body === null;
    const erased = !gone && this.authorErasedBy(op.author) !== undefined;
    return {
      n: row.n,
      id: messageIdFor(op.author, op.id),
      author: op.author,
      conversation: conversationOf(this.hash, op),
      stamp: op.stamp,
      position: positionOf(op),
      text: gone || erased ? null : textOf(textOp),
      edited: row.text !== null && !gone && !erased,
      late: (row.state & STATE_LATE) !== 0,
    };
  }

  history(conversation: ConversationId, range: HistoryRange, limit: number): MessageRow[] {
    const row = this.rows.knownConversationRow(conversation);
    if (row === undefined) return [];
    const forward = range.after !== undefined && range.before === undefined;
    const bound = forward ? range.after : range.before;
    const place = bound === undefined ? null : parsePosition(bound);
    const found: MessageRow[] = [];
    let from: Stamp | null = place?.stamp ?? null;
    // Rows of one stamp come from several origins and are ordered by them: read whole stamps.
    for (;;) {
      const rows = this.placeRows(row, from, forward, limit + 1);
      const last = rows.at(-1);
      const cut = rows.length > limit && last !== undefined ? last : null;
      for (const post of rows) {
        if (cut !== null && post.ms === cut.ms && post.counter === cut.counter) continue;
        this.take(post, range, found);
      }
      if (cut === null) break;
      const tied = this.stampRows(row, cut);
      for (const post of tied) this.take(post, range, found);
      if (found.length >= limit) break;
      from = { ms: cut.ms, counter: cut.counter + (forward ? 1 : -1) };
    }
    found.sort((a, b) => (a.position < b.position ? -1 : 1));
    return forward ? found.slice(0, limit) : found.slice(-limit);
  }

  private take(post: PostRead, range: HistoryRange, into: MessageRow[]): void {
    if ((post.state & STATE_HIDDEN) !== 0) return;
    const message = this.render(post);
    if (range.before !== undefined && message.position >= range.before) return;
    if (range.after !== undefined && message.position <= range.after) return;
    into.push(message);
  }

  private placeRows(row: number, from: Stamp | null, forward: boolean, limit: number): PostRead[] {
    if (forward) {
      return this.rows.sql.all<PostRead>(
        `SELECT ${POST} FROM messages WHERE conversation = ? AND (ms, counter) >= (?, ?)
         ORDER BY ms, counter LIMIT ?`,
        row,
        from?.ms ?? 0,
        from?.counter ?? 0,
        limit,
      );
    }
    if (from === null) {
      return this.rows.sql.all<PostRead>(
        `SELECT ${POST} FROM messages WHERE conversation = ? ORDER BY ms DESC, counter DESC LIMIT ?`,
        row,
        limit,
      );
    }
    return this.rows.sql.all<PostRead>(
      `SELECT ${POST} FROM messages WHERE conversation = ? AND (ms, counter) <= (?, ?)
       ORDER BY ms DESC, counter DESC LIMIT ?`,
      row,
      from.ms,
      from.counter,
      limit,
    );
  }

  private stampRows(row: number, stamp: Stamp): PostRead[] {
    return this.rows.sql.all<PostRead>(
      `SELECT ${POST} FROM messages WHERE conversation = ? AND ms = ? AND counter = ?`,
      row,
      stamp.ms,
      stamp.counter,
    );
  }

  lastPlace(conversation: ConversationId): string | null {
    const row = this.rows.knownConversationRow(conversation);
    const newest = row === undefined ? undefined : this.placeRows(row, null, false, 1)[0];
    return newest === undefined ? null : stampText(newest);
  }

  lastMessage(conversation: ConversationId): MessageRow | null {
    return this.history(conversation, {}, 1)[0] ?? null;
  }

  unread(account: AccountId, conversation: ConversationId, floor: Position, max: number): number {
    const row = this.rows.knownConversationRow(conversation);
    if (row === undefined) return 0;
    const me = this.rows.knownAccountRow(account) ?? 0;
    const place = parsePosition(floor);
    const from = place?.stamp ?? { ms: 0, counter: -1 };
    const after = this.rows.sql.get<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT 1 FROM messages
       WHERE conversation = ? AND (ms, counter) > (?, ?) AND author <> ? AND state & ${GONE} = 0
       LIMIT ?)`,
      row,
      from.ms,
      from.counter,
      me,
      max + 1,
    ) as { count: number };
    let count = after.count;
    if (place !== null) {
      const seenN = this.seenN(account, conversation);
      for (const post of this.stampRows(row, place.stamp)) {
        const message = (post.state & GONE) === 0 ? this.render(post) : null;
        if (message === null || message.author === account) continue;
        if (message.position > floor || (message.late && post.n > seenN)) count++;
      }
      count += this.unseenLate(row, place.stamp, me, seenN);
    }
    return Math.min(count, max + 1);
  }

  /** Where the fold stood when the account said last what it has read: of what came late it saw that much. */
  private seenN(account: AccountId, conversation: ConversationId): number {
    const marker = this.rows.sql.get<{ seen: number }>(
      "SELECT seen FROM markers WHERE account = ? AND conversation = ?",
      account,
      conversation,
    );
    return marker?.seen ?? Number.MAX_SAFE_INTEGER;
  }

  private unseenLate(row: number, before: Stamp, me: number, seenN: number): number {
    const late = this.rows.sql.get<{ count: number }>(
      `SELECT count(*) AS count FROM late l JOIN messages m ON m.n = l.n
       WHERE l.conversation = ? AND l.n > ? AND (m.ms, m.counter) < (?, ?)
       AND m.author <> ? AND m.state & ${GONE} = 0`,
      row,
      seenN,
      before.ms,
      before.counter,
      me,
    ) as { count: number };
    return late.count;
  }

  /**
   * Posts in order need no row in the feed: in each conversation those after `afterN` are the newest ones,
   * found by walking back until one that arrived earlier. Everything else stands in the feed.
   */
  feed(scopes: readonly FeedScope[], afterN: number, limit: number): number[] {
    const found = new Set<number>();
    for (const scope of scopes) {
      const key = this.rows.feedScope(scope, false);
      if (key === undefined) continue;
      const listed = this.rows.sql.all<{ n: number }>(
        "SELECT n FROM feed WHERE scope = ? AND n > ? ORDER BY n LIMIT ?",
        key,
        afterN,
        limit,
      );
      for (const { n } of listed) found.add(n);
      if (scope !== "everybody" && !scope.startsWith("a_")) {
        this.newPosts(key / 2, afterN, limit, found);
      }
    }
    return [...found].sort((a, b) => a - b).slice(0, limit);
  }

  private newPosts(row: number, afterN: number, limit: number, into: Set<number>): void {
    let batch = 64;
    let from: Stamp | null = null;
    let taken = 0;
    while (taken <= limit) {
      const rows = this.placeRows(row, from, false, batch);
      let fresh = 0;
      for (const post of rows) {
        const isLate = (post.state & STATE_LATE) !== 0;
        if (post.n > afterN) {
          if (!into.has(post.n)) fresh++;
          into.add(post.n);
        } else if (!isLate) {
          return;
        }
      }
      const last = rows.at(-1);
      if (rows.length < batch || last === undefined) return;
      taken += fresh;
      // So many of one stamp: only a longer look gets past them.
      if (from !== null && from.ms === last.ms && from.counter === last.counter) batch *= 2;
      from = { ms: last.ms, counter: last.counter };
    }
  }

  search(
    terms: readonly string[],
    conversations: readonly ConversationId[],
    beforeN: number,
    limit: number,
  ): SearchPage {
    const rows = new Set<number>();
    for (const conversation of conversations) {
      const row = this.rows.knownConversationRow(conversation);
      if (row !== undefined) rows.add(row);
    }
    const page = this.searchIndex.search(terms, rows, beforeN, limit);
    const messages: MessageRow[] = [];
    for (const n of page.ns) {
      const message = this.message(n);
      if (message !== null && message.text !== null) messages.push(message);
    }
    return page.next === undefined ? { messages } : { messages, next: page.next };
  }
}

export function textOf(op: Op): string | null {
  if (op.body === null) return null;
  const body = JSON.parse(openBody(op.body)) as { text?: unknown };
  return typeof body.text === "string" ? body.text : null;
}
