import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHANNELS, type Content, type Draft, opsOf } from "../../test/histories.ts";
import { ArrayLog } from "../../test/memory-log.ts";
import {
  databaseOf,
  dumpOf,
  foldAll,
  indexedWords,
  openView,
  settle,
} from "../../test/view-probe.ts";
import { accountIdOf, type ConversationId, messageIdFor, requestIdFrom } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { bytesFrom, randomFrom } from "./log-testing.ts";
import type { SqliteView } from "./view.ts";

const AUTHOR = accountIdOf(new Uint8Array(16).fill(3));
const ROOM = CHANNELS[0] as ConversationId & Content["scope"];
const request = (i: number) => requestIdFrom(i + 1, new Uint8Array(10));

let directory: string;
let views = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-search-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const random = randomFrom(77);
const word = () => Buffer.from(bytesFrom(random, 8)).toString("hex");

/** Posts of these texts, and then the removal of some. */
function history(texts: readonly string[], removed: readonly number[]): Op[] {
  const said = (kind: number, data: string, body: string | null, i: number): Draft => ({
    content: { kind, author: AUTHOR, scope: ROOM, data, body, id: request(i) },
    ms: i + 1,
    counter: 0,
    origin: 0,
    turns: [i],
  });
  return opsOf([
    ...texts.map((text, i) => said(40, "", JSON.stringify({ text }), i)),
    ...removed.map((target, i) => {
      const data = JSON.stringify({ message: messageIdFor(AUTHOR, request(target)) });
      return said(42, data, null, texts.length + i);
    }),
  ]);
}

function search(view: SqliteView, ...terms: string[]): string[] {
  return view.search(terms, [ROOM], 1_000_000, 50).messages.map(({ text }) => text ?? "");
}

describe("the search index", () => {
  test("[R34] finds words and beginnings in any spelling, phrases of scripts without spaces, and nothing by operators", () => {
    const texts = [
      "The Quick brown fox",
      "naïve Café",
      "東京タワーに行く",
      "quickly",
      'say "OR" AND',
    ];
    const log = new ArrayLog(history(texts, []));
    const view = openView(log);
    foldAll(view, log);
    expect(search(view, "quick")).toEqual(["The Quick brown fox"]);
    expect(search(view, "quick*")).toEqual(["quickly", "The Quick brown fox"]);
    expect(search(view, "fox", "THE")).toEqual(["The Quick brown fox"]);
    expect(search(view, "cafe", "naive")).toEqual(["naïve Café"]);
    expect(search(view, "タワー")).toEqual(["東京タワーに行く"]);
    expect(search(view, "京都")).toEqual([]);
    for (const odd of [
      '"',
      "*",
      "OR",
      "NOT",
      "a OR b",
      "scope : c1",
      "(",
      "text:",
      "^the",
      "-",
      "",
    ]) {
      expect(() => search(view, odd)).not.toThrow();
    }
    expect(search(view, "or")).toEqual(['say "OR" AND']);
    expect(view.search(["quick*"], [CHANNELS[1] as ConversationId], 100, 50).messages).toEqual([]);
    view.close();
  });

  test("[R34] is read in pages, newest first", () => {
    const log = new ArrayLog(
      history(
        Array.from({ length: 23 }, (_, i) => `same ${i}`),
        [3, 9],
      ),
    );
    const view = openView(log);
    foldAll(view, log);
    const all: number[] = [];
    for (let before: number | undefined = 1_000; before !== undefined; ) {
      const page = view.search(["same"], [ROOM], before, 4);
      all.push(...page.messages.map(({ n }) => n));
      before = page.next;
    }
    expect(all).toEqual(
      Array.from({ length: 23 }, (_, i) => 23 - i).filter((n) => n !== 4 && n !== 10),
    );
    view.close();
  });

  test("[R9] a word that goes while the index is being rewritten leaves it too", () => {
    const texts = Array.from({ length: 20_000 }, () => `${word()} ${word()}`);
    const removed = Array.from({ length: 60 }, (_, i) => i * 331);
    const log = new ArrayLog(history(texts, removed));
    const path = join(directory, `${views++}.db`);
    const view = openView(log, path);
    view.fold(log.ops(1, texts.length));
    settle(view);
    view.fold(log.ops(view.foldedN + 1, 1));
    let steps = 0;
    for (; view.clean(); steps++) {
      for (let i = 0; i < 20 && view.foldedN < log.lastN; i++)
        view.fold(log.ops(view.foldedN + 1, 1));
    }
    expect(steps).toBeGreaterThan(3);
    expect(view.foldedN).toBe(log.lastN);
    expect(view.needsCleaning).toBe(false);
    expect(new Set(indexedWords(view).map(({ doc }) => doc)).size).toBe(
      texts.length - removed.length,
    );
    databaseOf(view).run("PRAGMA wal_checkpoint(TRUNCATE)");
    const file = readFileSync(path).toString("latin1");
    const gone = removed.flatMap((i) => (texts[i] as string).split(" "));
    expect(gone.filter((secret) => file.includes(secret.slice(-8)))).toEqual([]);
    expect(file.includes((texts[1] as string).slice(4, 16))).toBe(true);
    view.close();
  });

  test("a rewrite that a crash cut short is done again", () => {
    const texts = Array.from({ length: 4_000 }, () => `${word()} ${word()}`);
    const log = new ArrayLog(history(texts, [5]));
    const path = join(directory, `${views++}.db`);
    const view = openView(log, path);
    view.fold(log.ops(1, texts.length));
    settle(view);
    foldAll(view, log);
    expect(view.clean()).toBe(true);
    view.close();
    const again = openView(log, path);
    expect(again.needsCleaning).toBe(true);
    while (again.clean());
    expect(indexedWords(again).filter(({ term }) => (texts[5] as string).includes(term))).toEqual(
      [],
    );
    expect(search(again, (texts[6] as string).split(" ")[0] as string)).toEqual([
      texts[6] as string,
    ]);
    expect(new Set(indexedWords(again).map(({ doc }) => doc)).size).toBe(texts.length - 1);
    again.close();
  });

  test("[R9] a power cut that took back the view, but not the erasure of the log, leaves no word behind", () => {
    const texts = ["first secret", "second stays", "third stays"];
    const log = new ArrayLog(history(texts, [0]));
    const path = join(directory, `${views++}.db`);
    const view = openView(log, path);
    view.fold(log.ops(1, 3));
    settle(view);
    const left = join(directory, `${views++}.db`);
    for (const end of ["", "-wal"]) copyFileSync(path + end, left + end);
    foldAll(view, log);
    log.dropBody(1);
    const wanted = dumpOf(view);
    view.close();
    const back = openView(log, left);
    foldAll(back, log);
    settle(back);
    while (back.clean());
    expect(dumpOf(back)).toBe(wanted);
    expect(new Set(indexedWords(back).map(({ term }) => term))).toEqual(
      new Set(["second", "third", "stays"]),
    );
    expect(search(back, "stays")).toEqual(["third stays", "second stays"]);
    back.close();
  });
});
