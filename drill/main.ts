/**
 * `npm run drill`: the headline case, on one machine, in a minute. Three servers, clients with the SDK on all of
 * them, two servers killed with -9 at once and started again, and that twice; then the books are checked.
 *
 * Exit code 0 only if nothing acknowledged is lost, nothing is there or was shown twice, every sender's order is
 * kept, every receipt was true, and all three servers show the same. `--rounds N` kills more often; `--seconds N` is
 * how long the load lasts before and after each kill.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../src/cli/demo/ports.ts";
import { Cluster } from "./cluster.ts";
import { historyOf } from "./history.ts";
import { judge, overstated, type Shown } from "./judge.ts";
import { Talker } from "./talker.ts";

const HOST = "127.0.0.1";
const NAMES = ["a", "b", "c"];
const SENDERS_PER_SERVER = 2;
const EVERY_MS = 50;
const DEADLINE_MS = 120_000;
const ROUNDS = 2;
const PHASE_S = 5;

const given = process.argv.slice(2);
if (given.some((word, at) => at % 2 === 0 && word !== "--seconds" && word !== "--rounds")) {
  console.error(
    "drill: [--rounds N] [--seconds N]: how often two are killed (2), and how long each part is (5)",
  );
  process.exit(given.includes("--help") ? 0 : 2);
}

/** `--NAME N` on the command line. */
function option(name: string, usual: number): number {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return usual;
  const value = Number(process.argv[at + 1]);
  if (value >= 1 && value <= 1_000) return value;
  console.error(`drill: --${name}: expected a number, 1 to 1000`);
  process.exit(2);
}

const PHASE_MS = option("seconds", PHASE_S) * 1_000;

const isTerminal = process.stdout.isTTY === true;
const startedMs = performance.now();

