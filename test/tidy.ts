/**
 * The house rules a machine can check. Each checker is a pure function from sources to complaints, so
 * that tidy.test.ts can show on small strings that it fails when it should.
 *
 * Two readings of a file: its text, for what types and comments say (imports, marks), and its code as
 * Bun's transpiler leaves it, without types and comments, for what runs (bans).
 */
import { posix } from "node:path";

/** A file below the root: path with `/`, whole text. */
export type Source = { path: string; text: string };

type Arrow = {
  /** Folders of src, or single files of them, that may be imported. */
  folders: string[];
  /** The same, but by `import type` only. */
  typesOnly?: string[];
  /** Packages; one that ends in `:` stands for all its modules. */
  libraries: string[];
};

const runtime = ["bun", "bun:", "node:"];
const everyServerPart = ["core", "ops", "protocol", "replica", "storage", "mesh", "gateway"];

/** Who may import whom. Tests may import anything: they put parts together. */
export const arrows: Record<string, Arrow> = {
  "src/core": { folders: [], libraries: [] },
  "src/ops": { folders: ["core"], libraries: ["typebox"] },
  "src/protocol": { folders: ["core"], libraries: ["typebox"] },
  "src/replica": { folders: ["core", "ops", "protocol"], libraries: [] },
  "src/storage": { folders: ["core", "ops", "replica/ports.ts"], libraries: runtime },
  "src/mesh": { folders: ["core", "protocol", "replica/ports.ts"], libraries: runtime },
  "src/gateway": { folders: ["core", "ops", "protocol", "replica"], libraries: ["typebox"] },
  "src/server": {
    folders: everyServerPart,
    libraries: [...runtime, "pino", "pino-pretty", "prom-client", "smol-toml", "typebox"],
  },
  "src/client": { folders: ["core"], typesOnly: ["protocol"], libraries: [] },
  "src/web": { folders: ["client"], libraries: ["preact", "@preact/signals"] },
  "src/cli": {
    folders: ["client", "server", "protocol", "core"],
    libraries: [...runtime, "commander"],
  },
  examples: { folders: [], libraries: ["holdfast/client", "node:"] },
};

