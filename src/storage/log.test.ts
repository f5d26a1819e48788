/** The port's contract on SQLite, and what only a log on a disk can get wrong. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StorageError } from "./failure.ts";
import { logContract } from "./log.contract.ts";
import { listening, randomFrom, TestOrigin } from "./log-testing.ts";
import { openStore, type Store, type StoreOptions } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-log-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let places = 0;

function options(more: Partial<StoreOptions> = {}): StoreOptions {
  const directory = join(root, `${++places}`);
  return { directory, server: "a", clusterId: "cluster", wallMs: () => 0, ...more };
}

logContract("SQLite", () => {
  const at = options();
  return {
    async open() {
      const { log, close } = await openStore(at);
      const closeLog = log.close.bind(log);
      let closed = false;
      log.close = () => {
        log.close = closeLog;
        if (closed) return Promise.resolve();
        closed = true;
        return close();
      };
      return log;
    },
    dispose: () => rmSync(at.directory, { recursive: true, force: true }),
  };
});

function found(directory: string, text: string): string[] {
  return readdirSync(directory).filter((name) =>
    readFileSync(join(directory, name)).includes(text, 0, "utf8"),
  );
}

async function opened(at: StoreOptions): Promise<Store & { heard: ReturnType<typeof listening> }> {
  const store = await openStore(at);
  return { ...store, heard: listening(store.log) };
}

describe("the log on disk", () => {
  test("[R9] an erased text is in none of its files once that is told", async () => {
    const at = options();
    const { log, heard, close } = await opened(at);
    const origin = new TestOrigin("a", randomFrom(1));
    const secrets = Array.from({ length: 40 }, (_, i) => `secret-${i}-${"s".repeat(i * 300)}`);
    for (const secret of secrets) log.append([origin.op(secret), origin.op("harmless")]);
    await heard.settled();
    expect(found(at.directory, "secret-")).not.toEqual([]);
    const ns = secrets.map((_, i) => 2 * i + 1);
    log.erase(ns.map((n) => ({ n, by: 2 })));
    log.append(origin.ops(10)); // traffic goes on meanwhile
    await heard.erasedAll(ns);
    expect(found(at.directory, "secret-")).toEqual([]);
    expect(found(at.directory, "harmless")).not.toEqual([]);
    await close();
    expect(found(at.directory, "secret-")).toEqual([]);
  });

  test("a message of 200 characters takes at most 390 bytes", async () => {
    const at = options();
    const { log, heard, close } = await opened(at);
    const ops = 20_000;
    log.append(new TestOrigin("a", randomFrom(1)).ops(ops, () => "x".repeat(200)));
    await heard.settled();
    await close();
    expect(statSync(join(at.directory, "log.db")).size / ops).toBeLessThanOrEqual(390);
  });

  test("[R10] the WAL stays bounded under load", async () => {
    const at = options();
    const { log, heard, close } = await opened(at);
    const origin = new TestOrigin("a", randomFrom(1));
    for (let i = 0; i < 40; i++) {
      log.append(origin.ops(1_000, () => "x".repeat(200)));
      await heard.settled();
    }
    expect(statSync(join(at.directory, "log.db-wal")).size).toBeLessThan(12 * 1024 * 1024);
    await close();
  });

  test("a damaged row that is read throws, whatever was verified at open", async () => {
    const at = options({ verifyOps: 10 });
    const first = await opened(at);
    first.log.append(new TestOrigin("a", randomFrom(1)).ops(500, (i) => `marker ${i}.`));
    await first.heard.settled();
    await first.close();
    const path = join(at.directory, "log.db");
    const bytes = readFileSync(path);
    const place = bytes.indexOf("marker 20.");
    bytes[place] = (bytes[place] as number) ^ 1;
    writeFileSync(path, bytes);
    const { log, heard, close } = await opened(at).catch((cause: unknown) => {
      throw new Error("it opens: the damage is older than what was verified", { cause });
    });
    expect(() => log.op(21)).toThrow(StorageError);
    expect(() => log.ops(1, 100)).toThrow(StorageError);
    expect(log.op(20).seq).toBe(20);
    // The worker finds it by itself, and that ends the log.
    const error = await heard.failed();
    expect((error as StorageError).code).toBe("damaged");
    expect((error as StorageError).findings[0]).toMatchObject({ n: 21, seq: 21 });
    expect(() => log.append([])).toThrow(StorageError);
    await close().catch(() => {});
  });

  test("the worker verifies what was left, and says so", async () => {
    const at = options({ verifyOps: 10 });
    const first = await opened(at);
    const origins = ["a", "b"].map((name) => new TestOrigin(name, randomFrom(name.charCodeAt(0))));
    for (let i = 0; i < 20; i++) first.log.append(origins[i % 2]!.ops(50));
    await first.heard.settled();
    await first.close();
    const { log, heard, close } = await opened(at);
    log.append(origins[0]!.ops(100)); // what comes later is none of its business
    const toN = await new Promise<number>((resolve) => log.onScrubbed(resolve));
    expect(toN).toBe(1_000);
    expect(heard.failures).toEqual([]);
    await close();
  });

  test("[R54] a thread that ends by itself is told, while it opens and while it runs", async () => {
    const real = globalThis.Worker;
    const threads: Worker[] = [];
    let script: string | null = null;
    globalThis.Worker = class extends real {
      constructor(url: string | URL, settings?: WorkerOptions) {
        super(script ?? url, settings);
        threads.push(this);
      }
    };
    try {
      script = "data:text/javascript,"; // it ends at once, with 0 and without a word
      await expect(openStore(options())).rejects.toThrow("its thread ended by itself");
      script = null;
      const { log, heard, close } = await opened(options());
      threads.at(-1)?.terminate();
      const error = await heard.failed();
      expect(error).toMatchObject({ code: "disk_failed", message: expect.stringMatching(/ended/) });
      expect(() => log.append([])).toThrow(StorageError);
      await expect(close()).rejects.toThrow();
      // One that was told to end is no news.
      const orderly = await opened(options());
      const gone = new Promise((resolve) => threads.at(-1)?.addEventListener("close", resolve));
      await orderly.close();
      await gone;
      expect(orderly.heard.failures).toEqual([]);
    } finally {
      globalThis.Worker = real;
    }
  });

  test("[R54] a commit that fails is told, and nothing is done after it", async () => {
    const at = options();
    const { log, heard, close } = await opened(at);
    const origin = new TestOrigin("a", randomFrom(1));
    log.append(origin.ops(1));
    await heard.settled();
    log.erase([{ n: 1, by: 1 }]);
    const wrong = { ...origin.op("x"), bytes: new Uint8Array(3) }; // can't be decoded for its origin
    log.append([{ ...wrong, body: null, bodyHash: null }]);
    expect(await heard.failed()).toBeInstanceOf(StorageError);
    expect(() => log.append(origin.ops(1))).toThrow();
    expect(log.lastN).toBe(1);
    await expect(close()).rejects.toThrow();
    const again = await opened(at);
    expect(again.log.lastN).toBe(1);
    await again.close();
  });
});
