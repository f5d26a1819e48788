/**
 * What must hold at the end, from what the clients were told and what the servers show. Numbers are those of
 * each sender's messages; a finding is a sentence.
 */
import type { Report } from "./talker.ts";

/** A message as a server shows it in the channel's history, in order. */
export type Shown = { readonly from: string; readonly n: number };

export type Verdict = {
  readonly sent: number;
  readonly acknowledged: number;
  /** Acknowledged and not there, or never shown to somebody who was in the channel. */
  readonly lost: number;
  /** There twice, or shown twice. */
  readonly repeated: number;
  /** One sender's messages out of the order in which they were sent. */
  readonly disordered: number;
  /** The first few of all of these, and whatever else is wrong. */
  readonly findings: readonly string[];
};

const FINDINGS_MAX = 20;

/** `histories`: by server. */
export function judge(
  reports: readonly Report[],
  histories: ReadonlyMap<string, readonly Shown[]>,
): Verdict {
  const findings: string[] = [];
  const sum = { lost: 0, repeated: 0, disordered: 0 };
  const find = (what: keyof typeof sum, finding: string) => {
    sum[what]++;
    if (findings.length < FINDINGS_MAX) findings.push(`${what}: ${finding}`);
  };
  for (const [server, history] of histories) {
    const where = `in the history of server ${server}`;
    const there = countByKey(history);
    for (const [key, count] of there) if (count > 1) find("repeated", `${key} ${where}`);
    for (const report of reports) {
      for (const { n } of report.acknowledged) {
        if (!there.has(`${report.name} ${n}`)) find("lost", `${report.name} ${n} ${where}`);
      }
    }
    for (const late of backward(history)) find("disordered", `${late} ${where}`);
  }
  for (const reader of reports) {
    const where = `shown to ${reader.name}`;
    const shown = countByKey(reader.heard);
    for (const [key, count] of shown) if (count > 1) find("repeated", `${key} ${where}`);
    for (const writer of reports) {
      if (writer === reader || reader.resets > 0) continue;
      for (const { n } of writer.acknowledged) {
        if (!shown.has(`${writer.name} ${n}`)) find("lost", `${writer.name} ${n} never ${where}`);
      }
    }
    // What came late is marked so, and stands in its place in the history.
    const inTime = reader.heard.filter(({ late }) => !late);
    for (const late of backward(inTime)) find("disordered", `${late} ${where}`);
    if (reader.resets > 0) findings.push(`${reader.name} had to read anew: the load is too much`);
    if (reader.waiting > 0) findings.push(`${reader.name}: ${reader.waiting} were never answered`);
    for (const { n, code } of reader.failed) findings.push(`${reader.name} ${n} refused: ${code}`);
  }
  return {
    sent: reports.reduce((total, { sent }) => total + sent, 0),
    acknowledged: reports.reduce((total, { acknowledged }) => total + acknowledged.length, 0),
    ...sum,
    findings,
  };
}

/** What a receipt names and a server does not show, of those servers whose history is given. */
export function overstated(
  reports: readonly Pick<Report, "name" | "acknowledged">[],
  histories: ReadonlyMap<string, readonly Shown[]>,
): string[] {
  return [...histories].flatMap(([server, history]) => {
    const there = countByKey(history);
    return reports.flatMap(({ name, acknowledged }) =>
      acknowledged
        .filter(({ n, held }) => held.includes(server) && !there.has(`${name} ${n}`))
        .map(({ n }) => `the receipt of ${name} ${n} names server ${server}, which lacks it`),
    );
  });
}

function countByKey(messages: readonly Shown[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { from, n } of messages) {
    const key = `${from} ${n}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Messages that come behind a later one of the same sender. */
function backward(messages: readonly Shown[]): string[] {
  const highest = new Map<string, number>();
  return messages.flatMap(({ from, n }) => {
    const before = highest.get(from) ?? 0;
    highest.set(from, Math.max(before, n));
    return n < before ? [`${from} ${n} behind ${before}`] : [];
  });
}
