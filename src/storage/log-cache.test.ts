import { expect, test } from "bun:test";
import { OpCache } from "./log-cache.ts";
import { randomFrom, TestOrigin } from "./log-testing.ts";

const OPS = 1_000;
const BYTES_MAX = 100 * 1024;

test("[R10.16] holds no more than its bound: what was not used lately goes, what was is there", () => {
  const ops = new TestOrigin("a", randomFrom(1)).ops(OPS, () => "x".repeat(500));
  const bytes = ops.reduce((sum, op) => sum + op.bytes.length + (op.body?.length ?? 0), 0);
  const heldMax = Math.ceil(BYTES_MAX / (bytes / OPS));
  const cache = new OpCache(BYTES_MAX);
  for (const [i, op] of ops.entries()) {
    cache.put(i + 1, op);
    if (i > 5 && i % 10 === 0) expect(cache.get(3)).toBe(ops[2] as never);
  }
  expect(cache.get(3)).toBe(ops[2] as never);
  expect(cache.get(OPS)).toBe(ops[OPS - 1] as never);
  for (let n = 4; n <= OPS - heldMax; n++) expect(cache.get(n)).toBeUndefined();
  for (const n of [3, OPS]) {
    cache.remove(n);
    expect(cache.get(n)).toBeUndefined();
  }
});
