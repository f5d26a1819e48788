/**
 * What people said and who they are, for other programs: one JSON value after another.
 *
 * Problem: a store may hold millions of messages, a reader may be slow, and the server goes on. Approach: rows of
 * the view in the order of the canonical dump, a slice under each short snapshot, given away one by one: memory
 * is bounded, nothing waits for the reader. So each row is as it was when it was read; what was there when it began
 * and did not change since is in it. Nothing that opens anything is in it: no hash of a password or token.
 */
import type { Database } from "bun:sqlite";
import type { AccountState, ChannelState } from "../core/view.ts";
import type { LogicalTable, RowKey } from "../core/view-range.ts";
import { openReader } from "./log-file.ts";
import { foldedN, type Paths, Snapshot } from "./view-digest.ts";
import type { DumpRow } from "./view-dump.ts";

/** Of the lines; a change that a reader could stumble over raises it. */
export const EXPORT_FORMAT = 1;
const SLICE_ROWS = 2_000;

type Values = Readonly<Record<string, unknown>>;

const TABLES: readonly LogicalTable[] = ["account", "channel", "member", "direct", "message"];

/** Reads of a running server, a slice at a time. Throws StorageError, or SQLite's own errors. */
export function* exportRunning(paths: Paths, sliceRows = SLICE_ROWS): Iterable<Values> {
  yield* exported(sliceRows, (read) => {
    const view = openReader(paths.viewPath);
    const log = openReader(paths.logPath);
    try {
      view.run("BEGIN");
      const ops = foldedN(view);
      log.run("BEGIN");
      return read(new Snapshot(view, log), ops);
    } finally {
      view.close();
      log.close();
    }
  });
}

/** Of databases that nobody changes. */
export function* exportStopped(view: Database, log: Database): Iterable<Values> {
  yield* exported(SLICE_ROWS, (read) => read(new Snapshot(view, log), foldedN(view)));
}

type WithSnapshot = <T>(read: (snapshot: Snapshot, ops: number) => T) => T;

function* exported(sliceRows: number, withSnapshot: WithSnapshot): Iterable<Values> {
  yield withSnapshot((snapshot, ops) => {
    const vector = snapshot.vectorAt(ops);
    snapshot.close();
    return { ops, held: vector };
  });
  for (const table of TABLES) {
    let after: RowKey | null = null;
    for (;;) {
      const rows: readonly DumpRow[] = withSnapshot((snapshot) =>
        slice(snapshot, table, after, sliceRows),
      );
      for (const row of rows) {
        const value = exportedRow(table, row);
        if (value !== null) yield value;
      }
      after = rows.at(-1)?.key ?? null;
      if (rows.length < sliceRows) break;
    }
  }
}

function slice(
  snapshot: Snapshot,
  table: LogicalTable,
  after: RowKey | null,
  most: number,
): DumpRow[] {
  const rows: DumpRow[] = [];
  for (const row of snapshot.rows(table, after)) {
    rows.push(row);
    if (rows.length === most) break;
  }
  snapshot.close();
  return rows;
}

function exportedRow(table: LogicalTable, { row }: DumpRow): Values | null {
  switch (table) {
    case "account":
      return account(row);
    case "channel":
      return channel(row);
    case "member":
      return member(row);
    case "direct":
      return { type: "direct", id: row.id, accounts: [row.a, row.b] };
    default:
      return message(row);
  }
}

const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());

/** null for what only later ops were heard of. */
function account(row: Values): Values | null {
  const { created, createdMs, displayName, admin, disabled, deleted } = row.state as AccountState;
  if (deleted !== undefined) return { type: "account", id: row.id, deleted: true };
  if (created === undefined) return null;
  return {
    type: "account",
    id: row.id,
    name: row.shown,
    displayName: displayName?.value ?? "",
    created: iso(createdMs),
    admin: admin?.value === true,
    disabled: disabled?.value === true,
  };
}

function channel(row: Values): Values | null {
  const { created, topic, private: isPrivate } = row.state as ChannelState;
  if (created === undefined) return null;
  return {
    type: "channel",
    id: row.id,
    name: row.shown,
    topic: topic?.value ?? "",
    private: isPrivate?.value === true,
  };
}

function member({ channel: id, account: who, standing }: Values): Values {
  return { type: "member", channel: id, account: who, standing };
}

function message(row: Values): Values {
  const { id, conversation, author, stamp, position, text, edited } = row;
  const at = iso((stamp as { ms: number }).ms);
  const said = text === null ? { deleted: true } : { text, ...(edited ? { edited } : {}) };
  return { type: "message", id, conversation, author, at, position, ...said };
}
