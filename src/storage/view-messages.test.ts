import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import {
  ACCOUNTS,
  CHANNELS,
  type Content,
  type Draft,
  ORIGINS,
  opsOf,
} from "../../test/histories.ts";
import { HistoryModel } from "../../test/history-model.ts";
import { ArrayLog } from "../../test/memory-log.ts";
import { databaseOf, openView } from "../../test/view-probe.ts";
import {
  type AccountId,
  type ConversationId,
  directIdFor,
  isChannelId,
  messageIdFor,
  requestIdFrom,
} from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { POSITION_START, type Position, positionOf } from "../core/position.ts";
import type { FeedScope, MessageRow } from "../core/read-view.ts";
import { compareStamps } from "../core/stamp.ts";
import { feedScopes } from "../ops/audience.ts";
import { subjectsOf } from "../ops/fold.ts";
import { sha256 } from "./log-hash.ts";
import type { SqliteView } from "./view.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));

const RUNS = heavy(150, 10_000);
const [ALICE, BOB, CAROL] = ACCOUNTS as [AccountId, AccountId, AccountId];
const [ROOM] = CHANNELS as [ConversationId & Draft["content"]["scope"]];

/** Few stamps, so that many messages of several origins share one. */
const where = fc.record({
  ms: fc.integer({ min: 1, max: 4 }),
  counter: fc.nat({ max: 1 }),
  origin: fc.nat({ max: ORIGINS.length - 1 }),
});
const nothing = { data: "", body: null };

function post(author: AccountId, scope: Content["scope"], text: string) {
  return { kind: 40, author, scope, data: "", body: JSON.stringify({ text }) };
}

/** Drafts of ops with an id of its own each, in order of arrival. */
function arriving<T extends Omit<Content, "id">>(contents: fc.Arbitrary<T>, maxLength: number) {
  return fc.array(fc.tuple(contents, where), { maxLength, size: "max" }).map((all) =>
    opsOf(
      all.map(([content, at], i) => ({
        content: { ...content, id: requestIdFrom(i + 1, new Uint8Array(10)) },
        ...at,
        turns: [i],
      })),
    ),
  );
}

function withView<T>(ops: readonly Op[], act: (view: SqliteView, log: ArrayLog) => T): T {
  const log = new ArrayLog(ops);
  const view = openView(log);
  try {
    if (ops.length > 0) view.fold(log.ops(1, ops.length));
    return act(view, log);
  } finally {
    view.close();
  }
}

describe("history", () => {
  const authors = fc.constantFrom(ALICE, BOB);
  const said = fc.oneof(
    { weight: 8, arbitrary: authors.map((author) => post(author, ROOM, "x")) },
    { weight: 2, arbitrary: authors.map((author) => post(author, CAROL, "x")) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(authors, fc.constantFrom("banned", "joined"), fc.integer({ min: 1, max: 4 }))
        .map(([account, standing, version]) => ({
          kind: 30,
          author: CAROL,
          scope: ROOM,
          data: JSON.stringify({ account, standing, version }),
          body: null,
        })),
    },
  );

  test("[R30] by pages of any size, either way, is every visible message once, in total order", () => {
    fc.assert(
      fc.property(arriving(said, 60), fc.integer({ min: 1, max: 9 }), (ops, size) => {
        withView(ops, (view) => {
          const shown = ops
            .filter((op, i) => op.kind === 40 && op.scope === ROOM && view.message(i + 1) !== null)
            .map((op) => positionOf(op))
            .sort();
          const forward: Position[] = [];
          for (let page: MessageRow[] = []; ; ) {
            page = view.history(
              ROOM as ConversationId,
              { after: forward.at(-1) ?? POSITION_START },
              size,
            );
            forward.push(...page.map((message) => message.position));
            if (page.length < size) break;
          }
          expect(forward).toEqual(shown);
          const back: Position[] = [];
          for (;;) {
            const range = back.length === 0 ? {} : { before: back[0] };
            const page = view.history(ROOM as ConversationId, range, size);
            back.unshift(...page.map((message) => message.position));
            if (page.length < size) break;
          }
          expect(back).toEqual(shown);
          expect(view.lastMessage(ROOM as ConversationId)?.position).toBe(shown.at(-1));
          const [after, before] = [shown[1], shown.at(-2)];
          const between = view.history(ROOM as ConversationId, { after, before }, 100);
          const inside = shown.filter(
            (at) => (after === undefined || at > after) && (before === undefined || at < before),
          );
          expect(between.map((message) => message.position)).toEqual(inside);
        });
      }),
      { numRuns: RUNS },
    );
  });

  test("with hundreds of messages of one stamp loses none", () => {
    const ops = opsOf(
      Array.from(
        { length: 300 },
        (_, i): Draft => ({
          content: { ...post(ALICE, ROOM, `${i}`), id: requestIdFrom(i + 1, new Uint8Array(10)) },
          ms: 7,
          counter: 0,
          origin: i % ORIGINS.length,
          turns: [i],
        }),
      ),
    );
    withView(ops, (view) => {
      const first = view.history(ROOM as ConversationId, { after: POSITION_START }, 250);
      const rest = view.history(ROOM as ConversationId, { after: first.at(-1)?.position }, 250);
      expect([...first, ...rest].map(({ position }) => position)).toEqual(
        ops.map(positionOf).sort(),
      );
      expect(view.feed([ROOM as ConversationId], 0, 1_000)).toEqual(ops.map((_, i) => i + 1));
      expect(view.feed([ROOM as ConversationId], 200, 1_000)).toEqual(
        ops.slice(200).map((_, i) => i + 201),
      );
    });
  });
});

