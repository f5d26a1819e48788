/**
 * Verifies, in the background, the ops that were too many to verify at open: a few at a time on the worker's
 * thread, between commits, over a connection of its own. One pass after each start; reads check for
 * themselves all the time.
 */
import { Findings, StorageError } from "./failure.ts";
import { openReader } from "./log-file.ts";
import { RowVerifier, readOrigins } from "./verify-rows.ts";

/** Ops of one step: under a millisecond, so that a commit hardly waits for it. */
const STEP_OPS = 250;
/** Between two steps. */
export const SCRUB_INTERVAL_MS = 20;

export class Scrub {
  private readonly db;
  private readonly rows: RowVerifier;
  private readonly findings = new Findings();
  private readonly toN: number;
  private nextN = 1;

  /** Before anything is appended: what the origins' heads say now is what the ops must lead to. */
  constructor(logPath: string, toN: number) {
    this.db = openReader(logPath);
    this.toN = toN;
    this.rows = new RowVerifier(this.db, readOrigins(this.db), this.findings);
  }

  /** False when it has come to the end. Throws StorageError `damaged`. */
  step(): boolean {
    const toN = Math.min(this.nextN + STEP_OPS - 1, this.toN);
    if (toN >= this.nextN) this.rows.check(this.nextN, toN);
    this.nextN = toN + 1;
    const more = this.nextN <= this.toN;
    if (!more) this.rows.finish();
    if (this.findings.any) {
      const findings = this.findings.list;
      throw new StorageError("damaged", "log: damage was found while it was in use", { findings });
    }
    return more;
  }

  close(): void {
    this.rows.close();
    this.db.close();
  }
}
