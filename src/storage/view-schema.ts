/**
 * Tables of view.db. The view is disposable: a change here raises VIEW_VERSION, and servers rebuild it
 * from their logs. Ids of accounts and conversations that stand in large tables are interned as rows.
 */
import type { Database } from "bun:sqlite";

/**
 * 1  2026-11  first
 * 2  2026-11  members: since when they are in, and whether they ever were
 * 3  2026-11  accounts: whether they are an administrator; null for whom nobody ever made or unmade one
 * 4  2026-11  servers
 */
export const VIEW_VERSION = 4;
export const VIEW_APPLICATION_ID = 0x48_46_56_31; // "HFV1"

export const STATE_HIDDEN = 1;
export const STATE_DELETED = 2;
export const STATE_LATE = 4;
/** Passed over by the search index: its text was not there, or its author was erased. */
export const STATE_UNINDEXED = 8;

export function createViewTables(db: Database): void {
  db.run(`
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE accounts (
      row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT, shown TEXT, admin INTEGER
    ) STRICT;
    CREATE INDEX accounts_shown ON accounts (shown) WHERE shown IS NOT NULL;
    CREATE INDEX accounts_admin ON accounts (admin DESC, id) WHERE admin IS NOT NULL;
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY, account TEXT NOT NULL, state TEXT NOT NULL, ended INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_account ON sessions (account, ended);
    CREATE TABLE tokens (hash TEXT PRIMARY KEY, session TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX tokens_session ON tokens (session);
    CREATE TABLE channels (
      id TEXT PRIMARY KEY, state TEXT, shown TEXT, private INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX channels_shown ON channels (shown) WHERE shown IS NOT NULL;
    CREATE TABLE members (
      channel TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL, standing TEXT NOT NULL,
      PRIMARY KEY (channel, account)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_account ON members (account, standing);
    CREATE INDEX members_standing ON members (channel, standing);
    CREATE TABLE names (
      space TEXT NOT NULL, name TEXT NOT NULL, holder TEXT NOT NULL, at TEXT NOT NULL,
      PRIMARY KEY (space, name, holder)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE conversations (
      row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, a INTEGER, b INTEGER
    ) STRICT;
    CREATE INDEX conversations_a ON conversations (a) WHERE a IS NOT NULL;
    CREATE INDEX conversations_b ON conversations (b) WHERE b IS NOT NULL;
    CREATE TABLE messages (
      n INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, ms INTEGER NOT NULL,
      counter INTEGER NOT NULL, author INTEGER NOT NULL, state INTEGER NOT NULL, text INTEGER
    ) STRICT;
    CREATE INDEX messages_place ON messages (conversation, ms, counter);
    CREATE TABLE late (
      conversation INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (conversation, n)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE amends (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE markers (
      account TEXT NOT NULL, conversation TEXT NOT NULL, state TEXT NOT NULL, seen INTEGER NOT NULL,
      PRIMARY KEY (account, conversation)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE invitations (
      id TEXT PRIMARY KEY, state TEXT NOT NULL, code TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX invitations_code ON invitations (code) WHERE code IS NOT NULL;
    CREATE TABLE servers (name TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE settings (key TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE effects (
      id BLOB NOT NULL, author INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (id, author)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE subject_ops (
      subject TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (subject, n)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE feed (
      scope INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (scope, n)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE erasures (n INTEGER PRIMARY KEY, by INTEGER NOT NULL) STRICT;
    CREATE TABLE erased_authors (
      account TEXT PRIMARY KEY, by INTEGER NOT NULL, scanned INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE odd_ops (what TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `);
}
