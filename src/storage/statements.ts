/**
 * Prepared statements by their text: prepared once a connection, and closed with it. What SQLite says is
 * wrong becomes what it means here: no room for now, or a file that nothing may be read from any more.
 *
 * A read outside a transaction locks and unlocks the file, which costs five times as much as most reads: those
 * of one turn of the event loop share a transaction. None outlasts its turn, because the write-ahead log can't
 * be emptied while one is open.
 */
import type { Database, SQLQueryBindings, Statement } from "bun:sqlite";
import { Fatal, NoRoom } from "../core/errors.ts";

type Bindings = SQLQueryBindings[];

/** The second: the index of the write-ahead log, a file of its own, could not grow. */
const NO_ROOM: ReadonlySet<string> = new Set(["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"]);

export class Statements {
  private readonly prepared = new Map<string, Statement<unknown, Bindings>>();
  private readonly db: Database;
  private readonly damaged: () => void;
  private readonly atEndOfTurn: ((act: () => void) => void) | null;
  private transaction: "none" | "reading" | "writing" = "none";

  /**
   * `damaged` is called when the file turns out to be, before {@link Fatal} is thrown. Without `atEndOfTurn` reads
   * share nothing.
   */
  constructor(
    db: Database,
    damaged: () => void = () => {},
    atEndOfTurn: ((act: () => void) => void) | null = null,
  ) {
    this.db = db;
    this.damaged = damaged;
    this.atEndOfTurn = atEndOfTurn;
  }

  /** A transaction that writes. */
  begin(): void {
    this.endReading();
    this.run("BEGIN IMMEDIATE");
    this.transaction = "writing";
  }

  commit(): void {
    this.run("COMMIT");
    this.transaction = "none";
  }

  /** Takes back what was begun, unless SQLite has done so already. */
  rollback(): void {
    this.transaction = "none";
    if (this.db.inTransaction) this.db.run("ROLLBACK");
  }

  private read(): void {
    if (this.transaction !== "none" || this.atEndOfTurn === null) return;
    this.run("BEGIN");
    this.transaction = "reading";
    this.atEndOfTurn(() => this.endReading());
  }

  endReading(): void {
    if (this.transaction !== "reading") return;
    this.transaction = "none";
    this.run("COMMIT");
  }

  private translated(error: unknown): unknown {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string") return error;
    if (NO_ROOM.has(code)) return new NoRoom("there is no room on the disk for the view");
    if (!code.startsWith("SQLITE_CORRUPT") && code !== "SQLITE_NOTADB") return error;
    try {
      this.damaged();
    } catch {
      // A disk that takes nothing more: the next start finds out for itself.
    }
    const what = `the view is damaged (${(error as Error).message}): it is made anew at the next start`;
    return new Fatal(what);
  }

  private prepare(sql: string): Statement<unknown, Bindings> {
    let statement = this.prepared.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare<unknown, Bindings>(sql);
      this.prepared.set(sql, statement);
    }
    return statement;
  }

  /** How many rows it changed. */
  run(sql: string, ...bindings: Bindings): number {
    try {
      return this.prepare(sql).run(...bindings).changes;
    } catch (error) {
      throw this.translated(error);
    }
  }

  get<Row>(sql: string, ...bindings: Bindings): Row | null {
    this.read();
    try {
      return this.prepare(sql).get(...bindings) as Row | null;
    } catch (error) {
      throw this.translated(error);
    }
  }

  all<Row>(sql: string, ...bindings: Bindings): Row[] {
    this.read();
    try {
      return this.prepare(sql).all(...bindings) as Row[];
    } catch (error) {
      throw this.translated(error);
    }
  }

  close(): void {
    this.endReading();
    for (const statement of this.prepared.values()) statement.finalize();
    this.prepared.clear();
  }
}
