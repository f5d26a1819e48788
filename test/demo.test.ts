/** `holdfast demo`: three servers under one terminal, as somebody meets them who types there. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { eventually, resultOf } from "./cluster-processes.ts";
import {
  atEnd,
  cleanUp,
  HoldfastProcess,
  holdfast,
  messagesOf,
  rpc,
  scratch,
} from "./server-process.ts";
import { Typist } from "./typist.ts";

setDefaultTimeout(180_000);
afterEach(cleanUp);

const NAMES = ["a", "b", "c"] as const;
const ALL_WELL = "seen from a, b, c: 2 more servers may fail and nothing is lost. Leader: a.";

type Running = { pid: number; localUrl: string };

/** The process of a server, by what it wrote beside its data; null if it stopped in good order. */
function runningOf(folder: string, name: string): Running | null {
  const text = readFileSync(join(folder, ".holdfast", name, "server.json"), "utf8");
  return (JSON.parse(text) as { running: Running | null }).running;
}

function urlOf(folder: string, name: string): string {
  return (runningOf(folder, name) as Running).localUrl;
}

function isAlive({ pid }: Running): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A demo at a terminal, all its servers in sync; what it leaves behind goes with the test. */
async function demo(folder: string, columns?: number): Promise<Typist> {
  const typist = new Typist(["demo", "--port", "0"], folder, columns);
  await typist.sees(": three servers");
  await typist.sees(ALL_WELL);
  for (const name of NAMES) {
    const { pid } = runningOf(folder, name) as Running;
    atEnd(() => {
      if (isAlive({ pid, localUrl: "" })) process.kill(pid, "SIGKILL");
    });
  }
  return typist;
}

/** Through one server, to oneself and all: who holds it. */
async function post(url: string, token: string, text: string): Promise<string[]> {
  const params = { to: "#hall", text, id: Bun.randomUUIDv7() };
  const { receipt } = resultOf(await rpc(url, "message.post", params, token)) as {
    receipt: { held: string[] };
  };
  return [...receipt.held].sort();
}

test("three servers: the first administrator, two killed, all started again, and everything is there", async () => {
  const folder = scratch();
  const typist = await demo(folder);
  const code = /#\/join\/(setup-[\w-]+)/.exec(typist.screen)?.[1] as string;
  const [a, b, c] = NAMES.map((name) => urlOf(folder, name)) as [string, string, string];
  for (const url of [a, b, c]) expect(typist.screen).toContain(url);

  const person = { name: "ann", password: "correct horse", invitation: code };
  const made = resultOf(await rpc(b, "account.create", { ...person, id: Bun.randomUUIDv7() }));
  const token = made.token as string;
  resultOf(await rpc(a, "channel.create", { name: "hall", id: Bun.randomUUIDv7() }, token));
  expect(await post(c, token, "one")).toEqual([...NAMES]);

  typist.types("kill a b\r");
  await typist.sees("a is killed");
  await typist.sees("seen from c: none may fail");
  expect(await post(c, token, "two")).toEqual(["c"]);
  typist.types("status a\r");
  await typist.sees("a does not run");
  typist.types("start\r");
  await typist.sees("c runs");
  await typist.sees(ALL_WELL);
  for (const name of NAMES) {
    const history = await rpc(urlOf(folder, name), "message.history", { in: "#hall" }, token);
    expect(messagesOf(history).map(({ text }) => text)).toEqual(["one", "two"]);
  }
  typist.types("nonsense\r");
  await typist.sees("there is no command nonsense");
  typist.types("exit\r");
  await typist.sees("stopped; everything is kept in");
  expect(await typist.process.exited).toBe(0);
  for (const name of NAMES) expect(runningOf(folder, name)).toBeNull();

  const again = await demo(folder);
  expect(again.screen).not.toContain("setup-");
  expect(await again.leaves()).toBe(0);
});

