/** Backups of stores: what is in them while the log goes on, what comes back, and what hostile files get. */
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { heavy } from "../../test/heavy.ts";
import { branchName } from "../core/branch.ts";
import { CHAIN_START, chainHash, type Op } from "../core/op.ts";
import { BACKED_UP_TABLES, writeBackup } from "./backup.ts";
import {
  BACKUP_HEADER_BYTES,
  type BackupHeader,
  BackupReader,
  BackupWriter,
  BLOCK,
  decodeHeader,
  encodeHeader,
} from "./backup-file.ts";
import { FilePlace } from "./backup-place.ts";
import { RecordReader, Records } from "./backup-rows.ts";
import { StorageError } from "./failure.ts";
import { sha256 } from "./log-hash.ts";
import { fingerprint, listening, randomFrom, TestOrigin } from "./log-testing.ts";
import { LOG_FORMAT } from "./migrations.ts";
import { checkBackup, restoreBackup } from "./restore.ts";
import { openStore, type Store } from "./store.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));
const root = mkdtempSync(join(tmpdir(), "holdfast-backup-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let places = 0;
const newPath = (name: string) => join(root, `${name}-${++places}`);

const open = (directory: string, server = "a") =>
  openStore({ directory, server, clusterId: "cluster", wallMs: () => 0, companions: ["key"] });

const KEY = Buffer.from("the server's own key, as far as this test goes");
const ABOUT = { release: "test", made: "2026-11-22T00:00:00.000Z", key: KEY };

function backUp(directory: string, onProgress?: (done: number) => void) {
  const file = newPath("backup");
  const fd = openSync(file, "wx+", 0o600);
  const source = { directory, ...ABOUT, ...(onProgress === undefined ? {} : { onProgress }) };
  const header = writeBackup(source, () => {
    writeFileSync(file, "");
    return new BackupWriter(fd);
  });
  closeSync(fd);
  return { file, header };
}

function restore(file: string, directory = newPath("restored"), name: string | null = null) {
  const about = { release: "test", keyFile: "key", companions: ["secret"] };
  return restoreBackup({ file, directory, name, ...about }).then(() => directory);
}

/** All rows of all tables of a log, but for whose it is. */
function rowsOf(directory: string): Record<string, unknown[]> {
  const db = new Database(join(directory, "log.db"), { readonly: true });
  const rows = BACKED_UP_TABLES.filter((table) => table !== "meta").map((table) => {
    const text = db.query(`SELECT * FROM ${table} ORDER BY 1, 2`).all();
    return [table, text.map((row) => JSON.stringify(row))] as const;
  });
  db.close();
  return Object.fromEntries(rows);
}

/** Until the thread of the log has committed: this one is held by the backup that is being made. */
function waitForRows(store: Store, query: string, least: number): void {
  const db = new Database(store.logPath, { readonly: true });
  const read = db.query<{ value: number }, []>(query);
  while ((read.get()?.value ?? 0) < least) Bun.sleepSync(2);
  db.close();
}

describe("a backup of a store", () => {
  test("knows every table of the log", () => {
    const { directory } = { directory: newPath("store") };
    return open(directory).then(async (store) => {
      const db = new Database(store.logPath, { readonly: true });
      const tables = db
        .query<{ name: string }, []>(
          "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1",
        )
        .all();
      db.close();
      await store.close();
      expect(tables.map(({ name }) => name)).toEqual([...BACKED_UP_TABLES]);
    });
  });

  test("[R2] comes back row by row, as another store; of one that runs and of one that is stopped", async () => {
    const directory = newPath("store");
    const store = await open(directory);
    const heard = listening(store.log);
    const [a, b] = [new TestOrigin("a", randomFrom(1)), new TestOrigin("b", randomFrom(2))];
    store.log.append([...a.ops(300), ...b.ops(70), b.op(null)]);
    store.log.erase([
      { n: 5, by: 200 },
      { n: 301, by: 371 },
    ]);
    await heard.erasedAll([5, 301]);
    const running = backUp(directory);
    await store.close();
    const stopped = backUp(directory);
    expect(stopped.header).toEqual(running.header);
    expect(running.header).toMatchObject({
      ops: 371,
      origins: 2,
      store: store.storeId,
      server: "a",
    });
    for (const { file } of [running, stopped]) {
      const restored = await restore(file);
      expect(rowsOf(restored)).toEqual(rowsOf(directory));
      expect(readFileSync(join(restored, "key"))).toEqual(KEY);
      const again = await open(restored);
      expect(again.created).toBe(false);
      expect(again.storeId).not.toBe(store.storeId);
      expect(again.log.lastN).toBe(371);
      expect(again.log.op(5).body).toBeNull();
      await again.close();
    }
    const renamed = await restore(running.file, newPath("restored"), "d");
    await (await open(renamed, "d")).close();
    expect(existsSync(join(renamed, "key"))).toBe(false);
    expect(open(renamed, "a")).rejects.toMatchObject({ code: "foreign_server" });
  });

  test("an empty one comes back too", async () => {
    const directory = newPath("store");
    await (await open(directory)).close();
    const { file, header } = backUp(directory);
    expect(header.ops).toBe(0);
    const again = await open(await restore(file));
    expect(again.log.lastN).toBe(0);
    await again.close();
  });

  test("[R9] while ops come and bodies go: what erased a body that is missing is in it", async () => {
    const directory = newPath("store");
    const store = await open(directory);
    const heard = listening(store.log);
    const origin = new TestOrigin("a", randomFrom(3));
    store.log.append(origin.ops(9_000));
    await heard.settled();
    let added = 0;
    const { file, header } = backUp(directory, (done) => {
      if (added === 4) return;
      added++;
      store.log.append(origin.ops(10));
      const by = 9_000 + added * 10;
      waitForRows(store, "SELECT max(n) AS value FROM ops", by);
      // One that was read already, and one that comes later.
      store.log.erase([done, 9_000 - added].map((n) => ({ n, by })));
      const erased = "SELECT count(*) AS value FROM ops WHERE erased_by IS NOT NULL";
      waitForRows(store, erased, added * 2);
    });
    expect(added).toBe(4);
    expect(header.ops).toBe(9_040);
    const again = await open(await restore(file));
    expect(again.log.op(2_000).body).not.toBeNull(); // erased behind the reading
    expect(again.log.op(8_999).body).toBeNull();
    expect(again.log.eraserOf(8_999)).toBe(9_010);
    await again.close();
    await store.close();
  });

  test("a log that is split meanwhile is read anew, its branches come back", async () => {
    const directory = newPath("store");
    const store = await open(directory);
    const heard = listening(store.log);
    const origin = new TestOrigin("a", randomFrom(4));
    const ops = origin.ops(5_000);
    store.log.append(ops);
    await heard.settled();
    const at = (seq: number) => chainTo(ops.slice(0, seq));
    const branch = branchName(origin.name, at(1_001));
    let isSplit = false;
    const { file } = backUp(directory, (done) => {
      if (isSplit || done < 2_000) return;
      isSplit = true;
      store.log.split({ origin: origin.name, afterSeq: 1_000, branch });
      waitForRows(store, "SELECT count(*) AS value FROM branches", 1);
    });
    await heard.splitOff(branch);
    const again = await open(await restore(file));
    expect(again.log.vector().get(branch)?.seq).toBe(5_000);
    expect(again.log.vector().get(origin.name)?.seq).toBe(1_000);
    await again.close();
    await store.close();
    expect(rowsOf(directory).branches).toHaveLength(1);
  });

  test("of a damaged log there is none", async () => {
    const directory = newPath("store");
    const store = await open(directory);
    const heard = listening(store.log);
    store.log.append(new TestOrigin("a", randomFrom(5)).ops(50));
    await heard.settled();
    await store.close();
    const db = new Database(join(directory, "log.db"));
    db.run("UPDATE ops SET body = x'00' WHERE n = 17");
    db.close();
    expect(() => backUp(directory)).toThrow(/body does not match its hash \(n 17\)/);
  });
});

function chainTo(ops: readonly Op[]): Uint8Array {
  return ops.reduce((chain, { bytes }) => chainHash(sha256, chain, bytes), CHAIN_START);
}

describe("the place of a backup", () => {
  test("a file appears whole, takes no other's place without force, and leftovers of the dead go", () => {
    const file = newPath("file");
    writeFileSync(`${file}.999999999.unfinished`, "half");
    const place = new FilePlace(file, false);
    expect(existsSync(`${file}.999999999.unfinished`)).toBe(false);
    writeFileSync(place.fd, "first");
    expect(existsSync(file)).toBe(false);
    place.finish();
    expect(readFileSync(file, "utf8")).toBe("first");
    expect(() => new FilePlace(file, false)).toThrow(/is there already/);
    const forced = new FilePlace(file, true);
    writeFileSync(forced.fd, "second");
    expect(readFileSync(file, "utf8")).toBe("first");
    forced.finish();
    expect(readFileSync(file, "utf8")).toBe("second");
  });

  test("who comes second without force is told, and the first one's file stays", () => {
    const file = newPath("file");
    const place = new FilePlace(file, false);
    writeFileSync(file, "somebody else's");
    expect(() => place.finish()).toThrow(/is there already/);
    place.abandon();
    expect(readFileSync(file, "utf8")).toBe("somebody else's");
    const folder = readdirSync(root).filter((name) => name.includes("unfinished"));
    expect(folder).toEqual([]);
  });
});

describe("hostile and damaged backups", () => {
  async function small(): Promise<Buffer> {
    const directory = newPath("store");
    const store = await open(directory);
    const heard = listening(store.log);
    store.log.append(new TestOrigin("a", randomFrom(6)).ops(130));
    await heard.settled();
    await store.close();
    return readFileSync(backUp(directory).file);
  }

  /** Refused with a code, and nothing is written. */
  async function refused(bytes: Uint8Array): Promise<StorageError> {
    const file = newPath("bad");
    writeFileSync(file, bytes);
    const directory = newPath("place");
    mkdirSync(directory);
    writeFileSync(join(directory, "secret"), "mine");
    const before = fingerprint(directory);
    const error = await restore(file, directory).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(StorageError);
    expect(fingerprint(directory)).toEqual(before);
    expect(readdirSync(directory)).toEqual(["secret"]);
    rmSync(file);
    return error as StorageError;
  }

  test(`any byte changed, any end cut off, anything behind it (${heavy(60, 2_000)} times)`, async () => {
    const good = await small();
    const random = randomFrom(7);
    for (let i = 0; i < heavy(60, 2_000); i++) {
      const bytes = Buffer.from(good);
      const at = Math.floor(random() * bytes.length);
      switch (i % 3) {
        case 0: {
          bytes[at] = (bytes[at] as number) ^ (1 + Math.floor(random() * 255));
          const { code } = await refused(bytes);
          expect(["damaged", "not_a_store", "newer_format"], `byte ${at}`).toContain(code);
          break;
        }
        case 1:
          expect(["damaged", "not_a_store"]).toContain((await refused(bytes.subarray(0, at))).code);
          break;
        default:
          expect((await refused(Buffer.concat([bytes, bytes.subarray(0, 1 + at)]))).code).toBe(
            "damaged",
          );
      }
    }
  });

  test("what is none, and what a newer release made, is said", async () => {
    const good = await small();
    const header = decodeHeader(good.subarray(0, BACKUP_HEADER_BYTES));
    const withHeader = (more: Partial<BackupHeader>) =>
      Buffer.concat([encodeHeader({ ...header, ...more }), good.subarray(BACKUP_HEADER_BYTES)]);
    expect((await refused(withHeader({ format: 2 }))).message).toMatch(
      /format 2, this release knows 1/,
    );
    const newer = await refused(withHeader({ logFormat: LOG_FORMAT + 1 }));
    expect([newer.code, newer.message]).toEqual([
      "newer_format",
      expect.stringContaining("made by a newer release"),
    ]);
    expect((await refused(Buffer.from("a picture of a cat"))).message).toContain(
      "no backup of Holdfast",
    );
    expect((await refused(new Uint8Array())).code).toBe("not_a_store");
    const unfinished = Buffer.from(good).fill(0, 0, BACKUP_HEADER_BYTES);
    expect((await refused(unfinished)).message).toContain("never finished");
    expect((await refused(withHeader({ server: "../x" }))).code).toBe("damaged");
    expect((await refused(withHeader({ ops: 131 }))).message).toContain("another number of ops");
    expect(() => checkBackup(root)).toThrow(StorageError);
    expect(() => checkBackup(join(root, "nowhere"))).toThrow(StorageError);
  });

  /** A file whose hashes are right, with other content. */
  function forged(good: Buffer, change: (kind: number, content: Uint8Array) => Uint8Array | null) {
    const source = newPath("good");
    writeFileSync(source, good);
    const reader = new BackupReader(source);
    const path = newPath("forged");
    const fd = openSync(path, "wx+");
    const writer = new BackupWriter(fd);
    for (const { kind, content } of reader.blocks()) {
      const other = change(kind, content);
      if (other !== null) writer.block(kind as 1, other);
    }
    writer.finish(reader.header);
    reader.close();
    closeSync(fd);
    return readFileSync(path);
  }

  test("right hashes around wrong content: ops, chains and origins are checked all the same", async () => {
    const good = await small();
    type Record = ReturnType<RecordReader["op"]>;
    const ops = (change: (op: Record, i: number, all: readonly Record[]) => Record) =>
      forged(good, (kind, content) => {
        if (kind !== BLOCK.ops) return content;
        const reader = new RecordReader(content);
        const all: Record[] = [];
        while (!reader.isDone) all.push(reader.op());
        const records = new Records();
        for (const [i, op] of all.entries()) records.op(change(op, i, all));
        return records.take().slice();
      });
    const tenth = (change: (op: Record, all: readonly Record[]) => Partial<Record>) =>
      ops((op, i, all) => (i === 9 ? { ...op, ...change(op, all) } : op));
    const other = new TestOrigin("b", randomFrom(8)).op("foreign");
    const cases: [string, Buffer, RegExp][] = [
      ["as it was", ops((op) => op), /^$/],
      [
        "another body",
        tenth((_, all) => ({ body: (all[8] as Record).body })),
        /no whole log:\nbody does not match its hash: n 10/,
      ],
      [
        "another's op in its place",
        tenth(() => ({ envelope: other.bytes })),
        /op 10 in it is none/,
      ],
      ["an origin that is not named", tenth(() => ({ o: 99 })), /no whole log/],
      [
        "an eraser behind the end",
        tenth(() => ({ body: null, erased_by: 500 })),
        /op 10 in it is none/,
      ],
      [
        "a length past the end",
        forged(good, (kind, content) => (kind === BLOCK.ops ? content.slice(0, -1) : content)),
        /past the end of its block/,
      ],
      [
        "no origins",
        forged(good, (kind, content) => (kind === BLOCK.origins ? null : content)),
        /another number of ops/,
      ],
    ];
    for (const [what, bytes, says] of cases) {
      if (what === "as it was") {
        const file = newPath("forged");
        writeFileSync(file, bytes);
        await restore(file);
        continue;
      }
      expect((await refused(bytes)).message, what).toMatch(says);
    }
  });

  test("what no hash of an op covers, the hash over everything does: the key", async () => {
    const bytes = await small();
    const at = bytes.indexOf(KEY);
    expect(at).toBeGreaterThan(BACKUP_HEADER_BYTES);
    bytes[at + 3] = (bytes[at + 3] as number) ^ 1;
    expect((await refused(bytes)).message).toContain("does not match the hash in its header");
  });

  test("a block that says it is huge asks for no memory", async () => {
    const good = await small();
    const body = Buffer.from(good.subarray(BACKUP_HEADER_BYTES));
    body.writeUInt32LE(0xfffffff0, 0);
    const header = decodeHeader(good.subarray(0, BACKUP_HEADER_BYTES));
    const bodyHash = new Bun.CryptoHasher("sha256").update(body).digest("hex");
    const bytes = Buffer.concat([encodeHeader({ ...header, bodyHash }), body]);
    expect((await refused(bytes)).message).toContain("a block of 4294967280 bytes");
  });

  test("[R52] a directory that holds a store, or something else, is left alone", async () => {
    const good = newPath("good");
    writeFileSync(good, await small());
    const directory = newPath("store");
    await (await open(directory)).close();
    const before = fingerprint(directory);
    expect(restore(good, directory)).rejects.toThrow(/holds a server's data already/);
    const strange = newPath("strange");
    mkdirSync(strange);
    writeFileSync(join(strange, "letter.txt"), "dear");
    expect(restore(good, strange)).rejects.toMatchObject({ code: "not_a_store" });
    const running = newPath("running");
    const store = await open(running);
    expect(restore(good, running)).rejects.toBeInstanceOf(StorageError);
    await store.close();
    expect(fingerprint(directory)).toEqual(before);
    expect(readdirSync(strange)).toEqual(["letter.txt"]);
  });
});
