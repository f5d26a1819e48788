/** The write side of the view: rows that folds change, within the transaction of a batch. */
import type { Hash } from "../core/hash.ts";
import {
  type AccountId,
  type ChannelId,
  type DirectId,
  effectOf,
  type MessageId,
  type RequestId,
  requestIdBytes,
  type SessionId,
} from "../core/ids.ts";
import type { FoldedName } from "../core/names.ts";
import type { Op } from "../core/op.ts";
import type { Position } from "../core/position.ts";
import type {
  AccountState,
  ChannelState,
  Entities,
  FoldView,
  HiddenInterval,
  InvitationState,
  MarkerState,
  MemberState,
  NameClaim,
  NameSpace,
  OddOp,
  PostRow,
  SessionState,
  Subject,
  Table,
} from "../core/view.ts";
import { isOwner, splitMemberKey, standingOf } from "../ops/member.ts";
import { PostRows } from "./view-posts.ts";
import { messageText, subjectText, type ViewRows } from "./view-rows.ts";
import type { SearchIndex } from "./view-search.ts";

export class SqliteFoldView implements FoldView {
  readonly hash: Hash;
  private readonly rows: ViewRows;
  private readonly posts: PostRows;
  private readonly readOp: (n: number) => Op;
  /** Arrival number of the op being folded. */
  private n = 0;

  constructor(hash: Hash, rows: ViewRows, search: SearchIndex, readOp: (n: number) => Op) {
    this.hash = hash;
    this.rows = rows;
    this.posts = new PostRows(rows, search, readOp);
    this.readOp = readOp;
  }

  /** Starts with the op of this arrival number. */
  begin(n: number): void {
    this.n = n;
  }

  /** Forgets everything cached, after a transaction that failed. */
  forget(): void {
    this.posts.forget();
  }

  op(n: number): Op {
    return this.readOp(n);
  }

  effect(author: AccountId, id: RequestId): number | undefined {
    return this.rows.effect(author, id);
  }

  claimEffect(author: AccountId, id: RequestId, n: number): number | undefined {
    const made = this.rows.sql.run(
      "INSERT INTO effects (id, author, n) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      requestIdBytes(id),
      this.rows.accountRow(author),
      n,
    );
    return made === 1 ? undefined : this.effect(author, id);
  }

  setEffect(author: AccountId, id: RequestId, n: number): void {
    this.rows.sql.run(
      "INSERT INTO effects (id, author, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = excluded.n",
      requestIdBytes(id),
      this.rows.accountRow(author),
      n,
    );
  }

  subjectOps(subject: Subject): number[] {
    return this.rows.opsUnder(subjectText(subject));
  }

  /** Ops about a message but for its counting post. */
  amendsOf(key: MessageId): number[] {
    return this.rows.opsUnder(messageText(key));
  }

  addSubjectOp(subject: Subject, n: number): void {
    this.rows.sql.run(
      "INSERT OR IGNORE INTO subject_ops (subject, n) VALUES (?, ?)",
      subjectText(subject),
      n,
    );
  }

  get<T extends Table>(table: T, key: Entities[T]["key"]): Entities[T]["state"] | undefined {
    return this.rows.get(table, key);
  }

  put<T extends Table>(
    table: T,
    key: Entities[T]["key"],
    state: Entities[T]["state"] | undefined,
  ): void {
    this.rows.stateChanged(table, key);
    const { sql } = this.rows;
    const text = state === undefined ? null : JSON.stringify(state);
    switch (table as Table) {
      case "account": {
        const row = this.rows.accountRow(key as AccountId);
        const admin = (state as AccountState | undefined)?.admin?.value;
        const column = admin === undefined ? null : Number(admin);
        sql.run("UPDATE accounts SET state = ?, admin = ? WHERE row = ?", text, column, row);
        return;
      }
      case "session":
        this.putSession(key as SessionId, state as SessionState | undefined);
        return;
      case "channel": {
        const isPrivate = (state as ChannelState | undefined)?.private?.value ? 1 : 0;
        sql.run(
          `INSERT INTO channels (id, state, private) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET state = excluded.state, private = excluded.private`,
          key,
          text,
          isPrivate,
        );
        this.rows.conversationRow(key as ChannelId);
        return;
      }
      case "member":
        this.putMember(key as Entities["member"]["key"], state as MemberState | undefined);
        return;
      case "amend":
        if (text === null) sql.run("DELETE FROM amends WHERE id = ?", key);
        else
          sql.run(
            "INSERT INTO amends (id, state) VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
            key,
            text,
          );
        return;
      case "marker":
        this.putMarker(key as Entities["marker"]["key"], state as MarkerState | undefined);
        return;
      case "invitation": {
        const code = (state as InvitationState | undefined)?.code ?? null;
        if (text === null) sql.run("DELETE FROM invitations WHERE id = ?", key);
        else
          sql.run(
            `INSERT INTO invitations (id, state, code) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET state = excluded.state, code = excluded.code`,
            key,
            text,
            code,
          );
        return;
      }
      case "setting":
        if (text === null) sql.run("DELETE FROM settings WHERE key = ?", key);
        else
          sql.run(
            "INSERT INTO settings (key, state) VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
            key,
            text,
          );
        return;
      case "server":
        if (text === null) sql.run("DELETE FROM servers WHERE name = ?", key);
        else
          sql.run(
            "INSERT INTO servers (name, state) VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
            key,
            text,
          );
        return;
    }
  }

