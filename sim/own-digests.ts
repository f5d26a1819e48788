/**
 * Digests of the view of a simulated server, for the comparison that its leader makes: src/storage/view-digests.ts
 * without files and threads.
 */
import { Refusal } from "../src/core/errors.ts";
import { DIGEST_KEYS_MAX, DIGEST_ROWS_MAX } from "../src/core/limits.ts";
import { addShares, digestShare, type VersionVector } from "../src/core/vector.ts";
import type { LogicalTable, RangeAsk, RangeDigest, RowKey } from "../src/core/view-range.ts";
import type { OwnDigests } from "../src/server/digest-exchange.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import type { SqliteView } from "../src/storage/view.ts";
import { compareKeys, isRangeAsk, RowSum } from "../src/storage/view-digest.ts";
import { dumpLine } from "../src/storage/view-dump.ts";
import type { DiskLog } from "./disk.ts";

export function ownDigests(view: SqliteView, log: DiskLog): OwnDigests {
  return {
    range: async (ask) => {
      if (!isRangeAsk(ask)) throw new Refusal("invalid", "this is no range of the view");
      return digestOf(view, log, ask);
    },
  };
}

function digestOf(view: SqliteView, log: DiskLog, ask: RangeAsk): RangeDigest {
  const { after, upTo, keys: named } = ask;
  const table = ask.table as LogicalTable;
  const most = Math.min(ask.rowsMax, named ? DIGEST_KEYS_MAX : DIGEST_ROWS_MAX);
  const sum = new RowSum();
  const keys: [RowKey, string][] = [];
  let last: RowKey | null = null;
  let end: RowKey | null = null;
  for (const row of view.rowsOf(table, after)) {
    if (upTo !== null && compareKeys(row.key, upTo) > 0) break;
    if (sum.rows === most) {
      end = last;
      break;
    }
    last = row.key;
    keys.push([row.key, sum.add(dumpLine(table, row))]);
  }
  const ops = view.foldedN;
  // What the log has gone past since is not told: nobody takes it for equal then.
  const vector = ops === log.lastN ? digestOfVector(log.vector()) : "";
  const found = { rows: sum.rows, digest: sum.digest, end, vector, ops };
  return named ? { ...found, keys } : found;
}

function digestOfVector(vector: VersionVector): string {
  let total = 0n;
  for (const [origin, head] of vector) {
    if (head.seq === (head.base?.seq ?? 0)) continue;
    total = addShares(total, digestShare(sha256, origin, head));
  }
  return total.toString(16).padStart(16, "0");
}
