/**
 * Rows of the view: interning of ids and the codecs of entity states. Shared by the fold and the reads.
 * The caches hold what the hot path asks for again and again; they are dropped when a transaction fails.
 */
import { BoundedMap } from "../core/bounded-map.ts";
import {
  type AccountId,
  type ChannelId,
  type ConversationId,
  effectOf,
  type MessageId,
  type RequestId,
  requestIdBytes,
} from "../core/ids.ts";
import type { MessageRow } from "../core/read-view.ts";
import type { AmendState, Entities, Subject, Table } from "../core/view.ts";
import { splitMemberKey } from "../ops/member.ts";
import type { Statements } from "./statements.ts";

const CACHED_ROWS_MAX = 20_000;

type CachedTable = "account" | "channel" | "member";

/** States as parsed, null for none: they are never changed, only replaced. */
class StateCache<T extends CachedTable> extends BoundedMap<
  Entities[T]["key"],
  Entities[T]["state"] | null
> {
  constructor() {
    super(CACHED_ROWS_MAX);
  }
}

export class ViewRows {
  private readonly accountRows = new BoundedMap<AccountId, number>(CACHED_ROWS_MAX);
  private readonly conversationRows = new BoundedMap<ConversationId, number>(CACHED_ROWS_MAX);
  private readonly states = {
    account: new StateCache<"account">(),
    channel: new StateCache<"channel">(),
    member: new StateCache<"member">(),
  };
  /** The amend asked for last: a fold asks several times. */
  private amend: { readonly key: string; readonly state: AmendState | undefined } | null = null;
  private erasedAuthors: Map<AccountId, number> | null = null;
  /** Posts of the last batch that nothing has changed since, as they are read. */
  readonly justPosted = new Map<number, MessageRow>();
  readonly sql: Statements;

  constructor(sql: Statements) {
    this.sql = sql;
  }

  forget(): void {
    this.accountRows.clear();
    this.conversationRows.clear();
    for (const cache of Object.values(this.states)) cache.clear();
    this.amend = null;
    this.erasedAuthors = null;
    this.justPosted.clear();
  }

  /** The row of an account, made if it is new. Only within a fold. */
  accountRow(id: AccountId): number {
    const known = this.knownAccountRow(id);
    if (known !== undefined) return known;
    const made = this.sql.get<{ row: number }>(
      "INSERT INTO accounts (id) VALUES (?) RETURNING row",
      id,
    ) as { row: number };
    this.accountRows.set(id, made.row);
    this.states.account.delete(id);
    return made.row;
  }

  knownAccountRow(id: AccountId): number | undefined {
    const cached = this.accountRows.get(id);
    if (cached !== undefined) return cached;
    const found = this.sql.get<{ row: number }>("SELECT row FROM accounts WHERE id = ?", id);
    if (found !== null) this.accountRows.set(id, found.row);
    return found?.row;
  }

  accountOfRow(row: number): AccountId {
    const found = this.sql.get<{ id: AccountId }>("SELECT id FROM accounts WHERE row = ?", row);
    if (found === null) throw new Error(`view.db names account row ${row}, which it does not hold`);
    return found.id;
  }

  conversationRow(id: ConversationId): number {
    const known = this.knownConversationRow(id);
    if (known !== undefined) return known;
    const made = this.sql.get<{ row: number }>(
      "INSERT INTO conversations (id) VALUES (?) RETURNING row",
      id,
    ) as { row: number };
    this.conversationRows.set(id, made.row);
    return made.row;
  }

  knownConversationRow(id: ConversationId): number | undefined {
    const cached = this.conversationRows.get(id);
    if (cached !== undefined) return cached;
    const found = this.sql.get<{ row: number }>("SELECT row FROM conversations WHERE id = ?", id);
    if (found !== null) this.conversationRows.set(id, found.row);
    return found?.row;
  }

  effect(author: AccountId, id: RequestId): number | undefined {
    const row = this.knownAccountRow(author);
    if (row === undefined) return undefined;
    return this.sql.get<{ n: number }>(
      "SELECT n FROM effects WHERE id = ? AND author = ?",
      requestIdBytes(id),
      row,
    )?.n;
  }

  /** Op that erased everything of an author. */
  erasedBy(author: AccountId): number | undefined {
    if (this.erasedAuthors === null) {
      type Row = { account: AccountId; by: number };
      const all = this.sql.all<Row>("SELECT account, by FROM erased_authors");
      this.erasedAuthors = new Map(all.map((row) => [row.account, row.by]));
    }
    return this.erasedAuthors.get(author);
  }

