/**
 * Log and view on a disk that has no room, to the page: nothing fails, nothing is lost, and what could not be
 * written is written when there is room. Deterministic, without a server; under load: torture-disk.test.ts.
 */
import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NoRoom, Refusal } from "../src/core/errors.ts";
import type { Log } from "../src/replica/ports.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { type Heard, listening, randomFrom, TestOrigin } from "../src/storage/log-testing.ts";
import { openStore, type StoreOptions } from "../src/storage/store.ts";
import { SqliteView } from "../src/storage/view.ts";
import { sealPath, sealView } from "../src/storage/view-seal.ts";
import { ViewWal } from "../src/storage/view-wal.ts";
import { ArrayLog } from "./memory-log.ts";
import { runSeed } from "./torture/chance.ts";
import { leave, mountMemory, noDisks, unmount, unmountAll } from "./torture/disks.ts";
import { reported } from "./torture/report.ts";
import { within } from "./torture/world.ts";
import { dumpOf, dumpOfOps, settle } from "./view-probe.ts";

const FILE = "torture-room.test.ts";
const seed = runSeed();
const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
const PAGE_BYTES = 4_096;
/** Pages in a WAL from which it is moved into its database. */
const WAL_PAGES = 1_000;
/** So many pages of a WAL the first piece of its index has room for; the next piece has as many bytes. */
const INDEXED_PAGES = 4_062;
const INDEX_BYTES = 32 * KIBIBYTE;
/** All of them take a second or two. */
const WAIT_MS = 60_000;

const root = mkdtempSync(join(tmpdir(), "holdfast-room-"));
afterAll(() => {
  unmountAll();
  rmSync(root, { recursive: true, force: true });
});

const why = noDisks === null ? "" : ` (skipped: ${noDisks})`;
let places = 0;

/** A small disk, with a file on it that takes the room away. */
function disk(mebibytes: number) {
  const at = join(root, `${++places}`);
  mountMemory(at, mebibytes);
  const ballast = join(at, "ballast");
  return { at, left: (bytes: number) => leave(ballast, at, bytes), over: () => unmount(at) };
}

function options(at: string): StoreOptions {
  const directory = join(at, "data");
  const reserveBytes = 64 * KIBIBYTE;
  return { directory, server: "a", clusterId: "cluster", wallMs: () => 0, reserveBytes };
}

const long = (i: number) => `secret ${i} ${"x".repeat(3_000)}`;
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Appends until the WAL has more pages than this. */
async function grow(log: Log, heard: Heard, origin: TestOrigin, wal: string, pages: number) {
  while (sizeOf(wal) < pages * PAGE_BYTES) {
    log.append(origin.ops(10, long));
    await heard.settled();
  }
}

test.skipIf(noDisks !== null)(
  `[R53, R54] a WAL that the database has no room for stays, and commits go on${why}`,
  reported(
    FILE,
    seed,
    async () => {
      const { at, left, over } = disk(48);
      const { directory, log, viewPath, close } = await openStore(options(at));
      const heard = listening(log);
      const origin = new TestOrigin("a", randomFrom(seed));
      const wal = join(directory, "log.db-wal");
      await grow(log, heard, origin, wal, WAL_PAGES - 50);
      left(2 * MEBIBYTE); // enough for the WAL to grow, not for moving it
      await grow(log, heard, origin, wal, WAL_PAGES + 200);
      expect(sizeOf(join(directory, "log.db"))).toBeLessThan(MEBIBYTE);
      // The view's likewise.
      left(24 * MEBIBYTE);
      const view = new Database(viewPath, { create: true });
      view.run("PRAGMA journal_mode = WAL");
      view.run("PRAGMA wal_autocheckpoint = 0");
      view.run("CREATE TABLE t(x)");
      for (let i = 0; i < WAL_PAGES + 100; i++) view.run("INSERT INTO t VALUES (zeroblob(4000))");
      left(MEBIBYTE);
      const viewWal = new ViewWal(viewPath);
      viewWal.checkpoint();
      await viewWal.idle();
      await grow(log, heard, origin, wal, WAL_PAGES + 300); // what there is is left to the commits
      expect(heard.failures).toEqual([]);
      // With room everything gets its place.
      left(16 * MEBIBYTE);
      log.append(origin.ops(1, long));
      await within(() => sizeOf(join(directory, "log.db")) > MEBIBYTE, "the WAL to be moved");
      viewWal.stop();
      view.close();
      await close();
      over();
    },
    WAIT_MS,
  ),
  WAIT_MS,
);