  private putSession(key: SessionId, state: SessionState | undefined): void {
    const { sql } = this.rows;
    sql.run("DELETE FROM tokens WHERE session = ?", key);
    if (state === undefined) {
      sql.run("DELETE FROM sessions WHERE id = ?", key);
      return;
    }
    sql.run(
      `INSERT INTO sessions (id, account, state, ended) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, ended = excluded.ended`,
      key,
      effectOf(key).author,
      JSON.stringify(state),
      state.ended === undefined ? 0 : 1,
    );
    for (const token of state.tokens) {
      sql.run("INSERT OR IGNORE INTO tokens (hash, session) VALUES (?, ?)", token.hash, key);
    }
  }

  private putMember(key: Entities["member"]["key"], state: MemberState | undefined): void {
    const { channel, account } = splitMemberKey(key);
    const { sql } = this.rows;
    if (state === undefined) {
      sql.run("DELETE FROM members WHERE channel = ? AND account = ?", channel, account);
      return;
    }
    sql.run(
      `INSERT INTO members (channel, account, state, standing) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, standing = excluded.standing`,
      channel,
      account,
      JSON.stringify(state),
      isOwner(state) ? "owner" : standingOf(state),
    );
  }

  private putMarker(key: Entities["marker"]["key"], state: MarkerState | undefined): void {
    const [account, conversation] = key.split(" ") as [string, string];
    const { sql } = this.rows;
    if (state === undefined) {
      sql.run("DELETE FROM markers WHERE account = ? AND conversation = ?", account, conversation);
      return;
    }
    sql.run(
      `INSERT INTO markers (account, conversation, state, seen) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, seen = excluded.seen`,
      account,
      conversation,
      JSON.stringify(state),
      this.n,
    );
  }

  claims(space: NameSpace, name: FoldedName): NameClaim[] {
    return this.rows.sql.all<NameClaim>(
      "SELECT holder, at FROM names WHERE space = ? AND name = ?",
      space,
      name,
    );
  }

  setClaim(space: NameSpace, name: FoldedName, holder: string, at: Position | null): void {
    const { sql } = this.rows;
    if (at === null) {
      const drop = "DELETE FROM names WHERE space = ? AND name = ? AND holder = ?";
      sql.run(drop, space, name, holder);
      return;
    }
    sql.run(
      `INSERT INTO names (space, name, holder, at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET at = excluded.at`,
      space,
      name,
      holder,
      at,
    );
  }

  show(space: NameSpace, holder: string, shown: string | null): void {
    const table = space === "account" ? "accounts" : "channels";
    this.rows.sql.run(`UPDATE ${table} SET shown = ? WHERE id = ?`, shown, holder);
  }

  openDirect(id: DirectId, a: AccountId, b: AccountId): void {
    this.posts.openDirect(id, a, b);
  }

  putPost(post: PostRow): void {
    if (post.n < this.n) {
      this.posts.putAgain(post);
      return;
    }
    const late = this.posts.put(post);
    if (late) this.addToFeed(this.rows.conversationRow(post.conversation) * 2, post.n);
  }

  dropPost(n: number): void {
    this.posts.drop(n);
  }

  setPostText(n: number, textN: number | null): void {
    this.posts.setText(n, textN);
  }

  hide(
    channel: ChannelId,
    author: AccountId,
    intervals: readonly HiddenInterval[],
    since: Position,
  ): void {
    this.posts.hide(channel, author, intervals, since);
  }

  erase(n: number, by: number): void {
    this.rows.sql.run("INSERT OR IGNORE INTO erasures (n, by) VALUES (?, ?)", n, by);
  }

  eraseAuthor(author: AccountId, by: number): void {
    this.rows.sql.run(
      "INSERT OR IGNORE INTO erased_authors (account, by, scanned) VALUES (?, ?, 0)",
      author,
      by,
    );
    this.rows.authorsChanged();
  }

  authorErasedBy(author: AccountId): number | undefined {
    return this.rows.erasedBy(author);
  }

  sessionsOf(account: AccountId): SessionId[] {
    return this.ownedSubjects("session", account) as SessionId[];
  }

  /** Keys of an account's sessions, or of its messages that any op but their counting post was about. */
  ownedSubjects(table: "session" | "message", account: AccountId): string[] {
    const owned = `${table} ${account} `;
    return this.rows.sql
      .all<{ subject: string }>(
        "SELECT DISTINCT subject FROM subject_ops WHERE subject > ? AND subject < ? ORDER BY subject",
        owned,
        `${owned}~`,
      )
      .map(({ subject }) => subject.slice(owned.length));
  }

  report(what: OddOp): void {
    this.rows.sql.run(
      "INSERT INTO odd_ops (what, count) VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
      what,
    );
  }

  addToFeed(scope: number, n: number): void {
    this.rows.sql.run("INSERT OR IGNORE INTO feed (scope, n) VALUES (?, ?)", scope, n);
  }
}
