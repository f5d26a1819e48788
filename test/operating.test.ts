/** The handbook and what goes with it: nothing in it that is not there, nothing there that is not in it. */
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT_CODES } from "../src/server/exit-codes.ts";
import { OPTION_NAMES } from "../src/server/options.ts";

const root = join(import.meta.dir, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const handbook = read("docs/OPERATING.md");

type Alert = { alert: string; expr: string; labels: { severity: string } };
type Rules = { groups: { rules: Alert[] }[] };
const alerts = (Bun.YAML.parse(read("deploy/prometheus-alerts.yml")) as Rules).groups.flatMap(
  ({ rules }) => rules,
);

/** Names of metrics in a text, without what a histogram adds. */
function metricsIn(text: string): Set<string> {
  const names = text.match(/\b(?:holdfast|process)_[a-z][a-z_]*\b/g) ?? [];
  return new Set(names.map((name) => name.replace(/_bucket$/, "")));
}

const declared = new Set(
  (read("src/server/metrics.ts").match(/"(?:holdfast|process)_[a-z_]+"/g) ?? []).map((name) =>
    name.slice(1, -1),
  ),
);

/** Headings of a page, as links name them. */
function headingsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title as string)
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("the handbook", () => {
  test("names every metric of ours, and none that is not there", () => {
    const told = metricsIn(handbook);
    const own = [...declared].filter((name) => name.startsWith("holdfast_"));
    expect(own.length).toBeGreaterThan(25);
    expect(own.filter((name) => !told.has(name))).toEqual([]);
    expect([...told].filter((name) => !declared.has(name))).toEqual([]);
  });

  test("says of every alarm what to do, and alarms ask for metrics that are there", () => {
    expect(alerts.length).toBeGreaterThan(10);
    for (const { alert, expr, labels } of alerts) {
      expect(handbook, alert).toContain(`| ${alert} |`);
      expect(["page", "ticket"], alert).toContain(labels.severity);
      const asked = [...metricsIn(expr)];
      expect(asked.length, alert).toBeGreaterThan(0);
      expect(
        asked.filter((name) => !declared.has(name)),
        alert,
      ).toEqual([]);
    }
    const rows = handbook.match(/^\| Holdfast\w+ \|/gm) ?? [];
    expect(rows).toHaveLength(alerts.length);
  });

  test("has every exit code, and options in units and container files exist", () => {
    for (const code of Object.values(EXIT_CODES)) {
      if (code === EXIT_CODES.not_running) continue; // of a command, not of the server
      expect(handbook).toContain(`\n| ${code} | `);
    }
    const files = ["deploy/holdfast.service", "deploy/Containerfile"].map(read).join("\n");
    const known = new Set(OPTION_NAMES.map((name) => name.toUpperCase().replaceAll("-", "_")));
    const used = [...files.matchAll(/HOLDFAST_([A-Z_]+)=/g)].map(([, name]) => name as string);
    expect(used.length).toBeGreaterThan(6);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });
});

const noSystemd = spawnSync("systemd-analyze", ["--version"]).error !== undefined;
test.skipIf(noSystemd)(
  `systemd finds nothing wrong with the units${noSystemd ? " (skipped: needs systemd-analyze)" : ""}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-units-"));
    try {
      const units = ["holdfast.service", "holdfast-backup.service", "holdfast-backup.timer"];
      for (const unit of units) {
        // Neither the executable nor the user need to be on this machine.
        const text = read(join("deploy", unit)).replaceAll("/usr/local/bin/holdfast", "/bin/true");
        writeFileSync(join(folder, unit), text.replace(/^User=.*$/m, "DynamicUser=yes"));
      }
      const args = ["verify", ...units.map((unit) => join(folder, unit))];
      const { status, stderr } = spawnSync("systemd-analyze", args, {
        encoding: "utf8",
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
      });
      expect(stderr.split("\n").filter((line) => line.includes(folder))).toEqual([]);
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

describe("all pages", () => {
  const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md"].concat(
    ["docs", "docs/decisions"].flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith(".md"))
        .map((name) => join(folder, name)),
    ),
  );

  test("lead to pages and headings that are there", () => {
    for (const page of pages) {
      for (const [link, path = "", anchor] of read(page).matchAll(
        /\]\(([^)#:\s]*)(?:#([^)]+))?\)/g,
      )) {
        const target = path === "" ? page : join(page, "..", path);
        expect(existsSync(join(root, target)), `${page}: ${link}`).toBe(true);
        if (anchor !== undefined)
          expect(headingsOf(read(target)), `${page}: ${link}`).toContain(anchor);
      }
    }
  });

  test("name files that are there", () => {
    const named = /`((?:src|test|sim|torture|drill|bench|deploy|scripts|examples)\/[\w./-]+)`/g;
    const files = pages.flatMap((page) => [...read(page).matchAll(named)].map(([, path]) => path));
    expect(files.length).toBeGreaterThan(200);
    expect(files.filter((path) => !existsSync(join(root, path as string)))).toEqual([]);
  });
});
