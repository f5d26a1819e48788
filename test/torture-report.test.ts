/** A torture test that fails tells all there is to tell, whichever way it fails. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = mkdtempSync(join(tmpdir(), "holdfast-report-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const TORTURE = join(import.meta.dir, "torture");
const SEED = "4711";
const REPEAT = `HOLDFAST_TEST_SEED=${SEED} bun test ./test/failing.test.ts`;
let runs = 0;

/** Runs a file with one torture test, which has this body; all that it said, and the file that was kept. */
async function run(body: string): Promise<{ code: number; output: string; kept: string }> {
  const folder = join(root, `${++runs}`);
  const reports = join(folder, "reports");
  const path = join(folder, "failing.test.ts");
  const program = `
    import { afterAll, expect, test } from "bun:test";
    import { runSeed } from ${JSON.stringify(join(TORTURE, "chance.ts"))};
    import { reported } from ${JSON.stringify(join(TORTURE, "report.ts"))};
    import { killServers, ServerProcess } from ${JSON.stringify(join(TORTURE, "server-process.ts"))};
    const server = () => new ServerProcess({ data: ${JSON.stringify(join(folder, "data"))} });
    afterAll(killServers);
    const limitMs = 5_000;
    test("it fails", reported("failing.test.ts", runSeed(), async () => { ${body} }, limitMs), limitMs);
  `;
  await Bun.write(path, program);
  const env = { HOLDFAST_TEST_SEED: SEED, HOLDFAST_TEST_REPORTS: reports };
  const child = Bun.spawn([process.execPath, "test", path], {
    cwd: folder,
    env: { ...process.env, ...env, HOLDFAST_TEST_FULL: "0" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const [name = ""] = await child.exited.then(() => readdirSync(reports));
  return {
    code: await child.exited,
    output: out + err,
    kept: readFileSync(join(reports, name), "utf8"),
  };
}

const FAILURES = {
  "by an error": ['throw new Error("three are missing:\\n  one\\n  two")', "two"],
  "by what it expected": ["expect(6 * 7).toBe(54)", "54"],
  "by hanging": ["await new Promise(() => {})", "it hangs"],
  "by a server that refuses": [
    'const one = new ServerProcess({ data: "/", flags: ["--nonsense"] }); await one.serving(); await one.stop();',
    "left with exit code 2",
  ],
  "by a server that a signal ends": [
    'const one = server(); await one.serving(); one.signal("SIGBUS"); await one.stop();',
    "was ended by SIGBUS",
  ],
  "beside a server that runs": [
    'const one = server(); await one.serving(); throw new Error("something else");',
    '"msg":"serving"',
  ],
} as const;

for (const [how, [body, told]] of Object.entries(FAILURES)) {
  test(`one that fails ${how} says it, and how it is repeated, in the output and in a file`, async () => {
    const { code, output, kept } = await run(body);
    expect(code).not.toBe(0);
    for (const text of [output, kept]) {
      expect(text).toContain(told);
      expect(text).toContain(REPEAT);
    }
    // Also what the runner shows of it, or cuts: before it began, and once more at the end.
    expect(output.split(REPEAT).length).toBeGreaterThan(2);
  }, 60_000);
}