test.skipIf(noDisks !== null)(
  `[R9, R53] what the disk has no room for is stored and erased when there is${why}`,
  reported(
    FILE,
    seed,
    async () => {
      const { at, left, over } = disk(24);
      const first = await openStore(options(at));
      const { directory, log } = first;
      const heard = listening(log);
      const origins = ["a", "b"].map((name, i) => new TestOrigin(name, randomFrom(seed + i)));
      const [known, fresh] = origins as [TestOrigin, TestOrigin];
      log.append(known.ops(50, long));
      await heard.settled();
      for (let round = 0; round < 3; round++) {
        const storedN = log.lastN;
        left(0);
        log.append(known.ops(100, long));
        log.append(fresh.ops(100, long));
        log.erase([{ n: round + 1, by: 50 }]);
        await within(() => heard.freeBytes === 0, "it to be told that there is no room");
        expect(log.lastN).toBe(storedN);
        expect(heard.erased.size).toBe(round);
        left(8 * MEBIBYTE);
        await heard.settled();
        await heard.erasedAll([round + 1]);
        await within(() => heard.freeBytes > 0, "it to be told that there is room");
        expect(log.lastN).toBe(storedN + 200);
      }
      expect(heard.failures).toEqual([]);
      const holds = readdirSync(directory).filter((name) =>
        readFileSync(join(directory, name)).includes("secret 0 "),
      );
      expect(holds.length).toBeGreaterThan(0); // of the later ones
      await first.close();
      // Every hash and chain is looked at when it opens.
      const again = await openStore(options(at));
      expect(again.log.lastN).toBe(650);
      expect(again.log.op(2).body).toBeNull();
      expect(again.log.op(4).body).not.toBeNull();
      await again.close();
      over();
    },
    WAIT_MS,
  ),
  WAIT_MS,
);

test.skipIf(noDisks !== null)(
  `[R53, R56] a log without room closes in good order, with all that it said was stored${why}`,
  reported(
    FILE,
    seed,
    async () => {
      const { at, left, over } = disk(24);
      const first = await openStore(options(at));
      const heard = listening(first.log);
      const origin = new TestOrigin("a", randomFrom(seed));
      first.log.append(origin.ops(50, long));
      await heard.settled();
      left(0);
      first.log.append(origin.ops(100, long));
      first.log.erase([{ n: 1, by: 2 }]);
      await within(() => heard.freeBytes === 0, "it to be told that there is no room");
      await first.close();
      expect(heard.failures).toEqual([]);
      left(8 * MEBIBYTE);
      const again = await openStore(options(at));
      expect(again.log.lastN).toBe(50);
      expect(again.log.op(1).body).not.toBeNull(); // nobody was told that it is gone
      await again.close();
      over();
    },
    WAIT_MS,
  ),
  WAIT_MS,
);

test.skipIf(noDisks !== null)(
  `[R53] a view waits for room, also where only the index of its WAL finds none${why}`,
  reported(
    FILE,
    seed,
    async () => {
      const { at, left, over } = disk(48);
      const log = new ArrayLog([]);
      const ops = new TestOrigin("a", randomFrom(seed)).ops(
        6_000,
        (i) => `${i} ${"x".repeat(200)}`,
      );
      const path = join(at, "view.db");
      const { view } = SqliteView.open({ path, hash: sha256, log });
      const pages = () => Math.floor(sizeOf(`${path}-wal`) / (PAGE_BYTES + 24));
      const fold = (count: number) => {
        const more = ops.slice(log.lastN, log.lastN + count);
        if (view.foldedN === log.lastN) log.held.push(...more);
        view.fold(log.ops(view.foldedN + 1, log.lastN - view.foldedN));
      };
      while (pages() < INDEXED_PAGES - 100) fold(1);
      // Room for an op, page by page, but not for another piece of the index.
      let waited = 0;
      while (pages() < INDEXED_PAGES + 50) {
        left(INDEX_BYTES - PAGE_BYTES);
        try {
          fold(1);
        } catch (error) {
          if (!(error instanceof NoRoom)) throw error;
          waited++;
          left(2 * INDEX_BYTES);
          fold(1);
        }
      }
      expect(waited).toBeGreaterThan(0);
      left(0);
      const everything = () => view.search(["secret"], [], 1_000_000, 1);
      expect(everything).toThrow(Refusal); // it could not say what the newest messages hold
      left(8 * MEBIBYTE);
      everything();
      settle(view);
      expect(dumpOf(view)).toBe(dumpOfOps(log.held));
      view.close();
      rmSync(sealPath(path));
      left(0);
      sealView(path); // a seal that there is no room for is none, and nothing worse
      expect(existsSync(sealPath(path))).toBe(false);
      over();
    },
    WAIT_MS,
  ),
  WAIT_MS,
);
