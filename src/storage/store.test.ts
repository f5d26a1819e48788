/** Opening a data directory: made as it should be, or refused for the right reason and left as it was. */
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountIdOf } from "../core/ids.ts";
import { decodeEnvelope, encodeEnvelope } from "../core/op.ts";
import { StorageError } from "./failure.ts";
import { HeadFile, readHead } from "./head.ts";
import { rowCheck } from "./log-hash.ts";
import { fingerprint, listening, randomFrom, TestOrigin } from "./log-testing.ts";
import { LOG_FORMAT } from "./migrations.ts";
import { openStore, type StoreOptions } from "./store.ts";
import { identityOf } from "./store-look.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-store-"));
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true, force: true }));
let places = 0;

function options(more: Partial<StoreOptions> = {}): StoreOptions {
  const directory = join(root, `store-${++places}`);
  return { directory, server: "a", clusterId: "cluster", wallMs: () => 0, ...more };
}

/** A store with some ops, closed; returns its id. */
async function filled(at: StoreOptions, ops = 200): Promise<string> {
  const store = await openStore(at);
  const heard = listening(store.log);
  store.log.append(new TestOrigin("a", randomFrom(1)).ops(ops));
  await heard.settled();
  await store.close();
  return store.storeId;
}

test.each([1, 2])(
  "a store of format %d is brought to this release's format, with all in it",
  async (format) => {
    const at = options();
    const storeId = await filled(at, 70);
    const db = new Database(join(at.directory, "log.db"));
    db.run("DROP INDEX ops_unproven");
    if (format < 2) db.run("DROP TABLE branches");
    db.run(`PRAGMA user_version = ${format}`);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    for (const _ of [1, 2]) {
      const store = await openStore(at);
      expect([store.storeId, store.created, store.log.lastN]).toEqual([storeId, false, 70]);
      expect(store.log.unproven(1)).toEqual([]);
      await store.close();
    }
  },
);

/** The refusal, after checking that it changed nothing. */
async function refused(at: StoreOptions): Promise<StorageError> {
  const before = fingerprint(at.directory);
  const cause: unknown = await openStore(at).then(
    () => new Error("it opened"),
    (error: unknown) => error,
  );
  expect(fingerprint(at.directory)).toEqual(before);
  if (!(cause instanceof StorageError)) throw cause;
  return cause;
}

