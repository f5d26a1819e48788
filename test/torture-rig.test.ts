/** `npm run torture`, shortened: real processes on hosts of their own, through faults of every kind in turn. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { count, heavy } from "./heavy.ts";
import { whyNoHosts } from "./hosts/namespaces.ts";
import { runSeed } from "./torture/chance.ts";

const MAIN = join(import.meta.dir, "..", "torture", "main.ts");
const SECONDS = heavy(45, 600);
setDefaultTimeout((SECONDS + 240) * 1_000);

const why = whyNoHosts();
const name = "[R1, R2, R3, R4, R5, R6, R7, R8, R9, R11] no round of faults breaks a promise";

async function torture(...args: readonly string[]): Promise<{ code: number; out: string }> {
  const command = [process.execPath, "--no-env-file", MAIN, ...args];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out: `${out}${err}` };
}

test.skipIf(why !== null)(why === null ? name : `${name} (not run: ${why})`, async () => {
  // A seed of its own each time; the choices of a round that fails are repeated by the line that it prints.
  const { code, out } = await torture("--for", `${SECONDS}s`, "--seed", `${runSeed()}`);
  expect(code, out).toBe(0);
  const [, rounds] = /^(\d+) rounds in \d+ s, 0 with findings$/m.exec(out) ?? [];
  expect(Number(rounds), out).toBeGreaterThan(2);
  const [, acknowledged] = /requests: (\d+) acknowledged/.exec(out) ?? [];
  expect(Number(acknowledged), out).toBeGreaterThan(100);
  count("rounds of torture on hosts of their own", Number(rounds));
});

test("a wrong option is refused, and says what there is", async () => {
  for (const args of [["--faults", "none"], ["--for", "long"], ["--rounds"], ["seed"]]) {
    expect((await torture(...args)).code).toBe(2);
  }
  const { code, out } = await torture("--help");
  expect(code).toBe(0);
  expect(out).toContain("kill-two");
});
