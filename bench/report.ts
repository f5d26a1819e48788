/** The figures of a run as one page that needs nothing else: a table, and its charts drawn by uPlot. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Chart } from "./charts.ts";
import { type Figure, short } from "./figures.ts";

export type Report = {
  readonly date: string;
  readonly commit: string;
  readonly cpus: number;
  readonly model: string | undefined;
  readonly full: boolean;
  readonly figures: readonly Figure[];
  readonly charts: readonly Chart[];
};

const UPLOT = join(import.meta.dirname, "..", "node_modules", "uplot", "dist");

const STYLE = `
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
  background: Canvas; color: CanvasText; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); }
th.number, td.number { text-align: right; white-space: nowrap; }
.chart { overflow-x: auto; }
.chart { margin-bottom: 2.5rem; }
.u-legend.u-inline { text-align: left; white-space: normal; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
`;

/** Runs in the page: draws what stands in window.charts. */
const SCRIPT = `
const strokes = ["#2563eb","#dc2626","#16a34a","#9333ea","#d97706","#0891b2","#db2777","#65a30d","#475569"];
const ink = matchMedia("(prefers-color-scheme: dark)").matches ? "#d4d4d8" : "#27272a";
for (const { title, x, y, lines } of window.charts) {
  const names = Object.keys(lines);
  const xs = [...new Set(names.flatMap((name) => lines[name].map(([at]) => at)))].sort((a, b) => a - b);
  const ys = names.map((name) => { const at = new Map(lines[name]); return xs.map((one) => at.get(one) ?? null); });
  const place = document.createElement("section");
  place.className = "chart";
  document.querySelector("#charts").append(place);
  const fill = (u, i) => u.series[i].stroke();
  const axis = (label) => ({ label, stroke: ink, grid: { stroke: "#8883" }, ticks: { stroke: "#8883" } });
  const series = names.map((label, i) => ({ label, stroke: strokes[i % strokes.length], width: 2, spanGaps: true, points: { show: true } }));
  const scale = ({ isLog }) => isLog ? { distr: 3, time: false } : { time: false };
  const heading = place.appendChild(document.createElement("h2"));
  heading.textContent = title;
  const width = Math.min(900, place.clientWidth);
  new uPlot({ width, height: 380, scales: { x: scale(x), y: scale(y) },
    axes: [axis(x.label), { ...axis(y.label), size: 64 }], series: [{ label: x.label }, ...series],
    legend: { markers: { fill } } }, [xs, ...ys], place);
}
`;

export function reportPage(report: Report): string {
  const { date, commit, cpus, model, full, figures, charts } = report;
  const rows = figures.map(({ row, what, unit, median, min, max, runs }) => {
    const spread = runs > 1 ? `${short(min)} to ${short(max)}` : "";
    const value = `${short(median)} ${unit}`;
    const cells = [row, what].map((text) => `<td>${escaped(text)}</td>`).join("");
    const numbers = [value, spread, String(runs)];
    return `<tr>${cells}${numbers.map((text) => `<td class="number">${escaped(text)}</td>`).join("")}</tr>`;
  });
  const where = `${date}, commit ${commit}, ${cpus} cores of ${model ?? "an unknown processor"}, load generator on the same; ${full ? "full" : "short"} run.`;
  const data = JSON.stringify(charts).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Holdfast: figures of ${escaped(date)}</title>
<style>${file("uPlot.min.css")}${STYLE}</style>
<h1>Holdfast: figures</h1>
<p>${escaped(where)} Medians with their spread. Figures of two runs are comparable only on one quiet machine: compare ratios.</p>
<div id="charts"></div>
<table><thead><tr><th>row<th>figure<th class="number">median<th class="number">spread<th class="number">runs</thead>
<tbody>${rows.join("\n")}</tbody></table>
<script>${file("uPlot.iife.min.js")}</script>
<script>window.charts = ${data};${SCRIPT}</script>
</html>
`;
}

function file(name: string): string {
  return readFileSync(join(UPLOT, name), "utf8");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