/** What must come in by a port, because the simulator has to own it. */
const bans: Record<string, RegExp> = {
  "Date.now": /\bDate\.now\b/,
  "new Date()": /\bnew Date\b(?!\()|\bnew Date\(\s*\)/,
  "Math.random": /\bMath\.random\b/,
  "performance.now": /(?<![\w$.])performance\./,
  timers: /(?<![\w$.])(?:setTimeout|setInterval|setImmediate)\b/,
  "crypto.random": /\b(?:randomUUID|getRandomValues|randomBytes)\b/,
  locale: /\.toLocale\w+|\.localeCompare\b|(?<![\w$.])Intl\b/,
  process: /(?<![\w$.])process\./,
  Bun: /(?<![\w$.])Bun\b/,
  globalThis: /(?<![\w$.])globalThis\b/,
};
const pureFolders = ["src/core/", "src/ops/", "src/replica/", "src/gateway/"];

/** Path -> ban -> the reason why this file may. An allowance that is not used is a complaint. */
export type Allowances = Record<string, Record<string, string>>;
export const allowances: Allowances = {};

const isTest = (path: string) => /\.(test|contract)\.ts$/.test(path);

type Import = { from: string; typeOnly: boolean };

function readImports(text: string): Import[] {
  const found: Import[] = [];
  const statement =
    /^(?:import|export)\b(\s+type\b(?!\s*(?:from|,)))?[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm;
  for (const [, type, from = ""] of text.matchAll(statement)) {
    found.push({ from, typeOnly: type !== undefined });
  }
  const bare = /^import\s*["']([^"']+)["']|(?<![\w$.])import\(\s*["']([^"']+)["']/gm;
  for (const [, effect, dynamic] of text.matchAll(bare)) {
    found.push({ from: effect ?? dynamic ?? "", typeOnly: false });
  }
  return found;
}

/** Imports that go against the arrows. */
export function checkArrows({ path, text }: Source): string[] {
  if (isTest(path)) return [];
  const home = Object.keys(arrows).find((folder) => path.startsWith(`${folder}/`));
  if (home === undefined) {
    return path.startsWith("src/") ? [`${path}: its folder is not in the table of arrows`] : [];
  }
  const arrow = arrows[home]!;
  return readImports(text)
    .filter((found) => !mayImport(arrow, home, path, found))
    .map(({ from, typeOnly }) => {
      const how = typeOnly ? "the types of " : "";
      return `${path}: ${home} may not import ${how}${from}`;
    });
}

function mayImport(arrow: Arrow, home: string, path: string, { from, typeOnly }: Import): boolean {
  if (!from.startsWith(".")) {
    return arrow.libraries.some((library) =>
      library.endsWith(":")
        ? from.startsWith(library)
        : from === library || from.startsWith(`${library}/`),
    );
  }
  const target = posix.join(posix.dirname(path), from);
  if (target.startsWith(`${home}/`) || target === "package.json") return true;
  const allowed = [...arrow.folders, ...(typeOnly ? (arrow.typesOnly ?? []) : [])];
  return allowed.some((folder) =>
    folder.endsWith(".ts") ? target === `src/${folder}` : target.startsWith(`src/${folder}/`),
  );
}

const transpiler = new Bun.Transpiler({ loader: "ts", deadCodeElimination: false });

/** Clocks, chance, timers, locale and the runtime where only ports may give them. */
export function checkBans(sources: Source[], allowed: Allowances = allowances): string[] {
  const complaints: string[] = [];
  const used = new Set<string>();
  for (const { path, text } of sources) {
    if (isTest(path) || path.endsWith(".d.ts")) continue;
    if (!pureFolders.some((folder) => path.startsWith(folder))) continue;
    const code = transpiler.transformSync(text);
    for (const [ban, pattern] of Object.entries(bans)) {
      if (!pattern.test(code)) continue;
      if (allowed[path]?.[ban] === undefined) complaints.push(`${path}: uses ${ban}`);
      else used.add(`${path}: ${ban}`);
    }
  }
  for (const [path, reasons] of Object.entries(allowed)) {
    for (const ban of Object.keys(reasons)) {
      if (!used.has(`${path}: ${ban}`))
        complaints.push(`${path}: allowance for ${ban} is not used`);
    }
  }
  return complaints;
}

const linesMax = 450;
const marks: Record<string, RegExp> = {
  "an open end (say it in an issue)": /\b(?:TODO|FIXME|XXX)\b/,
  "a focused test": /\b(?:test|it|describe)\.only\b/,
  "a silenced type check": /@ts-(?:ignore|nocheck)\b/,
  "a default export": /^export default\b/m,
  "a cast to any": /^(?!\s*(?:\*|\/\/|\/\*)).*\bas any\b(?=\s*(?:[;,)\].}>|&]|$))/m,
};

/** Length, name and forbidden marks of one file. */
export function checkFile({ path, text }: Source): string[] {
  const complaints: string[] = [];
  const name = posix.basename(path);
  const lines = text.trimEnd().split("\n").length;
  if (lines > linesMax) complaints.push(`${path}: ${lines} lines, over ${linesMax}`);
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|contract|d))?\.(?:tsx?|mjs)$/.test(name)) {
    complaints.push(`${path}: not a kebab-case name`);
  }
  const stem = name.split(".")[0] ?? "";
  const empty = ["util", "utils", "helper", "helpers", "manager", "misc"];
  if (stem === "data" || stem.split("-").some((word) => empty.includes(word))) {
    complaints.push(`${path}: a name that says nothing`);
  }
  if (name === "index.ts" && path !== "src/client/index.ts") {
    complaints.push(`${path}: a barrel; only src/client has an index.ts`);
  }
  for (const [what, pattern] of Object.entries(marks)) {
    if (pattern.test(text)) complaints.push(`${path}: ${what}`);
  }
  return complaints;
}

