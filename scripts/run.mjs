// Runs a tool of this checkout in the foreground, as if it had been called directly: same terminal,
// same signals, same exit code. `node scripts/run.mjs bun|biome|tsc ARGS` sets up first.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";
import { root, setup } from "./setup.mjs";

/**
 * The command line of a tool. `.env` files are never read: what a server does must not depend on the
 * folder it is started from.
 * @param {string} name
 * @param {string[]} args
 * @returns {[string, ...string[]]}
 */
export function tool(name, args) {
  const bun = setup();
  if (name === "bun") return [bun, "--no-env-file", ...args];
  const script = { biome: "@biomejs/biome/bin/biome", tsc: "typescript/bin/tsc" }[name];
  if (script === undefined) throw new Error(`unknown tool: ${name}`);
  return [process.execPath, join(root, "node_modules", script), ...args];
}

/**
 * Hands this process over to a command: it returns when the command ends, with its exit code set.
 * @param {[string, ...string[]]} command
 * @param {string} cwd
 */
export async function handOver([file, ...args], cwd = root) {
  const child = spawn(file, args, { cwd, stdio: "inherit" });
  // On a terminal Ctrl+C already reaches the child, which shares our process group: a second SIGINT
  // from here would read as an impatient user.
  const onTerminal = [0, 1, 2].some((fd) => isatty(fd));
  /** @type {NodeJS.Signals[]} */
  const passedOn = ["SIGTERM", "SIGHUP", "SIGINT"];
  for (const signal of passedOn) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !onTerminal) child.kill(signal);
    });
  }
  // npm ends its shell on SIGTERM, and the shell tells nobody: being orphaned is the signal then.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event === undefined || process.ppid === parent) return;
    child.kill("SIGTERM");
    clearInterval(watch);
  }, 250).unref();
  process.exitCode = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = "", ...args] = process.argv.slice(2);
  await handOver(tool(name, args));
}
