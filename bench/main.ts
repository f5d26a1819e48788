/**
 * `npm run bench`: what one server and several do, measured from outside on this machine, load generator included.
 *
 * `--full` takes more runs and a history of 1 and 10 million messages instead of 100,000 and 1 million;
 * `--rows writes,servers,gaps,catchup,fanout,sessions,log,page,history` runs some, `--peers` puts others beside us: NATS
 * JetStream, etcd, ejabberd, prosody, ngircd. The table goes to the terminal, the same figures to reports/bench.json, and
 * with charts to reports/bench.html. Figures of two runs are comparable only on one quiet machine: compare ratios.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchCatchUp } from "./catch-up.ts";
import { allCharts, plotGrowth, plotThroughput } from "./charts.ts";
import { BenchClient, newAccount, newId } from "./client.ts";
import { benchGaps, benchServers } from "./cluster.ts";
import { allFigures, median, percentile, record } from "./figures.ts";
import { COMMON_WORD, HISTORY_SERVER, history, RARE_WORD } from "./history.ts";
import { benchLog } from "./log.ts";
import { benchPage } from "./page.ts";
import { benchLimits } from "./peers/limits.ts";
import { benchPeers } from "./peers.ts";
import { type Report, reportPage } from "./report.ts";
import { ServerProcess } from "./server.ts";

const ROOT = join(import.meta.dirname, "..");
const flags = flagsOf();
const isFull = flags.full === true;
const RUNS = isFull ? 5 : 3;
const TEXT = "x".repeat(200);

function flagsOf() {
  const options = {
    full: { type: "boolean" },
    rows: { type: "string" },
    peers: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return leave(2, (error as Error).message);
  }
}

function leave(code: number, why: string): never {
  console.error(`bench: ${why}`);
  process.exit(code);
}

async function withServer<T>(act: (server: ServerProcess) => Promise<T>): Promise<T> {
  const directory = join(mkdtempSync(join(tmpdir(), "holdfast-bench-")), "data");
  const server = await ServerProcess.start(directory);
  try {
    return await act(server);
  } finally {
    await server.stop();
    rmSync(join(directory, ".."), { recursive: true, force: true });
  }
}

function directoryBytes(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, file) => sum + statSync(join(directory, file)).size,
    0,
  );
}

/** Sends with so many requests in flight for a while; latencies in ms, rate a second. */
async function load(client: BenchClient, to: string, inFlight: number, forMs: number) {
  const latencies: number[] = [];
  const end = performance.now() + forMs;
  const started = performance.now();
  const send = async () => {
    while (performance.now() < end) {
      const sent = performance.now();
      await client.call("message.post", { to, text: TEXT, id: newId() });
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, send));
  const seconds = (performance.now() - started) / 1000;
  return { latencies, perSecond: latencies.length / seconds };
}

async function writes(): Promise<void> {
  await withServer(async (server) => {
    const sender = await newAccount(server.url, "sender");
    const receiver = await newAccount(server.url, "receiver");
    await load(sender.client, receiver.id, 100, 1_000);
    for (const inFlight of [1, 30, 3_000]) {
      const rates: number[] = [];
      const p50: number[] = [];
      const p99: number[] = [];
      const cpu: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const before = server.cpuSeconds();
        const { latencies, perSecond } = await load(sender.client, receiver.id, inFlight, 3_000);
        cpu.push(((server.cpuSeconds() - before) / latencies.length) * 1e6);
        rates.push(perSecond);
        p50.push(percentile(latencies, 0.5));
        p99.push(percentile(latencies, 0.99));
      }
      const row = `writes, ${inFlight} in flight`;
      plotThroughput("1 server", inFlight, median(rates));
      record(row, "acknowledged", "messages/s", rates);
      record(row, "latency p50", "ms", p50);
      record(row, "latency p99", "ms", p99);
      record(row, "server CPU", "us/message", cpu);
    }
  });
}

