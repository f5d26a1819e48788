/** `npm run drill`, shortened: what it says of itself holds, and its exit code tells. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

setDefaultTimeout(300_000);

const MAIN = join(import.meta.dir, "..", "drill", "main.ts");

test("[R1, R2, R3, R4, R5] two of three servers killed under load: nothing lost, nothing twice, all show the same", async () => {
  const args = ["--rounds", "1", "--seconds", "1"];
  const drill = Bun.spawn([process.execPath, "--no-env-file", MAIN, ...args], { stdout: "pipe" });
  const out = await new Response(drill.stdout).text();
  expect(await drill.exited, out).toBe(0);
  const row = (label: string) => Number(new RegExp(`${label} +(\\d+)`).exec(out)?.[1]);
  expect(row("sent")).toBeGreaterThan(100);
  expect(row("acknowledged")).toBe(row("sent"));
  for (const label of ["lost", "repeated", "sender's order", "were not true"]) {
    expect([label, row(label)]).toEqual([label, 0]);
  }
  const digests = [...out.matchAll(/what (\w) shows, as sha-256 +(\w+)/g)];
  expect(digests.map(([, name]) => name)).toEqual(["a", "b", "c"]);
  expect(new Set(digests.map(([, , digest]) => digest)).size).toBe(1);
});

test("a wrong option is refused before anything is started", async () => {
  for (const args of [["--rounds", "none"], ["--second", "1"], ["2"]]) {
    const wrong = Bun.spawn([process.execPath, "--no-env-file", MAIN, ...args]);
    expect(await wrong.exited).toBe(2);
  }
});
