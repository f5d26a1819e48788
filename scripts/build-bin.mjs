// `npm run build:bin [-- FILE]`: one executable, dist/holdfast or FILE, that needs neither Bun nor Node.
// The bundler does not find workers on its own: every `*-worker.ts` is an entry point of its own. They
// are laid flat beside the program, where `new Worker(new URL("./x-worker.ts", import.meta.url))` of
// any folder finds them, so their names must differ. The page goes along as the one file that it is.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildWeb } from "./build-web.mjs";
import { handOver, tool } from "./run.mjs";
import { root } from "./setup.mjs";

if (buildWeb() !== 0) process.exit(1);
const [outfile = "dist/holdfast"] = process.argv.slice(2);
const workers = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith("-worker.ts"))
  .map((path) => `./${join("src", path)}`)
  .sort();
const sealed = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
const flat = ["--entry-naming=[name].[ext]", "--asset-naming=[name].[ext]"];
const output = ["--compile", "--minify", "--sourcemap=none", ...flat, `--outfile=${outfile}`];
await handOver(
  tool("bun", ["build", ...output, ...sealed, "./src/cli/main.ts", ...workers, "./dist/page.bin"]),
);
