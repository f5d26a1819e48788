/** Digests of a running server's view, made beside it, against its own canonical dump. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LOGICAL_TABLES, type RangeDigest, type RowKey } from "../src/core/view-range.ts";
import { VectorDigests } from "../src/replica/vector-digests.ts";
import { exportRunning } from "../src/storage/export.ts";
import { RowSum } from "../src/storage/view-digest.ts";
import { ViewDigests } from "../src/storage/view-digests.ts";
import { newId, sha256, TestServer } from "./in-process.ts";

let server: TestServer;
let digests: ViewDigests;

beforeAll(async () => {
  server = await TestServer.start();
  const ann = await server.join("ann");
  const bob = await server.join("bob");
  await ann.call("channel.create", { name: "hall", id: newId() });
  await ann.call("channel.create", { name: "other", id: newId() });
  await bob.call("channel.join", { in: "#hall", id: newId() });
  for (let i = 0; i < 40; i++) {
    const to = ["#hall", "#other", "@bob"][i % 3] as string;
    const post = await ann.call("message.post", { to, text: `message ${i}`, id: newId() });
    if (i % 7 === 0) await ann.call("message.delete", { message: post.message.id, id: newId() });
  }
  digests = new ViewDigests(server.store);
});

afterAll(async () => {
  await digests.stop();
  await server.dispose();
});

/** All ranges of a table, of so many rows each. */
async function ranges(table: string, rowsMax: number): Promise<RangeDigest[]> {
  const found: RangeDigest[] = [];
  let after: RowKey | null = null;
  do {
    const range: RangeDigest = await digests.range({
      table,
      after,
      upTo: null,
      rowsMax,
      keys: true,
    });
    found.push(range);
    after = range.end;
  } while (after !== null);
  return found;
}

describe("[R4] digests of a view", () => {
  test("cut in any way they add up to what the dump has, and name its rows in order", async () => {
    const lines = [...server.view.dump()];
    expect(lines.length).toBeGreaterThan(50);
    for (const rowsMax of [1, 3, 500]) {
      let at = 0;
      for (const table of LOGICAL_TABLES) {
        const found = await ranges(table, rowsMax);
        const sum = new RowSum();
        for (const { rows, digest } of found) sum.addDigest(rows, digest);
        const own = new RowSum();
        const hashes = lines.slice(at, at + sum.rows).map((line) => {
          expect(line).toStartWith(`${table} `);
          return own.add(line);
        });
        at += sum.rows;
        expect(sum.digest, table).toBe(own.digest);
        expect(found.flatMap(({ keys = [] }) => keys.map(([, hash]) => hash))).toEqual(hashes);
      }
      expect(at).toBe(lines.length);
    }
  });

  test("a range ends with its key, also where it has fewer rows than may be told", async () => {
    const [whole] = await ranges("message", 500);
    const keys = whole?.keys?.map(([key]) => key) ?? [];
    const [from, to] = [keys[4] as RowKey, keys[11] as RowKey];
    const ask = { table: "message", after: from, upTo: to, keys: true };
    const range = await digests.range({ ...ask, rowsMax: 500 });
    expect(range.keys?.map(([key]) => key)).toEqual(keys.slice(5, 12));
    expect(range.end).toBeNull();
    expect((await digests.range({ ...ask, rowsMax: 7 })).end).toBeNull();
    expect((await digests.range({ ...ask, rowsMax: 6 })).end).toEqual(keys[10] as RowKey);
  });

  test("they say of which vector they are, as the links tell it", async () => {
    const { log } = server.store;
    const total = new VectorDigests(sha256, log).total;
    const range = await digests.range({
      table: "server",
      after: null,
      upTo: null,
      rowsMax: 1,
      keys: false,
    });
    expect(range.vector).toBe(total.toString(16).padStart(16, "0"));
    expect(range.ops).toBe(log.lastN);
  });

  test("[R10] what is no range, and too many at once, are refused", async () => {
    const ask = { table: "account", after: null, upTo: null, rowsMax: 1, keys: false };
    for (const wrong of [{ table: "tokens" }, { after: ["a", "b"] }, { rowsMax: 0 }]) {
      expect(digests.range({ ...ask, ...wrong })).rejects.toMatchObject({ code: "invalid" });
    }
    const all = await Promise.allSettled(Array.from({ length: 40 }, () => digests.range(ask)));
    const refused = all.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(8);
    expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ code: "rate_limited" });
  });
});

test("an export is the same whatever slices it is read in", () => {
  const whole = [...exportRunning(server.store)];
  expect(whole.filter(({ type }) => type === "message")).toHaveLength(40);
  for (const rows of [1, 3, 7]) expect([...exportRunning(server.store, rows)]).toEqual(whole);
});
