import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { count, heavy } from "../../test/heavy.ts";
import { drafts, History } from "../../test/histories.ts";
import { HistoryModel } from "../../test/history-model.ts";
import { ArrayLog } from "../../test/memory-log.ts";
import {
  dumpOf,
  dumpOfOps,
  foldAll,
  indexedWords,
  openView,
  settle,
  wordsOf,
} from "../../test/view-probe.ts";
import { type ConversationId, isChannelId } from "../core/ids.ts";
import type { FoldedName } from "../core/names.ts";
import type { Op } from "../core/op.ts";
import { POSITION_START, positionOf } from "../core/position.ts";
import type { SqliteView } from "../storage/view.ts";
import { isOwner, splitMemberKey, standingOf } from "./member.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));

const RUNS = heavy(150, 10_000);
const OPS = 40;

const histories = drafts(OPS).map((all) => new History(all));
const batchSizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

/** Runs a property so often, and says so in the report. */
function holds(what: string, check: (history: History, batches: readonly number[]) => void) {
  fc.assert(fc.property(histories, batchSizes, check), { numRuns: RUNS });
  count(what, RUNS);
}

function folded(ops: readonly Op[], check: (view: SqliteView, log: ArrayLog) => void): void {
  const log = new ArrayLog(ops);
  const view = openView(log);
  try {
    foldAll(view, log, [7]);
    check(view, log);
  } finally {
    view.close();
  }
}

function allMessages(view: SqliteView, conversations: Iterable<ConversationId>) {
  return [...new Set(conversations)].flatMap((id) =>
    view.history(id, { after: POSITION_START }, 1_000),
  );
}

