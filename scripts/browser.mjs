// Finds the Chromium that the page is tested and pictured in.
// Problem: tests of the page need a browser, which no npm package brings without a download from a host
// of its own, and a machine without one must still run every other test.
// Approach: HOLDFAST_CHROMIUM, else the usual names; where root may ask apt-get for it (Debian), once and
// said on stderr; otherwise the reason, which the skipped tests carry in their names.
// Rejected: playwright's own download: another host to trust and to reach, and a copy per version.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { apt, whyNotInstall } from "./debian.mjs";

/** @typedef {{ path: string } | { missing: string }} Found */

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const applications = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const startTimeoutMs = 60_000;
const isRoot = process.getuid?.() === 0;

/** The flags of every start: nothing from outside, nothing kept, and no sandbox where Chromium refuses it. */
export const browserFlags = [
  "--headless=new",
  ...(isRoot ? ["--no-sandbox"] : []),
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-smooth-scrolling",
];

/**
 * The browser that is there; nothing is installed.
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Found}
 */
export function findBrowser(environment = process.env) {
  const named = environment.HOLDFAST_CHROMIUM ?? "";
  if (named !== "") {
    const path = onPath(named, environment);
    if (path !== undefined && isChromium(path)) return { path };
    return { missing: `HOLDFAST_CHROMIUM names ${named}, which is no Chromium that runs` };
  }
  const paths = [...names.map((name) => onPath(name, environment)), ...applications];
  const path = paths.find((at) => at !== undefined && existsSync(at) && isChromium(at));
  return path === undefined ? { missing: "no Chromium found" } : { path };
}

/**
 * The browser for a run of the tests: installed if it may be, and seen to start.
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Found}
 */
export function prepareBrowser(environment = process.env) {
  let found = findBrowser(environment);
  if ("missing" in found && (environment.HOLDFAST_CHROMIUM ?? "") === "") found = install(found);
  if ("missing" in found) return found;
  const trouble = startTrouble(found.path);
  return trouble === undefined ? found : { missing: `${found.path} does not start: ${trouble}` };
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} environment
 */
function onPath(name, environment) {
  if (isAbsolute(name)) return name;
  return (environment.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => isAbsolute(path) && existsSync(path));
}

/** Ubuntu's chromium-browser is a script that only says to install a snap. @param {string} path */
function isChromium(path) {
  const { status, stdout } = spawnSync(path, ["--version"], {
    encoding: "utf8",
    timeout: startTimeoutMs,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 && /Chrom(?:e|ium) \d+/.test(stdout);
}

/** @param {string} path */
function startTrouble(path) {
  const profile = mkdtempSync(join(tmpdir(), "holdfast-chromium-"));
  const page = "data:text/html,<p>it%20starts</p>";
  const flags = [...browserFlags, `--user-data-dir=${profile}`, "--dump-dom", page];
  const { status, signal, stdout, stderr, error } = spawnSync(path, flags, {
    encoding: "utf8",
    timeout: startTimeoutMs,
    killSignal: "SIGKILL",
  });
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  if (stdout?.includes("it starts")) return undefined;
  const lines = (stderr ?? "").trim().split("\n");
  return `${error?.message ?? lines.at(-1) ?? ""} (${signal ?? `code ${status}`})`;
}

/**
 * @param {{ missing: string }} found
 * @returns {Found}
 */
function install({ missing }) {
  const may = whyNotInstall();
  if (may !== undefined) return { missing: `${missing}, and ${may}` };
  const started = Date.now();
  process.stderr.write("holdfast: installing Chromium for the tests of the page, once ... ");
  const outdated = apt("update"); // old lists may do
  const failure = snapOnly() ?? apt("install", "chromium");
  if (failure !== undefined) {
    process.stderr.write("failed\n");
    return { missing: `${missing}, and installing it failed: ${outdated ?? failure}` };
  }
  process.stderr.write(`done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return findBrowser({ PATH: process.env.PATH });
}

/** On Ubuntu the package is a placeholder that asks for the snap store's daemon. */
function snapOnly() {
  const { stdout } = spawnSync("apt-cache", ["policy", "chromium"], { encoding: "utf8" });
  const candidate = /Candidate: (\S+)/.exec(stdout ?? "")?.[1] ?? "(none)";
  if (candidate === "(none)") return "apt has no package of that name";
  return candidate.includes("snap") ? "here it exists as a snap only" : undefined;
}
