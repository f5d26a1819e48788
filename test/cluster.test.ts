/** Real servers of one cluster on this machine: they link, store together, die, come back, and say how it is. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { eventually, resultOf, Site } from "./cluster-processes.ts";
import { cleanUp, HoldfastProcess, holdfast, messagesOf, signUp } from "./server-process.ts";

setDefaultTimeout(60_000);
afterEach(cleanUp);

const NAMES = ["a", "b", "c"] as const;
const newId = () => Bun.randomUUIDv7();

/** A message through one server; the receipt. */
async function post(site: Site, at: string, token: string, text: string) {
  const answer = await site.call(at, "message.post", { to: "#hall", text, id: newId() }, token);
  const { receipt } = resultOf(answer) as { receipt: { held: string[]; of: number } };
  return { held: [...receipt.held].sort(), of: receipt.of };
}

async function hall(site: Site, at: string): Promise<string> {
  const token = await signUp(site.url(at), "ann");
  resultOf(await site.call(at, "channel.create", { name: "hall", id: newId() }, token));
  return token;
}

/** All show this. In sync is whose disk has everything: what it shows may be a moment behind. */
async function allShow(site: Site, token: string, expected: readonly string[]): Promise<void> {
  for (const name of NAMES) {
    const shown = await eventually(async () => {
      const params = { in: "#hall", limit: 200 };
      const answer = await site.call(name, "message.history", params, token);
      const texts = messagesOf(answer).map(({ text }) => text);
      return texts.length < expected.length ? null : texts;
    });
    expect(shown).toEqual([...expected]);
  }
}

async function dumpsOf(site: Site): Promise<string[][]> {
  for (const name of NAMES) await site.process(name).stop();
  return Promise.all(NAMES.map((name) => site.dump(name)));
}

test("[R1, R2, R3, R90, R92] three servers: each stores what any takes; two die, one goes on, all are one again", async () => {
  const site = new Site();
  await site.startAll(NAMES);
  const token = await hall(site, "a");
  const sent: string[] = [];
  for (const name of [...NAMES, ...NAMES]) {
    const text = `${sent.length} by ${name}`;
    expect(await post(site, name, token, text)).toEqual({ held: ["a", "b", "c"], of: 3 });
    sent.push(text);
  }
  await allShow(site, token, sent);
  await site.kill("b");
  sent.push("one is dead");
  expect(await post(site, "a", token, "one is dead")).toEqual({ held: ["a", "c"], of: 3 });
  await site.kill("c");
  sent.push("two are dead");
  expect(await post(site, "a", token, "two are dead")).toEqual({ held: ["a"], of: 3 });
  expect((await site.status("a")).faultBudget).toBe(0);
  await Promise.all([site.start("b"), site.start("c")]);
  await site.inSync(NAMES);
  await allShow(site, token, sent);
  sent.push("together");
  expect(await post(site, "c", token, "together")).toEqual({ held: ["a", "b", "c"], of: 3 });
  await allShow(site, token, sent);
  const [a, b, c] = await dumpsOf(site);
  expect(b).toEqual(a as string[]);
  expect(c).toEqual(a as string[]);
  expect(a?.filter((line) => line.startsWith("server "))).toHaveLength(3);
});

test("[R2, R4] all killed at once and started in another order, one of them later: the same", async () => {
  const site = new Site();
  await site.startAll(NAMES);
  const token = await hall(site, "b");
  await post(site, "c", token, "before the power cut");
  await Promise.all(NAMES.map((name) => site.kill(name)));
  await site.start("c");
  await site.start("a");
  await site.inSync(["a", "c"]);
  expect((await post(site, "c", token, "after it")).held).toEqual(["a", "c"]);
  await site.start("b");
  await site.inSync(NAMES);
  const expected = ["before the power cut", "after it"];
  await allShow(site, token, expected);
  const [a, b, c] = await dumpsOf(site);
  expect(b).toEqual(a as string[]);
  expect(c).toEqual(a as string[]);
});

test("[R93] a server with another secret is refused; both logs and both status say why", async () => {
  const site = new Site();
  await site.start("a");
  const other = join(site.folder, "other-secret");
  site.writeSecret(other);
  const wrong = site.data("x");
  const args = ["serve", "--name", "x", "--listen", site.address("x"), "--data", wrong];
  const x = new HoldfastProcess(
    [...args, "--secret-file", other, "--peer", site.address("a")],
    site.folder,
  );
  await x.ready();
  const why = /does not have server \w's secret: another cluster, or a wrong --secret-file/;
  await x.said(why);
  await site.process("a").said(why);
  for (const name of ["a", "x"]) {
    const { links, servers } = await site.status(name);
    expect(links).toMatchObject([{ state: "refused", problem: "other_cluster" }]);
    expect(links[0]?.reason).toMatch(why);
    expect(servers.map((server) => server.name)).not.toContain(name === "a" ? "x" : "a");
  }
  const said = await holdfast(site.folder, ["status", "--data", wrong]);
  expect(said.out).toMatch(why);
  expect(said.code).toBe(0);
});