async function fanOut(): Promise<void> {
  const subscribers = 500;
  const messages = 2_000;
  const outstanding = 16;
  await withServer(async (server) => {
    const sender = await newAccount(server.url, "sender");
    const made = await sender.client.call("channel.create", { name: "all", id: newId() });
    const channel = (made.channel as { id: string }).id;
    const clients: BenchClient[] = [];
    const perAccount = 50;
    for (let i = 0; i < subscribers / perAccount; i++) {
      const member = await newAccount(server.url, `member${i}`);
      await member.client.call("channel.join", { in: channel, id: newId() });
      clients.push(member.client);
      for (let c = 1; c < perAccount; c++) {
        const client = await BenchClient.connect(server.url);
        await client.call("session.resume", { token: member.token });
        clients.push(client);
      }
    }
    const rates: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const before = clients.reduce((sum, client) => sum + client.posted, 0);
      const started = performance.now();
      let left = messages;
      const send = async () => {
        while (left-- > 0) {
          await sender.client.call("message.post", { to: channel, text: TEXT, id: newId() });
        }
      };
      await Promise.all(Array.from({ length: outstanding }, send));
      const expected = before + subscribers * messages;
      while (clients.reduce((sum, client) => sum + client.posted, 0) < expected) await Bun.sleep(5);
      rates.push((subscribers * messages) / ((performance.now() - started) / 1000));
    }
    record("fan-out to 500 subscribers", "delivered", "events/s", rates);
    for (const client of clients) client.close();
  });
}

async function sessions(): Promise<void> {
  const accountCount = 25; // sign-ups from one address are bounded
  const count = accountCount * 60;
  await withServer(async (server) => {
    const accounts = await Promise.all(
      Array.from({ length: accountCount }, (_, i) => newAccount(server.url, `idle${i}`)),
    );
    const clients: BenchClient[] = [];
    await Bun.sleep(8_000); // what the password hashes took is given back
    const before = server.memoryBytes();
    for (let i = 0; i < count; i++) {
      const client = await BenchClient.connect(server.url);
      const { token } = accounts[i % accounts.length] as { token: string };
      await client.call("session.resume", { token });
      clients.push(client);
    }
    await Bun.sleep(2_000);
    record("idle sessions", "memory", "bytes/session", [(server.memoryBytes() - before) / count]);
    for (const client of clients) client.close();
  });
}

async function timed(runs: number, act: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await act(i);
    times.push(performance.now() - started);
  }
  return times;
}

async function reads(messages: number): Promise<void> {
  const { directory, accounts } = await history(join(ROOT, ".bench"), 100_000, messages);
  const size = `${messages / 1e6} M messages`;
  record(size, "disk, everything", "bytes/message", [directoryBytes(directory) / messages]);
  const starts: number[] = [];
  const kills: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const clean = await ServerProcess.start(directory, HISTORY_SERVER);
    starts.push(clean.startMs);
    await clean.stop("SIGKILL");
    const killed = await ServerProcess.start(directory, HISTORY_SERVER);
    kills.push(killed.startMs);
    await killed.stop();
  }
  record(size, "start, clean stop", "ms", starts);
  record(size, "start, SIGKILL", "ms", kills);
  const server = await ServerProcess.start(directory, HISTORY_SERVER);
  const reader = await newAccount(server.url, `reader${Date.now().toString(36)}`);
  const { client } = reader;
  const positions: string[] = [];
  const page = async (i: number) => {
    const room = `#room${(i * 7) % 200}`;
    const before = positions[i % 200];
    const params = before === undefined ? { in: room } : { in: `#room0`, before };
    const { messages: rows } = await client.call("message.history", params);
    const first = (rows as { position: string }[])[0];
    if (i < 400 && room === "#room0" && first !== undefined) positions.push(first.position);
  };
  const count = 500;
  const p99 = (times: readonly number[], what?: string) => {
    const value = percentile(times, 0.99);
    if (what !== undefined) plotGrowth(what, messages, value);
    return [value];
  };
  const p50 = (times: readonly number[]) => [percentile(times, 0.5)];
  await timed(100, page);
  const pages = await timed(count, page);
  record(size, "history page p50", "ms", p50(pages));
  record(size, "history page p99", "ms", p99(pages, "history page"));
  const list = (match: (i: number) => string) =>
    timed(count / 5, (i) => client.call("account.list", { match: match(i) }));
  const prefix = await list((i) => `user${String((i * 997) % (accounts / 100)).padStart(5, "0")}*`);
  record(size, "list user00123* p99", "ms", p99(prefix, "list by prefix"));
  const inner = await list((i) => `*${(i * 31) % 1000}?`);
  record(size, "list *123? p99", "ms", p99(inner, "list by *123?"));
  for (const [what, text] of [
    ["rare word", RARE_WORD],
    ["common word", COMMON_WORD],
    ["common and rare", `${COMMON_WORD} ${RARE_WORD}`],
    ["prefix", "w1999*"],
  ] as const) {
    const found = await timed(100, () => client.call("message.search", { text }));
    record(size, `search, ${what} p99`, "ms", p99(found, `search, ${what}`));
  }
  const inRoom = await timed(100, (i) =>
    client.call("message.search", { text: COMMON_WORD, in: `#room${i}` }),
  );
  record(size, "search in one channel p99", "ms", p99(inRoom, "search in one channel"));
  const { latencies, perSecond } = await load(client, reader.id, 30, 3_000);
  record(size, "writes, 30 in flight", "messages/s", [perSecond]);
  record(size, "write latency p99", "ms", p99(latencies));
  record(size, "server memory", "MB", [server.memoryBytes() / 1e6]);
  await server.stop();
}

