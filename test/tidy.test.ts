import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import manifest from "../package.json";
import lock from "../package-lock.json";
import {
  checkArrows,
  checkBans,
  checkFile,
  checkLock,
  checkRules,
  checkTests,
  checkVersions,
  type Source,
} from "./tidy.ts";

const root = join(import.meta.dir, "..");
const folders = ["src", "test", "sim", "bench", "drill", "examples", "scripts"];
/** These two speak of what is forbidden, in patterns and samples. */
const rulebook = ["test/tidy.ts", "test/tidy.test.ts"];

const sources: Source[] = folders
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.(?:tsx?|mjs)$/.test(path) && !path.includes("node_modules"))
      .map((path) => join(folder, path).replaceAll(sep, "/")),
  )
  .sort()
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
const ruled = sources.filter(({ path }) => !rulebook.includes(path));

describe("this checkout", () => {
  test("has sources", () => expect(sources.length).toBeGreaterThan(10));
  test("imports along the arrows", () => expect(sources.flatMap(checkArrows)).toEqual([]));
  test("takes clocks, chance and the runtime from ports", () =>
    expect(checkBans(sources)).toEqual([]));
  test("has short files, telling names and no forbidden marks", () =>
    expect(ruled.flatMap(checkFile)).toEqual([]));
  test("runs every test", () => expect(checkTests(ruled)).toEqual([]));
  test("has a test for every rule of docs/SPEC.md, and a rule for every id in a test", () => {
    const spec = join(root, "docs", "SPEC.md");
    expect(existsSync(spec), "docs/SPEC.md, the list of rules, is missing").toBe(true);
    const tests = ruled.filter(({ path }) => /\.(?:test|contract)\.ts$/.test(path));
    expect(checkRules(readFileSync(spec, "utf8"), tests)).toEqual([]);
  });
  test("has a lock file for every platform and no registry", () =>
    expect(checkLock(lock)).toEqual([]));
  test("pins every version", () => expect(checkVersions(manifest)).toEqual([]));
});

