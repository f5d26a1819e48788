import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { count, heavy } from "../../test/heavy.ts";
import { drafts, History } from "../../test/histories.ts";
import { ArrayLog } from "../../test/memory-log.ts";
import { databaseOf, dumpOf, dumpOfOps, foldAll, openView, settle } from "../../test/view-probe.ts";
import { sha256 } from "./log-hash.ts";
import { SqliteView } from "./view.ts";
import { VIEW_VERSION } from "./view-schema.ts";
import { sealView } from "./view-seal.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-view-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let images = 0;
const newPath = () => join(directory, `view-${images++}.db`);

/** What a crash leaves: the files as they are, without any goodbye. */
function image(path: string): string {
  const copy = newPath();
  for (const end of ["", "-wal"]) {
    if (existsSync(path + end)) copyFileSync(path + end, copy + end);
  }
  return copy;
}

/** What a crash left, taken for good: SQLite keeps what its WAL has whole, and the view goes on from there. */
function recovered(left: string): string {
  const copy = image(left);
  const db = new Database(copy);
  db.query("SELECT count(*) FROM sqlite_schema").get();
  db.close();
  sealView(copy);
  return copy;
}

/** Opens a view, folds what it lacks, and says what it shows and whether it was made anew. */
function reopen(path: string, log: ArrayLog): { dump: string; rebuilt: string | null } {
  const { view, rebuilt } = SqliteView.open({ path, hash: sha256, log });
  try {
    while (view.catchUp());
    settle(view);
    return { dump: dumpOf(view), rebuilt };
  } finally {
    view.close();
  }
}

/** A view of a history, closed in order. */
function closed(log: ArrayLog): string {
  const path = newPath();
  const view = openView(log, path);
  foldAll(view, log, [5]);
  settle(view);
  view.close();
  return path;
}

const histories = drafts(30).map((all) => new History(all));
const [history] = fc.sample(histories, { numRuns: 1, seed: 5 }) as [History];

describe("a view after a crash", () => {
  test("[R4] goes on from its last commit, wherever its files were cut", () => {
    const runs = heavy(25, 1_000);
    const cuts = fc.record({
      batches: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }),
      cut: fc.nat(),
    });
    fc.assert(
      fc.property(histories, cuts, fc.boolean(), ({ order }, { batches, cut }, checkpoint) => {
        const log = new ArrayLog(order);
        const path = newPath();
        const view = openView(log, path);
        for (const [i, size] of batches.entries()) {
          view.fold(log.ops(view.foldedN + 1, size));
          if (i === 1) view.tidy();
          if (i === 2 && checkpoint) databaseOf(view).run("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        const left = image(path);
        const wal = `${left}-wal`;
        if (existsSync(wal)) truncateSync(wal, cut % (readFileSync(wal).length + 1));
        // A transaction that was never committed.
        databaseOf(view).run("BEGIN IMMEDIATE");
        databaseOf(view).run("DELETE FROM messages");
        const halfway = image(path);
        databaseOf(view).run("ROLLBACK");
        view.close();
        const fresh = dumpOfOps(order);
        const trusted = [left, halfway].map(recovered);
        expect(reopen(left, log).dump).toBe(fresh);
        expect(reopen(halfway, log).dump).toBe(fresh);
        expect(reopen(trusted[0]!, log).dump).toBe(fresh);
        expect(reopen(trusted[1]!, log)).toEqual({ dump: fresh, rebuilt: null });
        expect(reopen(path, log)).toEqual({ dump: fresh, rebuilt: null });
      }),
      { numRuns: runs },
    );
    count("crashes of a view", runs);
  });

  test("a batch that fails leaves the view where it was, and it goes on", () => {
    const log = new ArrayLog(history.order);
    const view = openView(log);
    view.fold(log.ops(1, 4));
    const before = dumpOf(view);
    const failing = log.ops(5, 6);
    const last = failing.at(-1);
    expect(() => view.fold([...failing.slice(0, -1), { ...last!, n: 99 }])).toThrow(
      "was given op 99",
    );
    expect(view.foldedN).toBe(4);
    expect(dumpOf(view)).toBe(before);
    foldAll(view, log);
    expect(dumpOf(view)).toBe(dumpOfOps(history.order));
    view.close();
  });
});

