/** Members of channels, folded: who is in since when, and which messages a ban hides, in any order. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { count, heavy } from "../../test/heavy.ts";
import {
  ACCOUNTS,
  CHANNELS,
  type Content,
  drafts,
  History,
  opsOf,
  REQUESTS,
} from "../../test/histories.ts";
import { HistoryModel } from "../../test/history-model.ts";
import { ArrayLog } from "../../test/memory-log.ts";
import { dumpOfOps, foldAll, openView } from "../../test/view-probe.ts";
import type { AccountId, ChannelId, RequestId } from "../core/ids.ts";
import { requestIdFrom } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { type Position, positionOf } from "../core/position.ts";
import type { MemberState, Standing } from "../core/view.ts";
import { joinedSince, memberKey, memberSet, standingOf, standingVersion } from "./member.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));
const RUNS = heavy(300, 5_000);

const [ALICE, BOB] = ACCOUNTS as [AccountId, AccountId, AccountId];
const ROOM = CHANNELS[0] as ChannelId;
const BOB_THERE = memberKey(ROOM, BOB);
const request = (i: number): RequestId => requestIdFrom(1_700_000_000_000 + i, new Uint8Array(10));

function stands(standing: Standing, version: number, id: RequestId, account = BOB): Content {
  const data = JSON.stringify({ account, standing, version });
  return { author: account, id, kind: memberSet.number, scope: ROOM, data, body: null };
}

/** Much of one channel and few people, so that writes of one version meet often. */
const someone = fc.constantFrom(ALICE, BOB);
const ids = fc.constantFrom(...REQUESTS, ...Array.from({ length: 8 }, (_, i) => request(i)));
const standing = fc.constantFrom<Standing[]>("invited", "joined", "joined", "left", "banned");
const version = fc.integer({ min: 1, max: 4 });
const contents: fc.Arbitrary<Content> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(standing, version, ids, someone).map((parts) => stands(...parts)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(someone, ids).map(([author, id]) => {
      return { author, id, kind: 40, scope: ROOM, data: "", body: '{"text":"x"}' };
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Content>({
      author: ALICE,
      id: REQUESTS[0] as RequestId, // by which the channel is made
      kind: 20,
      scope: null,
      data: '{"private":false}',
      body: '{"name":"room","topic":""}',
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(someone, ids, someone, version).map(([author, id, to, v]) => {
      const data = JSON.stringify({ to, versions: { from: v, to: v } });
      return { author, id, kind: 31, scope: ROOM, data, body: null };
    }),
  },
);
const histories = drafts(14, contents).map((all) => new History(all));

function memberAfter(ops: readonly Op[], key = BOB_THERE): MemberState | undefined {
  const log = new ArrayLog(ops);
  const view = openView(log);
  try {
    foldAll(view, log, [2]);
    return view.get("member", key);
  } finally {
    view.close();
  }
}

/** Ops at these places of several servers, in this order of arrival. */
function arriving(...all: { content: Content; ms: number; origin: number }[]): Op[] {
  return opsOf(all.map((draft, i) => ({ ...draft, counter: 0, turns: [i] })));
}

describe("the order in which members' ops arrive does not matter", () => {
  test("[R4, R26] neither for the view nor for what bans hide", () => {
    fc.assert(
      fc.property(histories, ({ ops, order }) => {
        expect(dumpOfOps(order, [3])).toBe(dumpOfOps(ops));
        const log = new ArrayLog(order);
        const view = openView(log);
        foldAll(view, log);
        const shown = view.history(ROOM, {}, 100).map(({ position }) => position);
        view.close();
        expect(shown).toEqual(new HistoryModel(ops).messages().map(({ position }) => position));
      }),
      { numRuns: RUNS },
    );
    count("folds of members", RUNS);
  });

  test("[R31] nor for since when somebody is in: the first joining of the version that counts", () => {
    fc.assert(
      fc.property(histories, ({ ops, order }) => {
        const writes = new Map<Position, { value: Standing; version: number; at: Position }>();
        for (const op of counting(ops).filter(({ kind }) => kind === memberSet.number)) {
          const said = memberSet.parse(0, op)?.data;
          if (said?.account !== BOB) continue;
          const at = positionOf(op);
          writes.set(at, { value: said.standing, version: said.version, at });
        }
        const top = Math.max(0, ...[...writes.values()].map((write) => write.version));
        const rivals = [...writes.values()].filter((write) => write.version === top);
        rivals.sort((a, b) => (a.at < b.at ? -1 : 1));
        const joinings = rivals.filter(({ value }) => value === "joined");
        const isIn = rivals.at(-1)?.value === "joined";
        expect(joinedSince(memberAfter(order))).toBe(isIn ? (joinings[0]?.at ?? null) : null);
      }),
      { numRuns: RUNS },
    );
  });
});

/** The smallest op of each (author, id). */
function counting(ops: readonly Op[]): Op[] {
  const first = new Map<string, Op>();
  for (const op of ops) {
    const other = first.get(op.author + op.id);
    if (other === undefined || positionOf(op) < positionOf(other)) first.set(op.author + op.id, op);
  }
  return [...first.values()];
}

describe("joining", () => {
  test("[R31] through two servers at once: in since the first of both", () => {
    const early = { content: stands("joined", 1, request(1)), ms: 10, origin: 0 };
    const late = { content: stands("joined", 1, request(2)), ms: 20, origin: 2 };
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      const ops = arriving(...order);
      const first = ops.find(({ stamp }) => stamp.ms === 10) as Op;
      expect(joinedSince(memberAfter(ops))).toBe(positionOf(first));
    }
  });

  test("[R23, R31] again says nothing new: it moves no place and outvotes no ban", () => {
    const [join] = arriving({ content: stands("joined", 3, request(1)), ms: 10, origin: 0 });
    const state = memberAfter([join as Op]);
    const again = standingVersion(state, "joined");
    const ban = { content: stands("banned", standingVersion(state, "banned"), request(2)), ms: 20 };
    const ops = arriving(
      { content: stands("joined", 3, request(1)), ms: 10, origin: 0 },
      { content: stands("joined", again, request(3)), ms: 30, origin: 0 },
      { ...ban, origin: 2 }, // by another server, which had not heard of the second joining
    );
    const joinedTwice = memberAfter(ops.slice(0, 2));
    expect(joinedSince(joinedTwice)).toBe(positionOf(ops[0] as Op));
    expect(standingOf(memberAfter(ops))).toBe("banned");
    expect(standingOf(memberAfter(ops.toReversed()))).toBe("banned");
  });
});