test("[R94] two servers under one name: the newcomer is refused and told, the first goes on", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  // Not a copy: a second directory with this name. And a copy, of a server that runs.
  const twin = join(site.folder, "twin");
  const common = ["--secret-file", site.secretFile, "--peer", site.address("a")];
  const start = (data: string, name: string) =>
    new HoldfastProcess(
      ["serve", "--name", name, "--listen", "127.0.0.1:0", "--data", data, ...common],
      site.folder,
    );
  const second = start(twin, "b");
  await second.said(/refused by server a: another live server goes by the name b/);
  await site.process("a").said(/another live server goes by the name b/);
  const copy = join(site.folder, "copy");
  mkdirSync(copy);
  chmodSync(copy, 0o700);
  await site.process("b").stop();
  cpSync(site.data("b"), copy, { recursive: true });
  await site.start("b");
  await site.inSync(["a", "b"]);
  const third = start(copy, "b");
  await third.said(/another live server goes by the name b/);
  const token = await hall(site, "a");
  expect(await post(site, "b", token, "still two")).toEqual({ held: ["a", "b"], of: 2 });
});

test("[R96] clients and pages learn of all servers, and of what becomes of them", async () => {
  const site = new Site();
  await site.startAll(NAMES);
  const token = await signUp(site.url("a"), "ann");
  type Entry = { name: string; url: string; state: string; inSync: boolean };
  const hello = resultOf(await site.call("b", "server.hello", {})) as { servers: Entry[] };
  expect(hello.servers).toEqual(
    NAMES.map((name) => ({ name, url: site.url(name), state: "live", inSync: true })),
  );
  // A page that came from one server may talk to the others, and is let to.
  const page = await fetch(site.url("a"), { headers: { accept: "text/html" } });
  const policy = page.headers.get("content-security-policy") ?? "";
  if (page.status === 200) {
    for (const name of NAMES) expect(policy).toContain(`ws://${site.address(name)}`);
  }
  const call = (origin: string) =>
    fetch(`${site.url("a")}/v1/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json", origin },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "server.ping", params: {} }),
    }).then(({ status }) => status);
  expect(await call(site.url("c"))).toBe(200);
  expect(await call("http://127.0.0.1:1")).toBe(403);
  const changes: Entry[][] = [];
  const socket = new WebSocket(`${site.url("a").replace("http", "ws")}/v1/ws`);
  const open = Promise.withResolvers<void>();
  socket.onopen = () => open.resolve();
  socket.onmessage = ({ data }) => {
    const { method, params } = JSON.parse(data as string);
    if (method === "servers.changed") changes.push(params.servers);
  };
  await open.promise;
  const resume = { jsonrpc: "2.0", id: 1, method: "session.resume", params: { token } };
  socket.send(JSON.stringify(resume));
  await eventually(async () => {
    const answer = await site.call("a", "session.list", {}, token);
    return answer.result === undefined ? null : answer;
  });
  await site.kill("c");
  const dead = await eventually(() => changes.find((all) => all[2]?.state === "unknown") ?? null);
  expect(dead.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "a live",
    "b live",
    "c unknown",
  ]);
  await site.start("c");
  await eventually(() => changes.find((all, i) => i > 0 && all[2]?.state === "live") ?? null);
  socket.close();
});

test("[R3] --min-copies: with fewer live copies a write is refused before anything is made", async () => {
  const site = new Site();
  await site.start("a", ["--min-copies", "2"]);
  const alone = await site.call("a", "account.create", {
    name: "ann",
    password: "correct horse",
    id: newId(),
  });
  expect(alone.error?.data.code).toBe("unavailable");
  const status = await holdfast(site.folder, ["status", "--data", site.data("a")]);
  expect(status.out).toContain("Writes are refused: 2 copies are asked for, 1 can be made.");
  await site.start("b", ["--peer", site.address("a")]);
  await site.inSync(["a", "b"]);
  await signUp(site.url("a"), "ann");
  await site.kill("b");
  const again = await site.call("a", "account.create", {
    name: "bob",
    password: "correct horse",
    id: newId(),
  });
  expect(again.error?.data.code).toBe("unavailable");
});

test("[R96] holdfast status: as a table, as JSON, and again and again", async () => {
  const site = new Site();
  await site.startAll(["a", "b"]);
  const text = await holdfast(site.folder, ["status", "--data", site.data("a")]);
  expect(text.out).toContain("2 servers: 1 more server may fail and nothing is lost. Leader: a.");
  expect(text.out).toMatch(/\* {2}a .*this server\n {3}b .*in sync\n/);
  const json = JSON.parse((await holdfast(site.folder, ["status", "--data", "b", "--json"])).out);
  expect(json).toMatchObject({ server: "b", leader: "a", faultBudget: 1, behind: false });
  const watching = new HoldfastProcess(["status", "--data", "a", "--json", "--watch"], site.folder);
  await watching.said(/"faultBudget":1/);
  await site.process("b").stop();
  await watching.said(/"faultBudget":0/);
  expect(watching.child.exitCode).toBeNull();
  await site.process("a").stop();
  await watching.said(/not_running/);
  const plain = await site.call("a", "server.status", {}).catch(() => null);
  expect(plain).toBeNull();
});

test("[R48] status is for administrators", async () => {
  const site = new Site();
  await site.start("a");
  const token = await signUp(site.url("a"), "ann");
  expect((await site.call("a", "server.status", {})).error?.data.code).toBe("unauthorized");
  expect((await site.call("a", "server.status", {}, token)).error?.data.code).toBe("forbidden");
});
