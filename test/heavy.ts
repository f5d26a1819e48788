/**
 * How much of a heavy check to run. `npm test` takes a share of it, `npm run test:full` the count
 * that is promised; the second one's report keeps what was counted.
 */
import { appendFileSync } from "node:fs";

/** The `share` under `npm test` or plain `bun test`, `full` under `npm run test:full`. */
export function heavy(share: number, full: number): number {
  return process.env.HOLDFAST_TEST_FULL === "1" ? full : share;
}

/** Adds `n` to the count called `name` (`"SIGKILLs"`) in the report of the run. */
export function count(name: string, n: number): void {
  const file = process.env.HOLDFAST_TEST_COUNTS;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ name, n })}\n`);
}
