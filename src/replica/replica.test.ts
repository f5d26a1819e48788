import { afterEach, describe, expect, test } from "bun:test";
import { chainOf, Hand, opOf } from "../../test/peer-hand.ts";
import {
  ALICE,
  BOB,
  content,
  type Fate,
  fate,
  id,
  Rig,
  refusedWith,
  settle,
} from "../../test/replica-rig.ts";
import {
  COMMIT_BYTES_MAX,
  COMMIT_OPS_MAX,
  PENDING_BYTES_MAX,
  PENDING_OPS_MAX,
  RECEIPT_DEADLINE_MS,
} from "../core/limits.ts";
import { decodeEnvelope, encodeEnvelope, type Op } from "../core/op.ts";
import { compareStamps } from "../core/stamp.ts";
import { messageDelete, messageEdit, messagePost } from "../ops/message.ts";
import type { Outcome } from "./replica.ts";

let rig: Rig;
afterEach(() => rig.view.close());

describe("minting", () => {
  test("[R1] a receipt comes after the op is durable and folded, never before", async () => {
    rig = new Rig();
    const first = rig.post(1);
    await settle();
    expect(rig.log.batches).toHaveLength(0); // the ops of one turn go together
    const second = rig.post(2);
    rig.turn();
    await settle();
    expect(rig.log.batches.map((batch) => batch.length)).toEqual([2]);
    rig.clock.pass(RECEIPT_DEADLINE_MS / 2);
    await settle();
    expect([first, second]).toEqual([{}, {}]);
    expect(rig.told).toHaveLength(0);
    expect(rig.view.foldedN).toBe(0);
    rig.log.commit();
    expect(rig.told.map(({ n }) => n)).toEqual([1, 2]);
    await settle();
    const receipt = { held: ["a"], of: 1 };
    expect(first.outcome).toEqual({ n: 1, receipt, repeated: false });
    expect(second.outcome).toEqual({ n: 2, receipt, repeated: false });
    expect(rig.points).toEqual(["before_append", "folded", "published"]);
    expect(rig.view.message(1)?.text).toBe("text 1");
  });

  test("seqs have no gaps, stamps rise, and a start alone makes no incarnation", async () => {
    rig = new Rig();
    expect(rig.replica.figures().incarnation).toBeNull();
    for (let i = 0; i < 50; i++) {
      rig.post(i);
      if (i % 7 === 0) rig.turn();
    }
    // Too large for its envelope: a defect of the caller, which costs no number.
    const data = { message: "x".repeat(2_000), version: 1 };
    const wrong = {
      author: ALICE,
      id: id(99),
      kind: messageEdit,
      content: { scope: BOB, data, body: { text: "" } },
      changes: [],
    };
    expect(() => rig.replica.mint(wrong)).toThrow("bound");
    rig.post(100);
    rig.turn();
    while (rig.log.batches.length > 0) rig.log.commit();
    const ops = rig.log.ops(1, 1_000).map(({ op }) => op);
    expect(ops.map(({ seq }) => seq)).toEqual(Array.from({ length: 51 }, (_, i) => i + 1));
    expect(new Set(ops.map(({ origin }) => origin)).size).toBe(1);
    for (const [i, op] of ops.entries()) {
      if (i > 0) expect(compareStamps(op.stamp, (ops[i - 1] as Op).stamp)).toBeGreaterThan(0);
      expect(encodeEnvelope(decodeEnvelope(op.bytes))).toEqual(op.bytes as Uint8Array<ArrayBuffer>);
    }
  });

  test("[R55] a second start goes on under another incarnation, above every stamp of the first", () => {
    rig = new Rig();
    rig.clock.wallOffsetMs += 3_600_000; // the clock was an hour fast, and is right now
    rig.post(1);
    rig.turn();
    rig.log.commit();
    const first = rig.log.op(1);
    rig.view.close();
    rig = new Rig([first]);
    rig.replica.seen({ ms: 5, counter: 0 });
    rig.post(2);
    rig.turn();
    rig.log.commit();
    const second = rig.log.op(2);
    expect(compareStamps(second.stamp, first.stamp)).toBeGreaterThan(0);
    expect(second.origin).not.toBe(first.origin);
    expect(second.seq).toBe(1);
  });

  test("what a client has seen is stamped before what it does next", () => {
    rig = new Rig();
    const seen = { ms: rig.clock.wallMs() + 60_000, counter: 9 };
    rig.replica.seen(seen);
    rig.post(1);
    rig.turn();
    rig.log.commit();
    expect(compareStamps(rig.log.op(1).stamp, seen)).toBeGreaterThan(0);
  });
});