describe("a data directory", () => {
  test("is made for its owner only", async () => {
    const at = options();
    const store = await openStore(at);
    listening(store.log);
    expect(store.created).toBe(true);
    expect(statSync(at.directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(at.directory)) {
      expect([name, statSync(join(at.directory, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    await store.close();
    expect(readdirSync(at.directory).sort()).toEqual(["lock", "log.db", "log.head"]);
  });

  test("keeps its store id, and is not made twice", async () => {
    const at = options();
    const id = await filled(at);
    const store = await openStore(at);
    listening(store.log);
    expect([store.created, store.storeId, store.log.lastN]).toEqual([false, id, 200]);
    await store.close();
    expect(identityOf(at.directory)).toMatchObject({ server: "a", clusterId: "cluster" });
  });

  test("is completed when making it was interrupted", async () => {
    for (const left of [["log.head"], ["log.head", "log.db"]]) {
      const at = options();
      const made = await openStore(at);
      await made.close();
      for (const name of readdirSync(at.directory)) {
        if (!left.includes(name)) rmSync(join(at.directory, name));
        else if (name === "log.db") truncateSync(join(at.directory, name), 0);
      }
      const store = await openStore(at);
      listening(store.log);
      expect([store.created, store.storeId, store.log.lastN]).toEqual([true, made.storeId, 0]);
      await store.close();
    }
  });

  test("may hold a server's own files before there is a store", async () => {
    const at = options({ companions: ["server.toml"] });
    mkdirSync(at.directory);
    writeFileSync(join(at.directory, "server.toml"), "x");
    const store = await openStore(at);
    expect(store.created).toBe(true);
    await store.close();
  });
});

describe("[R52] a refusal changes nothing and says why:", () => {
  test("not_a_store", async () => {
    const at = options();
    mkdirSync(at.directory);
    writeFileSync(join(at.directory, "thesis.txt"), "x");
    expect((await refused(at)).code).toBe("not_a_store");
    const other = options();
    mkdirSync(other.directory);
    const db = new Database(join(other.directory, "log.db"));
    db.run("CREATE TABLE mine(x)");
    db.close();
    expect((await refused(other)).code).toBe("not_a_store");
    const file = options();
    writeFileSync(file.directory, "x");
    await expect(openStore(file)).rejects.toMatchObject({ code: "not_a_store" });
  });

  test("foreign_server and foreign_cluster", async () => {
    const at = options();
    await filled(at);
    const server = await refused({ ...at, server: "b" });
    expect([server.code, server.message]).toEqual([
      "foreign_server",
      `${at.directory} holds the data of server a, not of b`,
    ]);
    expect((await refused({ ...at, clusterId: "other" })).code).toBe("foreign_cluster");
    rmSync(join(at.directory, "log.head")); // then the log itself knows
    expect((await refused({ ...at, server: "b" })).code).toBe("foreign_server");
    rmSync(join(at.directory, "lock")); // and nothing is left behind
    expect((await refused({ ...at, server: "b" })).code).toBe("foreign_server");
  });

  test("newer_format", async () => {
    const at = options();
    await filled(at);
    const head = readHead(join(at.directory, "log.head"));
    if (head.state !== "valid") throw new Error("unreachable");
    new HeadFile(join(at.directory, "log.head")).close({ ...head.head, format: LOG_FORMAT + 1 });
    expect((await refused(at)).code).toBe("newer_format");
    expect((await refused({ ...at, acceptLoss: true })).code).toBe("newer_format");
  });

  test("locked, by another process, which goes on", async () => {
    const at = options();
    const writer = Bun.spawn(
      [process.execPath, join(import.meta.dir, "store-testing-writer.ts"), at.directory, "1"],
      { stdout: "pipe" },
    );
    const lines = writer.stdout[Symbol.asyncIterator]();
    await lines.next();
    for (let i = 0; i < 5; i++) {
      const cause: unknown = await openStore(at).catch((error: unknown) => error);
      expect(cause).toMatchObject({ code: "locked" });
      expect(String(cause)).toContain(`process ${writer.pid}`);
      await lines.next(); // still committing
    }
    writer.kill("SIGSTOP"); // so that its files hold still
    await Bun.sleep(50);
    expect((await refused(at)).code).toBe("locked");
    writer.kill("SIGKILL");
    await writer.exited;
    const store = await openStore(at); // the lock died with it
    listening(store.log);
    await store.close();
  });

  test("locked, by this process", async () => {
    const at = options();
    const store = await openStore(at);
    const heard = listening(store.log);
    expect((await refused(at)).code).toBe("locked");
    store.log.append(new TestOrigin("a", randomFrom(1)).ops(3));
    await heard.settled();
    await store.close();
  });

  test.skipIf(process.getuid?.() !== 0 || !existsSync("/usr/bin/setpriv"))(
    "no_permission",
    async () => {
      const at = options();
      await filled(at);
      const before = fingerprint(at.directory);
      const script = `
      const { openStore } = await import(${JSON.stringify(join(import.meta.dir, "store.ts"))});
      await openStore({ directory: process.argv[1], server: "a", clusterId: "cluster" })
        .then(() => console.log("opened"), (error) => console.log(error.code));`;
      const asNobody = (directory: string) =>
        Bun.spawnSync([
          "/usr/bin/setpriv",
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          process.execPath,
          "-e",
          script,
          directory,
        ]).stdout.toString();
      expect(asNobody(at.directory)).toBe("no_permission\n");
      chmodSync(at.directory, 0o777);
      expect(asNobody(at.directory)).toBe("no_permission\n");
      expect(asNobody(join(root, "not-there"))).toBe("no_permission\n");
      expect(fingerprint(at.directory)).toEqual(before);
    },
  );

  test("[R50, R51] damaged: the list names what is missing, also by the head file alone", async () => {
    const at = options();
    await filled(at);
    const whole = join(root, "whole");
    cpSync(at.directory, whole, { recursive: true });
    const store = await openStore(at);
    const heard = listening(store.log);
    store.log.append(new TestOrigin("b", randomFrom(2)).ops(30));
    await heard.settled();
    await store.close();
    // An older log that is sound in itself, under the newer head.
    cpSync(join(whole, "log.db"), join(at.directory, "log.db"));
    const error = await refused(at);
    expect(error.code).toBe("damaged");
    expect(error.message).toContain("op missing: n 201-230");
    expect(error.message).toMatch(/op missing: of b\.\w{10} seq 1-30/);
    const accepted = await openStore({ ...at, acceptLoss: true });
    expect(accepted.log.lastN).toBe(200);
    expect(accepted.storeId).not.toBe(store.storeId);
    expect(accepted.damagedCopy).toBe("damaged-19700101T000000Z");
    await accepted.close();
  });

  test("[R50] damaged: a row that is gone, and one that is not what was hashed, are named", async () => {
    /** Another author under the same hash of the body, with a checksum that fits. */
    const forge = (db: Database) => {
      const row = db
        .query<{ envelope: Uint8Array }, []>("SELECT envelope FROM ops WHERE n = 50")
        .get();
      const envelope = decodeEnvelope(row?.envelope as Uint8Array);
      const forged = encodeEnvelope({ ...envelope, author: accountIdOf(new Uint8Array(16)) });
      db.run("UPDATE ops SET envelope = ?, crc = ? WHERE n = 50", [forged, rowCheck(forged, null)]);
    };
    const change = (set: string) => (db: Database) => db.run(`UPDATE ops SET ${set} WHERE n = 50`);
    const damages: Record<string, [(db: Database) => unknown, RegExp]> = {
      "a gap": [(db) => db.run("DELETE FROM ops WHERE n = 50"), /op missing: .*seq 50\b/],
      "an envelope": [change("envelope = zeroblob(length(envelope))"), /n 50\b/],
      "an envelope and its checksum": [forge, /chain/],
      "a body": [change("body = zeroblob(length(body))"), /body does not match its hash: .*n 50\b/],
      "a body that nobody erased": [change("body = NULL"), /body missing: .*n 50\b/],
    };
    for (const [what, [damage, named]] of Object.entries(damages)) {
      const at = options();
      await filled(at);
      const db = new Database(join(at.directory, "log.db"));
      damage(db);
      db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      db.close();
      const error = await refused(at);
      expect([what, error.code]).toEqual([what, "damaged"]);
      expect(error.message).toMatch(named);
    }
  });

  test("[R9, R51] what was erased by an op that is lost stays erased, and is known to lack it", async () => {
    const at = options({ acceptLoss: true });
    await filled(at);
    const store = await openStore(at);
    const heard = listening(store.log);
    store.log.erase([{ n: 50, by: 60 }]);
    await heard.erasedAll([50]);
    await store.close();
    const db = new Database(join(at.directory, "log.db"));
    db.run("UPDATE ops SET envelope = zeroblob(length(envelope)) WHERE n = 60");
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const { log, givenUp, close } = await openStore(at);
    expect(givenUp.map(({ what, seq }) => [what, seq])).toContainEqual(["op lost", 60]);
    expect(log.lastN).toBe(199);
    const found = log.unproven(5).map(({ n, op }) => [n, op.seq, op.body]);
    expect(found).toEqual([[50, 50, null]]);
    await close();
  });

  test("accepting a loss that there is not changes nothing", async () => {
    const at = options({ acceptLoss: true });
    const id = await filled(at);
    const store = await openStore(at);
    listening(store.log);
    expect([store.storeId, store.givenUp, store.damagedCopy]).toEqual([id, [], null]);
    await store.close();
  });

  test("[R51] a salvage that was interrupted is finished", async () => {
    const at = options();
    await filled(at);
    rmSync(join(at.directory, "log.head"));
    const accepted = await openStore({ ...at, acceptLoss: true });
    await accepted.close();
    // As if the process had died between the two files.
    mkdirSync(join(at.directory, "salvaged"));
    renameSync(join(at.directory, "log.head"), join(at.directory, "salvaged", "log.head"));
    const store = await openStore(at);
    listening(store.log);
    expect([store.storeId, store.log.lastN]).toEqual([accepted.storeId, 200]);
    await store.close();
  });
});
