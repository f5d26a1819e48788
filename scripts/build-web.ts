/**
 * Bundles the page and packs it: `bun scripts/build-web.ts FILE STAMP`, called by build-web.mjs.
 *
 * Script and style get names with a hash of what is in them, so that browsers keep them for ever; the two
 * are written into index.html, and into the service worker with everything else that it has to keep.
 * Style sheets are not imported by the script: all of src/web/style are one sheet, the basic ones first.
 * Rejected: a development server with hot reloading. A build takes less than a second, and what is tested
 * is what is served.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { type Encoding, type PageFile, packPage } from "../src/server/page-pack.ts";

/** Script and style of the whole page, in each encoding: what a first visit has to wait for. */
const COMPRESSED_BYTES_MAX = 100_000;
const BASIC_SHEETS = ["tokens.css", "base.css", "parts.css"];
const ICONS = ["icon.svg", "icon-180.png", "icon-192.png", "icon-512.png"];
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

const root = join(import.meta.dir, "..");
const web = join(root, "src", "web");
const own = (path: string): string => readFileSync(join(web, path), "utf8");

class BuildError extends Error {}

const COMMON = {
  target: "browser",
  minify: true,
  sourcemap: "none",
  throw: false,
  // Assigned where they are made: a declared field that the constructor fills is no code.
  tsconfig: join(web, "tsconfig.json"),
  jsx: { runtime: "automatic", importSource: "preact", development: false },
} as const satisfies Partial<Bun.BuildConfig>;

async function bundleOne(config: Bun.BuildConfig): Promise<string> {
  const { outputs, logs } = await Bun.build({ ...COMMON, ...config });
  const [output, further] = outputs;
  if (output === undefined || further !== undefined) {
    throw new BuildError(
      logs.map(String).join("\n") || `${outputs.length} files came out, not one`,
    );
  }
  return await output.text();
}

/** A path below `/`, and what is there. */
type Text = { path: string; text: string };

function asset(name: string, type: "js" | "css", text: string): Text {
  return { path: `/assets/${name}-${hashOf(text).slice(0, 8)}.${type}`, text };
}

/** One script: cut into parts it was larger by a twentieth, and the parts were missed when the server was away. */
async function bundleScript(): Promise<Text> {
  const text = await bundleOne({
    entrypoints: [join(web, "main.tsx")],
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return asset("main", "js", text);
}

/** What runs before the page's script is there: a classic script, which a browser runs as soon as it has it. */
async function bundleBeginning(): Promise<Text> {
  const text = await bundleOne({ entrypoints: [join(web, "begin.ts")], format: "iife" });
  return asset("begin", "js", text);
}

async function bundleStyle(): Promise<Text> {
  const rank = (sheet: string): number => (BASIC_SHEETS.indexOf(sheet) + 4) % 4 || 4;
  const sheets = readdirSync(join(web, "style"))
    .filter((sheet) => sheet.endsWith(".css"))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const whole = join(web, "style", "page.css");
  const imports = sheets.map((sheet) => `@import "./${sheet}";`).join("\n");
  const text = await bundleOne({ entrypoints: [whole], files: { [whole]: imports } });
  return asset("page", "css", text);
}

function fillIn(html: string, places: Record<string, string>): string {
  let filled = html.replace(/\n\s+/g, "\n");
  for (const [place, text] of Object.entries(places)) {
    if (filled.split(place).length !== 2) throw new BuildError(`index.html: no single ${place}`);
    filled = filled.replace(place, () => text);
  }
  return filled;
}

function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("base64url");
}

function bundleWorker(stamp: string, kept: string[]): Promise<string> {
  return bundleOne({
    entrypoints: [join(web, "sw.ts")],
    define: { PAGE_STAMP: JSON.stringify(stamp), PAGE_PATHS: JSON.stringify(kept) },
  });
}

function pageFile(path: string, content: string | Uint8Array<ArrayBuffer>): PageFile {
  const type = TYPES[extname(path === "/" ? "/index.html" : path)];
  if (type === undefined) throw new BuildError(`${path}: of no known type`);
  const whole = typeof content === "string" ? new Uint8Array(Buffer.from(content)) : content;
  const bodies = new Map<Encoding, Uint8Array<ArrayBuffer>>([["identity", whole]]);
  if (!type.startsWith("image/png")) {
    // A thirtieth less than zlib's best.
    const gzip = Bun.gzipSync(whole, { level: 12, library: "libdeflate" });
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: whole.length,
    };
    const br = new Uint8Array(brotliCompressSync(whole, { params }));
    if (gzip.length < whole.length) bodies.set("gzip", gzip);
    if (br.length < whole.length) bodies.set("br", br);
  }
  // Weak: one tag for all encodings.
  const etag = `W/"${hashOf(whole).slice(0, 22)}"`;
  return { path, type, immutable: path.startsWith("/assets/"), etag, bodies };
}

