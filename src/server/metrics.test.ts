import { expect, test } from "bun:test";
import type { View } from "../replica/ports.ts";
import { Metrics } from "./metrics.ts";
import { realClock } from "./platform.ts";

test("[R20] ops without effect are counted for whoever watches the server, by reason", async () => {
  const metrics = new Metrics(realClock, "a", "1.0.0");
  try {
    const odd = { unknown_kind: 2, invalid: 1, shadowed: 0 };
    metrics.sources.view = { oddOps: () => odd } as unknown as View;
    const counted = async () =>
      (await metrics.text())
        .split("\n")
        .filter((line) => line.startsWith("holdfast_odd_ops_total"));
    const wanted = (unknown: number) => [
      `holdfast_odd_ops_total{what="unknown_kind"} ${unknown}`,
      'holdfast_odd_ops_total{what="invalid"} 1',
      'holdfast_odd_ops_total{what="shadowed"} 0',
    ];
    expect(await counted()).toEqual(wanted(2));
    odd.unknown_kind = 5;
    expect(await counted()).toEqual(wanted(5)); // read anew, not added up
  } finally {
    metrics.stop();
  }
});
