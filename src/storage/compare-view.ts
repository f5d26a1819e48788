/** Is the view on the disk what its log folds to? Finds the first row that is not. */
import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { LOGICAL_TABLES, type LogicalTable, type RowKey } from "../core/view-range.ts";
import { KINDS } from "../ops/kinds.ts";
import { openUntouched } from "./log-file.ts";
import type { StoppedStore } from "./stopped-store.ts";
import { compareKeys, foldedN, Snapshot } from "./view-digest.ts";
import { type DumpRow, dumpLine } from "./view-dump.ts";
import { unfitKinds } from "./view-kinds.ts";

export type ViewVerdict =
  /** There is none, or none that this release reads: the next start makes one. */
  | { readonly is: "absent"; readonly why: string }
  | { readonly is: "same"; readonly ops: number; readonly rows: number }
  | {
      readonly is: "different";
      readonly ops: number;
      readonly table: LogicalTable;
      readonly key: RowKey;
      readonly how: "only in the view" | "not in the view" | "not the same";
    };

export async function compareWithLog(
  store: StoppedStore,
  ops: number,
  onProgress?: (doing: string, done: number, total: number) => void,
): Promise<ViewVerdict> {
  if (!existsSync(store.viewPath)) return { is: "absent", why: "there is none" };
  let view: Database;
  let folded: number;
  try {
    view = openUntouched(store.viewPath);
    folded = foldedN(view);
  } catch (cause) {
    return { is: "absent", why: `it can't be read: ${(cause as Error).message}` };
  }
  try {
    if (!(folded <= ops)) return { is: "absent", why: "it is ahead of the log" };
    const unfit = unfitKinds(view, KINDS);
    if (unfit !== null) return { is: "absent", why: unfit };
    const compare = (model: Database, log: Database) =>
      firstDifference(new Snapshot(view, log), new Snapshot(model, log), folded, onProgress);
    return await store.refolded(folded, compare, onProgress);
  } finally {
    view.close();
  }
}

function firstDifference(
  view: Snapshot,
  model: Snapshot,
  ops: number,
  onProgress?: (doing: string, done: number, total: number) => void,
): ViewVerdict {
  let rows = 0;
  try {
    for (const table of LOGICAL_TABLES) {
      const left = view.rows(table, null)[Symbol.iterator]();
      const right = model.rows(table, null)[Symbol.iterator]();
      for (;;) {
        const [a, b] = [left.next(), right.next()];
        if (a.done === true && b.done === true) break;
        const found = difference(table, a.value ?? null, b.value ?? null);
        if (found !== null) return { is: "different", ops, table, ...found };
        onProgress?.(`comparing ${table}: rows`, ++rows, rows);
      }
    }
    return { is: "same", ops, rows };
  } finally {
    view.close();
    model.close();
  }
}

function difference(table: LogicalTable, a: DumpRow | null, b: DumpRow | null) {
  if (a === null) return { key: (b as DumpRow).key, how: "not in the view" } as const;
  if (b === null) return { key: a.key, how: "only in the view" } as const;
  const order = compareKeys(a.key, b.key);
  if (order < 0) return { key: a.key, how: "only in the view" } as const;
  if (order > 0) return { key: b.key, how: "not in the view" } as const;
  if (dumpLine(table, a) === dumpLine(table, b)) return null;
  return { key: a.key, how: "not the same" } as const;
}
