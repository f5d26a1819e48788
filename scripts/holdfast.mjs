// `npm run -s holdfast -- ARGS`: the command, run from the folder the user called it in.
import { join } from "node:path";
import { buildWeb } from "./build-web.mjs";
import { handOver, tool } from "./run.mjs";
import { root } from "./setup.mjs";

const serves = ["serve", "demo"].includes(process.argv[2] ?? "");
if (serves && buildWeb() !== 0) process.exit(1);
const command = tool("bun", [join(root, "src/cli/main.ts"), ...process.argv.slice(2)]);
await handOver(command, process.env.INIT_CWD ?? process.cwd());
