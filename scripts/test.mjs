// `npm test [-- PATTERN ...]`: every check there is, one closing line for all runners together.
//
//   npm test                  everything, with a share of every heavy check
//   npm run test:full         everything, with the full counts; writes reports/full.json
//   npm test -- log receipt   only the test files whose path contains one of the words
//   --only=STAGE              only the stage whose name begins so (npm run lint, npm run types)
//
// Static checks run two at a time; test files after them, two at a time as well, those under test/ last: they start
// processes of their own, and wait for them more than they work. Output of what passes is left out, output of what fails is whole.
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { prepareBrowser } from "./browser.mjs";
import { prepareIptables } from "./iptables.mjs";
import { judge } from "./junit.mjs";
import { tool } from "./run.mjs";
import { root } from "./setup.mjs";

/**
 * @typedef {import("./junit.mjs").Counts} Counts
 * @typedef {{ code: number, output: string }} Ended
 * @typedef {{ name: string, command: [string, ...string[]], verdict: (ended: Ended) => Counts }} Stage
 * @typedef {Counts & { name: string, seconds: number }} Result
 */

const testTimeoutMs = 60_000;
const flags = process.argv.slice(2).filter((arg) => arg.startsWith("--"));
const patterns = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const full = flags.includes("--full");
const only = flags.find((flag) => flag.startsWith("--only="))?.slice("--only=".length);
const stageTimeoutMs = (full ? 360 : 30) * 60_000;
const colours = process.stdout.isTTY === true;
const scratch = mkdtempSync(join(tmpdir(), "holdfast-test-"));
const countsFile = join(scratch, "counts.jsonl");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

// Settings of the user's own servers must not reach the ones under test.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_")),
);
Object.assign(env, { HOLDFAST_TEST_FULL: full ? "1" : "0", HOLDFAST_TEST_COUNTS: countsFile });
if (colours) env.FORCE_COLOR = "1";

/** @param {string} name @param {[string, ...string[]]} command @returns {Stage} */
function check(name, command) {
  const verdict = (/** @type {Ended} */ { code }) =>
    code === 0
      ? { passed: 1, failed: [], skipped: [] }
      : { passed: 0, failed: [name], skipped: [] };
  return { name, command, verdict };
}

/** @param {string} name @param {string[]} files @returns {Stage} */
function tests(name, files) {
  const report = join(scratch, `${name.replaceAll(/\W+/g, "-")}.xml`);
  const options = [
    "--only-failures",
    "--no-orphans",
    `--timeout=${testTimeoutMs}`,
    // Workers give every file a fresh state and tell which one crashed.
    "--parallel=2",
    "--parallel-delay=0",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ];
  const command = tool("bun", ["test", ...options, ...files.map((file) => `./${file}`)]);
  const verdict = (/** @type {Ended} */ { code }) =>
    judge(existsSync(report) ? readFileSync(report, "utf8") : "", files, code);
  return { name, command, verdict };
}

/** All files of the checkout's source folders with this ending, as sorted paths with `/`. */
function find(
  /** @type {string} */ ending,
  folders = ["src", "test", "sim", "bench", "drill", "torture", "examples"],
) {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(ending) && !path.includes("node_modules"))
        .map((path) => join(folder, path).replaceAll(sep, "/")),
    )
    .sort();
}

function plan() {
  const colour = `--colors=${colours ? "force" : "off"}`;
  const lint = check(
    "format and lint",
    tool("biome", ["ci", "--error-on-warnings", "--max-diagnostics=200", colour]),
  );
  const types = ["tsconfig.json", ...find("tsconfig.json", ["src"])].map((project) =>
    check(`types of ${project}`, tool("tsc", ["-p", project, "--pretty", String(colours)])),
  );
  const wanted = find(".test.ts").filter(
    (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
  );
  const isTidy = (/** @type {string} */ file) => file === "test/tidy.test.ts";
  const tidy = wanted.filter(isTidy);
  const processes = wanted.filter((file) => file.startsWith("test/") && !isTidy(file));
  const units = wanted.filter((file) => !file.startsWith("test/"));
  /** @type {Stage[]} */
  const statics = patterns.length === 0 ? [lint, ...types] : [];
  if (tidy.length > 0) statics.push(tests("tidy rules", tidy));
  const dynamics = [];
  if (units.length > 0) dynamics.push(tests("unit, property, contract", units));
  if (processes.length > 0) dynamics.push(tests("process", processes));
  const chosen = (/** @type {Stage[]} */ stages) =>
    stages.filter(({ name }) => only === undefined || name.startsWith(only));
  const withServers = chosen(dynamics).some(({ name }) => name === "process");
  const inBrowser = withServers && processes.some((file) => file.startsWith("test/page-"));
  const onHosts =
    withServers && processes.some((file) => /^test\/(hosts|torture-rig)\b/.test(file));
  // Servers under test serve the page as it is now.
  const build = check("build of the page", [process.execPath, join(root, "scripts/build-web.mjs")]);
  const first = withServers ? [build] : [];
  return {
    statics: [...first, ...chosen(statics)],
    dynamics: chosen(dynamics),
    inBrowser,
    onHosts,
  };
}

/** @param {Stage} stage @returns {Promise<Result>} */
async function runStage({ name, command: [file, ...args], verdict }) {
  const started = performance.now();
  const child = spawn(file, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {Buffer[]} */
  const chunks = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => chunks.push(chunk));
  let overtime = false;
  const timer = setTimeout(() => {
    overtime = child.kill("SIGKILL");
  }, stageTimeoutMs);
  const code = await new Promise((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (status) => resolve(status ?? 128));
  });
  clearTimeout(timer);
  const output = Buffer.concat(chunks).toString("utf8");
  const counts = verdict({ code, output });
  if (overtime) counts.failed.push(`${name}: stopped after ${stageTimeoutMs / 60_000} minutes`);
  const seconds = (performance.now() - started) / 1000;
  const bad = counts.failed.length > 0;
  if (bad) console.log(`\n${output.trimEnd()}\n`);
  console.log(`${bad ? "FAILED" : "ok    "}  ${name} (${seconds.toFixed(1)} s)`);
  return { name, seconds, ...counts };
}

