/** Commits that find no room: taken back whole, and whole when they are given again. */
import type { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NoRoom } from "../core/errors.ts";
import { encodeBatch } from "./log-batch.ts";
import { randomFrom, TestOrigin } from "./log-testing.ts";
import { LogWriter } from "./log-writer.ts";
import { openStore, type StoreOptions } from "./store.ts";
import { HEAD_FILE, LOG_FILE } from "./store-look.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-writer-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NO_HOOKS = { before() {}, after() {} };
const MANY_PAGES = 1_000_000;

/** SQLite answers as if the disk were full once the file would have more pages than this. */
function allowPages(db: Database, pages: number): void {
  db.run(`PRAGMA max_page_count = ${pages}`);
}

const pagesOf = (db: Database) =>
  (db.query("PRAGMA page_count").get() as { page_count: number }).page_count;

async function madeStore(name: string): Promise<{ at: StoreOptions; writer: LogWriter }> {
  const at = { directory: join(root, name), server: "a", clusterId: "cluster", wallMs: () => 0 };
  const { storeId, close } = await openStore(at);
  await close();
  const meta = { storeId, clusterId: "cluster", server: "a" };
  const writer = new LogWriter(join(at.directory, LOG_FILE), join(at.directory, HEAD_FILE), meta);
  return { at, writer };
}

test("[R53] a commit without room leaves nothing behind, and is whole when it is given again", async () => {
  const { at, writer } = await madeStore("commit");
  const [known, fresh] = [new TestOrigin("a", randomFrom(1)), new TestOrigin("b", randomFrom(2))];
  writer.commit([encodeBatch(known.ops(3), [1, 1, 1])], NO_HOOKS);
  const long = (i: number) => `${i} ${"x".repeat(2_000)}`;
  // What can be stored comes first, also of an origin that nobody has seen yet.
  const ops = [...known.ops(2), ...fresh.ops(2), ...known.ops(60, long), ...fresh.ops(60, long)];
  const numbers = [1, 1, 2, 2, ...Array<number>(60).fill(1), ...Array<number>(60).fill(2)];
  const batches = [encodeBatch(ops, numbers), encodeBatch(known.ops(1), [1])];
  allowPages(writer.db, pagesOf(writer.db) + 20);
  for (let i = 0; i < 2; i++) expect(() => writer.commit(batches, NO_HOOKS)).toThrow(NoRoom);
  expect(writer.db.inTransaction).toBe(false);
  expect(writer.db.query("SELECT count(*) AS ops, max(o) AS o FROM ops").get()).toEqual({
    ops: 3,
    o: 1,
  });
  allowPages(writer.db, MANY_PAGES);
  const { count, heads } = writer.commit(batches, NO_HOOKS);
  expect(count).toBe(125);
  expect(heads.map(({ o, seq }) => [o, seq])).toEqual([
    [1, 66],
    [2, 62],
  ]);
  writer.close();
  // Every hash and chain is looked at when it opens.
  const { log, close } = await openStore(at);
  expect(log.lastN).toBe(128);
  expect(log.vector().get(known.name)?.seq).toBe(66);
  expect(log.vector().get(fresh.name)?.seq).toBe(62);
  await close();
});

test("[R53] a commit that fails for another reason is no want of room", async () => {
  const { writer } = await madeStore("other");
  const origin = new TestOrigin("a", randomFrom(1));
  writer.db.run("DROP TABLE origins");
  const batch = encodeBatch(origin.ops(1), [1]);
  let error: unknown;
  try {
    writer.commit([batch], NO_HOOKS);
  } catch (cause) {
    error = cause;
  }
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(NoRoom);
});