  /** To be called when everything of an author was erased. */
  authorsChanged(): void {
    this.erasedAuthors = null;
    this.justPosted.clear();
  }

  get<T extends Table>(table: T, key: Entities[T]["key"]): Entities[T]["state"] | undefined {
    switch (table as Table) {
      case "account":
        return this.cached("account", key as AccountId);
      case "channel":
        return this.cached("channel", key as ChannelId);
      case "member":
        return this.cached("member", key as Entities["member"]["key"]);
      case "amend":
        if (this.amend?.key !== key) {
          this.amend = { key, state: this.read("amend", key as MessageId) };
        }
        return this.amend.state;
      default:
        return this.read(table, key);
    }
  }

  private cached<T extends CachedTable>(table: T, key: Entities[T]["key"]) {
    const cache = this.states[table] as StateCache<T>;
    const known = cache.get(key);
    if (known !== undefined) return known ?? undefined;
    const state = this.read(table, key);
    cache.set(key, state ?? null);
    return state;
  }

  private read<T extends Table>(
    table: T,
    key: Entities[T]["key"],
  ): Entities[T]["state"] | undefined {
    const text = this.stateText(table, key);
    return text === null ? undefined : (JSON.parse(text) as Entities[T]["state"]);
  }

  private stateText(table: Table, key: string): string | null {
    type Row = { state: string | null };
    const read = (sql: string, ...bindings: string[]) =>
      this.sql.get<Row>(sql, ...bindings)?.state ?? null;
    switch (table) {
      case "account":
        return read("SELECT state FROM accounts WHERE id = ?", key);
      case "member": {
        const { channel, account } = splitMemberKey(key as Entities["member"]["key"]);
        const sql = "SELECT state FROM members WHERE channel = ? AND account = ?";
        return read(sql, channel, account);
      }
      case "session":
        return read("SELECT state FROM sessions WHERE id = ?", key);
      case "channel":
        return read("SELECT state FROM channels WHERE id = ?", key);
      case "amend":
        return read("SELECT state FROM amends WHERE id = ?", key);
      case "marker": {
        const [account, conversation] = key.split(" ") as [string, string];
        const sql = "SELECT state FROM markers WHERE account = ? AND conversation = ?";
        return read(sql, account, conversation);
      }
      case "invitation":
        return read("SELECT state FROM invitations WHERE id = ?", key);
      case "setting":
        return read("SELECT state FROM settings WHERE key = ?", key);
      case "server":
        return read("SELECT state FROM servers WHERE name = ?", key);
    }
  }

  /** To be called when a state was written. */
  stateChanged(table: Table, key: string): void {
    if (table === "account") this.states.account.delete(key as AccountId);
    if (table === "channel") this.states.channel.delete(key as ChannelId);
    if (table === "member") this.states.member.delete(key as Entities["member"]["key"]);
    if (table === "amend") this.amend = null;
  }

  /** Arrival numbers of the ops that are listed under a subject. */
  opsUnder(subject: string): number[] {
    return this.sql
      .all<{ n: number }>("SELECT n FROM subject_ops WHERE subject = ? ORDER BY n", subject)
      .map((row) => row.n);
  }

  /** Scopes of the feed: 0 everybody, even numbers conversations, odd ones accounts. */
  feedScope(scope: string, make: boolean): number | undefined {
    if (scope === "everybody") return 0;
    if (scope.startsWith("a_")) {
      const id = scope as AccountId;
      const row = make ? this.accountRow(id) : this.knownAccountRow(id);
      return row === undefined ? undefined : row * 2 + 1;
    }
    const id = scope as ConversationId;
    const row = make ? this.conversationRow(id) : this.knownConversationRow(id);
    return row === undefined ? undefined : row * 2;
  }
}

/** A message as a subject: found by its author. */
export function messageText(key: MessageId): string {
  return `message ${effectOf(key).author} ${key}`;
}

/** What an account owns begins with it, so that all of it is found when the account goes. */
export function subjectText(subject: Subject): string {
  switch (subject.table) {
    case "session":
      return `session ${subject.account} ${subject.key}`;
    case "message":
      return messageText(subject.key);
    default:
      return `${subject.table} ${subject.key}`;
  }
}