describe("unread", () => {
  const marker = fc
    .record({
      ms: fc.integer({ min: 1, max: 4 }),
      counter: fc.nat({ max: 1 }),
      origin: fc.nat({ max: 3 }),
      seq: fc.integer({ min: 1, max: 9 }),
    })
    .map(({ ms, counter, origin, seq }) => ({
      kind: 50,
      author: ALICE,
      scope: BOB as Content["scope"],
      ...nothing,
      data: JSON.stringify({
        upTo: positionOf({ stamp: { ms, counter }, origin: ORIGINS[origin] as never, seq }),
      }),
    }));
  const said = fc.oneof(
    { weight: 6, arbitrary: fc.constant(post(BOB, ALICE, "x")) },
    { weight: 2, arbitrary: fc.constant(post(ALICE, BOB, "x")) },
    { weight: 2, arbitrary: marker },
  );

  test("[R7, R30, R31] counts what others wrote after the marker, and what came late since it was set", () => {
    const direct = directIdFor(sha256, ALICE, BOB);
    fc.assert(
      fc.property(arriving(said, 40), fc.integer({ min: 0, max: 12 }), (ops, max) => {
        let upTo = POSITION_START;
        let seen = 0;
        const posts: { op: Op; n: number; late: boolean }[] = [];
        for (const [i, op] of ops.entries()) {
          if (op.kind === 50) {
            const place = (JSON.parse(op.data) as { upTo: Position }).upTo;
            if (place >= upTo) [upTo, seen] = [place, i + 1];
            continue;
          }
          const late = posts.some((other) => compareStamps(other.op.stamp, op.stamp) > 0);
          posts.push({ op, n: i + 1, late });
        }
        const unread = posts.filter(
          ({ op, n, late }) => op.author === BOB && (positionOf(op) > upTo || (late && n > seen)),
        );
        withView(ops, (view) => {
          expect(view.get("marker", `${ALICE} ${direct}`)?.upTo ?? POSITION_START).toBe(upTo);
          expect(view.unread(ALICE, direct, upTo, 1_000)).toBe(unread.length);
          expect(view.unread(ALICE, direct, upTo, max)).toBe(Math.min(unread.length, max + 1));
          for (const { n, late } of posts) expect(view.message(n)?.late).toBe(late);
        });
      }),
      { numRuns: RUNS },
    );
  });
});

describe("unread in a channel", () => {
  const from = (author: AccountId, kind: number, data: object, body: object | null = null) => ({
    kind,
    author,
    scope: ROOM as Content["scope"],
    data: JSON.stringify(data),
    body: body === null ? null : JSON.stringify(body),
  });
  const said = fc.oneof(
    { weight: 6, arbitrary: fc.constant(from(BOB, 40, {}, { text: "x" })) },
    { weight: 2, arbitrary: fc.constant(from(CAROL, 40, {}, { text: "x" })) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom("banned", "left"), fc.integer({ min: 1, max: 3 }))
        .map(([standing, version]) => from(CAROL, 30, { account: BOB, standing, version })),
    },
    {
      weight: 2,
      arbitrary: fc
        .integer({ min: 1, max: 30 })
        .map((i) => requestIdFrom(i, new Uint8Array(10)))
        .map((id) => from(BOB, 42, { message: messageIdFor(BOB, id) })),
    },
    {
      weight: 2,
      arbitrary: where.map(({ ms, origin }) => {
        const place = { stamp: { ms, counter: 0 }, origin: ORIGINS[origin] as never, seq: 1 };
        return from(ALICE, 50, { upTo: positionOf(place) });
      }),
    },
  );

  test("[R31] is what is shown and not deleted, after the marker or late since", () => {
    fc.assert(
      fc.property(arriving(said, 40), (ops) => {
        let upTo = POSITION_START;
        let seen = 0;
        const late = new Map<Position, number>();
        for (const [i, op] of ops.entries()) {
          const newer = ops.slice(0, i).some((other) => {
            return other.kind === 40 && compareStamps(other.stamp, op.stamp) > 0;
          });
          if (op.kind === 40 && newer) late.set(positionOf(op), i + 1);
          if (op.kind !== 50) continue;
          const place = (JSON.parse(op.data) as { upTo: Position }).upTo;
          if (place >= upTo) [upTo, seen] = [place, i + 1];
        }
        const unread = new HistoryModel(ops).messages().filter(({ position, author, text }) => {
          if (author === ALICE || text === null) return false;
          return position > upTo || (late.get(position) ?? 0) > seen;
        });
        withView(ops, (view) => {
          expect(view.unread(ALICE, ROOM as ConversationId, upTo, 1_000)).toBe(unread.length);
        });
      }),
      { numRuns: RUNS },
    );
  });
});

