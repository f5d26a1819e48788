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
import { basename, dirname, extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { type Encoding, type PageFile, packPage } from "../src/server/page-pack.ts";

/** Script and style of the whole page, compressed: what a first visit has to wait for. */
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
  jsx: { runtime: "automatic", importSource: "preact", development: false },
} as const satisfies Partial<Bun.BuildConfig>;

async function bundle(config: Bun.BuildConfig): Promise<Bun.BuildOutput["outputs"]> {
  const { success, outputs, logs } = await Bun.build(config);
  if (!success) throw new BuildError(logs.map(String).join("\n"));
  return outputs;
}

/** Paths below `/`, and what is there. */
type Texts = Map<string, string>;

async function bundleScripts(): Promise<{ entry: string; texts: Texts }> {
  const outputs = await bundle({
    ...COMMON,
    entrypoints: [join(web, "main.tsx")],
    splitting: true,
    publicPath: "/assets/",
    naming: { entry: "[name]-[hash].[ext]", chunk: "part-[hash].[ext]" },
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const texts: Texts = new Map();
  let entry = "";
  for (const output of outputs) {
    const path = `/assets/${basename(output.path)}`;
    if (extname(path) !== ".js") throw new BuildError(`${path}: the page imports scripts only`);
    if (output.kind === "entry-point") entry = path;
    texts.set(path, await output.text());
  }
  return { entry, texts };
}

/** What runs before the page's script is there: a classic script, which a browser runs as soon as it has it. */
async function bundleBeginning(): Promise<{ path: string; text: string }> {
  const [output] = await bundle({
    ...COMMON,
    entrypoints: [join(web, "begin.ts")],
    format: "iife",
  });
  if (output === undefined) throw new BuildError("no beginning came out");
  const text = await output.text();
  return { path: `/assets/begin-${hashOf(text).slice(0, 8)}.js`, text };
}

async function bundleStyle(): Promise<{ path: string; text: string }> {
  const rank = (sheet: string): number => (BASIC_SHEETS.indexOf(sheet) + 4) % 4 || 4;
  const sheets = readdirSync(join(web, "style"))
    .filter((sheet) => sheet.endsWith(".css"))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const whole = join(web, "style", "page.css");
  const imports = sheets.map((sheet) => `@import "./${sheet}";`).join("\n");
  const [output] = await bundle({ ...COMMON, entrypoints: [whole], files: { [whole]: imports } });
  if (output === undefined) throw new BuildError("no style came out");
  const text = await output.text();
  return { path: `/assets/page-${hashOf(text).slice(0, 8)}.css`, text };
}

/** Scripts that the first one imports right away: the browser need not read it to ask for them. */
function importedAtOnce(entry: string, texts: Texts): string[] {
  const found = [...(texts.get(entry) ?? "").matchAll(/(?:from|import)"(\/assets\/[^"]+\.js)"/g)];
  return [...new Set(found.map(([, path = ""]) => path))];
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

async function bundleWorker(stamp: string, kept: string[]): Promise<string> {
  const [output] = await bundle({
    ...COMMON,
    entrypoints: [join(web, "sw.ts")],
    define: { PAGE_STAMP: JSON.stringify(stamp), PAGE_PATHS: JSON.stringify(kept) },
  });
  if (output === undefined) throw new BuildError("no service worker came out");
  return await output.text();
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
  const [{ entry, texts }, beginning, style] = await Promise.all([
    bundleScripts(),
    bundleBeginning(),
    bundleStyle(),
  ]);
  const preloads = importedAtOnce(entry, texts).map(
    (path) => `<link rel="modulepreload" href="${path}" />\n`,
  );
  const script = '<script type="module" blocking="render" src="main.js">';
  const html = fillIn(own("index.html"), {
    "begin.js": beginning.path,
    "style.css": style.path,
    [script]: `${preloads.join("")}${script.replace("main.js", entry)}`,
  });
  const manifest = JSON.stringify(JSON.parse(own("manifest.webmanifest")));
  const kept: [string, string | Uint8Array<ArrayBuffer>][] = [
    ["/", html],
    ...texts,
    [beginning.path, beginning.text],
    [style.path, style.text],
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
  // What the page names itself is loaded at once, and so is the worker; the rest when it is first shown.
  const page = files.find(({ path }) => path === "/")?.bodies.get("identity");
  const html = new TextDecoder().decode(page);
  const first = counted.filter(({ path }) => path === "/sw.js" || html.includes(path));
  const row = (name: string, of: (encoding: Encoding) => number): string => {
    const [whole, gzip, br] = [of("identity"), of("gzip"), of("br")].map((bytes) =>
      `${(bytes / 1000).toFixed(1)} kB`.padStart(10),
    );
    return `  ${name.padEnd(26)}${whole} ${gzip} gzip ${br} brotli`;
  };
  const table = [
    ...counted.map((file) => row(file.path, (encoding) => size(file, encoding))),
    row("script and style at once", (encoding) => sum(first, encoding)),
    row("script and style together", (encoding) => sum(counted, encoding)),
  ].join("\n");
  // Over plain http browsers take no brotli.
  if (Math.max(sum(counted, "br"), sum(first, "gzip")) > COMPRESSED_BYTES_MAX) {
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
