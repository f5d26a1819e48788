// `npm start`: a server on this machine, its data under .holdfast/local. Arguments are passed on.
import { buildWeb } from "./build-web.mjs";
import { handOver, tool } from "./run.mjs";

if (buildWeb() !== 0) process.exit(1);
const serve = ["serve", "--name", "local", "--data", ".holdfast/local"];
await handOver(tool("bun", ["src/cli/main.ts", ...serve, ...process.argv.slice(2)]));
