// `npm start`: three servers on this machine, their data in .holdfast. Arguments go to `holdfast demo`.
import { buildWeb } from "./build-web.mjs";
import { handOver, tool } from "./run.mjs";

if (buildWeb() !== 0) process.exit(1);
await handOver(tool("bun", ["src/cli/main.ts", "demo", ...process.argv.slice(2)]));
