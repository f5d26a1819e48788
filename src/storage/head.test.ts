/** The head file: whatever becomes of its bytes, it tells a head that was written, or none. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import {
  decodeHead,
  encodeHead,
  HEAD_ORIGINS_MAX,
  HEAD_SLOT_BYTES,
  HeadFile,
  type LogHead,
  newestHead,
  readHead,
} from "./head.ts";

const word = fc.string({ minLength: 1, maxLength: 38, unit: "grapheme-ascii" });
const heads: fc.Arbitrary<LogHead> = fc.record({
  format: fc.integer({ min: 1, max: 65_535 }),
  storeId: word,
  clusterId: word,
  server: word,
  n: fc.maxSafeNat(),
  origins: fc.array(
    fc.record({
      origin: word,
      seq: fc.maxSafeNat(),
      chain: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    }),
    { maxLength: HEAD_ORIGINS_MAX },
  ),
});
const runs = { numRuns: heavy(200, 20_000) };

describe("head file", () => {
  test("a slot reads back as it was written", () => {
    fc.assert(
      fc.property(heads, fc.maxSafeNat(), (head, counter) => {
        expect(decodeHead(encodeHead(head, counter))).toEqual({ head, counter });
      }),
      runs,
    );
  });

  test("a slot with any bit flipped is none", () => {
    const used = 26 + 16 + 100;
    fc.assert(
      fc.property(heads, fc.nat(HEAD_SLOT_BYTES * 8 - 1), fc.nat(used), (head, bit, near) => {
        for (const at of [bit, near * 8 + (bit % 8)]) {
          const slot = encodeHead(head, 5);
          slot[at >> 3] = (slot[at >> 3] as number) ^ (1 << (at & 7));
          expect(decodeHead(slot)).toBeNull();
        }
      }),
      runs,
    );
  });

  test("any bytes at all are read without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3 * HEAD_SLOT_BYTES }), (bytes) => {
        expect(newestHead(bytes).state).toBe("damaged");
      }),
      runs,
    );
  });

  test("the newest valid slot counts; the synced one survives a torn write of the other", () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-head-"));
    const path = join(directory, "log.head");
    const head = (n: number): LogHead => ({
      format: 1,
      storeId: "s",
      clusterId: "c",
      server: "a",
      n,
      origins: [],
    });
    expect(readHead(path)).toEqual({ state: "missing" });
    const file = new HeadFile(path);
    let syncedN = 0;
    for (let n = 1; n <= 30; n++) {
      file.write(head(n));
      expect(readHead(path)).toMatchObject({ state: "valid", head: { n } });
      const torn = readFileSync(path);
      const written = newestHead(torn);
      if (written.state !== "valid") throw new Error("unreachable");
      torn.fill(255, written.slot * HEAD_SLOT_BYTES + 20, written.slot * HEAD_SLOT_BYTES + 60);
      if (syncedN > 0) expect(newestHead(torn)).toMatchObject({ head: { n: syncedN } });
      if (n % 3 === 0) {
        file.sync();
        syncedN = n;
      }
    }
    file.close(head(31));
    for (const slot of [0, 1]) {
      const bytes = readFileSync(path).subarray(
        slot * HEAD_SLOT_BYTES,
        (slot + 1) * HEAD_SLOT_BYTES,
      );
      expect(decodeHead(bytes)?.head.n).toBe(31);
    }
    const again = new HeadFile(path);
    again.write(head(32));
    expect(readHead(path)).toMatchObject({ state: "valid", head: { n: 32 } });
    again.abandon();
    rmSync(directory, { recursive: true });
  });
});