test("a link of three is cut and mended, a server frozen and thawed; the rest goes on and says so", async () => {
  const folder = scratch();
  const typist = await demo(folder, 160);
  typist.types("cut a c\r");
  await typist.sees("the link between a and c is cut");
  const seenByA = async () => {
    typist.types("status a\r");
    await typist.sees("as a sees it:");
    await typist.sees("> ");
    return typist.screen.slice(typist.screen.lastIndexOf("as a sees it:"));
  };
  await eventually(async () =>
    /in sync through another server; the link is cut by hand/.test(await seenByA()) ? true : null,
  );
  typist.types("heal\r");
  await typist.sees("mended: the link of a and c");
  await eventually(async () => (/ c .* in sync\r/.test(await seenByA()) ? true : null));
  // Both see b, so nobody was put out: no word but what was asked for.
  const fromCut = typist.screen.slice(typist.screen.indexOf("the link between a and c"));
  expect(fromCut).not.toContain("seen from");
  typist.types("freeze b\r");
  await typist.sees("b is frozen");
  await typist.sees("seen from a, c: 1 more server may fail");
  typist.types("freeze b\r");
  await typist.sees("b is frozen already");
  typist.types("thaw b\r");
  await typist.sees("b goes on");
  await typist.sees(ALL_WELL);
});

test("Ctrl+C stops all in good order, a frozen one too", async () => {
  const folder = scratch();
  const typist = await demo(folder);
  const before = NAMES.map((name) => runningOf(folder, name) as Running);
  typist.types("freeze b\r");
  await typist.sees("b is frozen");
  expect(await typist.leaves()).toBe(0);
  for (const running of before) expect(isAlive(running)).toBe(false);
  for (const name of NAMES) expect(runningOf(folder, name)).toBeNull();
});

test("a server that dies unasked is said at once, with its last words; Ctrl+D leaves", async () => {
  const folder = scratch();
  const typist = await demo(folder);
  process.kill((runningOf(folder, "c") as Running).pid, "SIGKILL");
  await typist.sees("c ended by SIGKILL, and nobody here told it to");
  await typist.sees("in sync"); // of its last words
  await typist.sees("c.log)");
  typist.types("\x04");
  expect(await typist.process.exited).toBe(0);
});

test("servers don't outlive a demo that is killed, frozen ones neither", async () => {
  const folder = scratch();
  const typist = await demo(folder);
  const before = NAMES.map((name) => runningOf(folder, name) as Running);
  typist.types("freeze b\r");
  await typist.sees("b is frozen");
  process.kill((before[2] as Running).pid, "SIGSTOP"); // by somebody else
  typist.process.kill("SIGKILL");
  await eventually(() => (before.some(isAlive) ? null : true));
  for (const name of NAMES) expect(runningOf(folder, name)).toBeNull();
});

test("without a terminal: no prompt, runs until it is told to stop; ports in use are passed over", async () => {
  const folder = scratch();
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
  });
  atEnd(() => taken.close());
  const first = Math.min(port, 65_533);
  const running = new HoldfastProcess(["demo", "--port", `${first}`], folder);
  await running.said(/in use by other programs: /);
  await running.said(/seen from a, b, c: 2 more servers/);
  expect(running.out).toContain(`${port}`);
  for (const name of NAMES) expect(urlOf(folder, name)).not.toContain(`:${port}`);
  // Commands of the operator find the cluster, whichever of its servers answers.
  const status = await holdfast(folder, ["status"]);
  expect([status.code, status.out]).toEqual([0, expect.stringContaining("3 servers:")]);
  const named = await holdfast(folder, ["status", "--name", "c"]);
  expect([named.code, named.out]).toEqual([0, expect.stringMatching(/ c .*this server/)]);
  const telephone = new Typist(["status"], folder, 50);
  await telephone.process.exited;
  await telephone.sees("  c: in sync");
  const widths = telephone.screen.split("\r\n").map((line) => line.length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(50);
  const { code, out } = await running.stop();
  expect(code).toBe(0);
  expect(out).toContain("stopped; everything is kept in");
  expect(out).not.toContain("\x1b");
});

test("a demo whose servers all refuse to start says why, and ends", async () => {
  const folder = scratch();
  await demo(folder);
  const second = await new HoldfastProcess(["demo", "--port", "0"], folder).ended();
  expect(second.code).toBe(1);
  expect(second.out).toContain("a ended with exit code 12");
  const wrong = await holdfast(folder, ["demo", "--port", "70000"]);
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("--port")]);
});
