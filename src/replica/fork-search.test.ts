import { expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { ScriptedLog } from "../../test/memory-log.ts";
import { branchName } from "../core/branch.ts";
import { accountIdOf, type Incarnation, requestIdFrom } from "../core/ids.ts";
import { CHAIN_SAMPLES_MAX, CHAIN_SAMPLINGS_MAX } from "../core/limits.ts";
import { encodeEnvelope, type Op } from "../core/op.ts";
import type { PeerMessage } from "../protocol/peer.ts";
import { compareChains, firstSamples } from "./fork-search.ts";
import type { Log, Split } from "./ports.ts";

const ORIGIN = "c.0000000001" as Incarnation;

function op(seq: number, salt: number): Op {
  const envelope = {
    origin: ORIGIN,
    seq,
    stamp: { ms: 1_700_000_000_000 + seq, counter: salt },
    author: accountIdOf(new Uint8Array(16)),
    id: requestIdFrom(seq, new Uint8Array(10).fill(salt)),
    kind: 60_000,
    scope: null,
    data: "",
    bodyHash: null,
  };
  return { ...envelope, bytes: encodeEnvelope(envelope), body: null };
}

/** A log with so many ops of one incarnation, those after `shared` its own. */
function logOf(shared: number, length: number, salt: number): Log {
  const seqs = Array.from({ length }, (_, i) => i + 1);
  return new ScriptedLog(
    seqs.map((seq) => op(seq, seq <= shared ? 0 : salt)),
    `store ${salt}`,
  );
}

type Said = { readonly from: 0 | 1; readonly at: PeerMessage<"chains">["at"] };

/** What a search that one side begins, or both, comes to on each side, and the most messages of one side. */
function search(
  logs: readonly [Log, Log],
  begin: readonly (0 | 1)[],
  order: (n: number) => number,
) {
  const splits: [Split[], Split[]] = [[], []];
  const messages = [0, 0];
  const waiting: Said[] = begin.map((from) => ({ from, at: firstSamples(logs[from], ORIGIN) }));
  while (waiting.length > 0) {
    const first = waiting.findIndex((said) => said.from === waiting[order(waiting.length)]?.from);
    const { from, at } = waiting.splice(first, 1)[0] as Said; // in order, of each side
    messages[from] = (messages[from] as number) + 1;
    expect(at.length).toBeLessThanOrEqual(CHAIN_SAMPLES_MAX + 1);
    if (Math.max(...messages) > CHAIN_SAMPLINGS_MAX) throw new Error("a search without an end");
    const to = from === 0 ? 1 : 0;
    const found = compareChains(logs[to], { type: "chains", origin: ORIGIN, at });
    if (found.what === "answer") waiting.push({ from: to, at: found.at });
    if (found.what === "split") splits[to].push(found.split);
  }
  return { splits, most: Math.max(...messages) };
}

test("[R110] one side, and only one, is found to split, and right after the fork, whoever asks first", () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 400 }));
  const begin = fc.constantFrom<(0 | 1)[]>([0], [1], [0, 1], [1, 0]);
  const story = (shared: number, x: number, y: number, who: (0 | 1)[], turns: number[]) => {
    const logs = [logOf(shared, shared + x, 1), logOf(shared, shared + y, 2)] as const;
    let turn = 0;
    const order = (n: number) => (turns[turn++ % turns.length] as number) % n;
    const { splits, most } = search(logs, who, order);
    const [mine, theirs] = logs.map((log) => log.chainAt(ORIGIN, shared + 1) as Uint8Array);
    const names = [mine, theirs].map((chain) => branchName(ORIGIN, chain as Uint8Array));
    const loser = (names[0] as string) < (names[1] as string) ? 1 : 0;
    expect(splits[1 - loser]).toEqual([]);
    expect(splits[loser].length).toBeGreaterThan(0);
    for (const split of splits[loser]) {
      expect(split).toEqual({
        origin: ORIGIN,
        afterSeq: shared,
        branch: names[loser] as Incarnation,
      });
    }
    expect(most).toBeLessThanOrEqual(8);
  };
  const turns = fc.array(fc.nat(3), { minLength: 1, maxLength: 8 });
  const shared = fc.integer({ min: 0, max: 400 });
  fc.assert(fc.property(shared, length, length, begin, turns, story), {
    numRuns: heavy(300, 20_000),
  });
});

test("[R110] a branch of one op, which no first sample of the longer one meets", () => {
  const logs = [logOf(70, 71, 1), logOf(70, 87, 2)] as const;
  for (const begin of [[0], [1], [0, 1]] as const) {
    const { splits } = search(logs, begin, () => 0);
    expect(splits.flat().length).toBeGreaterThan(0);
    for (const { afterSeq } of splits.flat()) expect(afterSeq).toBe(70);
  }
});
