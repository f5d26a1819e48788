// `npm run build:client`: the SDK as one ES module for browsers, Node and Bun, and its types.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { handOver, tool } from "./run.mjs";
import { root } from "./setup.mjs";

const types = join("dist", "types");
rmSync(join(root, types), { recursive: true, force: true });
const bundle = ["--target=browser", "--format=esm", "--outfile=dist/client.js"];
await handOver(tool("bun", ["build", ...bundle, "src/client/index.ts"]));
if (process.exitCode === 0) {
  const declare = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly"];
  const where = ["--rootDir", "src", "--outDir", types];
  await handOver(tool("tsc", ["-p", "src/client", ...declare, ...where]));
}
