// `npm run screenshots`: pictures of the main views into screenshots/, made in the real page with a team on it.
import { prepareBrowser } from "./browser.mjs";
import { handOver, tool } from "./run.mjs";

const found = prepareBrowser();
if ("missing" in found) {
  process.stderr.write(`holdfast: no pictures: ${found.missing}\n`);
  process.exitCode = 1;
} else {
  process.env.HOLDFAST_CHROMIUM = found.path;
  await handOver(tool("bun", ["scripts/screenshots.ts", ...process.argv.slice(2)]));
}