describe("the feed", () => {
  const who = fc.constantFrom(ALICE, BOB, CAROL);
  const scope = fc.constantFrom<Content["scope"][]>(ROOM, ALICE, BOB);
  const target = fc
    .tuple(who, fc.integer({ min: 1, max: 40 }))
    .map(([author, i]) => messageIdFor(author, requestIdFrom(i, new Uint8Array(10))));
  const said = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(who, scope).map(([author, to]) => post(author, to, "x")) },
    {
      weight: 2,
      arbitrary: fc.tuple(who, scope, target).map(([author, to, message]) => ({
        kind: 41,
        author,
        scope: to,
        data: JSON.stringify({ message, version: 1 }),
        body: '{"text":"y"}',
      })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(who, target).map(([author, message]) => ({
        kind: 42,
        author,
        scope: ROOM as Content["scope"],
        data: JSON.stringify({ message }),
        body: null,
      })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(who, fc.constantFrom("joined", "banned", "left"))
        .map(([account, standing]) => ({
          kind: 30,
          author: CAROL,
          scope: ROOM as Content["scope"],
          data: JSON.stringify({ account, standing, version: 1 }),
          body: null,
        })),
    },
    {
      weight: 1,
      arbitrary: who.map((author) => ({
        kind: 3,
        author,
        scope: null,
        data: '{"version":1}',
        body: '{"name":"bob"}',
      })),
    },
  );

  test("[R7, R30] is everything that concerns somebody since an arrival, also what sorts into the past", () => {
    const scopes = fc.subarray<FeedScope>([
      ROOM as ConversationId,
      directIdFor(sha256, ALICE, BOB),
      ALICE,
      BOB,
      "everybody",
    ]);
    fc.assert(
      fc.property(
        arriving(said, 50),
        scopes,
        fc.nat({ max: 50 }),
        fc.integer({ min: 1, max: 8 }),
        (ops, wanted, afterN, limit) => {
          withView(ops, (view) => {
            const all = ops.flatMap((op, i) => {
              const concerned = subjectsOf(sha256, i + 1, op).some((subject) =>
                feedScopes(subject, op).some((one) => wanted.includes(one)),
              );
              return concerned && i + 1 > afterN ? [i + 1] : [];
            });
            expect(view.feed(wanted, afterN, 1_000)).toEqual(all);
            // With less room it tells that there is more: whoever gets a full page reads anew.
            expect(view.feed(wanted, afterN, limit)).toHaveLength(Math.min(limit, all.length));
          });
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("is the same when the view was opened again in between", () => {
    fc.assert(
      fc.property(arriving(said, 50), fc.nat({ max: 50 }), (ops, cut) => {
        const log = new ArrayLog(ops);
        const path = `${process.env.TMPDIR ?? "/tmp"}/holdfast-feed-${process.pid}.db`;
        const at = Math.min(cut, ops.length);
        const first = openView(log, path);
        if (at > 0) first.fold(log.ops(1, at));
        first.close();
        const second = openView(log, path);
        while (second.catchUp());
        const scope = [ROOM as ConversationId, "everybody" as const];
        const found = [0, at, 10].map((n) => second.feed(scope, n, 1_000));
        databaseOf(second).run("PRAGMA user_version = 0"); // the next one starts anew
        second.close();
        expect(found).toEqual(
          withView(ops, (view) => [0, at, 10].map((n) => view.feed(scope, n, 1_000))),
        );
      }),
      { numRuns: heavy(15, 500) },
    );
  });
});

test("names and channels are listed by wildcard, sorted, in pages", () => {
  const names = ["al", "alice", "bob", "b.o-b", "zed"];
  const ops = opsOf(
    names.map(
      (name, i): Draft => ({
        content: {
          kind: 1,
          author: ACCOUNTS[0] as AccountId,
          scope: null,
          data: "",
          body: JSON.stringify({ name, displayName: "", password: "" }),
          id: requestIdFrom(i, new Uint8Array(10)),
        },
        ms: i + 1,
        counter: 0,
        origin: 0,
        turns: [i],
      }),
    ),
  ).map((op, i) => ({
    ...op,
    author: `a_${String.fromCharCode(65 + i).repeat(21)}A` as AccountId,
  }));
  withView(ops, (view) => {
    const list = (match: string, after = "", limit = 10) =>
      view.listAccounts(match, after, limit).map(({ shown }) => shown);
    expect(list("*")).toEqual([...names].sort());
    expect(list("al*")).toEqual(["al", "alice"]);
    expect(list("?l*e")).toEqual(["alice"]);
    expect(list("b[.]o-b")).toEqual([]);
    expect(list("b.*")).toEqual(["b.o-b"]);
    expect(list("*", "al", 2)).toEqual(["alice", "b.o-b"]);
    expect(isChannelId(view.holderOf("account", "bob") ?? "")).toBe(false);
  });
});