describe("repeats", () => {
  test("[R5, R41] one in flight joins the first, one of later finds it in the view", async () => {
    rig = new Rig();
    const first = rig.post(1);
    const joined = fate(rig.repeat(1) as Promise<Outcome>);
    rig.turn();
    const late = fate(rig.repeat(1) as Promise<Outcome>);
    await settle();
    expect([joined, late]).toEqual([{}, {}]);
    rig.log.commit();
    await settle();
    expect(first.outcome).toMatchObject({ n: 1, repeated: false });
    expect(joined.outcome).toMatchObject({ n: 1, repeated: true });
    expect(late.outcome).toMatchObject({ n: 1, repeated: true });
    expect(rig.repeat(1)).toMatchObject({ n: 1, repeated: true, receipt: { held: ["a"], of: 1 } });
    expect(rig.repeat(2)).toBeNull();
    expect(rig.repeat(1, "text 1", BOB)).toBeNull(); // another author's id is another effect
    expect(rig.log.lastN).toBe(1);
  });

  test("[R5] the same id for other content is refused, in flight and later", async () => {
    rig = new Rig();
    rig.post(1);
    const other = () => rig.repeat(1, "other");
    const otherPlace = () =>
      rig.replica.earlier(ALICE, id(1), messagePost, { ...content("text 1"), scope: ALICE });
    const otherKind = () =>
      rig.replica.earlier(ALICE, id(1), messageDelete, {
        scope: BOB,
        data: { message: "m_" },
        body: null,
      });
    expect([other, otherPlace, otherKind].map(refusedWith)).toEqual(Array(3).fill("id_reused"));
    rig.turn();
    rig.log.commit();
    expect([other, otherPlace, otherKind].map(refusedWith)).toEqual(Array(3).fill("id_reused"));
    await settle();
  });

  test("two minted at once with one id are a defect", () => {
    rig = new Rig();
    rig.post(1);
    expect(() => rig.post(1)).toThrow("in flight once");
  });

  test("what depends on something pending can see that it is, until it is folded", async () => {
    rig = new Rig();
    rig.post(1);
    expect(rig.replica.isPending(["key 1"])).toBe(true);
    expect(rig.replica.isPending(["key 2"])).toBe(false);
    let woken = 0;
    void rig.replica.nextFold().then(() => woken++);
    rig.turn();
    await settle();
    expect([woken, rig.replica.isPending(["key 1"])]).toEqual([0, true]);
    rig.log.commit();
    await settle();
    expect([woken, rig.replica.isPending(["key 1"])]).toEqual([1, false]);
  });
});

describe("an outcome that is not known", () => {
  test("[R11] is said to be, after the deadline, to each who waits", async () => {
    rig = new Rig();
    const first = rig.post(1);
    rig.turn();
    rig.clock.pass(RECEIPT_DEADLINE_MS / 2);
    const second = fate(rig.repeat(1) as Promise<Outcome>);
    rig.clock.pass(RECEIPT_DEADLINE_MS / 2 - 1);
    await settle();
    expect(first).toEqual({});
    rig.clock.pass(1);
    await settle();
    expect(first.refusal?.code).toBe("indefinite");
    expect(first.refusal?.retry).toBe(true);
    expect(second).toEqual({});
    rig.log.commit();
    await settle();
    expect(second.outcome?.n).toBe(1);
    expect(rig.repeat(1)).toMatchObject({ n: 1, repeated: true }); // it was stored after all
    rig.clock.pass(10 * RECEIPT_DEADLINE_MS);
    await settle();
    expect(second.refusal).toBeUndefined();
  });

  test("[R11] comes to each at its own time, whatever was answered or given up before", async () => {
    rig = new Rig();
    const answered = rig.post(1);
    rig.turn();
    rig.log.commit();
    await settle();
    expect(answered.outcome?.n).toBe(1);
    const waiting: Fate[] = [];
    for (let i = 2; i <= 5; i++) {
      waiting.push(rig.post(i));
      rig.clock.pass(RECEIPT_DEADLINE_MS / 8);
    }
    rig.clock.pass(RECEIPT_DEADLINE_MS / 2 - 1);
    for (let due = 0; due <= 4; due++) {
      await settle();
      const givenUp = waiting.map(({ refusal }) => refusal?.code === "indefinite");
      expect(givenUp).toEqual([0, 1, 2, 3].map((i) => i < due));
      rig.clock.pass(due === 0 ? 1 : RECEIPT_DEADLINE_MS / 8);
    }
  });
});

