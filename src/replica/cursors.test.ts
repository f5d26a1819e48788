import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { ScriptedLog } from "../../test/memory-log.ts";
import { united } from "../core/cursor.ts";
import { Refusal } from "../core/errors.ts";
import { accountIdOf, type Incarnation, requestIdFrom } from "../core/ids.ts";
import { CURSOR_CHARACTERS_MAX, LOST_AFTER_BEATS } from "../core/limits.ts";
import { encodeEnvelope, type Op } from "../core/op.ts";
import { sha256 } from "../storage/log-hash.ts";
import { SqliteView } from "../storage/view.ts";
import { Cursors } from "./cursors.ts";
import type { StoredOp } from "./ports.ts";

const AUTHOR = accountIdOf(new Uint8Array(16));
const name = (i: number) => `s.${i.toString(32).padStart(10, "0")}` as Incarnation;

/** Op `seq` of an origin; `salt` makes other ops under the same numbers. */
function op(origin: Incarnation, seq: number, salt = 0): Op {
  const envelope = {
    origin,
    seq,
    stamp: { ms: 1_700_000_000_000 + seq, counter: salt },
    author: AUTHOR,
    id: requestIdFrom(seq, new Uint8Array(10).fill(salt)),
    kind: 60_000,
    scope: null,
    data: "",
    bodyHash: null,
  };
  return { ...envelope, bytes: encodeEnvelope(envelope), body: null };
}

class Server {
  readonly log: ScriptedLog;
  readonly view: SqliteView;
  readonly cursors: Cursors;

  constructor(store: string, held: readonly Op[] = []) {
    this.log = new ScriptedLog(held, store);
    this.view = SqliteView.open({ path: ":memory:", hash: sha256, log: this.log }).view;
    while (this.view.catchUp());
    this.cursors = new Cursors(sha256, this.log, this.view);
    this.log.listen({
      durable: ({ ops }) => {
        this.view.fold(ops);
        this.cursors.advance(ops);
      },
      erased: () => {},
      space: () => {},
      failed: () => {},
    });
  }

  take(...ops: readonly Op[]): void {
    this.log.arrive(ops);
  }

  arrival(text: string): number | null {
    return this.cursors.arrivalOf(this.cursors.parse(text));
  }

  covers(text: string): boolean {
    return this.cursors.covers(this.cursors.parse(text));
  }
}

/** Who has which op, as pairs of origin and seq: what a cursor stands for, said the long way. */
const holdings = fc.array(fc.nat({ max: 4 }), { minLength: 3, maxLength: 3 });
const opsUpTo = (seqs: readonly number[]) =>
  seqs.flatMap((last, o) => Array.from({ length: last }, (_, i) => op(name(o), i + 1)));

