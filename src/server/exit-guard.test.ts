/** An end that nobody asked for is told, and is no success. */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanUp, scratch, serve } from "../../test/server-process.ts";
import { EXIT_CODES } from "./exit-codes.ts";

afterEach(cleanUp);

const GUARD = JSON.stringify(join(import.meta.dir, "exit-guard.ts"));
const UNASKED = "without having been told to";

/** Runs a program that has a guard; its exit status and standard error. */
async function run(program: string): Promise<{ code: number; err: string; out: string }> {
  const text = `import { ExitGuard } from ${GUARD}; const guard = new ExitGuard(); ${program}`;
  const child = Bun.spawn([process.execPath, "-e", text], { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, err, out };
}

for (const program of ["process.exit(0)", "process.exit()", "process.exit(3)", "throw 1"]) {
  test(`[R54] an end by \`${program}\` that was not announced has the status of a defect`, async () => {
    const { code, err } = await run(program);
    expect([code, err]).toEqual([EXIT_CODES.internal, expect.stringContaining(UNASKED)]);
  });
}

test("an end that was announced keeps its status, in silence", async () => {
  for (const status of [0, 74]) {
    expect(await run(`guard.leave(${status})`)).toEqual({ code: status, err: "", out: "" });
  }
  expect(await run("guard.announce()")).toEqual({ code: 0, err: "", out: "" });
});

test("[R54] a process with nothing left to do stays until it is told", async () => {
  // The timer holds nothing: it comes only if something else does.
  const later = "setTimeout(() => { console.log('still here'); guard.leave(0); }, 50).unref();";
  expect(await run(later)).toEqual({ code: 0, err: "", out: "still here\n" });
});

/** A server under whose start something happens: at the moment when it binds its port. */
function disturbed(folder: string, deed: string) {
  const preload = join(folder, "preload.ts");
  const program = `const real = Bun.serve;
    Bun.serve = ((options) => { ${deed}; return real(options); }) as typeof Bun.serve;`;
  return Bun.write(preload, program).then(() =>
    serve(folder, ["--name", "a"], { BUN_OPTIONS: `--preload ${preload}` }),
  );
}

test("[R54] a start that something ends with 0 is a defect, and says so", async () => {
  const server = await disturbed(scratch(), "setTimeout(() => process.exit(0), 0)");
  const { code, err } = await server.ended();
  expect([code, err]).toEqual([EXIT_CODES.internal, expect.stringContaining(UNASKED)]);
});

test("[R56] a start that is told to stop says so, and ends with 0", async () => {
  const server = await disturbed(scratch(), 'process.kill(process.pid, "SIGTERM")');
  const { code, err } = await server.ended();
  expect([code, err]).toEqual([0, expect.stringContaining('"signal":"SIGTERM"')]);
  expect(err).toContain("had not begun to serve");
});
