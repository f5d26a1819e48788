// Problem: a fresh checkout on a machine that has only Node and npm must work with one command, and
// every later run must cost next to nothing.
// Approach: `npm ci` once; a stamp in node_modules, keyed by the lock file, tells that it is done and
// where the Bun binary lies. Two commands started at once take turns by a lock file.
// Rejected: the `bun` link npm makes. It is a placeholder where install scripts were not run.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const root = fileURLToPath(new URL("..", import.meta.url));

const stampPath = join(root, "node_modules", ".holdfast-setup.json");
const lockPath = join(root, ".setup.lock");

/**
 * Installs what is missing and returns the path of the Bun binary. Says what it does on stderr only,
 * because stdout belongs to the command that follows; ends the process when it cannot be done.
 * @returns {string}
 */
export function setup() {
  const key = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(`${process.platform} ${process.arch}`)
    .digest("hex");
  return readStamp(key) ?? inTurn(() => readStamp(key) ?? install(key));
}

/** @param {string} key */
function readStamp(key) {
  if (!existsSync(stampPath)) return undefined;
  const stamp = JSON.parse(readFileSync(stampPath, "utf8"));
  const bun = join(root, stamp.bun);
  return stamp.key === key && existsSync(bun) ? bun : undefined;
}

/** @param {string} key */
function install(key) {
  if (Number(process.versions.node.split(".")[0]) < 20) fail("Node 20 or newer is needed.");
  const started = Date.now();
  process.stderr.write("holdfast: installing packages, once ... ");
  // The npm that called us, if any, so that its version and settings stay the same.
  const caller = process.env.npm_execpath ?? "";
  const [npm, ...first] = /npm-cli\.js$/.test(caller) ? [process.execPath, caller] : ["npm"];
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund"];
  const result = spawnSync(npm ?? "npm", [...first, ...args, "--loglevel=error"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    shell: first.length === 0 && process.platform === "win32",
  });
  if (result.status !== 0) {
    fail(`\`npm ci\` failed.\n${result.error ?? ""}${result.stdout ?? ""}${result.stderr ?? ""}`);
  }
  const bun = bunCandidates().find(runs);
  if (bun === undefined) fail("no Bun binary for this platform was installed.");
  writeFileSync(stampPath, JSON.stringify({ key, bun }));
  process.stderr.write(`done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return join(root, bun);
}

/** Where the binary may lie, below the root: moved by Bun's install script, or as it was packed. */
function bunCandidates() {
  const packed = join("node_modules", "@oven");
  const folders = existsSync(join(root, packed)) ? readdirSync(join(root, packed)) : [];
  return [
    join("node_modules", "bun", "bin", "bun.exe"),
    ...folders.flatMap((folder) =>
      ["bun", "bun.exe"].map((name) => join(packed, folder, "bin", name)),
    ),
  ];
}

/** @param {string} path */
function runs(path) {
  const full = join(root, path);
  const placeholderBytesMax = 1_000_000;
  return (
    existsSync(full) &&
    statSync(full).size > placeholderBytesMax &&
    spawnSync(full, ["--version"]).status === 0
  );
}

/**
 * @template T
 * @param {() => T} work
 */
function inTurn(work) {
  for (let tries = 0; !takeLock(); tries += 1) {
    if (tries === 0) process.stderr.write("holdfast: waiting for another set-up (.setup.lock)\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const release = () => rmSync(lockPath, { force: true });
  process.once("exit", release);
  try {
    return work();
  } finally {
    release();
    process.off("exit", release);
  }
}

function takeLock() {
  try {
    writeFileSync(lockPath, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    const holder = existsSync(lockPath) ? Number(readFileSync(lockPath, "utf8")) : 0;
    if (holder > 0 && !isAlive(holder)) rmSync(lockPath, { force: true });
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * @param {string} why
 * @returns {never}
 */
function fail(why) {
  process.stderr.write(`\nholdfast: set-up failed: ${why}\n`);
  process.exit(1);
}
