/** Accounts, names, sessions, channels and their members as read from the view. */

import type { AccountId, ChannelId, DirectId, InvitationId, SessionId } from "../core/ids.ts";
import { CONVERSATIONS_PER_ACCOUNT_MAX } from "../core/limits.ts";
import { type FoldedName, literalPrefix } from "../core/names.ts";
import { type Position, parsePosition, positionOf } from "../core/position.ts";
import type { ListedName, MemberRow } from "../core/read-view.ts";
import { STAMP_ZERO } from "../core/stamp.ts";
import type { MemberKey, NameClaim, NameSpace, OddOp, Standing } from "../core/view.ts";
import { MessageReads } from "./view-messages.ts";
import { subjectText } from "./view-rows.ts";

/** A pattern of ours as SQLite's GLOB: `[` is the one character that means something else there. */
function globOf(match: string): string {
  return match.replaceAll("[", "[[]");
}

/** The first text after all that start with `prefix`. */
function prefixEnd(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

export class ViewReads extends MessageReads {
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
       WHERE shown > ?1 AND shown >= ?2 AND shown < ?3 AND shown GLOB ?4
       AND id NOT IN (SELECT channel FROM members WHERE account = ?5 AND standing = 'banned')
       AND (private = 0 OR EXISTS (SELECT 1 FROM members WHERE channel = channels.id
         AND account = ?5 AND standing IN ('owner', 'joined', 'invited')))
       ORDER BY shown LIMIT ?6`,
      after,
      prefix,
      prefixEnd(prefix),
      globOf(match),
      viewer,
      limit,
    );
  }

  everAdmins(): AccountId[] {
    const sql = "SELECT id FROM accounts WHERE admin IS NOT NULL ORDER BY admin DESC, id";
    return this.rows.sql.all<{ id: AccountId }>(sql).map((row) => row.id);
  }

  sessionOfToken(hash: string): SessionId | null {
    const sql = "SELECT session FROM tokens WHERE hash = ?";
    return this.rows.sql.get<{ session: SessionId }>(sql, hash)?.session ?? null;
  }

  sessionsOf(account: AccountId): SessionId[] {
    const sql = "SELECT id FROM sessions WHERE account = ? AND ended = 0 ORDER BY id";
    return this.rows.sql.all<{ id: SessionId }>(sql, account).map((row) => row.id);
  }

  invitations(): InvitationId[] {
    const sql = "SELECT id FROM invitations ORDER BY id";
    return this.rows.sql.all<{ id: InvitationId }>(sql).map((row) => row.id);
  }

  servers(): string[] {
    const sql = "SELECT name FROM servers ORDER BY name";
    return this.rows.sql.all<{ name: string }>(sql).map((row) => row.name);
  }

  invitationOfCode(hash: string): InvitationId | null {
    const sql = "SELECT id FROM invitations WHERE code = ?";
    return this.rows.sql.get<{ id: InvitationId }>(sql, hash)?.id ?? null;
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

  ownersOf(channel: ChannelId): AccountId[] {
    const sql = "SELECT account FROM members WHERE channel = ? AND standing = 'owner'";
    return this.rows.sql.all<{ account: AccountId }>(sql, channel).map((row) => row.account);
  }

  memberOps(key: MemberKey): number[] {
    return this.rows.opsUnder(subjectText({ table: "member", key }));
  }

  hasPosted(channel: ChannelId, author: AccountId, after: Position): boolean {
    const conversation = this.rows.knownConversationRow(channel);
    const account = this.rows.knownAccountRow(author);
    if (conversation === undefined || account === undefined) return false;
    const { ms, counter } = parsePosition(after)?.stamp ?? STAMP_ZERO;
    const sql = `SELECT n FROM messages
      WHERE conversation = ? AND (ms, counter) >= (?, ?) AND author = ?`;
    const posts = this.rows.sql.all<{ n: number }>(sql, conversation, ms, counter, account);
    return posts.some(({ n }) => positionOf(this.op(n)) > after);
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

  oddOps(): Record<OddOp, number> {
    const counts: Record<OddOp, number> = { unknown_kind: 0, invalid: 0, shadowed: 0 };
    const found = this.rows.sql.all<{ what: OddOp; count: number }>("SELECT * FROM odd_ops");
    for (const { what, count } of found) counts[what] = count;
    return counts;
  }
}
