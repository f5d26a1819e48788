/** Several servers: what a message costs with 1 to 7 of them, and what clients notice when one dies or freezes. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster } from "../drill/cluster.ts";
import { type Gaps, Talker } from "../drill/talker.ts";
import { freePorts } from "../src/cli/demo/ports.ts";
import { plotThroughput, plotTimes } from "./charts.ts";
import { type BenchClient, newAccount, newId } from "./client.ts";
import { median, percentile, record } from "./figures.ts";

const HOST = "127.0.0.1";
const TEXT = "x".repeat(200);
const EVERY_MS = 20;
/** What is noticed of a fault is over by then. */
const WINDOW_MS = 2_500;
const SETTLE_MS = 500;
const LOAD_MS = 3_000;
/** Servers that left the in-sync set often stay out longer: begun anew after each has been down once. */
const FAULTS_PER_START = 3;

function withCluster<T>(count: number, act: (cluster: Cluster) => Promise<T>): Promise<T> {
  return withServers(count, null, act);
}

/** `first`: those that are started, in sync with each other, before `act`; null for all. */
export async function withServers<T>(
  count: number,
  first: readonly string[] | null,
  act: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const ports = await freePorts(HOST, 0, count);
  const sites = ports.map((port, i) => ({
    name: String.fromCharCode(97 + i),
    listen: { host: HOST, port },
    by: [],
  }));
  const cluster = new Cluster(join(folder, "cluster"), sites, [
    "--writes-per-second",
    "0",
    "--log-level",
    "warn",
  ]);
  try {
    const names = first ?? cluster.names;
    await cluster.start(names);
    await cluster.inSync(names);
    return await act(cluster);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Costs = {
  readonly latencies: readonly number[];
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly linkBytes: number | null;
};

async function load(
  cluster: Cluster,
  senders: readonly { client: BenchClient; to: string }[],
  inFlight: number,
): Promise<Costs> {
  const before = await spent(cluster);
  const latencies: number[] = [];
  const started = performance.now();
  const send = async (i: number) => {
    const { client, to } = senders[i % senders.length] as (typeof senders)[number];
    while (performance.now() - started < LOAD_MS) {
      const sent = performance.now();
      await client.call("message.post", { to, text: TEXT, id: newId() });
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, i) => send(i)));
  const seconds = (performance.now() - started) / 1000;
  await cluster.caughtUp();
  const after = await spent(cluster);
  const share = latencies.length * cluster.names.length;
  const links = [before.linkBytes, after.linkBytes];
  return {
    latencies,
    perSecond: latencies.length / seconds,
    cpuUs: ((after.cpuS - before.cpuS) / share) * 1e6,
    linkBytes: links.includes(null) ? null : (Number(links[1]) - Number(links[0])) / share,
  };
}

async function spent(cluster: Cluster) {
  let cpuS = 0;
  for (const name of cluster.names) cpuS += await cluster.cpuSeconds(name);
  return { cpuS, linkBytes: linkBytes(cluster) };
}

/** Of servers that are stopped: nothing waits in a write-ahead log. */
function diskBytes(cluster: Cluster): number {
  return cluster.servers
    .flatMap(({ place: { data } }) => readdirSync(data).map((file) => join(data, file)))
    .reduce((sum, file) => sum + statSync(file).size, 0);
}

/** What went over the links so far, both ways, at the ends that dialled; null without `ss`. */
function linkBytes(cluster: Cluster): number | null {
  const { status, stdout } = spawnSync("ss", ["-tinpHO", "state", "established"], {
    encoding: "utf8",
  });
  if (status !== 0) return null;
  const pids = cluster.servers.map(({ pid }) => `pid=${pid},`);
  const targets = cluster.servers.map(({ place }) => `${HOST}:${place.listen.port} `);
  const field = (line: string, name: string) =>
    Number(new RegExp(`${name}:(\\d+)`).exec(line)?.[1] ?? 0);
  return stdout
    .split("\n")
    .filter((line) => pids.some((pid) => line.includes(pid)))
    .filter((line) => targets.some((target) => line.split(/\s+/)[3] === target.trim()))
    .reduce((sum, line) => sum + field(line, "bytes_sent") + field(line, "bytes_received"), 0);
}

/** Senders on all servers, each to somebody of its own. */
export async function benchServers(counts: readonly number[], runs: number): Promise<void> {
  for (const count of counts) {
    await withCluster(count, async (cluster) => {
      const senders: { client: BenchClient; to: string }[] = [];
      for (const [i, url] of cluster.urls.entries()) {
        const { client } = await newAccount(url, `sender${i}`);
        const receiver = await newAccount(url, `receiver${i}`);
        senders.push({ client, to: receiver.id });
      }
      let messages = (await load(cluster, senders, 100)).latencies.length;
      for (const inFlight of [1, 30, 3_000]) {
        const all: Costs[] = [];
        for (let run = 0; run < runs; run++) all.push(await load(cluster, senders, inFlight));
        messages += all.reduce((sum, { latencies }) => sum + latencies.length, 0);
        const servers = `${count} server${count === 1 ? "" : "s"}`;
        const row = `${servers}, ${inFlight} in flight`;
        const of = (figure: (costs: Costs) => number) => all.map(figure);
        plotThroughput(servers, inFlight, median(of(({ perSecond }) => perSecond)));
        const times = all.flatMap(({ latencies }) => latencies);
        plotTimes(`Time until a message is acknowledged, ${inFlight} in flight`, servers, times);
        record(
          row,
          "acknowledged",
          "messages/s",
          of(({ perSecond }) => perSecond),
        );
        record(
          row,
          "latency p50",
          "ms",
          of(({ latencies }) => percentile(latencies, 0.5)),
        );
        record(
          row,
          "latency p99",
          "ms",
          of(({ latencies }) => percentile(latencies, 0.99)),
        );
        record(
          row,
          "CPU of each server",
          "us/message",
          of(({ cpuUs }) => cpuUs),
        );
        if (inFlight < 3_000) continue;
        const onLinks = of(({ linkBytes: bytes }) => bytes ?? Number.NaN);
        if (count > 1 && !onLinks.some(Number.isNaN)) {
          record(row, "links, for each server", "bytes/message", onLinks);
        }
      }
      for (const { client } of senders) client.close();
      await cluster.stop();
      const disk = diskBytes(cluster) / (messages * count);
      record(`${count} server${count === 1 ? "" : "s"}`, "disk of each", "bytes/message", [disk]);
    });
  }
}

type Fault = "nothing" | "kill" | "freeze";
type Noticed = { sender: number[]; reader: number[]; elsewhere: number[] };

/** What clients notice: those of the server that it happens to, and senders at the others. */
export async function benchGaps(faults: number): Promise<void> {
  await withCluster(3, async (cluster) => {
    const tokens = await accounts(cluster);
    for (const fault of ["nothing", "kill", "freeze"] as const) {
      const noticed: Noticed = { sender: [], reader: [], elsewhere: [] };
      for (let i = 0; i < faults; i++) {
        if (i % FAULTS_PER_START === 0) {
          await cluster.stop();
          await cluster.start(cluster.names);
        }
        await cluster.inSync();
        const victim = cluster.names[i % cluster.names.length] as string;
        await one(cluster, tokens, fault, victim, noticed);
      }
      const row = fault === "nothing" ? "gaps, nothing happens" : `gaps, server ${past(fault)}`;
      for (const [who, values] of Object.entries(noticed)) {
        const what = who === "elsewhere" ? "sender elsewhere" : `${who} there`;
        plotTimes(
          "Gaps: the longest time without an answer or a message",
          `${row}: ${what}`,
          values,
        );
        record(row, `${what}, p50`, "ms", [percentile(values, 0.5)]);
        record(row, `${what}, p99`, "ms", [percentile(values, 0.99)]);
        record(row, `${what}, longest`, "ms", [Math.max(...values)]);
      }
    }
  });
}

function past(fault: Exclude<Fault, "nothing">): string {
  return fault === "kill" ? "killed" : "frozen";
}

/** Tokens by name: a sender and a reader for each server, all in the channel. */
async function accounts(cluster: Cluster): Promise<Map<string, string>> {
  const tokens = new Map<string, string>();
  for (const name of cluster.names) {
    for (const role of ["sender", "reader"]) {
      const talker = new Talker(`${role}-${name}`, [cluster.url(name)]);
      await talker.enter(tokens.size === 0);
      tokens.set(talker.name, talker.token);
      await talker.close();
    }
  }
  return tokens;
}

async function one(
  cluster: Cluster,
  tokens: ReadonlyMap<string, string>,
  fault: Fault,
  victim: string,
  noticed: Noticed,
): Promise<void> {
  const open = (role: string, at: string) => {
    const servers = [cluster.url(at), ...cluster.urls.filter((url) => url !== cluster.url(at))];
    return new Talker(`${role}-${at}`, servers, tokens.get(`${role}-${at}`));
  };
  const senders = cluster.names.map((name) => open("sender", name));
  const readers = cluster.names.map((name) => open("reader", name));
  const all = [...senders, ...readers];
  while (all.some(({ at }) => at === "")) await Bun.sleep(20);
  for (const sender of senders) sender.begin(EVERY_MS);
  await Bun.sleep(SETTLE_MS);
  const at = new Map(all.map((talker) => [talker, talker.at]));
  for (const talker of all) talker.takeGaps();
  const server = cluster.get(victim);
  if (fault === "kill") server.kill();
  if (fault === "freeze") server.freeze();
  await Bun.sleep(WINDOW_MS);
  const gaps = new Map<Talker, Gaps>(all.map((talker) => [talker, talker.takeGaps()]));
  const isThere = (talker: Talker) => at.get(talker) === cluster.url(victim);
  for (const sender of senders) {
    const gap = (gaps.get(sender) as Gaps).acknowledged;
    (isThere(sender) ? noticed.sender : noticed.elsewhere).push(gap);
  }
  for (const reader of readers) {
    if (isThere(reader)) noticed.reader.push((gaps.get(reader) as Gaps).heard);
  }
  if (fault === "freeze") server.thaw();
  await Promise.all(senders.map((sender) => sender.end()));
  await Promise.all(all.map((talker) => talker.close()));
  if (fault === "kill") await cluster.start([victim]);
}
