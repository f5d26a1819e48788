import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ViewWal } from "./view-wal.ts";

const PAGE = 4_096;
const MIB = 1024 * 1024;

async function withView(act: (view: Database, wal: ViewWal, path: string) => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-view-wal-"));
  const path = join(directory, "view.db");
  const view = new Database(path, { create: true });
  view.run("PRAGMA journal_mode = WAL");
  view.run("PRAGMA synchronous = NORMAL");
  view.run("PRAGMA busy_timeout = 5000");
  view.run("PRAGMA wal_autocheckpoint = 0");
  view.run("CREATE TABLE t(x)");
  const wal = new ViewWal(path);
  try {
    await act(view, wal, path);
  } finally {
    wal.stop();
    view.close();
    rmSync(directory, { recursive: true });
  }
}

const fill = (view: Database, rows: number) => {
  for (let i = 0; i < rows; i++) view.run("INSERT INTO t VALUES (zeroblob(4000))");
};

test("the write-ahead log is moved into the view once it is long, and not before", async () => {
  await withView(async (view, wal, path) => {
    wal.checkpoint();
    await wal.idle();
    const before = statSync(path).size;
    fill(view, 100);
    wal.checkpoint();
    await wal.idle();
    expect(statSync(path).size).toBe(before);
    fill(view, 2_000);
    wal.checkpoint();
    await wal.idle();
    expect(statSync(path).size).toBeGreaterThan(1_500 * PAGE);
  });
});

test("[R10] under writes that never rest the write-ahead log does not grow without a bound", async () => {
  await withView(async (view, wal, path) => {
    let longest = 0;
    for (let round = 0; round < 200; round++) {
      wal.checkpoint();
      fill(view, 200); // while it is at work
      await wal.idle();
      longest = Math.max(longest, statSync(`${path}-wal`).size);
    }
    expect(longest).toBeLessThan(110 * MIB); // 160 MiB were written
  });
}, 60_000);

test("what was erased leaves the file at once", async () => {
  await withView(async (view, wal, path) => {
    fill(view, 10);
    wal.empty();
    await wal.idle();
    expect(statSync(`${path}-wal`).size).toBe(0);
  });
});

test("who stops it does not wait for ever", async () => {
  await withView(async (view, wal) => {
    fill(view, 2_000);
    wal.checkpoint();
    const idle = wal.idle();
    wal.stop();
    await idle;
  });
});