describe("the fold", () => {
  test("[R4] any order and repetition of the same ops gives the same dump, byte for byte", () => {
    holds("folds of permuted histories", ({ ops, order }, batches) => {
      expect(dumpOfOps(order, batches)).toBe(dumpOfOps(ops));
    });
  });

  test("[R4] step by step = in batches = rebuilt, whatever work went on in between", () => {
    holds("folds by step, batch and rebuild", ({ order }, batches) => {
      const log = new ArrayLog(order);
      const view = openView(log);
      for (const size of batches) {
        view.fold(log.ops(view.foldedN + 1, size));
        view.tidy();
        view.clean();
        for (const { n } of view.pendingErasures()) log.dropBody(n);
        view.erasuresDone(view.pendingErasures().map(({ n }) => n));
      }
      foldAll(view, log, [1]);
      settle(view);
      const stepwise = dumpOf(view);
      view.close();
      expect(dumpOfOps(order)).toBe(stepwise);
      expect(dumpOfOps(log.held)).toBe(stepwise); // without what was erased
    });
  });

  test("[R8] no two show one name, and the earliest claim shows it bare", () => {
    holds("folds with names", ({ ops, order }) => {
      const model = new HistoryModel(ops);
      folded(order, (view) => {
        for (const [space, claims] of [
          ["account", model.accountNames()],
          ["channel", model.channelNames()],
        ] as const) {
          const shown = new Set<string>();
          const earliest = new Map<string, { holder: string; at: string }>();
          for (const [holder, { name, at }] of claims as Map<
            string,
            { name: string; at: string }
          >) {
            const shows = view.shownName(space, holder);
            expect(shows === name || shows?.startsWith(`${name}~`)).toBe(true);
            expect(view.holderOf(space, shows as string)).toBe(holder);
            shown.add(shows as string);
            const other = earliest.get(name);
            if (other === undefined || at < other.at) earliest.set(name, { holder, at });
          }
          expect(shown.size).toBe(claims.size);
          for (const [name, { holder }] of earliest) {
            expect(view.shownName(space, holder)).toBe(name);
            expect(view.claims(space, name as FoldedName)[0]?.holder).toBe(holder as never);
          }
          const listed = space === "account" ? view.listAccounts("*", "", 100) : [];
          if (space === "account") expect(listed).toHaveLength(claims.size);
        }
      });
    });
  });

  test("[R9] every body that must leave the disk is queued whatever the order, and no other", () => {
    holds("folds with erasures", ({ ops, order }, batches) => {
      const model = new HistoryModel(ops);
      const log = new ArrayLog(order);
      const view = openView(log);
      for (const size of batches) {
        view.fold(log.ops(view.foldedN + 1, size));
        view.tidy();
      }
      foldAll(view, log);
      settle(view);
      const wanted = order.flatMap((op, i) => (model.mustLeave(op) ? [i + 1] : []));
      expect(view.pendingErasures(10_000).map(({ n }) => n)).toEqual(wanted);
      for (const { n, by } of view.pendingErasures(10_000)) {
        expect([5, 12, 42]).toContain(log.op(by).kind); // the proof names the deletion
        expect(by).not.toBe(n);
      }
      view.close();
    });
  });

  test("[R9] shown is what the ops mean: bans hide, deletions beat edits, the last edit counts", () => {
    holds("folds against the model", ({ ops, order }) => {
      const expected = new HistoryModel(ops).messages();
      folded(order, (view) => {
        const found = allMessages(
          view,
          expected.map((message) => message.conversation),
        ).map(({ conversation, position, author, text }) => ({
          conversation,
          position,
          author,
          text,
        }));
        found.sort((a, b) => (a.position < b.position ? -1 : 1));
        expect(found).toEqual(expected);
        const messageLines = [...view.dump()].filter((line) => line.startsWith("message "));
        expect(messageLines).toHaveLength(expected.length);
      });
    });
  });

  test("the owner of a channel can't be demoted by concurrency", () => {
    holds("folds with owners", ({ ops, order }) => {
      const model = new HistoryModel(ops);
      folded(order, (view) => {
        for (const line of view.dump()) {
          if (!line.startsWith("member ")) continue;
          const { channel, account, standing } = JSON.parse(line.slice("member ".length));
          const state = view.get("member", `${channel} ${account}` as never);
          expect(splitMemberKey(`${channel} ${account}` as never)).toEqual({ channel, account });
          expect(isOwner(state)).toBe(model.isOwner(channel, account));
          if (isOwner(state)) {
            expect(standingOf(state)).toBe("joined");
            expect(standing).toBe("owner");
          }
        }
      });
    });
  });

  test("[R9] the search index holds the words of what is there to read, and no others", () => {
    holds("folds with search", ({ ops, order }, batches) => {
      const model = new HistoryModel(ops);
      const log = new ArrayLog(order);
      const view = openView(log);
      for (const [i, size] of batches.entries()) {
        view.fold(log.ops(view.foldedN + 1, size));
        if (i % 2 === 0) view.tidy();
        if (i % 3 === 0) view.clean();
      }
      foldAll(view, log, [3]);
      settle(view);
      while (view.clean());
      const texts = new Map<number, string>();
      const hiddenToo = order.flatMap((op, i) =>
        view.effect(op.author, op.id) === i + 1 ? [i + 1] : [],
      );
      for (const n of hiddenToo) {
        const op = log.op(n);
        if (op.kind !== 40) continue;
        const message = view.message(n);
        if (message !== null && message.text !== null) texts.set(n, message.text);
        // A hidden post may stand in the index; a search passes over it.
        if (message === null && isChannelId(op.scope ?? "")) {
          expect(model.isHidden(op.scope as never, op.author, positionOf(op))).toBe(true);
        }
      }
      const hidden = new Set(hiddenToo.filter((n) => view.message(n) === null));
      const words = indexedWords(view).filter(({ doc }) => !hidden.has(doc));
      expect(words).toEqual(wordsOf(texts));
      const conversations = [
        ...new Set([...texts.keys()].map((n) => view.message(n)?.conversation)),
      ];
      const page = view.search(["alpha"], conversations as ConversationId[], log.lastN + 1, 1_000);
      const wanted = [...texts].filter(([, text]) => text.split(" ").includes("alpha"));
      expect(page.messages.map(({ n }) => n).sort((a, b) => a - b)).toEqual(
        wanted.map(([n]) => n).sort((a, b) => a - b),
      );
      expect(view.needsCleaning).toBe(false);
      view.close();
    });
  });
});