/** @param {Stage[]} stages @param {number} lanes */
async function runAll(stages, lanes) {
  /** @type {Result[]} */
  const results = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < stages.length; at = next++) {
      results[at] = await runStage(/** @type {Stage} */ (stages[at]));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** @param {Result[]} results @param {{ passed: number, failed: number, skipped: number }} sum */
function print(results, sum) {
  const width = Math.max(...results.map(({ name }) => name.length), "stage".length);
  const row = (/** @type {(string | number)[]} */ [name, ...cells]) =>
    console.log(`${String(name).padEnd(width)}${cells.map((c) => String(c).padStart(9)).join("")}`);
  console.log();
  row(["stage", "passed", "failed", "skipped", "seconds"]);
  for (const { name, passed, failed, skipped, seconds } of results) {
    row([name, passed, failed.length, skipped.length, seconds.toFixed(1)]);
  }
  for (const word of /** @type {const} */ (["skipped", "failed"])) {
    const names = results.flatMap((result) => result[word]);
    if (names.length > 0) console.log(`\n${word}:\n${names.map((name) => `  ${name}`).join("\n")}`);
  }
  console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
}

/** The counts that tests wrote by `count()` of test/heavy.ts, summed by name. */
function heavyCounts() {
  const lines = existsSync(countsFile) ? readFileSync(countsFile, "utf8").trim().split("\n") : [];
  /** @type {Record<string, number>} */
  const sums = {};
  for (const { name, n } of lines.map((line) => JSON.parse(line))) {
    sums[name] = (sums[name] ?? 0) + n;
  }
  return sums;
}

/** @param {Result[]} results @param {{ passed: number, failed: number, skipped: number }} sum */
function writeReport(results, sum) {
  const git = (/** @type {string[]} */ ...args) =>
    spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const report = {
    commit: git("rev-parse", "--verify", "--quiet", "HEAD"),
    clean: git("status", "--porcelain") === "",
    date: new Date().toISOString(),
    cores: cpus().length,
    ...sum,
    counts: heavyCounts(),
    stages: results.map(({ name, passed, failed, skipped, seconds }) => ({
      name,
      passed,
      failed,
      skipped,
      seconds: Math.round(seconds),
    })),
  };
  const path = join(root, "reports", "full.json");
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(`\nreport: ${relative(root, path)}`);
}

/** The tests of the page are told which browser to take, or why there is none: one is found or made once. */
function tellBrowser() {
  const found = prepareBrowser();
  if ("path" in found) env.HOLDFAST_CHROMIUM = found.path;
  else env.HOLDFAST_NO_CHROMIUM = found.missing;
}

const { statics, dynamics, inBrowser, onHosts } = plan();
if (inBrowser) tellBrowser();
if (onHosts) prepareIptables(); // once, before two of them would; they say themselves if it is missing
const results = [...(await runAll(statics, 2)), ...(await runAll(dynamics, 1))];
if (
  results.length === 0 ||
  (only === undefined && dynamics.length === 0 && patterns.length === 0)
) {
  results.push({ name: "tests", seconds: 0, passed: 0, failed: ["no test ran"], skipped: [] });
}
const sum = {
  passed: results.reduce((n, { passed }) => n + passed, 0),
  failed: results.reduce((n, { failed }) => n + failed.length, 0),
  skipped: results.reduce((n, { skipped }) => n + skipped.length, 0),
};
if (full) writeReport(results, sum);
print(results, sum);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
