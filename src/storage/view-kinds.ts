/**
 * Which kinds of ops a view was folded by.
 *
 * Problem: a server stores ops of kinds that a newer release minted, and passes over them in its fold. When it is
 * upgraded its view is behind them and does not know it; when a newer one is put back, the view shows what
 * the older one cannot keep up. Approach: the view notes which kinds its fold knew and which it passed over;
 * where that is not what this release knows, the view is made anew. Rejected: raising VIEW_VERSION with every kind
 * (forgotten once, and every server makes its view anew although it never met one).
 */
import type { Database } from "bun:sqlite";

/** Keys in the table `meta`. */
export const KINDS_KNOWN = "kinds";
export const KINDS_PASSED = "kinds-passed";
/** Servers that send more of them send any. */
const PASSED_MAX = 64;
const ANY = "any";

type Known = { has(kind: number): boolean; keys(): Iterable<number> };

export function kindsText(known: Pick<Known, "keys">): string {
  return [...known.keys()].sort((a, b) => a - b).join(" ");
}

const kindsIn = (text = ""): number[] =>
  text
    .split(" ")
    .filter((one) => one !== "")
    .map(Number);

/** Why a view cannot be used by who knows these kinds; null if it can. */
export function unfitKinds(db: Database, known: Known): string | null {
  const meta = (key: string) =>
    db.query<{ value: string }, [string]>("SELECT value FROM meta WHERE key = ?").get(key)?.value;
  const before = meta(KINDS_KNOWN);
  if (before === undefined) {
    return hasPassed(db) ? "it passed over ops, and does not say of which kinds" : null;
  }
  const gone = kindsIn(before).find((kind) => !known.has(kind));
  if (gone !== undefined) return `it was folded by a release that knows kind ${gone}`;
  const passed = meta(KINDS_PASSED);
  if (passed === ANY) {
    return before === kindsText(known) ? null : "ops of many kinds were passed over";
  }
  const learnt = kindsIn(passed).find((kind) => known.has(kind));
  return learnt === undefined ? null : `ops of kind ${learnt} were passed over, and are known now`;
}

/** Views of before that was noted count them. */
function hasPassed(db: Database): boolean {
  return db.query("SELECT 1 FROM odd_ops WHERE what = 'unknown_kind'").get() !== null;
}

/** The kinds that a fold passed over. */
export class PassedKinds {
  private text: string;

  constructor(text = "") {
    this.text = text;
  }

  /** What to note now that this one was passed over, too; null if that is known. */
  add(kind: number): string | null {
    const all = kindsIn(this.text);
    if (this.text === ANY || all.includes(kind)) return null;
    this.text = all.length < PASSED_MAX ? [...all, kind].join(" ") : ANY;
    return this.text;
  }
}