describe("cursors", () => {
  test("tell the arrival number in the store that made them", () => {
    const server = new Server("one");
    expect(server.arrival(server.cursors.current())).toBe(0);
    const made = [server.cursors.current()];
    for (let i = 1; i <= 20; i++) {
      server.take(op(name(i % 3), Math.ceil(i / 3)));
      made.push(server.cursors.current());
    }
    expect(made.map((text) => server.arrival(text))).toEqual(made.map((_, i) => i));
    expect(new Set(made).size).toBe(made.length);
    const again = new Server(
      "one",
      server.log.ops(1, 100).map((stored) => stored.op),
    );
    expect(made.map((text) => again.arrival(text))).toEqual(made.map((_, i) => i));
    expect(again.arrival(again.cursors.current())).toBe(20);
  });

  test("of an op within a batch stand at that op", () => {
    const server = new Server("one");
    server.take(op(name(0), 1));
    const batch = [op(name(0), 2), op(name(1), 1), op(name(0), 3)];
    server.take(...batch);
    const at = batch.map((each, i): StoredOp => ({ n: i + 2, op: each }));
    expect(at.map((stored) => server.arrival(server.cursors.at(stored)))).toEqual([2, 3, 4]);
    expect(server.cursors.at(at[2] as StoredOp)).toBe(server.cursors.current());
    const other = new Server("two", [op(name(0), 1), ...batch]);
    expect(other.covers(server.cursors.current())).toBe(true);
    expect(at.map((stored) => other.arrival(server.cursors.at(stored)))).toEqual([1, 1, 4]);
    expect(new Server("two", [op(name(0), 1)]).covers(server.cursors.current())).toBe(false);
  });

  test("[R7] of a store of which nothing is known tell by their vector where it begins that it lacked", () => {
    const one = new Server("one");
    one.take(op(name(0), 1), op(name(1), 1));
    const two = new Server("two");
    two.take(op(name(0), 1), op(name(0), 2), op(name(1), 1));
    expect(two.arrival(one.cursors.current())).toBe(1);
    expect(one.arrival(two.cursors.current())).toBe(2); // it has nothing that two lacks
    // What is in the digest is there or it tells nothing.
    const many = Array.from({ length: 20 }, (_, i) => op(name(i), 1));
    const wide = new Server("wide", many);
    expect(new Server("w", [...many, op(name(19), 2)]).arrival(wide.cursors.current())).toBe(20);
    expect(new Server("x", many.slice(1)).arrival(wide.cursors.current())).toBeNull();
  });

  test("[R7] a branch that their maker had not begins above what it shares with others", () => {
    const one = new Server("one");
    one.take(op(name(0), 1), op(name(0), 2));
    const two = new Server("two");
    two.take(op(name(0), 1), op(name(0), 2));
    const branch = `${name(0)}/0123456789` as Incarnation;
    two.log.begin(branch, { seq: 1, chain: two.log.chainAt(name(0), 1) as Uint8Array });
    two.take({ ...op(name(0), 2, 1), origin: branch });
    two.take(op(name(1), 1));
    expect(two.arrival(one.cursors.current())).toBe(2);
  });

  test("[R7] of a union: where it was shown something last counts, not where most was seen", () => {
    const behind = new Server("behind");
    behind.take(op(name(0), 1));
    const ahead = new Server("ahead");
    ahead.take(op(name(0), 1), op(name(0), 2));
    const seen = ahead.cursors.parse(ahead.cursors.current());
    const union = united(behind.cursors.current(), [seen]);
    expect(ahead.arrival(union)).toBe(1);
    expect(ahead.arrival(united(ahead.cursors.current(), []))).toBe(2);
  });

  test("[R6] what went with its store is carried no longer", () => {
    const lost = new Server("lost", [op(name(0), 1)]);
    const here = new Server("here");
    const cursor = here.cursors.parse(lost.cursors.current());
    expect(here.cursors.uncovered(cursor).map(({ store }) => store)).toEqual(["lost"]);
    here.cursors.stores = {
      storeKnown: () => null,
      isNowhere: (store) => store === "lost",
      hasAll: false,
    };
    expect(here.cursors.uncovered(cursor)).toEqual([]);
  });

  test("[R6] from between the changes of one batch: covered where their number is known to be, not by the vector", () => {
    const one = new Server("one");
    const first = op(name(0), 1);
    one.take(first, op(name(0), 2));
    const cursor = one.cursors.at({ n: 1, op: first });
    const empty = new Server("empty");
    expect(empty.covers(cursor)).toBe(false);
    expect(empty.arrival(cursor)).toBe(0);
    expect(one.covers(cursor)).toBe(true);
    expect(one.arrival(cursor)).toBe(1);
    const two = new Server("two");
    const known = { coversN: 0, isGone: false, oursAt: () => null };
    two.cursors.stores = { storeKnown: () => known, isNowhere: () => false, hasAll: false };
    two.take(first);
    expect(two.covers(cursor)).toBe(false);
    known.coversN = 1;
    expect(two.covers(cursor)).toBe(true);
    expect(two.arrival(cursor)).toBe(0); // it may repeat
    // Brought to a place by a replay: the same.
    const replayed = one.cursors.moved(one.cursors.parse(cursor), 2, op(name(0), 2), []);
    expect(two.covers(replayed)).toBe(false);
    known.isGone = true; // and nobody knows whether what it showed is here
    expect(two.arrival(replayed)).toBeNull();
  });

  test("[R6] what all others were heard without for a while is lost: carried no longer, and told", () => {
    const lost = new Server("lost", [op(name(0), 1)]);
    const cursor = lost.cursors.current();
    const { cursors } = new Server("here");
    const stores = { storeKnown: () => null, isNowhere: () => false, hasAll: true };
    cursors.stores = stores;
    const parsed = cursors.parse(cursor);
    const stands = () => [cursors.uncovered(parsed).length > 0, cursors.hasLost(parsed)];
    const beats = (count: number) => {
      for (let i = 0; i < count; i++) cursors.beat();
    };
    beats(LOST_AFTER_BEATS);
    expect(stands()).toEqual([true, false]); // asked for now: it may be on its way
    stores.hasAll = false;
    beats(LOST_AFTER_BEATS); // somebody is away, who may have it
    stores.hasAll = true;
    beats(LOST_AFTER_BEATS - 1);
    expect(stands()).toEqual([true, false]);
    beats(1);
    expect(stands()).toEqual([false, true]);
    expect(cursors.arrivalOf(parsed)).toBeNull();
  });

  test("[R6] of a disk that was put back tell what it had, whether it went on or not", () => {
    const before = new Server("one", [op(name(0), 1)]);
    before.take(op(name(0), 2), op(name(0), 3));
    const cursor = before.cursors.current();
    const putBack = new Server("one", [op(name(0), 1)]);
    expect(putBack.covers(cursor)).toBe(false); // others may have what is missing
    expect(putBack.arrival(cursor)).toBe(1);
    putBack.take(op(name(1), 1), op(name(1), 2), op(name(1), 3));
    expect(putBack.covers(cursor)).toBe(false); // there is an op under that number: another one
    expect(putBack.arrival(cursor)).toBe(1);
    const parsed = putBack.cursors.parse(cursor);
    const union = united(putBack.cursors.current(), putBack.cursors.uncovered(parsed));
    expect(putBack.covers(union)).toBe(false); // nor for who goes on with what this one says
    putBack.take(op(name(0), 2), op(name(0), 3));
    expect(putBack.covers(cursor)).toBe(true);
    expect(putBack.arrival(cursor)).toBe(1);
    expect(putBack.covers(union)).toBe(true);
  });

  test("[R6] of a disk that was put back and what it had is nowhere: nothing, the client begins anew", () => {
    const before = new Server("one", [op(name(0), 1)]);
    before.take(op(name(0), 2));
    const cursor = before.cursors.current();
    const alone = new Server("one", [op(name(0), 1)]);
    alone.cursors.stores = { storeKnown: () => null, isNowhere: () => true, hasAll: true };
    expect(alone.arrival(cursor)).toBeNull();
  });

  test("[R6, R7] of another disk that was put back, unnoticed: its numbers have no word against the vector", () => {
    const other = new Server("two");
    for (const each of opsUpTo([3, 3])) other.take(each);
    const cursor = other.cursors.current();
    const here = new Server("one", opsUpTo([2, 2]));
    here.take(op(name(2), 1));
    // What these numbers mean was noted after it was put back and had gone on.
    const known = { coversN: 100, isGone: false, oursAt: () => here.view.foldedN };
    here.cursors.stores = { storeKnown: () => known, isNowhere: () => false, hasAll: false };
    expect(here.covers(cursor)).toBe(false);
    here.take(op(name(0), 3), op(name(1), 3));
    expect(here.covers(cursor)).toBe(true);
    expect(here.arrival(cursor)).toBe(4); // before the one that it never had
  });

  test("[R6] of another store are covered if all that they list and hold is here", () => {
    fc.assert(
      fc.property(holdings, holdings, (here, there) => {
        const mine = new Server("one", opsUpTo(here));
        const theirs = new Server("two");
        for (const each of opsUpTo(there)) theirs.take(each);
        const cursor = theirs.cursors.current();
        const holds = there.every((last, o) => (here[o] as number) >= last);
        if (!holds) expect(mine.covers(cursor)).toBe(false);
        // More than the cursor lists may make it say no, never yes: then the client begins anew.
        const same = there.every((last, o) => here[o] === last);
        if (same) expect(mine.covers(cursor)).toBe(true);
        const known = there.every((last, o) => last > 0 || here[o] === 0);
        if (holds && known) expect(mine.covers(cursor)).toBe(true);
      }),
      { numRuns: heavy(150, 5_000) },
    );
  });

  test("[R10] stay short and quick with 10,000 origins, and tell one that is missing", () => {
    const origins = 10_000;
    const all = Array.from({ length: origins }, (_, i) => op(name(i), 1));
    const one = new Server("one", all);
    const two = new Server("two", all.toReversed());
    expect(one.cursors.current().length).toBeLessThan(400);
    expect(one.cursors.current().length).toBeLessThanOrEqual(CURSOR_CHARACTERS_MAX);
    expect(two.covers(one.cursors.current())).toBe(true);
    for (let i = 0; i < 200; i++) one.take(op(name(i), 2));
    const text = one.cursors.current();
    expect(text.length).toBeLessThan(400);
    expect(two.covers(text)).toBe(false);
    for (let i = 0; i < 199; i++) two.take(op(name(i), 2));
    expect(two.covers(text)).toBe(false);
    two.take(op(name(199), 2));
    expect(two.covers(text)).toBe(true);
  });

  test("a branch under the same numbers is not taken for what the cursor saw", () => {
    const seen = new Server("one");
    for (let i = 0; i < 12; i++) seen.take(op(name(i), 1));
    const split = Array.from({ length: 12 }, (_, i) => op(name(i), 1, i === 0 ? 1 : 0));
    expect(new Server("two", split).covers(seen.cursors.current())).toBe(false);
  });

  test("of no server are refused", () => {
    const server = new Server("one");
    for (const text of ["", "x", `${server.cursors.current()}~`]) {
      expect(() => server.cursors.parse(text)).toThrow(Refusal);
    }
  });
});
