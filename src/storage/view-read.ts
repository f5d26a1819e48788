/** The read side of the view. Every list is an index range read with a bound. */

import type { Hash } from "../core/hash.ts";
import {
  type AccountId,
  type ChannelId,
  type ConversationId,
  type DirectId,
  effectOf,
  type InvitationId,
  type MessageId,
  messageIdFor,
  type RequestId,
  type SessionId,
} from "../core/ids.ts";
import { CONVERSATIONS_PER_ACCOUNT_MAX } from "../core/limits.ts";
import { type FoldedName, literalPrefix } from "../core/names.ts";
import { type Op, openBody } from "../core/op.ts";
import { type Position, parsePosition, positionOf } from "../core/position.ts";
import type {
  FeedScope,
  HistoryRange,
  ListedName,
  MemberRow,
  MessageRow,
  SearchPage,
} from "../core/read-view.ts";
import { type Stamp, stampText } from "../core/stamp.ts";
import type { Entities, NameClaim, NameSpace, OddOp, Standing, Table } from "../core/view.ts";
import { conversationOf } from "../ops/message.ts";
import type { ViewRows } from "./view-rows.ts";
import { STATE_DELETED, STATE_HIDDEN, STATE_LATE } from "./view-schema.ts";
import type { SearchIndex } from "./view-search.ts";

type PostRead = { n: number; ms: number; counter: number; state: number; text: number | null };

const GONE = STATE_HIDDEN | STATE_DELETED;
const POST = "n, ms, counter, state, text";

/** A pattern of ours as SQLite's GLOB: `[` is the one character that means something else there. */
function globOf(match: string): string {
  return match.replaceAll("[", "[[]");
}