describe("each rule can fail", () => {
  const arrow = (path: string, text: string) => checkArrows({ path, text }).length;
  const ban = (text: string, path = "src/core/a.ts") => checkBans([{ path, text }], {}).length;
  const file = (path: string, text = "export const a = 1;\n") => checkFile({ path, text }).length;

  test("arrows between folders", () => {
    expect(arrow("src/ops/a.ts", 'import { b } from "../core/b.ts";')).toBe(0);
    expect(arrow("src/core/a.ts", 'import { b } from "../ops/b.ts";')).toBe(1);
    expect(arrow("src/core/a.ts", 'import type { B } from "../ops/b.ts";')).toBe(1);
    expect(arrow("src/core/a.ts", 'import {\n  b,\n} from "../ops/b.ts";')).toBe(1);
    expect(arrow("src/core/a.ts", 'export { b } from "../ops/b.ts";')).toBe(1);
    expect(arrow("src/core/a.ts", 'import "../ops/b.ts";')).toBe(1);
    expect(arrow("src/core/a.ts", 'const b = await import("../ops/b.ts");')).toBe(1);
    expect(arrow("src/core/a.ts", 'import { b } from "../../test/b.ts";')).toBe(1);
    expect(arrow("src/core/deep/a.ts", 'import { b } from "../b.ts";')).toBe(0);
    expect(arrow("src/other/a.ts", "")).toBe(1);
  });
  test("arrows to single files and to types", () => {
    expect(arrow("src/storage/a.ts", 'import type { Log } from "../replica/ports.ts";')).toBe(0);
    expect(arrow("src/storage/a.ts", 'import { mint } from "../replica/mint.ts";')).toBe(1);
    expect(arrow("src/client/a.ts", 'import type { M } from "../protocol/m.ts";')).toBe(0);
    expect(arrow("src/client/a.ts", 'import { m } from "../protocol/m.ts";')).toBe(1);
    expect(arrow("src/client/a.ts", 'import { type M } from "../protocol/m.ts";')).toBe(1);
  });
  test("arrows to libraries", () => {
    expect(arrow("src/ops/a.ts", 'import { Value } from "typebox/value";')).toBe(0);
    expect(arrow("src/core/a.ts", 'import Type from "typebox";')).toBe(1);
    expect(arrow("src/client/a.ts", 'import { join } from "node:path";')).toBe(1);
    expect(arrow("src/storage/a.ts", 'import { Database } from "bun:sqlite";')).toBe(0);
    expect(arrow("src/storage/a.test.ts", 'import fc from "fast-check";')).toBe(0);
  });
  test("bans", () => {
    for (const text of [
      "Date.now();",
      "new Date();",
      "Math.random();",
      "performance.now();",
      "setTimeout(f, 1);",
      "crypto.randomUUID();",
      "a.localeCompare(b);",
      "n.toLocaleString();",
      "new Intl.Collator();",
      "process.exit(1);",
      "Bun.hash(a);",
      "globalThis.Date;",
    ]) {
      expect(ban(text), text).toBe(1);
    }
    expect(ban("// Date.now() and process.env are for src/server\nclock.setTimeout(f, 1);")).toBe(
      0,
    );
    expect(ban("export const at = new Date(ms).toISOString();")).toBe(0);
    expect(ban("Date.now();", "src/core/a.test.ts")).toBe(0);
    expect(ban("Date.now();", "src/server/a.ts")).toBe(0);
  });
  test("allowances count for one ban in one file, and only while they are used", () => {
    const allowed = { "src/gateway/a.ts": { timers: "a reason" } };
    const at = (text: string) => checkBans([{ path: "src/gateway/a.ts", text }], allowed).length;
    expect(at("setTimeout(f, 1);")).toBe(0);
    expect(at("setTimeout(f, Math.random());")).toBe(1);
    expect(at("f();")).toBe(1);
  });
  test("names and lengths", () => {
    expect(file("src/core/vector-clock.test.ts")).toBe(0);
    expect(file("src/core/vectorClock.ts")).toBe(1);
    expect(file("src/core/string-utils.ts")).toBe(1);
    expect(file("src/core/data.ts")).toBe(1);
    expect(file("src/core/index.ts")).toBe(1);
    expect(file("src/client/index.ts")).toBe(0);
    expect(file("src/core/a.ts", "a;\n".repeat(451))).toBe(1);
  });
  test("marks", () => {
    for (const text of [
      "// TODO later",
      "test.only('x', f);",
      "// @ts-ignore",
      "export default 1;",
      "const a = b as any;",
    ]) {
      expect(file("src/core/a.ts", text), text).toBe(1);
    }
    expect(file("src/core/a.ts", "// the same as any.\n * as any peer")).toBe(0);
  });
  test("tests in the wrong place", () => {
    const user = { path: "src/a/a.test.ts", text: 'import { suite } from "./a.contract.ts";' };
    const suite = (text: string) => ({ path: "src/a/a.contract.ts", text });
    const good = suite("export function suite() {\n  test('x', f);\n}");
    expect(checkTests([user, good])).toEqual([]);
    expect(checkTests([good]).length).toBe(1);
    expect(checkTests([user, suite("test('x', f);")]).length).toBe(1);
    const stray = 'import { test } from "bun:test";\ntest("x", f);';
    expect(checkTests([{ path: "src/a/a.ts", text: stray }]).length).toBe(1);
    expect(checkTests([{ path: "test/a.ts", text: stray }]).length).toBe(1);
    expect(checkTests([{ path: "src/a/b.test.ts", text: stray }])).toEqual([]);
  });
  test("rules", () => {
    const carries = (text: string) => [{ path: "src/a.test.ts", text }];
    const spec = "Text on R9.\n- **R1** Receipt.\n### [R2] Survival\n| R3 | later (planned) |\n";
    expect(checkRules(spec, carries('test("[R1, R2] x"'))).toEqual([]);
    expect(checkRules(spec, carries('test("[R1][R2] x"'))).toEqual([]);
    expect(checkRules(spec, carries('test("[R1] x"')).length).toBe(1);
    expect(checkRules(spec, carries('test("[R1][R2][R4] x"')).length).toBe(1);
    expect(checkRules(spec, carries('test("[R1][R2][R3] x"')).length).toBe(1);
    expect(checkRules(`${spec}R1 again`, carries("[R1][R2]")).length).toBe(1);
    expect(checkRules("", []).length).toBe(1);
  });
  test("lock file and versions", () => {
    const entry = { version: "1.0.0" };
    const parent = { ...entry, optionalDependencies: { b: "1.0.0" } };
    expect(checkLock({ packages: { a: parent, "node_modules/b": entry } })).toEqual([]);
    expect(checkLock({ packages: { a: parent } }).length).toBe(1);
    expect(checkLock({ packages: { a: { ...entry, resolved: "host" } } }).length).toBe(1);
    expect(checkVersions({ dependencies: { a: "1.0.0" } })).toEqual([]);
    expect(checkVersions({ dependencies: { a: "^1.0.0" } }).length).toBe(1);
  });
});