function say(line: string): void {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${isTerminal ? "\r\x1b[K" : ""}${seconds} s  ${line}\n`);
}

/** A line that the next one takes the place of. */
function glimpse(talkers: readonly Talker[]): void {
  if (!isTerminal) return;
  const sums = talkers.map(({ progress }) => progress);
  const total = (of: (one: (typeof sums)[number]) => number) =>
    sums.reduce((sum, one) => sum + of(one), 0);
  const line = `${total((one) => one.sent)} sent, ${total((one) => one.acknowledged)} acknowledged`;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`\r\x1b[K${seconds} s  ${line}`);
}

async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  const late = Bun.sleep(DEADLINE_MS).then(() => {
    throw new Error(`${what} took longer than ${DEADLINE_MS / 1000} s`);
  });
  return await Promise.race([work, late]);
}

async function openTalkers(cluster: Cluster): Promise<{ senders: Talker[]; readers: Talker[] }> {
  const talkers: Talker[] = [];
  const open = async (name: string, at: number) => {
    const { urls } = cluster;
    const talker = new Talker(name, [...urls.slice(at), ...urls.slice(0, at)]);
    await inTime(`the sign-up of ${name}`, talker.enter(talkers.length === 0));
    talkers.push(talker);
    return talker;
  };
  const senders: Talker[] = [];
  const readers: Talker[] = [];
  for (const [at, name] of NAMES.entries()) {
    for (let i = 1; i <= SENDERS_PER_SERVER; i++)
      senders.push(await open(`sender-${name}${i}`, at));
    readers.push(await open(`reader-${name}`, at));
  }
  return { senders, readers };
}

/** Gaps of the whole load, ms. */
const longest = { acknowledged: 0, heard: 0 };

/** The longest gaps since this was last asked, in words. */
function gaps(all: readonly Talker[]): string {
  const taken = all.map((talker) => talker.takeGaps());
  const acknowledged = Math.max(...taken.map((gap) => gap.acknowledged));
  const heard = Math.max(...taken.map((gap) => gap.heard));
  longest.acknowledged = Math.max(longest.acknowledged, acknowledged);
  longest.heard = Math.max(longest.heard, heard);
  return `gaps up to ${acknowledged.toFixed(0)} ms (answers), ${heard.toFixed(0)} ms (messages)`;
}

const lies: string[] = [];

/** Kills all but one, and starts them again; how long they took to catch up, ms. */
async function round(cluster: Cluster, survivor: string, all: readonly Talker[]): Promise<number> {
  const victims = NAMES.filter((name) => name !== survivor);
  say(`so far: ${gaps(all)}`);
  say(`kill -9 ${victims.join(" and ")}, both at once`);
  await cluster.kill(victims);
  await Bun.sleep(PHASE_MS);
  say(`${survivor} goes on alone; ${gaps(all)}`);
  // What was acknowledged by now has to be here, whoever took it.
  const reports = all.map((talker) => talker.report());
  const { token } = all[0] as Talker;
  const there = new Map([[survivor, await historyOf(cluster.url(survivor), token)]]);
  lies.push(...overstated(reports, there));
  const startMs = performance.now();
  say(`${victims.join(" and ")} are started again`);
  await inTime("the start", cluster.start(victims));
  await inTime("catching up", cluster.caughtUp());
  const tookMs = performance.now() - startMs;
  say(`they have everything, ${(tookMs / 1000).toFixed(1)} s after that`);
  await inTime("getting in sync", cluster.inSync());
  say(`all three are in sync; ${gaps(all)}`);
  await Bun.sleep(PHASE_MS);
  return tookMs;
}

/** Until every reader heard of everything that was acknowledged. */
async function heardAll(all: readonly Talker[]): Promise<void> {
  const acknowledged = all.reduce((sum, { progress }) => sum + progress.acknowledged, 0);
  const isBehind = (talker: Talker) =>
    talker.progress.heard < acknowledged - talker.progress.acknowledged;
  while (all.some(isBehind)) await Bun.sleep(20);
}

function row(label: string, value: string): void {
  console.log(`  ${label.padEnd(28)}${value.padStart(12)}`);
}

async function drill(folder: string, rounds: number): Promise<boolean> {
  const ports = await freePorts(HOST, 0, NAMES.length);
  const sites = NAMES.map((name, i) => ({
    name,
    listen: { host: HOST, port: ports[i] as number },
    by: [],
  }));
  const cluster = new Cluster(folder, sites, ["--log-level", "warn"]);
  await inTime("the start", cluster.start(NAMES));
  await inTime("getting in sync", cluster.inSync());
  say("three servers serve, all in sync");
  const { senders, readers } = await openTalkers(cluster);
  const all = [...senders, ...readers];
  for (const sender of senders) sender.begin(EVERY_MS);
  for (const talker of all) talker.takeGaps();
  const perSecond = Math.round((senders.length * 1000) / EVERY_MS);
  say(
    `${senders.length} senders and ${readers.length} readers, ${perSecond} messages/s, on all three`,
  );
  const looking = setInterval(() => glimpse(all), 250);
  await Bun.sleep(PHASE_MS);
  const caughtUp: number[] = [];
  for (let i = 0; i < rounds; i++) {
    caughtUp.push(await round(cluster, NAMES[i % NAMES.length] as string, all));
  }
  say(`the load ends; ${gaps(all)}`);
  await inTime("the last answers", Promise.all(senders.map((sender) => sender.end())));
  await inTime("hearing of the last messages", heardAll(all)).catch(() => {}); // judged below
  clearInterval(looking);
  await inTime("the servers' last exchange", cluster.settled());
  const { token } = all[0] as Talker;
  const histories = new Map<string, Shown[]>();
  for (const name of NAMES) histories.set(name, await historyOf(cluster.url(name), token));
  const verdict = judge(
    all.map((talker) => talker.report()),
    histories,
  );
  for (const talker of all) await talker.close();
  await cluster.stop();
  const digests = new Map<string, string>();
  for (const name of NAMES) {
    const dump = (await cluster.dump(name)).join("\n");
    digests.set(name, createHash("sha256").update(dump).digest("hex").slice(0, 32));
  }
  say("everything is stopped; the books:\n");
  row("sent", `${verdict.sent}`);
  row("acknowledged", `${verdict.acknowledged}`);
  row("lost", `${verdict.lost}`);
  row("repeated", `${verdict.repeated}`);
  row("out of a sender's order", `${verdict.disordered}`);
  row("receipts that were not true", `${lies.length}`);
  row("longest gap of a sender", `${longest.acknowledged.toFixed(0)} ms`);
  row("longest gap of a reader", `${longest.heard.toFixed(0)} ms`);
  for (const tookMs of caughtUp) row("time to catch up", `${(tookMs / 1000).toFixed(1)} s`);
  for (const [name, digest] of digests) console.log(`  what ${name} shows, as sha-256  ${digest}`);
  const problems = [...verdict.findings, ...lies, ...cluster.deaths];
  if (new Set(digests.values()).size > 1) problems.push("the servers do not show the same");
  if (verdict.acknowledged < verdict.sent) problems.push("not everything was acknowledged");
  console.log();
  for (const problem of problems) console.log(`  WRONG: ${problem}`);
  if (problems.length === 0) {
    console.log("  Nothing was lost, nothing came twice, and all three servers show the same.");
  }
  return problems.length === 0;
}

const folder = mkdtempSync(join(tmpdir(), "holdfast-drill-"));
let isGood = false;
try {
  isGood = await drill(join(folder, "cluster"), option("rounds", ROUNDS));
  if (isGood) rmSync(folder, { recursive: true, force: true });
} catch (error) {
  console.log(`\n  WRONG: ${(error as Error).message}`);
}
if (!isGood) console.log(`  Data and logs are kept in ${folder}`);
process.exit(isGood ? 0 : 1);
