/** `holdfast verify` over real servers: what is the same, what differs and where, who can't be asked. */
import { Database } from "bun:sqlite";
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Verified } from "../src/cli/verify-text.ts";
import { resultOf, Site } from "./cluster-processes.ts";
import { cleanUp, fingerprint, holdfast, signUp } from "./server-process.ts";

setDefaultTimeout(120_000);
afterEach(cleanUp);

const NAMES = ["a", "b", "c"] as const;
const newId = () => Bun.randomUUIDv7();

async function hall(site: Site): Promise<string> {
  const token = await signUp(site.url("a"), "ann");
  resultOf(await site.call("a", "channel.create", { name: "hall", id: newId() }, token));
  return token;
}

async function post(site: Site, at: string, token: string, text: string): Promise<void> {
  resultOf(await site.call(at, "message.post", { to: "#hall", text, id: newId() }, token));
}

async function verify(site: Site, name: string) {
  const args = ["verify", "--data", site.data(name), "--json"];
  const { code, out, err } = await holdfast(site.folder, args);
  expect(err).toBe("");
  return { code, verified: JSON.parse(out) as Verified };
}

test("[R4] three servers that take writes all the time show the same, and verify says so", async () => {
  const site = new Site();
  await site.startAll(NAMES);
  const token = await hall(site);
  for (let i = 0; i < 30; i++) await post(site, NAMES[i % 3] as string, token, `message ${i}`);
  let isWriting = true;
  const writing = Promise.all(
    NAMES.map(async (name) => {
      for (let i = 0; isWriting; i++) await post(site, name, token, `${name} goes on ${i}`);
    }),
  );
  const { code, verified } = await verify(site, "b");
  isWriting = false;
  await writing;
  expect(verified.verdict).toBe("same");
  expect(code).toBe(0);
  expect([...verified.servers].sort()).toEqual([...NAMES]);
  const quiet = await verify(site, "c");
  expect(quiet.verified.verdict).toBe("same");
  const { vectors, tables } = quiet.verified;
  expect(new Set(Object.values(vectors).map(({ vector }) => vector)).size).toBe(1);
  expect(tables.find(({ table }) => table === "account")?.sums.a?.rows).toBe(1);
  expect(tables.find(({ table }) => table === "message")?.sums.b?.rows).toBeGreaterThan(30);
  const text = await holdfast(site.folder, ["verify", "--data", site.data("a")]);
  expect(text.out).toStartWith("3 servers show the same: a, b, c.\n");
  expect(text.out).toMatch(/^message +\d+ +[0-9a-f]{8} +same +same$/m);
});

test("[R4] a row that is not the same on one server is named by table and key", async () => {
  const site = new Site();
  await site.startAll(NAMES);
  const token = await hall(site);
  for (let i = 0; i < 10; i++) await post(site, "a", token, `message ${i}`);
  const view = new Database(join(site.data("b"), "view.db"), { readwrite: true });
  const [message] = view
    .query<{ n: number }, []>("SELECT n FROM messages ORDER BY n LIMIT 1 OFFSET 4")
    .all();
  view.run("UPDATE messages SET state = state | 2 WHERE n = ?", [message?.n as number]);
  view.close();
  const { code, verified } = await verify(site, "c");
  expect({ code, verdict: verified.verdict }).toEqual({ code: 1, verdict: "different" });
  expect(verified.first?.table).toBe("message");
  const { a, b, c } = verified.first?.hashes ?? {};
  expect(a).toBe(c as string);
  expect(b).not.toBe(a as string);
  const text = await holdfast(site.folder, ["verify", "--data", site.data("a")]);
  expect(text.out).toContain("THE SERVERS DIFFER: a, b, c.");
  expect(text.out).toContain(`First difference: message ${verified.first?.key.join(" ")}\n`);
  expect(text.code).toBe(1);
});

test("a server that is down is named as not compared; one alone has nothing to compare with", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  await hall(site);
  await site.kill("b");
  const { out, code } = await holdfast(site.folder, ["verify", "--data", site.data("a")]);
  expect(out).toContain("Only a can be asked: there is nothing to compare.");
  expect(out).toContain("Not compared, because there is no link: b.");
  expect(code).toBe(0);
  await site.process("a").stop();
  const gone = await holdfast(site.folder, ["verify", "--data", site.data("a")]);
  expect(gone.code).toBe(3);
  expect(gone.err).toContain("does not run");
});

test("[R48] no account may ask for digests, administrators neither", async () => {
  const site = new Site();
  await site.start("a");
  const token = await signUp(site.url("a"), "ann");
  const granted = await holdfast(site.folder, ["admin", "grant", "ann", "--data", site.data("a")]);
  expect(granted.code).toBe(0);
  const range = { table: "account", after: null, upTo: null, rowsMax: 10, keys: true };
  const asked = await site.call("a", "server.digest", { range }, token);
  expect(asked.error?.data.code).toBe("forbidden");
});

test("[R50] offline: log and view of a stopped server, from the ground up, without changing a file", async () => {
  const site = new Site();
  await site.start("a");
  const token = await hall(site);
  for (let i = 0; i < 20; i++) await post(site, "a", token, `message ${i}`);
  const offline = () => holdfast(site.folder, ["verify", "--offline", "--data", site.data("a")]);
  const busy = await offline();
  expect([busy.code, busy.err]).toEqual([2, expect.stringContaining("stop the server first")]);
  await site.kill("a");
  const killed = fingerprint(site.data("a"));
  const whole = await offline();
  expect(whole.out).toMatch(
    /^The log of server a in .* is whole: \d+ ops\.\nThe view is what the log folds to/,
  );
  expect(whole.code).toBe(0);
  expect(fingerprint(site.data("a"))).toBe(killed);
  const view = new Database(join(site.data("a"), "view.db"), { readwrite: true });
  const { id } = view.query<{ id: string }, []>("SELECT id FROM channels").get() as { id: string };
  view.run("UPDATE channels SET shown = 'hell'");
  view.close();
  const other = await offline();
  expect(other.out).toContain(
    `THE VIEW IS NOT WHAT THE LOG FOLDS TO: channel ${id} is not the same.`,
  );
  expect(other.code).toBe(1);
  const log = new Database(join(site.data("a"), "log.db"), { readwrite: true });
  log.run("UPDATE ops SET body = x'00' WHERE n = 9");
  log.close();
  const damaged = await offline();
  expect(damaged.out).toMatch(
    /THE LOG IS DAMAGED: server a in .*\n {2}body does not match its hash: n 9 of a\./,
  );
  expect(damaged.code).toBe(1);
});
