/** That every decoder is fuzzed, and that the table would tell of one that is not. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ALL, complaintsAbout, type Source } from "./hostile/table.ts";

const ROOT = join(import.meta.dir, "..");
const transpiler = new Bun.Transpiler({ loader: "tsx", deadCodeElimination: false });

/** As they run: without types and comments. */
const sources: Source[] = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .map((path) => `src/${path.replaceAll("\\", "/")}`)
  .filter(
    (path) => /\.tsx?$/.test(path) && !/\.(test|contract|d)\.ts$|-testing|\/testing\//.test(path),
  )
  .map((path) => ({
    path,
    code: transpiler.transformSync(readFileSync(join(ROOT, path), "utf8")),
  }));

test("[R10] every decoder is fuzzed, or it is said why not", () => {
  expect(complaintsAbout(sources)).toEqual([]);
  expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
});

test("a decoder that is not fuzzed, a place that is gone and a reason that is none are told", () => {
  const code = "export function parseThing(text) {\n  return JSON.parse(text);\n}\n";
  const one = [{ path: "src/core/thing.ts", code }];
  const named = [{ name: "things", of: ["src/core/thing.ts parseThing"] }];
  expect(complaintsAbout(one, named, {})).toEqual([]);
  expect(complaintsAbout(one, [], {})).toEqual([
    "src/core/thing.ts: reads, and is not fuzzed",
    "src/core/thing.ts: parseThing is not fuzzed",
  ]);
  const gone = [{ name: "others", of: ["src/core/thing.ts parseOther"] }];
  expect(complaintsAbout(one, gone, {})).toEqual([
    "src/core/thing.ts: parseThing is not fuzzed",
    "src/core/thing.ts parseOther: is not there",
  ]);
  expect(complaintsAbout(one, named, { "src/core/thing.ts": "so", "src/x.ts": "so" })).toEqual([
    "src/core/thing.ts: needs no exemption",
    "src/x.ts: is exempt and not there",
  ]);
});
