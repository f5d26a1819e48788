/**
 * What a failed torture test leaves behind.
 *
 * Problem: a seed repeats the choices of a run, never its timing, so what was said at the first failure is
 * often all there will ever be; and it gets lost: in a test that hangs until its runner is killed, in a
 * server's output that nobody asked for, in whatever cuts the output of a long run. Approach: the line that
 * repeats a run is printed before it begins; a failure has the last words of the last servers with it, and
 * goes to standard error at once, to a file, and into the error that the runner prints; a test that hangs
 * fails a little before the runner's limit. Rejected: only the file (nobody looks for it).
 */
import { appendFileSync, mkdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { heavy } from "../heavy.ts";
import { lastServers } from "./server-process.ts";

/** For the runner: the limit of one torture test. */
export const LIMIT_MS = heavy(600_000, 3_600_000);
/** Of the limit, so much is left to a test that hangs to say so. */
const SAY_SHARE = 0.1;
const FOLDER =
  process.env.HOLDFAST_TEST_REPORTS ?? join(import.meta.dir, "..", "..", "reports", "torture");
const STANDARD_ERROR = 2;

function repeatLine(seed: number, file: string): string {
  const full = process.env.HOLDFAST_TEST_FULL === "1" ? "HOLDFAST_TEST_FULL=1 " : "";
  return `${full}HOLDFAST_TEST_SEED=${seed} bun test ./test/${file}`;
}

const said = new Set<string>();

function sayOnce(line: string): void {
  if (said.has(line)) return;
  said.add(line);
  console.log(line);
}

/** A test or a hook that leaves a report when it fails. `file`: of the test, below test/. */
export function reported(
  file: string,
  seed: number,
  body: () => Promise<void>,
  limitMs = LIMIT_MS,
): () => Promise<void> {
  return async () => {
    sayOnce(`to repeat the choices of this run: ${repeatLine(seed, file)}`);
    try {
      await inTime(body(), limitMs * (1 - SAY_SHARE));
    } catch (cause) {
      throw failure(seed, file, cause);
    }
  };
}

async function inTime(work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`it hangs: not over in ${ms} ms`)), ms);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function failure(seed: number, file: string, cause: unknown): Error {
  const what = cause instanceof Error ? cause.message : String(cause);
  const repeat = `repeat the choices of this run with: ${repeatLine(seed, file)}`;
  const text = [what, "", lastServers(), repeat].join("\n");
  const where = Bun.inspect(cause, { colors: false });
  const kept = keep(`${file}-${seed}.txt`, `${text}\n\n${where}\n\n`);
  writeSync(STANDARD_ERROR, `\n${file} failed:\n${text}\n${kept}\n\n`);
  return new Error(`${what}\n${repeat}\n${kept}`, { cause });
}

/** Says where it is kept, or why it is not. */
function keep(name: string, text: string): string {
  try {
    mkdirSync(FOLDER, { recursive: true });
    appendFileSync(join(FOLDER, name), text);
    return `kept in ${join(FOLDER, name)}`;
  } catch (cause) {
    return `not kept: ${(cause as Error).message}`;
  }
}
