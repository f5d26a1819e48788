/**
 * Prepared statements by their text: prepared once a connection, and closed with it. What SQLite says is
 * wrong becomes what it means here: no room for now, or a file that nothing may be read from any more.
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

  /** `damaged` is called when the file turns out to be, before {@link Fatal} is thrown. */
  constructor(db: Database, damaged: () => void = () => {}) {
    this.db = db;
    this.damaged = damaged;
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
    try {
      return this.prepare(sql).get(...bindings) as Row | null;
    } catch (error) {
      throw this.translated(error);
    }
  }

  all<Row>(sql: string, ...bindings: Bindings): Row[] {
    try {
      return this.prepare(sql).all(...bindings) as Row[];
    } catch (error) {
      throw this.translated(error);
    }
  }

  close(): void {
    for (const statement of this.prepared.values()) statement.finalize();
    this.prepared.clear();
  }
}
