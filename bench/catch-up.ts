/**
 * Catching up: a server with an empty disk joins two that hold a history, while people go on writing through one of
 * them. Real processes and links, all on this machine: what the newcomer takes of its cores is part of what others
 * notice.
 */
import type { Cluster } from "../drill/cluster.ts";
import { type BenchClient, newAccount, newId } from "./client.ts";
import { withServers } from "./cluster.ts";
import { percentile } from "./figures.ts";

const TEXT = "x".repeat(200);
const WRITERS = 8;
const LOADERS = 3_000;
const LOADED_AT_ONCE = 10_000;
const BEFORE_MS = 4_000;
const LOOK_MS = 20;

export type CatchUpFigures = {
  /** Ops that it took over. */
  readonly ops: number;
  readonly perSecond: number;
  /** Of the newcomer, from its start on; of the other two together, with what people wrote meanwhile. */
  readonly ownCpuUs: number;
  readonly othersCpuUs: number;
  /** Of a write through one of the others, ms. */
  readonly p99BeforeMs: number;
  readonly p99DuringMs: number;
};

/** Writes with so many in flight until told to stop; latencies in ms. */
async function write(client: BenchClient, to: string, inFlight: number, isOver: () => boolean) {
  const latencies: number[] = [];
  const one = async () => {
    while (!isOver()) {
      const startMs = performance.now();
      await client.call("message.post", { to, text: TEXT, id: newId() });
      latencies.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return latencies;
}

/** Ops in a server's log. */
async function logOps(url: string): Promise<number> {
  const metrics = await fetch(`${url}/metrics`).then((answer) => answer.text());
  return Number(/^holdfast_log_ops (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

async function others(cluster: Cluster): Promise<number> {
  return (await cluster.cpuSeconds("a")) + (await cluster.cpuSeconds("b"));
}

export async function benchCatchUp(history: number): Promise<CatchUpFigures> {
  return withServers(3, ["a", "b"], async (cluster) => {
    const { client } = await newAccount(cluster.url("a"), "writer");
    const { id: to } = await newAccount(cluster.url("a"), "reader");
    for (let written = 0; written < history; ) {
      const goal = Math.min(LOADED_AT_ONCE, history - written);
      let begun = 0;
      const latencies = await write(client, to, Math.min(LOADERS, goal), () => begun++ >= goal);
      written += latencies.length;
    }
    await cluster.caughtUp(["a", "b"]);
    const untilMs = performance.now() + BEFORE_MS;
    const before = await write(client, to, WRITERS, () => performance.now() >= untilMs);
    const ops = await logOps(cluster.url("a"));
    const cpuS = await others(cluster);
    let isOver = false;
    const during = write(client, to, WRITERS, () => isOver);
    await cluster.start(["c"]);
    const startMs = performance.now();
    while ((await logOps(cluster.url("c"))) < ops) await Bun.sleep(LOOK_MS);
    const seconds = (performance.now() - startMs) / 1_000;
    isOver = true;
    const latencies = await during;
    return {
      ops,
      perSecond: ops / seconds,
      ownCpuUs: ((await cluster.cpuSeconds("c")) / ops) * 1e6,
      othersCpuUs: (((await others(cluster)) - cpuS) / ops) * 1e6,
      p99BeforeMs: percentile(before, 0.99),
      p99DuringMs: percentile(latencies, 0.99),
    };
  });
}