const ROWS: Record<string, () => Promise<void>> = {
  floors: () => benchLimits(isFull ? 3_000 : 1_000),
  log: async () => {
    for (const { inFlight, opsPerSecond, p50Ms, p99Ms, bytesPerOp } of await benchLog()) {
      const row = `log alone, ${inFlight} in flight`;
      record(row, "durable", "ops/s", [opsPerSecond]);
      record(row, "latency p50", "ms", [p50Ms]);
      record(row, "latency p99", "ms", [p99Ms]);
      record(row, "log on disk", "bytes/op", [bytesPerOp]);
    }
  },
  catchup: async () => {
    const figures = await benchCatchUp(isFull ? 1_000_000 : 50_000);
    const row = `catch-up of an empty server, ${figures.ops} ops`;
    record(row, "taken over", "ops/s", [figures.perSecond]);
    record(row, "its CPU", "us/op", [figures.ownCpuUs]);
    record(row, "CPU of the two others", "us/op", [figures.othersCpuUs]);
    record(row, "others' writes p99 before", "ms", [figures.p99BeforeMs]);
    record(row, "others' writes p99 during", "ms", [figures.p99DuringMs]);
  },
  writes,
  servers: () => benchServers(isFull ? [1, 2, 3, 7] : [1, 2, 3], RUNS),
  gaps: () => benchGaps(isFull ? 100 : 6),
  fanout: fanOut,
  sessions,
  page: async () => {
    const figures = await benchPage(isFull ? 20 : 7);
    if (figures === null) return;
    record("page, cold load", "first message visible", "ms", figures.firstMessageMs);
    record("page, cold load", "script and style", "bytes", [figures.compressedBytes]);
  },
  history: async () => {
    await reads(isFull ? 1_000_000 : 100_000);
    await reads(isFull ? 10_000_000 : 1_000_000);
  },
};

const known = Object.keys(ROWS);
if (flags.help)
  leave(0, `[--full] [--rows ${known.join(",")}] [--peers]; about ten minutes, --full some hours`);
const wanted = flags.rows?.split(",") ?? (flags.peers ? [] : known);
const unknown = wanted.find((name) => !known.includes(name));
if (unknown !== undefined) leave(2, `--rows: there is no row ${unknown}, but ${known.join(", ")}`);
for (const [name, run] of Object.entries(ROWS)) if (wanted.includes(name)) await run();
if (flags.peers) await benchPeers(RUNS);
const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" });
const report: Report = {
  commit: commit.status === 0 ? commit.stdout.trim() : "unknown",
  date: new Date().toISOString(),
  cpus: cpus().length,
  model: cpus()[0]?.model,
  full: isFull,
  figures: allFigures(),
  charts: allCharts(),
};
mkdirSync(join(ROOT, "reports"), { recursive: true });
writeFileSync(join(ROOT, "reports", "bench.json"), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(ROOT, "reports", "bench.html"), reportPage(report));
console.log("Written: reports/bench.json, and reports/bench.html with its charts.");
process.exit(0);
