/**
 * The corpus: inputs kept in the repository, one file for each decoder, one JSON line for each input.
 *
 * `is` is its outcome, `why` the reason that it was kept for. Text stands as `text`, bytes as `base64`. An
 * input that once broke a decoder stays here for good.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Input = string | Uint8Array;
export type Kept = { readonly is: string; readonly why: string; readonly input: Input };
type Line = { is: string; why: string; text?: string; base64?: string };

const FOLDER = join(import.meta.dir, "corpus");
/** Of one decoder. */
const KEPT_MAX = 32;
/** Larger ones are worth nothing as a start. */
const KEPT_BYTES_MAX = 600;

const pathOf = (name: string) => join(FOLDER, `${name.replaceAll(/\W+/g, "-")}.jsonl`);

export function kept(name: string): Kept[] {
  const path = pathOf(name);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => {
    const { is, why, text, base64 } = JSON.parse(line) as Line;
    return { is, why, input: text ?? new Uint8Array(Buffer.from(base64 ?? "", "base64")) };
  });
}

/** Where a run is told to keep what it finds. */
export function keep(name: string, is: string, why: string, input: Input): void {
  if (process.env.HOLDFAST_TEST_KEEP !== "1" || input.length > KEPT_BYTES_MAX) return;
  const before = kept(name);
  if (before.length >= KEPT_MAX || before.some((known) => known.why === why)) return;
  const content =
    typeof input === "string" ? { text: input } : { base64: Buffer.from(input).toString("base64") };
  mkdirSync(FOLDER, { recursive: true });
  appendFileSync(pathOf(name), `${JSON.stringify({ is, why, ...content })}\n`);
}
