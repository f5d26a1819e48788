import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LOGICAL_TABLES, type RangeAsk, type RangeDigest } from "../core/view-range.ts";
import { RowSum } from "../storage/view-digest.ts";
import { compareViews } from "./compare-views.ts";

/** Servers that are nothing but rows. Smaller bounds than the real ones: a few rows make several ranges. */
class Rows {
  readonly tables = new Map<string, Map<string, string>>();
  vector = "00000000000000aa";
  asked = 0;

  put(table: string, key: string, value: string): this {
    const rows = this.tables.get(table) ?? new Map<string, string>();
    this.tables.set(table, rows.set(key, value));
    return this;
  }

  range({ table, after, upTo, keys }: RangeAsk, most: number): RangeDigest {
    this.asked++;
    const sum = new RowSum();
    const all = [...(this.tables.get(table) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const found = all.filter(
      ([key]) =>
        (after === null || key > (after[0] ?? "")) && (upTo === null || key <= (upTo[0] ?? "")),
    );
    const told = found.slice(0, most).map(([key, value]) => [[key], sum.add(value)] as const);
    const end = found.length > most ? (told.at(-1)?.[0] ?? null) : null;
    const { rows, digest } = sum;
    const answer = { rows, digest, end, vector: this.vector, ops: 1 };
    return keys ? { ...answer, keys: told } : answer;
  }
}

type Cluster = { a: Rows; b: Rows; c: Rows };

function compare(cluster: Cluster, look: (look: number) => void = () => {}) {
  let looks = 0;
  return compareViews({
    servers: ["a", "b", "c"],
    ask: async (server, range) => {
      const most = range.keys ? 4 : 16;
      return cluster[server as keyof Cluster].range(range, server === "a" ? most : most * 2);
    },
    wait: async () => look(++looks),
  });
}

function filled(rows: number): Cluster {
  const cluster = { a: new Rows(), b: new Rows(), c: new Rows() };
  for (const server of Object.values(cluster)) {
    for (let i = 0; i < rows; i++) server.put("message", `k${1000 + i}`, `text ${i}`);
    server.put("account", "x", "ann");
  }
  return cluster;
}

describe("comparing views", () => {
  test("[R4] equal rows are the same, and every table is named with its rows", async () => {
    const { verdict, tables, first } = await compare(filled(100));
    expect({ verdict, first }).toEqual({ verdict: "same", first: null });
    expect(tables.map(({ table }) => table)).toEqual([...LOGICAL_TABLES]);
    const message = tables.find(({ table }) => table === "message");
    expect(message?.sums.a?.rows).toBe(100);
    expect(message?.sums.c).toEqual(message?.sums.a as NonNullable<typeof message>["sums"][string]);
  });

  test("a changed row is named, with what each has", async () => {
    const cluster = filled(100);
    cluster.c.put("message", "k1077", "other");
    const { verdict, tables, first } = await compare(cluster);
    expect(verdict).toBe("different");
    expect(first).toMatchObject({ table: "message", key: ["k1077"] });
    expect(first?.hashes.a).toBe(first?.hashes.b as string);
    expect(first?.hashes.c).not.toBe(first?.hashes.a as string);
    expect(tables.filter(({ isSame }) => !isSame).map(({ table }) => table)).toEqual(["message"]);
  });

  test("[property] the first row that differs is found, whoever lacks it or has another one", async () => {
    const change = fc.record({
      server: fc.constantFrom("a" as const, "b" as const, "c" as const),
      row: fc.nat(70),
      what: fc.constantFrom("change", "remove", "add"),
    });
    const changes = fc.uniqueArray(change, { maxLength: 3, selector: ({ row }) => row });
    await fc.assert(
      fc.asyncProperty(fc.nat(60), changes, async (rows, planted) => {
        const cluster = filled(rows);
        const touched: string[] = [];
        for (const { server, row, what } of planted) {
          const key = what === "add" ? `k${1000 + row}+` : `k${1000 + row}`;
          if (what !== "add" && row >= rows) continue;
          if (what === "remove") cluster[server].tables.get("message")?.delete(key);
          else cluster[server].put("message", key, `planted ${row}`);
          touched.push(key);
        }
        const { verdict, first } = await compare(cluster);
        expect(verdict).toBe(touched.length === 0 ? "same" : "different");
        expect(first?.key[0] ?? null).toBe(touched.sort()[0] ?? null);
      }),
      { numRuns: 300 },
    );
  });

  test("what was only on its way is no difference", async () => {
    const cluster = filled(50);
    cluster.b.put("message", "k2000", "just written");
    cluster.b.vector = "00000000000000bb";
    const { verdict, first } = await compare(cluster, (look) => {
      if (look !== 2) return;
      cluster.a.put("message", "k2000", "just written");
      cluster.c.put("message", "k2000", "just written");
    });
    expect({ verdict, first }).toEqual({ verdict: "same", first: null });
  });

  test("under writes that never rest a planted row is named, as not certain", async () => {
    const cluster = filled(50);
    cluster.c.put("message", "k1003", "planted");
    let written = 0;
    const { verdict, first } = await compare(cluster, () => {
      cluster.a.put("message", "k2000", `edited ${written++}`);
      cluster.a.vector = `000000000000000${written}`;
    });
    expect(verdict).toBe("unsettled");
    expect(first).toMatchObject({ key: ["k1003"] });
  });

  test("rows that change at every look are on their way", async () => {
    const cluster = filled(50);
    let written = 0;
    const write = () => {
      cluster.a.put("message", "k2000", `edited ${written++}`);
      cluster.a.vector = `000000000000000${written}`;
    };
    write();
    const { verdict } = await compare(cluster, write);
    expect(verdict).toBe("same");
  });

  test("a server without any of it costs no more than a look", async () => {
    const cluster = filled(400);
    cluster.c.tables.clear();
    cluster.c.vector = "0000000000000000";
    const { verdict } = await compare(cluster);
    expect(verdict).toBe("unsettled");
    expect(cluster.c.asked).toBeLessThan(100);
  });
});
