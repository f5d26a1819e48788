/** What a comparison of the servers found, for people: the verdict first, then what it stands on. */
import type { Comparison, Difference } from "../server/compare-views.ts";
import type { StoppedVerdict } from "../server/verify-stopped.ts";
import { cells, pad, printable } from "./printable.ts";

export type Verified = Comparison & {
  /** Those that were compared. */
  readonly servers: readonly string[];
  /** Members that could not be asked. */
  readonly notCompared: readonly string[];
};

const DIGEST_SHOWN = 8;

export function verifyText(verified: Verified): string {
  const { first, notCompared } = verified;
  const lines = [headline(verified)];
  if (first !== null) lines.push("", ...differenceLines(first));
  if (notCompared.length > 0) {
    lines.push("", `Not compared, because there is no link: ${notCompared.join(", ")}.`);
  }
  lines.push("", ...tableLines(verified));
  return lines.map(printable).join("\n");
}

function headline({ verdict, servers }: Verified): string {
  const names = servers.join(", ");
  if (servers.length === 1) return `Only ${names} can be asked: there is nothing to compare.`;
  switch (verdict) {
    case "same":
      return `${servers.length} servers show the same: ${names}.`;
    case "different":
      return `THE SERVERS DIFFER: ${names}.`;
    case "unsettled":
      return `Not settled: ${names} differ, but ops were on their way all the time. Is one of them catching up? See \`holdfast status\`, then look again.`;
  }
}

function differenceLines({ table, key, hashes }: Difference): string[] {
  const has = Object.entries(hashes).map(
    ([server, hash]) => `${server} ${hash === null ? "has none" : `has ${hash}`}`,
  );
  return [`First difference: ${table} ${key.join(" ")}`, `  ${has.join("; ")}`];
}

function tableLines({ servers, tables, vectors }: Verified): string[] {
  const [lead = ""] = servers;
  const rows = tables.map(({ table, isSame, sums }) => {
    const first = sums[lead];
    const others = servers.slice(1).map((server) => {
      const own = sums[server];
      const isEqual = own?.digest === first?.digest && own?.rows === first?.rows;
      if (isEqual) return isSame ? "same" : "";
      return `DIFFERS: ${own?.rows} rows, ${own?.digest.slice(0, DIGEST_SHOWN)}`;
    });
    return [table, `${first?.rows ?? 0}`, first?.digest.slice(0, DIGEST_SHOWN) ?? "", ...others];
  });
  const ops = ["ops", "", ...servers.map((server) => `${vectors[server]?.ops ?? 0}`)];
  const held = ["held", "", ...servers.map((server) => vectors[server]?.vector ?? "")];
  const all = [["table", "rows", ...servers], ...rows, ops, held.map((text) => text.slice(0, 8))];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => cells(row[i] ?? "")))) ?? [];
  return all.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** What was found in the directory of a server that does not run. */
export function stoppedText({ data, server, ops, findings, view }: StoppedVerdict): string {
  const lines =
    findings.length > 0
      ? [
          `THE LOG IS DAMAGED: server ${server ?? "?"} in ${data}`,
          ...findings.map((line) => `  ${line}`),
        ]
      : [`The log of server ${server} in ${data} is whole: ${ops} ops.`, viewLine(ops, view)];
  return lines.map(printable).join("\n");
}

function viewLine(ops: number, view: StoppedVerdict["view"]): string {
  if (view === null || view.is === "absent") {
    return `The next start makes the view anew: ${view?.why ?? "the log is damaged"}.`;
  }
  const behind =
    ops > view.ops ? ` It is ${ops - view.ops} ops behind: the next start folds them.` : "";
  if (view.is === "same") return `The view is what the log folds to: ${view.rows} rows.${behind}`;
  const { table, key, how } = view;
  return `THE VIEW IS NOT WHAT THE LOG FOLDS TO: ${table} ${key.join(" ")} is ${how}. Remove view.db* there: the next start makes it anew.${behind}`;
}
