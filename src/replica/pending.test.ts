import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { drafts, opsOf } from "../../test/histories.ts";
import { PendingOps } from "./pending.ts";

describe("pending ops", () => {
  test("are counted by op, key and byte, and leave nothing behind", () => {
    const keys = fc.array(fc.constantFrom("account a", "account b", "name x"), { maxLength: 3 });
    fc.assert(
      fc.property(drafts(12), fc.array(keys, { minLength: 24, maxLength: 24 }), (all, claims) => {
        const ops = opsOf(all).filter(
          (op, i, every) => every.findIndex((o) => o.author === op.author && o.id === op.id) === i,
        );
        const pending = new PendingOps();
        const held = new Map<string, readonly string[]>();
        for (const [i, op] of ops.entries()) {
          pending.add(op, claims[i] ?? []);
          held.set(op.author + op.id, claims[i] ?? []);
          expect(pending.get(op.author, op.id)?.op).toBe(op);
        }
        for (const op of ops) {
          expect(pending.size).toBe(held.size);
          for (const key of ["account a", "account b", "name x"]) {
            expect(pending.touches([key])).toBe(
              [...held.values()].some((own) => own.includes(key)),
            );
            expect(pending.count(key)).toBe(
              [...held.values()].flat().filter((own) => own === key).length,
            );
          }
          expect(pending.touches([])).toBe(false);
          pending.remove(op);
          pending.remove(op);
          held.delete(op.author + op.id);
          expect(pending.get(op.author, op.id)).toBeUndefined();
        }
        expect(pending.bytes).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("wake those who wait in the order in which they came, once", async () => {
    const pending = new PendingOps();
    const woken: number[] = [];
    for (const i of [1, 2, 3]) void pending.nextFold().then(() => woken.push(i));
    pending.wake();
    await Promise.resolve();
    expect(woken).toEqual([1, 2, 3]);
    void pending.nextFold().then(() => woken.push(4));
    await Promise.resolve();
    expect(woken).toEqual([1, 2, 3]);
    pending.wake();
    await Promise.resolve();
    expect(woken).toEqual([1, 2, 3, 4]);
  });
});