describe("bounds", () => {
  test("[R10, R10.11] past the queue's bound of ops writes are unavailable, until there is room", async () => {
    rig = new Rig();
    for (let i = 0; i < PENDING_OPS_MAX; i++) rig.post(i, "");
    expect(refusedWith(() => rig.post(PENDING_OPS_MAX))).toBe("unavailable");
    expect(rig.repeat(1, "")).not.toBeNull(); // a repeat adds nothing
    rig.turn();
    expect(rig.log.batches).toHaveLength(2); // two in flight: the rest waits for them
    let commits = 0;
    while (rig.log.batches.length > 0) {
      expect(rig.log.batches[0]?.length).toBeLessThanOrEqual(COMMIT_OPS_MAX);
      rig.log.commit();
      commits++;
      expect(rig.log.batches.length).toBeLessThanOrEqual(2);
      if (commits === 1) expect(refusedWith(() => rig.post(1_000_000))).toBe("nothing");
    }
    expect(rig.log.lastN).toBe(PENDING_OPS_MAX + 1);
    expect(rig.view.foldedN).toBe(rig.log.lastN);
    await settle();
  });

  test("[R10, R10.11] past the queue's bound of bytes too, and a commit has one", () => {
    rig = new Rig();
    const large = "x".repeat(60_000);
    let minted = 0;
    while (refusedWith(() => rig.post(minted, large)) === "nothing") minted++;
    expect(refusedWith(() => rig.post(minted, ""))).toBe("unavailable");
    expect(minted * 60_000).toBeGreaterThan(PENDING_BYTES_MAX - 2 * 70_000);
    expect(minted * 60_000).toBeLessThan(PENDING_BYTES_MAX + 70_000);
    rig.turn();
    while (rig.log.batches.length > 0) {
      const bytes = (rig.log.batches[0] ?? []).reduce(
        (sum, op) => sum + op.bytes.length + (op.body?.length ?? 0),
        0,
      );
      expect(bytes).toBeLessThanOrEqual(COMMIT_BYTES_MAX);
      rig.log.commit();
    }
    expect(rig.replica.figures()).toMatchObject({
      pendingOps: 0,
      pendingBytes: 0,
      commitsInFlight: 0,
    });
  });

  test("[R53] below the reserve writes are refused before anything is minted, and come back above it", () => {
    rig = new Rig();
    const space = (free: number) => rig.log.listener?.space(free, 1_000);
    space(1_000);
    expect(refusedWith(() => rig.post(1))).toBe("nothing");
    rig.turn();
    rig.log.commit();
    space(999);
    expect(rig.replica.isStorageFull).toBe(true);
    expect(refusedWith(() => rig.post(2))).toBe("storage_full");
    expect(rig.repeat(1)).toMatchObject({ n: 1 }); // what is stored is still told
    space(1_050); // not yet: it would go to and fro
    expect(refusedWith(() => rig.post(2))).toBe("storage_full");
    space(1_100);
    expect(refusedWith(() => rig.post(2))).toBe("nothing");
    expect(rig.alarms).toEqual(["space on", "space over"]);
    expect(rig.replica.figures().pendingOps).toBe(1);
  });

  test("[R53] what was minted since the last reading of free space counts as spent", () => {
    rig = new Rig();
    rig.log.listener?.space(100_000, 10_000);
    let minted = 0;
    while (refusedWith(() => rig.post(minted, "x".repeat(10_000))) === "nothing") minted++;
    expect(minted).toBe(9);
    expect(refusedWith(() => rig.post(99))).toBe("storage_full");
    rig.turn();
    rig.log.commit();
    rig.log.listener?.space(50_000, 10_000); // the log took its share; there is room again
    expect(refusedWith(() => rig.post(99))).toBe("nothing");
  });
});

describe("work behind the fold", () => {
  test("[R9] a deleted text is taken out of the log, and asked for again after a restart", async () => {
    rig = new Rig();
    rig.post(1, "secret");
    rig.turn();
    rig.log.commit();
    const key = rig.view.message(1)?.id as string;
    const content = { scope: BOB, data: { message: key }, body: null };
    const removed = fate(
      rig.replica.mint({ author: ALICE, id: id(2), kind: messageDelete, content, changes: [] }),
    );
    rig.turn();
    rig.log.commit();
    await settle();
    expect(removed.outcome?.n).toBe(2);
    rig.clock.pass(1_000);
    expect(rig.log.erasures).toEqual([{ n: 1, by: 2 }]);
    const held = rig.log.ops(1, 10).map(({ op }) => op);
    rig.log.finishErasures();
    rig.clock.pass(1_000);
    expect(rig.log.erasures).toEqual([]);
    expect(rig.log.op(1).body).toBeNull();
    rig.view.close();
    rig = new Rig(held); // killed before it was done
    rig.clock.pass(1_000);
    expect(rig.log.erasures).toEqual([{ n: 1, by: 2 }]);
  });
});

describe("stopping", () => {
  test("[R56] takes nothing new and resolves when everything minted is answered", async () => {
    rig = new Rig();
    const first = rig.post(1);
    let stopped = false;
    const stop = rig.replica.stop().then(() => {
      stopped = true;
    });
    expect(refusedWith(() => rig.post(2))).toBe("shutting_down");
    rig.turn();
    await settle();
    expect(stopped).toBe(false);
    rig.log.commit();
    await stop;
    expect(first.outcome?.n).toBe(1);
    expect(rig.repeat(1)).toMatchObject({ n: 1 });
  });

  test("[R56] leaves the view alone then, whatever of a peer becomes durable behind it", async () => {
    rig = new Rig();
    const peer = new Hand(rig);
    peer.beat();
    const commitAll = () => {
      rig.turn();
      while (rig.log.batches.length > 0) rig.log.commit();
      rig.turn();
    };
    commitAll();
    const { foldedN } = rig.view;
    peer.ops([opOf(1)]);
    rig.turn();
    await rig.replica.stop();
    peer.ops([opOf(2)], undefined, chainOf([opOf(1)]));
    commitAll();
    expect(rig.log.lastN).toBe(foldedN + 1);
    expect(rig.view.foldedN).toBe(foldedN); // the next start folds it
  });
});
