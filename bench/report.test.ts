import { expect, test } from "bun:test";
import { allCharts, plotGrowth, plotThroughput, plotTimes } from "./charts.ts";
import { allFigures, record } from "./figures.ts";
import { type Report, reportPage } from "./report.ts";

const report = (): Report => ({
  date: "2026-01-01T00:00:00.000Z",
  commit: "abc1234",
  cpus: 2,
  model: 'a "model" <b>',
  full: false,
  figures: allFigures(),
  charts: allCharts(),
});

test("lines of one chart come together, ascending, whatever the order in which they were measured", () => {
  plotThroughput("3 servers", 30, 3_000);
  plotThroughput("1 server", 1, 1_000);
  plotThroughput("3 servers", 1, 400);
  plotTimes("Times", "1 server", [3, 1, 2]);
  plotGrowth("history page", 1_000_000, 7);
  const [throughput, times, growth] = allCharts();
  expect(throughput?.lines).toEqual({
    "3 servers": [
      [1, 400],
      [30, 3_000],
    ],
    "1 server": [[1, 1_000]],
  });
  expect(times?.lines["1 server"]?.at(0)).toEqual([1, 1]);
  expect(times?.lines["1 server"]?.at(-1)).toEqual([3, 99.9]);
  expect(growth?.lines).toEqual({ "history page": [[1_000_000, 7]] });
});

test("the page stands by itself, and names in it stay text", () => {
  record("</script><b>row", "figure", "ms", [1, 2, 3]);
  plotThroughput("</script><b>", 1, 1);
  const page = reportPage(report());
  expect(page).toContain("&lt;/script>&lt;b>row");
  expect(page).not.toContain("</script><b>");
  expect(page).toContain("a &quot;model&quot; &lt;b>");
  expect(page).not.toMatch(/(src|href)=/);
  expect(page.match(/<script>/g)).toHaveLength(2);
});
