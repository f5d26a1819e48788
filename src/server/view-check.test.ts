import { expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import type { RangeAsk, RangeDigest } from "../core/view-range.ts";
import { ViewCheck } from "./view-check.ts";

type Rows = Readonly<Record<string, string>>;

/** A server whose tables all have the same rows: keys and hashes of 16 hex digits. */
function digestOf(rows: Rows, ask: RangeAsk): RangeDigest {
  const keys = Object.keys(rows)
    .sort()
    .filter((key) => (ask.after === null || key > (ask.after[0] ?? "")) && inside(key, ask));
  const sum = keys.reduce((all, key) => all + BigInt(`0x${rows[key]}`), 0n);
  return {
    rows: keys.length,
    digest: sum.toString(16).padStart(32, "0"),
    end: null,
    vector: "00000000000000aa",
    ops: 7,
    ...(ask.keys ? { keys: keys.map((key) => [[key], rows[key] as string]) } : {}),
  } as RangeDigest;
}
const inside = (key: string, { upTo }: RangeAsk) => upTo === null || key <= (upTo[0] ?? "");

const hash = (digit: string) => digit.repeat(16);

function start(servers: () => readonly string[] | null, views: Record<string, Rows>) {
  const clock = new ManualClock();
  const said: string[] = [];
  const note = (level: string) => (_fields: object, text: string) => said.push(`${level} ${text}`);
  const asked: string[] = [];
  const check = new ViewCheck({
    clock,
    log: { info: note("info"), warn: note("warn"), error: note("error") } as never,
    servers,
    ask: async (server, ask) => {
      asked.push(server);
      const rows = views[server];
      if (rows === undefined) throw new Error(`server ${server} is lost`);
      return digestOf(rows, ask);
    },
  });
  const hour = async () => {
    clock.pass(60 * 60 * 1_000);
    for (let i = 0; i < 500; i++) {
      await null;
      if (i % 20 === 0) clock.pass(100);
    }
  };
  check.start();
  return { check, said, asked, hour };
}

test("[R121] once an hour the leader compares all that are in sync; the others and a server alone do not", async () => {
  const views = { a: { x: hash("1") }, b: { x: hash("1") } };
  let servers: readonly string[] | null = ["a", "b"];
  const { check, said, asked, hour } = start(() => servers, views);
  expect(asked).toEqual([]);
  await hour();
  expect(new Set(asked)).toEqual(new Set(["a", "b"]));
  expect(check.found).toMatchObject({ same: 1, different: 0 });
  for (const none of [null, ["a"]]) {
    servers = none;
    asked.length = 0;
    await hour();
    expect(asked).toEqual([]);
  }
  servers = ["a", "b"];
  await hour();
  expect(check.found.same).toBe(2);
  expect(said).toEqual([]);
  check.stop();
  await hour();
  expect(check.found.same).toBe(2);
});

test("a difference at equal logs is an alarm until it is gone", async () => {
  const views: Record<string, Rows> = { a: { x: hash("1") }, b: { x: hash("2") } };
  const { check, said, hour } = start(() => ["a", "b"], views);
  await hour();
  expect(check.differs).toBe(true);
  expect(check.found.different).toBe(1);
  expect(said.join()).toMatch(/^error the views of a, b differ although their logs are equal/);
  views.b = { x: hash("1") };
  await hour();
  expect(check.differs).toBe(false);
  expect(said[1]).toBe("info the views are the same again");
});

test("who does not answer is no difference: it is tried again", async () => {
  const views: Record<string, Rows> = { a: { x: hash("1") } };
  const { check, said, hour } = start(() => ["a", "b"], views);
  await hour();
  expect(check.found.failed).toBe(1);
  expect(check.differs).toBe(false);
  expect(said.join()).toMatch(/^warn the views were not compared: server b is lost; it is tried/);
  views.b = { x: hash("1") };
  await hour();
  expect(check.found.same).toBe(1);
});
