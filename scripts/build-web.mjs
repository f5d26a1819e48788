// `npm run build:web`: the page, as one file, dist/page.bin. `npm start` and whatever else serves it call
// buildWeb() first. Problem: that must cost nothing when nothing changed, and `git` or file times cannot
// tell (a checkout of another branch changes neither reliably). Approach: a stamp over the sources stands
// in the first line of the file; reading and hashing them takes some milliseconds.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tool } from "./run.mjs";
import { root } from "./setup.mjs";

const page = join(root, "dist", "page.bin");
const folders = ["src/web", "src/client", "src/core", "src/protocol"];
const files = [
  "scripts/build-web.mjs",
  "scripts/build-web.ts",
  "src/server/page-pack.ts",
  "package-lock.json",
];

function stampOfSources() {
  const hash = createHash("sha256");
  const inFolders = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter(
        (path) =>
          /\.\w+$/.test(path) && !/\.(test|contract)\.ts$|\btesting\b|tsconfig\.json$/.test(path),
      )
      .map((path) => join(root, folder, path)),
  );
  for (const path of [...inFolders, ...files.map((file) => join(root, file))].sort()) {
    const bytes = readFileSync(path);
    hash.update(`${path.slice(root.length)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("base64url").slice(0, 22);
}

function stampOfPage() {
  if (!existsSync(page)) return undefined;
  const fd = openSync(page, "r");
  const head = Buffer.alloc(100);
  readSync(fd, head);
  closeSync(fd);
  return /^holdfast-page 1 (\S+)\n/.exec(head.toString("latin1"))?.[1];
}

/**
 * Builds the page unless it is up to date. What the build says goes to stderr, as stdout belongs to the
 * command that follows; the exit code of the build.
 * @returns {number}
 */
export function buildWeb() {
  const stamp = stampOfSources();
  if (stampOfPage() === stamp) return 0;
  const [bun, ...args] = tool("bun", ["scripts/build-web.ts", page, stamp]);
  const { status } = spawnSync(bun, args, { cwd: root, stdio: ["ignore", 2, 2] });
  return status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = buildWeb();