/** Tests that would never run, and contract suites that run by themselves or not at all. */
export function checkTests(sources: Source[]): string[] {
  const complaints: string[] = [];
  const imported = new Set(
    sources
      .filter(({ path }) => path.endsWith(".test.ts"))
      .flatMap(({ path, text }) =>
        readImports(text).map(({ from }) => posix.join(posix.dirname(path), from)),
      ),
  );
  for (const { path, text } of sources) {
    const topLevel = /^(?:await )?(?:test|it|describe)(?:\.\w+(?:\([^)]*\))?)?\(/m.test(text);
    if (path.endsWith(".contract.ts")) {
      if (topLevel) complaints.push(`${path}: a contract suite must be a function that tests call`);
      if (!imported.has(path)) complaints.push(`${path}: no test runs this contract suite`);
    } else if (!path.endsWith(".test.ts") && readImports(text).some((i) => i.from === "bun:test")) {
      if (topLevel || !path.startsWith("test/"))
        complaints.push(`${path}: tests outside x.test.ts`);
    }
  }
  return complaints;
}

/**
 * Rules of docs/SPEC.md against the tests that carry them. A rule is defined where a line, list item,
 * table row or heading begins with its id: `- **R7** ...`, `### [R7.2] ...`. One whose line says
 * `(planned)` waits for its first test.
 */
export function checkRules(spec: string, tests: Source[]): string[] {
  const defined = new Map<string, { planned: boolean }>();
  const complaints: string[] = [];
  for (const line of spec.split("\n")) {
    const id = /^[\s#>|*_`-]*\[?(R\d+(?:\.\d+)*[a-z]?)\b/.exec(line)?.[1];
    if (id === undefined) continue;
    if (defined.has(id)) complaints.push(`docs/SPEC.md: ${id} is defined twice`);
    defined.set(id, { planned: line.includes("(planned)") });
  }
  if (defined.size === 0) complaints.push("docs/SPEC.md: defines no rule");
  const carried = new Map<string, string>();
  for (const { path, text } of tests) {
    for (const [, ids = ""] of text.matchAll(/\[(R\d[\w.]*(?:,\s*R\d[\w.]*)*)\]/g)) {
      for (const id of ids.split(/,\s*/)) carried.set(id, path);
    }
  }
  for (const [id, path] of carried) {
    if (!defined.has(id)) complaints.push(`${path}: carries ${id}, which docs/SPEC.md lacks`);
    else if (defined.get(id)?.planned)
      complaints.push(`docs/SPEC.md: ${id} is no longer (planned)`);
  }
  for (const [id, { planned }] of defined) {
    if (!carried.has(id) && !planned) complaints.push(`docs/SPEC.md: no test carries ${id}`);
  }
  return complaints;
}

type Lock = {
  packages: Record<
    string,
    { version?: string; resolved?: string; optionalDependencies?: Record<string, string> }
  >;
};

/**
 * The lock file: bound to no registry, and complete for every platform. A package whose build for one
 * platform the registry did not know is silently left out by `npm install`, and refused by `npm ci`.
 */
export function checkLock({ packages }: Lock): string[] {
  return Object.entries(packages).flatMap(([name, entry]) => [
    ...(entry.resolved === undefined ? [] : [`${name}: bound to ${entry.resolved}`]),
    ...Object.keys(entry.optionalDependencies ?? {})
      .filter((build) => packages[`node_modules/${build}`]?.version === undefined)
      .map((build) => `${name}: its build ${build} is missing`),
  ]);
}

/** Versions that are not exact. */
export function checkVersions(manifest: Record<string, unknown>): string[] {
  return ["dependencies", "devDependencies"].flatMap((group) =>
    Object.entries((manifest[group] ?? {}) as Record<string, string>)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${name}: ${version} is not an exact version`),
  );
}
