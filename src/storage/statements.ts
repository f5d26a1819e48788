/** Prepared statements by their text: prepared once a connection, and closed with it. */
import type { Database, SQLQueryBindings, Statement } from "bun:sqlite";

type Bindings = SQLQueryBindings[];

export class Statements {
  private readonly prepared = new Map<string, Statement<unknown, Bindings>>();
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  private prepare(sql: string): Statement<unknown, Bindings> {
    let statement = this.prepared.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare<unknown, Bindings>(sql);
      this.prepared.set(sql, statement);
    }
    return statement;
  }

  run(sql: string, ...bindings: Bindings): void {
    this.prepare(sql).run(...bindings);
  }

  get<Row>(sql: string, ...bindings: Bindings): Row | null {
    return this.prepare(sql).get(...bindings) as Row | null;
  }

  all<Row>(sql: string, ...bindings: Bindings): Row[] {
    return this.prepare(sql).all(...bindings) as Row[];
  }

  close(): void {
    for (const statement of this.prepared.values()) statement.finalize();
    this.prepared.clear();
  }
}
