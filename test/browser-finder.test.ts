/** `npm test` takes the browser that is there, and says why it takes none. */
import { afterEach, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findBrowser, prepareBrowser } from "../scripts/browser.mjs";
import { cleanUp, scratch } from "./server-process.ts";

afterEach(cleanUp);

/** A folder with commands, as PATH: each a shell script. */
function commands(scripts: Record<string, string>): string {
  const folder = scratch();
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const REAL = 'echo "Chromium 150.0.1 built on Debian"';
/** What Ubuntu installs under this name where there is no snap. */
const STUB = 'echo "requires the chromium snap to be installed" >&2; exit 1';

test("the first that is a Chromium is taken, whatever else has such a name", () => {
  const both = commands({ chromium: STUB, "google-chrome": 'echo "Google Chrome 150.0.1"' });
  expect(findBrowser({ PATH: both })).toEqual({ path: join(both, "google-chrome") });
  const first = commands({ chromium: REAL, "google-chrome": REAL });
  expect(findBrowser({ PATH: `/nowhere:${first}` })).toEqual({ path: join(first, "chromium") });
});

test("HOLDFAST_CHROMIUM is the only one that is looked at", () => {
  const PATH = commands({ chromium: REAL, other: REAL, stub: STUB });
  expect(findBrowser({ PATH, HOLDFAST_CHROMIUM: "other" })).toEqual({ path: join(PATH, "other") });
  for (const HOLDFAST_CHROMIUM of ["stub", "missing", join(PATH, "missing")]) {
    const reason = `HOLDFAST_CHROMIUM names ${HOLDFAST_CHROMIUM}, which is no Chromium that runs`;
    expect(findBrowser({ PATH, HOLDFAST_CHROMIUM })).toEqual({ missing: reason });
    expect(prepareBrowser({ PATH, HOLDFAST_CHROMIUM })).toEqual({ missing: reason });
  }
});

test("one that is there and does not start is told from one that works", () => {
  const broken = `case "$*" in *--version*) ${REAL};; *) echo "no usable display" >&2; exit 3;; esac`;
  const PATH = commands({ chromium: broken });
  expect(prepareBrowser({ PATH, HOLDFAST_CHROMIUM: "chromium" })).toEqual({
    missing: `${join(PATH, "chromium")} does not start: no usable display (code 3)`,
  });
});
