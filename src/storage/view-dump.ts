/**
 * The canonical dump: the logical tables of a view in one order and one text. Equal sets of ops give equal
 * dumps, byte for byte; arrival numbers, interned rows and the search index are left out.
 */
import type { ConversationId } from "../core/ids.ts";
import type { MessageRow } from "../core/read-view.ts";
import type { Statements } from "./statements.ts";

/** JSON with sorted members: one text for one value. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

function* table(sql: Statements, name: string, query: string): Iterable<string> {
  for (const row of sql.all<Record<string, unknown>>(query)) {
    const state = typeof row.state === "string" ? { state: JSON.parse(row.state) as unknown } : {};
    yield `${name} ${canonicalJson({ ...row, ...state })}`;
  }
}

export function* dumpTables(
  sql: Statements,
  history: (conversation: ConversationId) => Iterable<MessageRow>,
): Iterable<string> {
  yield* table(
    sql,
    "account",
    "SELECT id, state, shown FROM accounts WHERE state IS NOT NULL ORDER BY id",
  );
  yield* table(sql, "session", "SELECT id, account, state FROM sessions ORDER BY id");
  yield* table(
    sql,
    "channel",
    "SELECT id, state, shown FROM channels WHERE state IS NOT NULL ORDER BY id",
  );
  yield* table(
    sql,
    "member",
    "SELECT channel, account, state, standing FROM members ORDER BY channel, account",
  );
  yield* table(
    sql,
    "name",
    "SELECT space, name, holder, at FROM names ORDER BY space, name, holder",
  );
  yield* table(
    sql,
    "marker",
    "SELECT account, conversation, state FROM markers ORDER BY account, conversation",
  );
  yield* table(sql, "invitation", "SELECT id, state FROM invitations ORDER BY id");
  yield* table(sql, "setting", "SELECT key, state FROM settings ORDER BY key");
  yield* table(sql, "server", "SELECT name, state FROM servers ORDER BY name");
  const conversations = sql.all<{ id: ConversationId; a: string | null; b: string | null }>(
    `SELECT c.id, a.id AS a, b.id AS b FROM conversations c
     LEFT JOIN accounts a ON a.row = c.a LEFT JOIN accounts b ON b.row = c.b ORDER BY c.id`,
  );
  for (const { id, a, b } of conversations) {
    if (a !== null) yield `direct ${canonicalJson({ id, a, b })}`;
    for (const message of history(id)) {
      const { n: _arrival, late: _late, ...logical } = message;
      yield `message ${canonicalJson(logical)}`;
    }
  }
}
