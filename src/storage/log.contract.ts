/** What every implementation of the port `Log` must do. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { branchName } from "../core/branch.ts";
import { equalBytes } from "../core/bytes.ts";
import type { Incarnation } from "../core/ids.ts";
import { CHAIN_MARK_EVERY } from "../core/limits.ts";
import { CHAIN_START, chainHash, type Op } from "../core/op.ts";
import type { Log } from "../replica/ports.ts";
import { sha256 } from "./log-hash.ts";
import { type Heard, listening, randomFrom, TestOrigin } from "./log-testing.ts";

/** A place for one log. */
export type LogPlace = {
  /** Opens what is there, empty at first. */
  open(): Promise<Log>;
  /** Removes it all. */
  dispose(): void;
};

function chainsOf(ops: readonly Op[]): Uint8Array[] {
  const chains: Uint8Array[] = [];
  let chain = CHAIN_START;
  for (const op of ops) {
    chain = chainHash(sha256, chain, op.bytes);
    chains.push(chain);
  }
  return chains;
}

export function logContract(name: string, place: () => LogPlace): void {
  describe(`Log contract: ${name}`, () => {
    let at: LogPlace;
    let log: Log;
    let heard: Heard;
    const random = randomFrom(3);

    const open = async () => {
      log = await at.open();
      heard = listening(log);
    };
    const reopen = async () => {
      await log.close();
      await open();
    };
    beforeEach(async () => {
      at = place();
      await open();
    });
    afterEach(async () => {
      await log.close();
      at.dispose();
    });

    test("a new log is empty", () => {
      expect(log.lastN).toBe(0);
      expect(log.vector().size).toBe(0);
      expect(log.ops(1, 10)).toEqual([]);
    });

    test("ops get arrival numbers from 1 and are read back byte by byte", async () => {
      const ops = new TestOrigin("a", random).ops(5);
      log.append(ops.slice(0, 2));
      log.append(ops.slice(2));
      await heard.settled();
      expect(log.lastN).toBe(5);
      for (const again of [false, true]) {
        if (again) await reopen();
        for (const [i, op] of ops.entries()) expect(log.op(i + 1)).toEqual(op);
        expect(log.ops(2, 3).map(({ n }) => n)).toEqual([2, 3, 4]);
        expect(log.ops(4, 100).map(({ op }) => op)).toEqual(ops.slice(3));
        expect(log.ops(6, 1)).toEqual([]);
      }
    });

    test("what is durable is told once, in order, and never before", async () => {
      const ops = new TestOrigin("a", random).ops(3_000);
      for (let i = 0; i < ops.length; i += 7) {
        log.append(ops.slice(i, i + 7));
        expect(log.lastN).toBe(0); // nothing becomes durable within a turn
      }
      await heard.settled();
      const told = heard.commits.flatMap((commit) => commit.ops);
      expect(told.map(({ n }) => n)).toEqual(ops.map((_, i) => i + 1));
      expect(told.every(({ op }, i) => op.id === ops[i]!.id)).toBe(true);
    });

    test("inside the durable call, log and vector already hold the ops", async () => {
      const origin = new TestOrigin("a", random);
      await log.close();
      log = await at.open();
      const { promise, resolve } = Promise.withResolvers<void>();
      log.listen({
        durable({ ops }) {
          const last = ops.at(-1)!;
          expect(log.lastN).toBe(last.n);
          expect(log.op(last.n)).toEqual(last.op);
          expect(log.vector().get(origin.name)!.seq).toBe(last.op.seq);
          resolve();
        },
        erased() {},
        space() {},
        failed() {},
      });
      log.append(origin.ops(3));
      await promise;
    });

    test("the vector names each origin's newest op and chain hash, also after a reopen", async () => {
      const [a, b] = [new TestOrigin("a", random), new TestOrigin("b", random)];
      const [fromA, fromB] = [a.ops(130), b.ops(3)];
      log.append([fromA[0]!, fromB[0]!, ...fromA.slice(1), ...fromB.slice(1)]);
      await heard.settled();
      for (const again of [false, true]) {
        if (again) await reopen();
        expect(log.vector().size).toBe(2);
        expect(log.vector().get(a.name)).toEqual({ seq: 130, chain: chainsOf(fromA)[129]! });
        expect(log.vector().get(b.name)).toEqual({ seq: 3, chain: chainsOf(fromB)[2]! });
      }
      log.append([b.op("next")]);
      await heard.settled();
      expect(log.vector().get(b.name)!.seq).toBe(4);
    });

    test("the chain hash is known at every seq", async () => {
      const origin = new TestOrigin("a", random);
      const ops = origin.ops(2 * CHAIN_MARK_EVERY + 5);
      log.append(ops);
      await heard.settled();
      chainsOf(ops).forEach((chain, i) => {
        expect(equalBytes(log.chainAt(origin.name, i + 1)!, chain)).toBe(true);
      });
      expect(log.chainAt(origin.name, 0)).toBeNull();
      expect(log.chainAt(origin.name, ops.length + 1)).toBeNull();
      expect(log.chainAt(new TestOrigin("b", random).name, 1)).toBeNull();
    });

    test("the ops of one origin are read from any seq on", async () => {
      const [a, b] = [new TestOrigin("a", random), new TestOrigin("b", random)];
      const [fromA, fromB] = [a.ops(6), b.ops(2)];
      log.append([fromA[0]!, fromB[0]!, ...fromA.slice(1), fromB[1]!]);
      expect(log.run(a.name, 1, 10)).toEqual([]); // not durable yet
      await heard.settled();
      expect(log.run(a.name, 1, 100).map(({ op }) => op)).toEqual(fromA);
      expect(log.run(a.name, 2, 3).map(({ n }) => n)).toEqual([3, 4, 5]);
      expect(log.run(b.name, 2, 5)).toEqual([{ n: 8, op: fromB[1]! }]);
      expect(log.run(b.name, 3, 5)).toEqual([]);
      expect(log.run(new TestOrigin("c", random).name, 1, 5)).toEqual([]);
    });

    test("a gap, a repeat and a missing start are defects", async () => {
      const ops = new TestOrigin("a", random).ops(3);
      expect(() => log.append([ops[1]!])).toThrow("invariant broken");
      log.append([ops[0]!]);
      expect(() => log.append([ops[0]!])).toThrow("invariant broken");
      expect(() => log.append([ops[2]!])).toThrow("invariant broken");
      await heard.settled();
    });

    test("an erased body is gone, the op stays, also after a reopen", async () => {
      const ops = new TestOrigin("a", random).ops(4);
      log.append(ops);
      log.erase([{ n: 2, by: 4 }]); // waits for the append before it
      await heard.erasedAll([2]);
      for (const again of [false, true]) {
        if (again) await reopen();
        expect([log.eraserOf(2), log.eraserOf(3)]).toEqual([4, null]);
        expect(log.op(2)).toEqual({ ...ops[1]!, body: null });
        expect(log.op(3).body).not.toBeNull();
      }
    });

    test("an op that comes without its body is kept as it came, and can be erased", async () => {
      const op = { ...new TestOrigin("a", random).op("gone elsewhere"), body: null };
      log.append([op]);
      await heard.settled();
      await reopen();
      expect(log.op(1)).toEqual(op);
      expect(log.eraserOf(1)).toBeNull(); // nobody has said yet
      expect(log.unproven(5)).toEqual([{ n: 1, op }]);
      expect(log.unproven(0)).toEqual([]);
      log.erase([{ n: 1, by: 1 }]);
      await heard.erasedAll([1]);
      expect(log.eraserOf(1)).toBe(1);
      expect(log.unproven(5)).toEqual([]);
    });

    test("ops after a seq become a branch; both go on, and are the same after a reopen", async () => {
      const [common, own, other] = [CHAIN_MARK_EVERY - 3, 2 * CHAIN_MARK_EVERY, CHAIN_MARK_EVERY];
      const origin = new TestOrigin("a", random);
      const shared = origin.ops(common);
      const twin = origin.twin();
      const mine = origin.ops(own);
      const theirs = twin.ops(other);
      const chains = chainsOf([...shared, ...mine]);
      const base = { seq: common, chain: chains[common - 1]! };
      const branch = branchName(origin.name, chains[common]!);
      log.append([...shared, ...mine.slice(0, -1)]);
      await heard.settled();
      log.split({ origin: origin.name, afterSeq: common, branch });
      await heard.splitOff(branch);
      const under = (name: Incarnation, op: Op): Op => ({ ...op, origin: name });
      log.append([...theirs, under(branch, mine.at(-1)!)]);
      await heard.settled();
      for (const again of [false, true]) {
        if (again) await reopen();
        const heads = log.vector();
        expect(heads.get(branch)).toEqual({ seq: common + own, chain: chains.at(-1)!, base });
        const plain = chainsOf([...shared, ...theirs]);
        expect(heads.get(origin.name)).toEqual({ seq: common + other, chain: plain.at(-1)! });
        expect(log.op(common + 1)).toEqual(under(branch, mine[0]!));
        expect(log.run(branch, common + 1, 999).map(({ op }) => op)).toEqual(
          mine.map((op) => under(branch, op)),
        );
        expect(log.run(origin.name, common, 2).map(({ op }) => op)).toEqual([
          shared.at(-1)!,
          theirs[0]!,
        ]);
        expect(log.chainAt(branch, common - 1)).toBeNull();
        for (let seq = common; seq <= common + own; seq++) {
          expect(log.chainAt(branch, seq)).toEqual(chains[seq - 1]!);
          if (seq <= common + other) expect(log.chainAt(origin.name, seq)).toEqual(plain[seq - 1]!);
        }
      }
    });

    test("an origin that is split before its first op leaves nothing under its name", async () => {
      const origin = new TestOrigin("a", random);
      const twin = origin.twin();
      const [mine, theirs] = [origin.ops(3), twin.ops(2)];
      log.append(mine);
      await heard.settled();
      const branch = branchName(origin.name, chainsOf(mine)[0]!);
      log.split({ origin: origin.name, afterSeq: 0, branch });
      await heard.splitOff(branch);
      expect([...log.vector().keys()]).toEqual([branch]);
      await reopen();
      expect([...log.vector().keys()]).toEqual([branch]);
      log.append(theirs);
      await heard.settled();
      await reopen();
      expect(log.run(origin.name, 1, 9).map(({ op }) => op)).toEqual(theirs);
      expect(log.chainAt(branch, 2)).toEqual(chainsOf(mine)[1]!);
    });

    test("a branch that comes from elsewhere begins where it is said to", async () => {
      const origin = new TestOrigin("a", random);
      const ops = origin.ops(5);
      const chains = chainsOf(ops);
      const branch = branchName(origin.name, chains[3]!);
      const base = { seq: 3, chain: chains[2]! };
      log.begin(branch, base);
      log.append(ops.slice(3).map((op) => ({ ...op, origin: branch })));
      await heard.settled();
      await reopen();
      expect(log.vector().get(branch)).toEqual({ seq: 5, chain: chains[4]!, base });
      expect(log.chainAt(branch, 3)).toEqual(chains[2]!);
      expect(log.run(branch, 4, 9)).toHaveLength(2);
    });

    test("free space and reserve are told", async () => {
      log.append(new TestOrigin("a", random).ops(1));
      await heard.settled();
      expect(heard.freeBytes).toBeGreaterThan(0);
      expect(heard.reserveBytes).toBeGreaterThan(0);
    });

    test("a long body, a short one and none come back", async () => {
      const origin = new TestOrigin("a", random);
      const ops = [origin.op("x".repeat(30_000)), origin.op(""), origin.op(null)];
      log.append(ops);
      await heard.settled();
      await reopen();
      expect(log.ops(1, 3).map(({ op }) => op)).toEqual(ops);
    });

    test("close waits for what was appended", async () => {
      log.append(new TestOrigin("a", random).ops(500));
      await reopen();
      expect(log.lastN).toBe(500);
    });
  });
}
