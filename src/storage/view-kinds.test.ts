/** Kinds of ops that come to be known, and that are forgotten: what becomes of the view. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ACCOUNTS, opsOf, REQUESTS } from "../../test/histories.ts";
import { ArrayLog } from "../../test/memory-log.ts";
import { databaseOf, dumpOf, foldAll, openView } from "../../test/view-probe.ts";
import { accountUpdate } from "../ops/account.ts";
import type { Kind } from "../ops/kind.ts";
import { KINDS } from "../ops/kinds.ts";
import { sha256 } from "./log-hash.ts";
import { SqliteView } from "./view.ts";

const LATER = 9_001;
const folder = mkdtempSync(join(tmpdir(), "holdfast-kinds-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const kinds = KINDS as Map<number, Kind>;
afterEach(() => kinds.delete(LATER));
let views = 0;
const newPath = () => join(folder, `view-${++views}.db`);

/** The next release: it has one kind more, which changes a display name. */
function upgrade(): void {
  kinds.set(LATER, { ...(accountUpdate as unknown as Kind), number: LATER });
}

function logOf(laterKinds: readonly number[]): ArrayLog {
  const [author] = ACCOUNTS;
  const common = { author: author!, scope: null, data: '{"version":2}' };
  const made = { name: "bob", displayName: "Bob", password: "x" };
  const contents = [
    { ...common, id: REQUESTS[0]!, kind: 1, data: "", body: JSON.stringify(made) },
    ...laterKinds.map((kind) => ({
      ...common,
      id: REQUESTS[1]!,
      kind,
      body: '{"displayName":"New"}',
    })),
  ];
  const all = contents.map((content, i) => {
    return { content, ms: 5 + i, counter: 0, origin: 0, turns: [i] };
  });
  return new ArrayLog(opsOf(all));
}

function nameIn(view: SqliteView): string | undefined {
  return view.get("account", ACCOUNTS[0]!)?.displayName?.value;
}

/** Opened as a start does; why it was made anew, and what it shows. */
function reopen(path: string, log: ArrayLog) {
  const { view, rebuilt } = SqliteView.open({ path, hash: sha256, log });
  foldAll(view, log);
  const seen = { rebuilt, name: nameIn(view), dump: dumpOf(view) };
  view.close();
  return seen;
}

test("[R111] what was stored before its kind was known is folded once it is", () => {
  const log = logOf([LATER]);
  const path = newPath();
  expect(reopen(path, log).name).toBe("Bob");
  expect(reopen(path, log).rebuilt).toBeNull(); // nothing new is known
  upgrade();
  const upgraded = reopen(path, log);
  expect(upgraded).toMatchObject({ name: "New", rebuilt: expect.stringContaining("kind 9001") });
  expect(reopen(path, log)).toEqual({ ...upgraded, rebuilt: null });
  expect(reopen(newPath(), log).dump).toBe(upgraded.dump);
});

test("[R111] a release that is put back shows what it knows", () => {
  const log = logOf([LATER]);
  const path = newPath();
  const before = reopen(newPath(), log).dump;
  upgrade();
  expect(reopen(path, log).name).toBe("New");
  kinds.delete(LATER);
  const back = reopen(path, log);
  expect(back).toMatchObject({ name: "Bob", rebuilt: expect.stringContaining("kind 9001") });
  expect(back.dump).toBe(before);
});

test("[R22] a view that never met an op of a new kind is kept", () => {
  const log = logOf([]);
  const path = newPath();
  reopen(path, log);
  upgrade();
  expect(reopen(path, log).rebuilt).toBeNull();
  kinds.delete(LATER);
  expect(reopen(path, log).rebuilt).toContain("kind 9001"); // it was noted as folded by who knows it
});

test("[R22] one from before that was noted is made anew only if it passed over something", () => {
  for (const [log, expected] of [
    [logOf([]), null],
    [logOf([LATER]), expect.stringContaining("does not say of which kinds")],
  ] as const) {
    const path = newPath();
    const view = openView(log, path);
    foldAll(view, log);
    databaseOf(view).run("DELETE FROM meta WHERE key LIKE 'kinds%'");
    view.close();
    expect(reopen(path, log).rebuilt).toEqual(expected);
  }
});

test("[R10] kinds without end are noted as any", () => {
  const log = logOf(Array.from({ length: 70 }, (_, i) => LATER + 1 + i));
  const path = newPath();
  expect(reopen(path, log).name).toBe("Bob");
  expect(reopen(path, log).rebuilt).toBeNull();
  upgrade();
  expect(reopen(path, log).rebuilt).toContain("many kinds");
});
