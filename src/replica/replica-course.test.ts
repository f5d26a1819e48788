import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { type Fate, fate, id, Rig, settle } from "../../test/replica-rig.ts";
import { NoRoom, type Refusal } from "../core/errors.ts";

let rig: Rig;
afterEach(() => rig.view.close());

describe("a stop that took too long", () => {
  test("[R56] what becomes durable after it was given up is left to the next start", async () => {
    rig = new Rig();
    const answered = rig.post(1);
    rig.turn();
    void rig.replica.stop();
    await settle();
    rig.replica.abandon();
    rig.view.close();
    rig.log.commit();
    rig.log.listener?.erased([1]);
    rig.log.listener?.space(0, 1_000);
    rig.clock.pass(1_000);
    await settle();
    expect(answered.outcome).toBeUndefined();
    rig = new Rig(rig.log.ops(1, 10).map(({ op }) => op));
    expect(rig.repeat(1)).toMatchObject({ n: 1 });
  });

  test("[R53] nor is it tried again to fold what the view had no room for", async () => {
    rig = new Rig();
    rig.view.fold = () => {
      throw new NoRoom("full");
    };
    rig.post(1);
    rig.turn();
    rig.log.commit();
    void rig.replica.stop();
    rig.replica.abandon();
    let folds = 0;
    rig.view.fold = () => {
      folds++;
      return [];
    };
    rig.clock.pass(5_000);
    expect(folds).toBe(0);
  });
});

test("[R4, R5] any course of requests and commits: one op for each id, answered once, in the view", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("ask" as const), i: fc.nat({ max: 6 }), other: fc.boolean() }),
    fc.constant({ do: "turn" as const }),
    fc.constant({ do: "commit" as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      rig?.view.close();
      rig = new Rig();
      const asked: { i: number; text: string; fate: Fate }[] = [];
      for (const each of steps) {
        if (each.do === "turn") rig.turn();
        else if (each.do === "commit" && rig.log.batches.length > 0) rig.log.commit();
        else if (each.do === "ask") {
          const text = each.other ? "other" : "text";
          try {
            const earlier = rig.repeat(each.i, text);
            const answer =
              earlier === null ? rig.post(each.i, text) : fate(Promise.resolve(earlier));
            asked.push({ i: each.i, text, fate: answer });
          } catch (error) {
            expect((error as Refusal).code).toBe("id_reused");
          }
        }
      }
      rig.turn();
      while (rig.log.batches.length > 0) rig.log.commit();
      await settle();
      expect(rig.log.lastN).toBe(new Set(asked.map(({ i }) => i)).size);
      expect(rig.told.map(({ n }) => n)).toEqual(rig.log.ops(1, 100).map(({ n }) => n));
      for (const { i, text, fate: known } of asked) {
        const n = known.outcome?.n as number;
        expect(rig.log.op(n).id).toBe(id(i));
        expect(rig.view.message(n)?.text).toBe(text);
      }
    }),
    { numRuns: heavy(100, 5_000) },
  );
});
