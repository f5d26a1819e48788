/**
 * The log alone: commits and ops per second with 1, 30 and 1,000 ops in flight, and bytes per op on disk.
 * Every op is a message of 200 characters, fsynced before it counts.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Op } from "../src/core/op.ts";
import { randomFrom, TestOrigin } from "../src/storage/log-testing.ts";
import { openStore } from "../src/storage/store.ts";

export type LogRow = {
  readonly bench: "log";
  readonly inFlight: number;
  readonly ops: number;
  readonly opsPerSecond: number;
  readonly commitsPerSecond: number;
  /** From append to durable. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bytesPerOp: number;
};

const TEXT = "x".repeat(200);

function percentile(sorted: readonly number[], share: number): number {
  return Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(3));
}

/** Appends `ops` with always `inFlight` of them on their way. */
async function measure(parent: string, inFlight: number, total: number): Promise<LogRow> {
  const directory = join(parent, `${inFlight}`);
  const wallMs = () => Date.now();
  const { log, close } = await openStore({ directory, server: "a", clusterId: "bench", wallMs });
  const waiting: Op[] = new TestOrigin("a", randomFrom(1)).ops(total, () => TEXT).reverse();
  const appendedAt: number[] = [];
  const latencies: number[] = [];
  const done = Promise.withResolvers<void>();
  let commits = 0;
  const fill = () => {
    const room = inFlight - (appendedAt.length - latencies.length);
    const next = waiting.splice(-room, room).reverse();
    for (const _ of next) appendedAt.push(performance.now());
    log.append(next);
  };
  log.listen({
    durable({ ops }) {
      commits++;
      const now = performance.now();
      for (const _ of ops) latencies.push(now - (appendedAt[latencies.length] as number));
      if (latencies.length === total) done.resolve();
      else fill();
    },
    erased() {},
    space() {},
    failed: done.reject,
  });
  const startMs = performance.now();
  fill();
  await done.promise;
  const seconds = (performance.now() - startMs) / 1000;
  await close();
  latencies.sort((a, b) => a - b);
  return {
    bench: "log",
    inFlight,
    ops: total,
    opsPerSecond: Math.round(total / seconds),
    commitsPerSecond: Math.round(commits / seconds),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    bytesPerOp: Number((statSync(join(directory, "log.db")).size / total).toFixed(1)),
  };
}

export async function benchLog(directory?: string): Promise<LogRow[]> {
  const parent = mkdtempSync(join(directory ?? tmpdir(), "holdfast-bench-log-"));
  try {
    const rows: LogRow[] = [];
    for (const [inFlight, total] of [
      [1, 3_000],
      [30, 60_000],
      [1_000, 300_000],
    ] as const) {
      rows.push(await measure(parent, inFlight, total));
    }
    return rows;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

if (import.meta.main) for (const row of await benchLog()) console.log(JSON.stringify(row));