async function buildFiles(): Promise<PageFile[]> {
  const [script, beginning, style] = await Promise.all([
    bundleScript(),
    bundleBeginning(),
    bundleStyle(),
  ]);
  const html = fillIn(own("index.html"), {
    "begin.js": beginning.path,
    "style.css": style.path,
    "main.js": script.path,
  });
  const manifest = JSON.stringify(JSON.parse(own("manifest.webmanifest")));
  const kept: [string, string | Uint8Array<ArrayBuffer>][] = [
    ["/", html],
    ...[script, beginning, style].map(({ path, text }): [string, string] => [path, text]),
    ["/manifest.webmanifest", manifest],
    ...ICONS.map((icon): [string, Uint8Array<ArrayBuffer>] => [
      `/${icon}`,
      new Uint8Array(readFileSync(join(web, icon))),
    ]),
  ];
  const stamp = hashOf(kept.map(([path, content]) => `${path} ${hashOf(content)}\n`).join(""));
  const paths = kept.map(([path]) => path);
  const worker = await bundleWorker(stamp.slice(0, 12), paths);
  return [...kept, ["/sw.js", worker] as const].map(([path, content]) => pageFile(path, content));
}

/** The sizes as lines; throws if a first visit would have to wait too long. */
function sizes(files: readonly PageFile[]): string {
  const counted = files.filter(({ path }) => /\.(js|css)$/.test(path));
  const size = (file: PageFile, encoding: Encoding): number =>
    (file.bodies.get(encoding) ?? file.bodies.get("identity") ?? []).length;
  const sum = (some: readonly PageFile[], encoding: Encoding): number =>
    some.reduce((total, file) => total + size(file, encoding), 0);
  const row = (name: string, of: (encoding: Encoding) => number): string => {
    const [whole, gzip, br] = [of("identity"), of("gzip"), of("br")].map((bytes) =>
      `${(bytes / 1000).toFixed(1)} kB`.padStart(10),
    );
    return `  ${name.padEnd(26)}${whole} ${gzip} gzip ${br} brotli`;
  };
  const table = [
    ...counted.map((file) => row(file.path, (encoding) => size(file, encoding))),
    row("script and style together", (encoding) => sum(counted, encoding)),
  ].join("\n");
  // Both, because over plain http browsers take no brotli.
  if (Math.max(sum(counted, "br"), sum(counted, "gzip")) > COMPRESSED_BYTES_MAX) {
    const most = `${COMPRESSED_BYTES_MAX / 1000} kB`;
    throw new BuildError(
      `${table}\nmore than ${most} compressed: a first visit would wait too long`,
    );
  }
  return table;
}

const [file, stamp] = process.argv.slice(2);
if (file === undefined || stamp === undefined) {
  console.error("use `npm run build:web`");
  process.exit(2);
}
const started = performance.now();
try {
  const files = await buildFiles();
  const table = sizes(files);
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, packPage(stamp, files));
  renameSync(draft, file);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`holdfast: the page was built in ${seconds} s\n${table}`);
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`holdfast: the page was not built\n${error.message}`);
  process.exitCode = 1;
}
