/** What folding an op reads of the log does not grow with what was said of the same thing before. */
import { expect, test } from "bun:test";
import { ACCOUNTS, CHANNELS, type Content, opsOf } from "../../test/histories.ts";
import { ArrayLog } from "../../test/memory-log.ts";
import { openView } from "../../test/view-probe.ts";
import { type AccountId, type ChannelId, messageIdFor, requestIdFrom } from "../core/ids.ts";
import { memberSet } from "./member.ts";
import { messageDelete, messageEdit, messagePost } from "./message.ts";

const BOB = ACCOUNTS[1] as AccountId;
const ROOM = CHANNELS[0] as ChannelId;
const request = (i: number) => requestIdFrom(1_700_000_000_000 + i, new Uint8Array(10));

/** Folds them in this order; tells how often the log was read for ops of each range of arrivals. */
function folding(contents: readonly Omit<Content, "author" | "id" | "scope">[]) {
  const drafts = contents.map((content, i) => ({
    content: { ...content, author: BOB, id: request(i), scope: ROOM },
    ms: i + 1,
    counter: 0,
    origin: 0,
    turns: [i],
  }));
  const log = new ArrayLog(opsOf(drafts));
  const { op } = log;
  let reads = 0;
  log.op = (n) => {
    reads++;
    return op.call(log, n);
  };
  const view = openView(log);
  const readsUpTo = (n: number) => {
    reads = 0;
    view.fold(log.ops(view.foldedN + 1, n - view.foldedN));
    return reads;
  };
  return { view, readsUpTo };
}

test("[R10] who was banned once makes the next joinings no dearer, however many they are", () => {
  const stands = (standing: string, version: number) => ({
    kind: memberSet.number,
    data: JSON.stringify({ account: BOB, standing, version }),
    body: null,
  });
  const all = [stands("joined", 1), stands("banned", 2)];
  for (let i = 3; i <= 200; i++) all.push(stands(i % 2 === 0 ? "joined" : "left", i));
  const { view, readsUpTo } = folding(all);
  readsUpTo(10);
  const few = readsUpTo(20);
  readsUpTo(190);
  expect(readsUpTo(200)).toBe(few);
  expect(view.get("member", `${ROOM} ${BOB}`)?.bans).toHaveLength(2);
  view.close();
});

test("[R10] to delete again what is deleted is no dearer for the edits there were", () => {
  const message = messageIdFor(BOB, request(0));
  const dearest = (edits: number) => {
    const all: Omit<Content, "author" | "id" | "scope">[] = [
      { kind: messagePost.number, data: "", body: '{"text":"first"}' },
    ];
    for (let version = 1; version <= edits; version++) {
      const data = JSON.stringify({ message, version });
      all.push({ kind: messageEdit.number, data, body: '{"text":"another"}' });
    }
    const deletion = { kind: messageDelete.number, data: JSON.stringify({ message }), body: null };
    all.push(deletion, deletion, deletion);
    const { view, readsUpTo } = folding(all);
    readsUpTo(all.length - 2);
    const again = readsUpTo(all.length);
    expect(view.pendingErasures(1_000)).toHaveLength(edits + 1);
    view.close();
    return again;
  };
  expect(dearest(100)).toBe(dearest(2));
});
