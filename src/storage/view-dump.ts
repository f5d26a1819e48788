/**
 * The canonical dump: the logical tables of a view in one order and one text. Equal sets of ops give equal
 * dumps, byte for byte; arrival numbers, interned rows and the search index are left out.
 *
 * Every row has a key, and the rows of a table stand in the order of their keys as bytes: so two servers can
 * be compared range by range, and the first row in which they differ has a name. Tables are read in pages:
 * what is looked at fits the memory, however much there is.
 */
import type { ConversationId } from "../core/ids.ts";
import type { Position } from "../core/position.ts";
import type { HistoryRange, MessageRow } from "../core/read-view.ts";
import { LOGICAL_TABLES, type LogicalTable, type RowKey } from "../core/view-range.ts";
import type { Statements } from "./statements.ts";

/** `row` holds what counts, states as values. */
export type DumpRow = { readonly key: RowKey; readonly row: Readonly<Record<string, unknown>> };
export type History = (
  conversation: ConversationId,
  range: HistoryRange,
  limit: number,
) => readonly MessageRow[];

const PAGE_ROWS = 500;

type StateTable = Exclude<LogicalTable, "message">;

/** The columns that make the key of a table, and what is read of it: a query that ends in its conditions. */
const QUERIES = {
  account: {
    key: ["id"],
    query: "SELECT id, state, shown FROM accounts WHERE state IS NOT NULL",
  },
  session: { key: ["id"], query: "SELECT id, account, state FROM sessions WHERE true" },
  channel: {
    key: ["id"],
    query: "SELECT id, state, shown FROM channels WHERE state IS NOT NULL",
  },
  member: {
    key: ["channel", "account"],
    query: "SELECT channel, account, state, standing FROM members WHERE true",
  },
  name: {
    key: ["space", "name", "holder"],
    query: "SELECT space, name, holder, at FROM names WHERE true",
  },
  marker: {
    key: ["account", "conversation"],
    query: "SELECT account, conversation, state FROM markers WHERE true",
  },
  invitation: { key: ["id"], query: "SELECT id, state FROM invitations WHERE true" },
  setting: { key: ["key"], query: "SELECT key, state FROM settings WHERE true" },
  server: { key: ["name"], query: "SELECT name, state FROM servers WHERE true" },
  direct: {
    key: ["id"],
    query: `SELECT id, (SELECT id FROM accounts WHERE row = a) AS a,
      (SELECT id FROM accounts WHERE row = b) AS b FROM conversations WHERE a IS NOT NULL`,
  },
} as const satisfies Record<
  StateTable,
  { readonly key: readonly string[]; readonly query: string }
>;

/** How many texts a key of this table has. */
export function keyLength(table: LogicalTable): number {
  return table === "message" ? 2 : QUERIES[table].key.length;
}

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

/** A row as one text: equal exactly for equal rows. */
export function dumpLine(table: LogicalTable, { row }: DumpRow): string {
  return `${table} ${canonicalJson(row)}`;
}

/** The rows of one table behind a key, in order; all of them for null. */
export function dumpTable(
  sql: Statements,
  history: History,
  table: LogicalTable,
  after: RowKey | null,
): Iterable<DumpRow> {
  return table === "message" ? messages(sql, history, after) : states(sql, table, after);
}

function* states(sql: Statements, table: StateTable, after: RowKey | null): Iterable<DumpRow> {
  const { query, key: columns } = QUERIES[table];
  const names = columns.join(", ");
  const next = `${query} AND (${names}) > (${columns.map(() => "?").join(", ")})
    ORDER BY ${names} LIMIT ${PAGE_ROWS}`;
  let place: RowKey = after ?? columns.map(() => "");
  for (;;) {
    const rows = sql.all<Record<string, unknown>>(next, ...place);
    for (const row of rows) {
      const state = typeof row.state === "string" ? { state: JSON.parse(row.state) } : {};
      place = columns.map((column) => row[column] as string);
      yield { key: place, row: { ...row, ...state } };
    }
    if (rows.length < PAGE_ROWS) return;
  }
}

function* messages(sql: Statements, history: History, after: RowKey | null): Iterable<DumpRow> {
  type Row = { id: ConversationId };
  const [first = "", behind = ""] = after ?? [];
  let place = first;
  let position = behind as Position;
  // The conversation of the key itself, behind it; then all others.
  if (after !== null) yield* conversation(history, place as ConversationId, position);
  for (;;) {
    const rows = sql.all<Row>(
      `SELECT id FROM conversations WHERE id > ? ORDER BY id LIMIT ${PAGE_ROWS}`,
      place,
    );
    position = "" as Position;
    for (const { id } of rows) {
      yield* conversation(history, id, position);
      place = id;
    }
    if (rows.length < PAGE_ROWS) return;
  }
}

function* conversation(history: History, id: ConversationId, behind: Position): Iterable<DumpRow> {
  let after = behind;
  for (;;) {
    const page = history(id, { after }, PAGE_ROWS);
    for (const message of page) {
      const { n: _arrival, late: _late, ...logical } = message;
      after = message.position;
      yield { key: [id, after], row: logical };
    }
    if (page.length < PAGE_ROWS) return;
  }
}

/** Everything, one line a row. */
export function* dumpTables(sql: Statements, history: History): Iterable<string> {
  for (const table of LOGICAL_TABLES) {
    for (const row of dumpTable(sql, history, table, null)) yield dumpLine(table, row);
  }
}