describe("[R22] a view that does not fit is made anew", () => {
  const log = new ArrayLog(history.order);
  const fresh = dumpOfOps(history.order);

  test("when it is missing, garbage, of another version, of another store, or ahead of the log", () => {
    expect(reopen(newPath(), log)).toEqual({ dump: fresh, rebuilt: "it is missing" });
    expect(reopen(newPath(), new ArrayLog([])).rebuilt).toBeNull();

    const whole = closed(log);
    expect(reopen(whole, log)).toEqual({ dump: fresh, rebuilt: null });

    const stray = newPath();
    writeFileSync(`${stray}-wal`, "left over");
    expect(reopen(stray, log)).toEqual({ dump: fresh, rebuilt: "it is missing" });

    const garbage = newPath();
    writeFileSync(garbage, "no database at all".repeat(1_000));
    expect(reopen(garbage, log)).toMatchObject({
      dump: fresh,
      rebuilt: expect.stringContaining("not a database"),
    });

    const version = closed(log);
    rmSync(`${version}-seal`);
    writeFileSync(version, withByte(readFileSync(version), 63, VIEW_VERSION + 1));
    expect(reopen(version, log)).toMatchObject({
      dump: fresh,
      rebuilt: expect.stringContaining("version"),
    });

    const foreign = new ArrayLog(history.order, "another");
    expect(reopen(closed(foreign), log)).toEqual({
      dump: fresh,
      rebuilt: "it belongs to another store",
    });

    const shorter = new ArrayLog(history.order.slice(0, 7));
    expect(reopen(closed(log), shorter)).toEqual({
      dump: dumpOfOps(shorter.held),
      rebuilt: "it is ahead of the log",
    });

    const others = new ArrayLog([...history.order.slice(0, -1), history.order[0]!]);
    expect(reopen(closed(others), log)).toEqual({
      dump: fresh,
      rebuilt: "it was folded from other ops",
    });
  });

  test("when a byte of it flipped while it was closed, wherever", () => {
    const path = closed(log);
    const bytes = readFileSync(path);
    const seal = readFileSync(`${path}-seal`);
    const runs = heavy(60, 3_000);
    fc.assert(
      fc.property(
        fc.nat({ max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, mask) => {
          const damaged = newPath();
          writeFileSync(damaged, withByte(bytes, at, (bytes[at] as number) ^ mask));
          writeFileSync(`${damaged}-seal`, seal);
          expect(reopen(damaged, log)).toEqual({
            dump: fresh,
            rebuilt: "it is not what was closed",
          });
        },
      ),
      { numRuns: runs },
    );
    count("flipped bytes of a view", runs);
  });

  test("or goes on from before the damage, when a byte of its WAL flipped after a crash", () => {
    const path = newPath();
    const view = openView(log, path);
    foldAll(view, log, [3]);
    const left = image(path);
    view.close();
    const bytes = readFileSync(`${left}-wal`);
    const runs = heavy(60, 3_000);
    fc.assert(
      fc.property(
        fc.nat({ max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, mask) => {
          const damaged = image(left);
          writeFileSync(`${damaged}-wal`, withByte(bytes, at, (bytes[at] as number) ^ mask));
          expect(reopen(damaged, log).dump).toBe(fresh);
        },
      ),
      { numRuns: runs },
    );
    count("flipped bytes of a view's WAL", runs);
  });

  test("when a page of it was overwritten before a crash, or it was cut", () => {
    const path = newPath();
    const view = openView(log, path);
    foldAll(view, log, [3]);
    databaseOf(view).run("PRAGMA wal_checkpoint(TRUNCATE)");
    const left = image(path);
    view.close();
    const bytes = readFileSync(left);
    for (let page = 0; page < bytes.length / 4096; page++) {
      for (const damage of [
        (copy: Buffer) => copy.fill(0xa5, page * 4096, (page + 1) * 4096),
        (copy: Buffer) => copy.subarray(0, page * 4096),
      ]) {
        const damaged = newPath();
        writeFileSync(damaged, damage(Buffer.from(bytes)));
        expect(reopen(damaged, log).dump).toBe(fresh);
      }
    }
  });
});

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
}
