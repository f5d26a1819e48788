/** What axe-core holds against a view: its serious and critical findings, each as a line to act on. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Tab } from "./tab.ts";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Finding = {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
};

const RUN = `(async () => {
  const { violations, passes } = await axe.run(document, { resultTypes: ["violations"] });
  return { violations, checked: passes.length };
})()`;

/** Throws if it could not look. */
export async function accessibilityFindings(tab: Tab, view: string): Promise<string[]> {
  const { page } = tab;
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(source);
  type Result = { violations: Finding[]; checked: number };
  const { violations, checked } = await page.evaluate<Result>(RUN);
  if (checked === 0) throw new Error(`${view}: axe-core checked nothing`);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, impact, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => {
        const what = failureSummary.replaceAll(/\s+/g, " ");
        return `${view}: ${impact} ${id}, ${help}: ${html.slice(0, 200)}: ${what}`;
      }),
    );
}
