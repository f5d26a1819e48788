/** SIGKILL in the middle of commits: what was told durable is there, and the store opens without a word. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, heavy } from "../../test/heavy.ts";
import { listening, randomFrom, TestOrigin } from "./log-testing.ts";
import { openStore } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-crash-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const WRITER = join(import.meta.dir, "store-testing-writer.ts");

/** Runs the writer until it dies; returns the highest number that it told. */
async function crash(directory: string, args: string[], killAfter: number | null): Promise<number> {
  const writer = Bun.spawn([process.execPath, WRITER, directory, ...args], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let told = "";
  const decoder = new TextDecoder();
  for await (const piece of writer.stdout) {
    told += decoder.decode(piece, { stream: true });
    if (killAfter !== null && told.split("\n").length > killAfter) writer.kill("SIGKILL");
  }
  await writer.exited;
  expect(writer.signalCode).toBe("SIGKILL");
  return Number(told.trim().split("\n").at(-1));
}

/** How many ops there are; those after `before` are read, each is checked as it is read. */
async function reopened(directory: string, before: number): Promise<number> {
  const store = await openStore({ directory, server: "a", clusterId: "cluster", wallMs: () => 0 });
  listening(store.log);
  const { lastN } = store.log;
  const ops = store.log.ops(before + 1, lastN);
  expect(ops.length).toBe(lastN - before);
  expect(store.givenUp).toEqual([]);
  const origin = ops[0]?.op.origin;
  if (origin !== undefined) {
    expect(ops.every(({ op }, i) => op.origin === origin && op.seq === i + 1)).toBe(true);
    expect(store.log.vector().get(origin)?.seq).toBe(ops.length);
  }
  await store.close();
  return lastN;
}

describe("[R2] a killed process", () => {
  test("has every op that it told durable, run after run on one store", async () => {
    const random = randomFrom(11);
    const directory = join(root, "many");
    const runs = heavy(8, 200);
    let before = 0;
    for (let run = 0; run < runs; run++) {
      const told = await crash(directory, [`${run + 1}`], 1 + Math.floor(random() * 40));
      expect(told).toBeGreaterThan(before);
      const now = await reopened(directory, before);
      expect(now).toBeGreaterThanOrEqual(told);
      before = now;
    }
    count("SIGKILLs of a store", runs);
  }, 600_000);

  for (const [point, kept] of [
    ["before-commit", 0],
    ["after-commit", 1],
  ] as const) {
    test(`${point}: the commit that it died in is ${kept === 1 ? "there" : "not there"}`, async () => {
      const directory = join(root, point);
      const told = await crash(directory, ["5", point, "1"], null);
      const now = await reopened(directory, 0);
      expect(told).toBe(0);
      if (kept === 1) expect(now).toBeGreaterThan(0);
      else expect(now).toBe(0);
      const origin = new TestOrigin("a", randomFrom(5));
      const store = await openStore({
        directory,
        server: "a",
        clusterId: "cluster",
        wallMs: () => 0,
      });
      listening(store.log);
      expect(store.log.vector().get(origin.name)?.seq ?? 0).toBe(now);
      await store.close();
    });
  }
});