/** The first text after all that start with `prefix`. */
function prefixEnd(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

export class ViewReads {
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

  claims(space: NameSpace, name: FoldedName): NameClaim[] {
    const sql = "SELECT holder, at FROM names WHERE space = ? AND name = ? ORDER BY at, holder";
    return this.rows.sql.all<NameClaim>(sql, space, name);
  }

  shownName(space: NameSpace, holder: string): string | null {
    const sql =
      space === "account"
        ? "SELECT shown FROM accounts WHERE id = ?"
        : "SELECT shown FROM channels WHERE id = ?";
    return this.rows.sql.get<{ shown: string | null }>(sql, holder)?.shown ?? null;
  }

  holderOf(space: NameSpace, shown: string): string | null {
    const sql =
      space === "account"
        ? "SELECT id FROM accounts WHERE shown = ? ORDER BY id LIMIT 1"
        : "SELECT id FROM channels WHERE shown = ? ORDER BY id LIMIT 1";
    return this.rows.sql.get<{ id: string }>(sql, shown)?.id ?? null;
  }

  listAccounts(match: string, after: string, limit: number): ListedName[] {
    const prefix = literalPrefix(match);
    return this.rows.sql.all<ListedName>(
      `SELECT id AS holder, shown FROM accounts
       WHERE shown > ? AND shown >= ? AND shown < ? AND shown GLOB ? ORDER BY shown LIMIT ?`,
      after,
      prefix,
      prefixEnd(prefix),
      globOf(match),
      limit,
    );
  }

  listChannels(match: string, after: string, limit: number, viewer: AccountId): ListedName[] {
    const prefix = literalPrefix(match);
    return this.rows.sql.all<ListedName>(
      `SELECT id AS holder, shown FROM channels
       WHERE shown > ? AND shown >= ? AND shown < ? AND shown GLOB ? AND (private = 0 OR EXISTS (
         SELECT 1 FROM members WHERE channel = channels.id AND account = ?
         AND standing IN ('owner', 'joined', 'invited')))
       ORDER BY shown LIMIT ?`,
      after,
      prefix,
      prefixEnd(prefix),
      globOf(match),
      viewer,
      limit,
    );
  }

  sessionOfToken(hash: string): SessionId | null {
    const sql = "SELECT session FROM tokens WHERE hash = ?";
    return this.rows.sql.get<{ session: SessionId }>(sql, hash)?.session ?? null;
  }

  sessionsOf(account: AccountId): SessionId[] {
    const sql = "SELECT id FROM sessions WHERE account = ? ORDER BY id";
    return this.rows.sql.all<{ id: SessionId }>(sql, account).map((row) => row.id);
  }

  invitations(): InvitationId[] {
    const sql = "SELECT id FROM invitations ORDER BY id";
    return this.rows.sql.all<{ id: InvitationId }>(sql).map((row) => row.id);
  }

  invitationOfCode(hash: string): InvitationId | null {
    const sql = "SELECT id FROM invitations WHERE code = ?";
    return this.rows.sql.get<{ id: InvitationId }>(sql, hash)?.id ?? null;
  }

  authorErasedBy(author: AccountId): number | undefined {
    const sql = "SELECT by FROM erased_authors WHERE account = ?";
    return this.rows.sql.get<{ by: number }>(sql, author)?.by;
  }

  memberCount(channel: ChannelId): number {
    const sql = `SELECT count(*) AS count FROM members m JOIN accounts a ON a.id = m.account
      WHERE m.channel = ? AND m.standing IN ('owner', 'joined') AND a.shown IS NOT NULL`;
    return (this.rows.sql.get<{ count: number }>(sql, channel) as { count: number }).count;
  }

  members(
    channel: ChannelId,
    standings: readonly Standing[],
    after: string,
    limit: number,
  ): MemberRow[] {
    const wanted: string[] = standings.includes("joined")
      ? [...standings, "owner"]
      : [...standings];
    const found = this.rows.sql.all<{ account: AccountId; shown: string; standing: string }>(
      `SELECT m.account, a.shown, m.standing FROM members m JOIN accounts a ON a.id = m.account
       WHERE m.channel = ? AND m.standing IN (SELECT value FROM json_each(?)) AND a.shown > ?
       ORDER BY a.shown LIMIT ?`,
      channel,
      JSON.stringify(wanted),
      after,
      limit,
    );
    return found.map(({ account, shown, standing }) => ({
      account,
      shown,
      standing: (standing === "owner" ? "joined" : standing) as Standing,
      owner: standing === "owner",
    }));
  }

  channelsOf(account: AccountId): { channel: ChannelId; standing: Standing }[] {
    const found = this.rows.sql.all<{ channel: ChannelId; standing: string }>(
      `SELECT channel, standing FROM members
       WHERE account = ? AND standing IN ('owner', 'joined', 'invited')`,
      account,
    );
    return found.map(({ channel, standing }) => ({
      channel,
      standing: (standing === "owner" ? "joined" : standing) as Standing,
    }));
  }

  publicChannels(): ChannelId[] {
    const sql =
      "SELECT id FROM channels WHERE private = 0 AND shown IS NOT NULL ORDER BY id LIMIT ?";
    return this.rows.sql
      .all<{ id: ChannelId }>(sql, CONVERSATIONS_PER_ACCOUNT_MAX)
      .map((row) => row.id);
  }

  directsOf(account: AccountId): DirectId[] {
    const row = this.rows.knownAccountRow(account);
    if (row === undefined) return [];
    const sql = `SELECT id FROM conversations WHERE a = ?
      UNION SELECT id FROM conversations WHERE b = ?`;
    return this.rows.sql.all<{ id: DirectId }>(sql, row, row).map((found) => found.id);
  }

  partiesOf(direct: DirectId): { a: AccountId; b: AccountId } | null {
    const found = this.rows.sql.get<{ a: number | null; b: number | null }>(
      "SELECT a, b FROM conversations WHERE id = ?",
      direct,
    );
    if (found === null || found.a === null || found.b === null) return null;
    return { a: this.rows.accountOfRow(found.a), b: this.rows.accountOfRow(found.b) };
  }

  message(n: number): MessageRow | null {
    const row = this.rows.sql.get<PostRead>(`SELECT ${POST} FROM messages WHERE n = ?`, n);
    return row === null || (row.state & STATE_HIDDEN) !== 0 ? null : this.render(row);
  }

  messageById(id: MessageId): MessageRow | null {
    const { author, id: request } = effectOf(id);
    const n = this.rows.effect(author, request);
    return n === undefined ? null : this.message(n);
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
      for (const post of this.stampRows(row, place.stamp)) {
        const message = (post.state & GONE) === 0 ? this.render(post) : null;
        if (message !== null && message.author !== account && message.position > floor) count++;
      }
      count += this.unseenLate(account, conversation, row, place.stamp, me);
    }
    return Math.min(count, max + 1);
  }

  private unseenLate(
    account: AccountId,
    conversation: ConversationId,
    row: number,
    upTo: Stamp,
    me: number,
  ): number {
    const marker = this.rows.sql.get<{ seen: number }>(
      "SELECT seen FROM markers WHERE account = ? AND conversation = ?",
      account,
      conversation,
    );
    if (marker === null) return 0;
    const late = this.rows.sql.get<{ count: number }>(
      `SELECT count(*) AS count FROM late l JOIN messages m ON m.n = l.n
       WHERE l.conversation = ? AND l.n > ? AND (m.ms, m.counter) <= (?, ?)
       AND m.author <> ? AND m.state & ${GONE} = 0`,
      row,
      marker.seen,
      upTo.ms,
      upTo.counter,
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
    const batch = 64;
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
      if (from !== null && from.ms === last.ms && from.counter === last.counter) return;
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

  oddOps(): Record<OddOp, number> {
    const counts: Record<OddOp, number> = { unknown_kind: 0, invalid: 0, shadowed: 0 };
    const found = this.rows.sql.all<{ what: OddOp; count: number }>("SELECT * FROM odd_ops");
    for (const { what, count } of found) counts[what] = count;
    return counts;
  }
}

export function textOf(op: Op): string | null {
  if (op.body === null) return null;
  const body = JSON.parse(openBody(op.body)) as { text?: unknown };
  return typeof body.text === "string" ? body.text : null;
}
