/**
 * Others beside us, in one run and in turns: each round starts every contestant once, puts the same load on it, and
 * takes it down. What is durable when a write is acknowledged differs, and is said with the figures.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plotThroughput, plotTimes } from "./charts.ts";
import { median, percentile, record } from "./figures.ts";
import type { Contestant, Relay, Store } from "./peers/contest.ts";
import { installPeers } from "./peers/packages.ts";

const WARM_MS = 1_500;
const LOAD_MS = 3_000;
const IN_FLIGHT = [1, 256, 3_000];
const EVERY_MS = 20;
const GAP_LOOK_MS = 20_000;
/** Answered again for so long: it is over. */
const RECOVERED_MS = 1_500;
const SECOND_LOOK_MS = 5_000;
const ROOM_MEMBERS = 500;
const TO_ONE_OUTSTANDING = 1_000;
const TO_ROOM_OUTSTANDING = 16;
/** Of each round, for the charts. */
const TIMES_MAX = 20_000;

async function withFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  try {
    await act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Figures of several rounds under one name. */
class Rounds {
  private readonly all = new Map<string, { what: [string, string, string]; values: number[] }>();
  private readonly loads = new Map<
    string,
    { name: string; inFlight: number; rates: number[]; times: number[] }
  >();

  add(row: string, what: string, unit: string, value: number): void {
    const key = `${row}|${what}`;
    const known = this.all.get(key);
    if (known === undefined) this.all.set(key, { what: [row, what, unit], values: [value] });
    else known.values.push(value);
  }

  addTimes(name: string, inFlight: number, perSecond: number, times: readonly number[]): void {
    const key = `${name}|${inFlight}`;
    const known = this.loads.get(key) ?? { name, inFlight, rates: [], times: [] };
    this.loads.set(key, known);
    known.rates.push(perSecond);
    known.times.push(...times.slice(0, TIMES_MAX));
  }

  record(): void {
    for (const { what, values } of this.all.values()) record(...what, values);
    for (const { name, inFlight, rates, times } of this.loads.values()) {
      plotThroughput(name, inFlight, median(rates));
      const title = `Others: time until a message is acknowledged, ${inFlight} in flight`;
      plotTimes(title, name, times);
    }
  }
}

function able<T>(contestants: readonly Contestant<T>[]): readonly Contestant<T>[] {
  return contestants.filter(({ name, missing }) => {
    if (missing !== null) console.error(`peers: ${name} left out: ${missing}`);
    return missing === null;
  });
}

async function writeFor(store: Store, inFlight: number, forMs: number) {
  const latencies: number[] = [];
  let failed = 0;
  const endMs = performance.now() + forMs;
  const sendSome = async () => {
    while (performance.now() < endMs) {
      const sent = performance.now();
      try {
        await store.write();
        latencies.push(performance.now() - sent);
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sendSome));
  return { latencies, failed };
}

async function load(name: string, store: Store, rounds: Rounds): Promise<void> {
  await writeFor(store, 100, WARM_MS);
  for (const inFlight of IN_FLIGHT) {
    const cpuBefore = await store.cpuSeconds();
    const started = performance.now();
    const { latencies, failed } = await writeFor(store, inFlight, LOAD_MS);
    const seconds = (performance.now() - started) / 1000;
    const cpu = (await store.cpuSeconds()) - cpuBefore;
    const row = `${name}, ${inFlight} in flight`;
    rounds.addTimes(name, inFlight, latencies.length / seconds, latencies);
    rounds.add(row, "acknowledged", "messages/s", latencies.length / seconds);
    rounds.add(row, "latency p50", "ms", percentile(latencies, 0.5));
    rounds.add(row, "latency p99", "ms", percentile(latencies, 0.99));
    if (failed > 0) rounds.add(row, "refused or not answered", "messages", failed);
    rounds.add(row, "CPU of all servers", "us/message", (cpu / latencies.length) * 1e6);
  }
}

/** A write every 20 ms to servers that live: for how long none is acknowledged when one, then another, is killed. */
async function kill(name: string, store: Store, rounds: Rounds): Promise<void> {
  const answered: number[] = [performance.now()];
  const timer = setInterval(() => {
    store.write().then(
      () => answered.push(performance.now()),
      () => {},
    );
  }, EVERY_MS);
  await Bun.sleep(1_000);
  const killedMs = performance.now();
  await store.killOne();
  await recovered(answered, killedMs);
  rounds.add(
    `${name}, one of three killed`,
    "no write taken for",
    "ms",
    gapSince(answered, killedMs),
  );
  const secondMs = performance.now();
  await store.killOne();
  await Bun.sleep(SECOND_LOOK_MS);
  clearInterval(timer);
  const after = answered.filter((ms) => ms > secondMs + SECOND_LOOK_MS / 2).length;
  const perSecond = after / (SECOND_LOOK_MS / 2000);
  rounds.add(`${name}, two of three killed`, "writes taken of 50 a second", "/s", perSecond);
}

async function recovered(answered: readonly number[], killedMs: number): Promise<void> {
  while (performance.now() < killedMs + GAP_LOOK_MS) {
    await Bun.sleep(EVERY_MS);
    const nowMs = performance.now();
    const lately = answered.filter((ms) => ms > Math.max(killedMs, nowMs - RECOVERED_MS));
    if (nowMs > killedMs + RECOVERED_MS && lately.length > RECOVERED_MS / EVERY_MS / 2) return;
  }
}

function gapSince(answered: readonly number[], killedMs: number): number {
  let last = killedMs;
  let longest = 0;
  for (const ms of answered) {
    if (ms < killedMs) continue;
    longest = Math.max(longest, ms - last);
    last = ms;
  }
  return last === killedMs ? GAP_LOOK_MS : longest;
}

async function pass(
  relay: Relay,
  forMs: number,
  way: { send(): void; sent(): number },
): Promise<{ perSecond: number; cpuUs: number }> {
  const [before, cpuBefore] = [way.sent(), relay.cpuSeconds()];
  const started = performance.now();
  while (performance.now() - started < forMs) {
    way.send();
    await Bun.sleep(0);
  }
  const seconds = (performance.now() - started) / 1000;
  const count = way.sent() - before;
  const cpuUs = ((relay.cpuSeconds() - cpuBefore) / count) * 1e6;
  return { perSecond: count / seconds, cpuUs };
}

async function relayed(name: string, relay: Relay, rounds: Rounds): Promise<void> {
  let toOne = relay.received;
  const one = {
    send: () => {
      for (; toOne - relay.received < TO_ONE_OUTSTANDING; toOne++) relay.sendToOne();
    },
    sent: () => relay.received,
  };
  await pass(relay, WARM_MS, one);
  const single = await pass(relay, LOAD_MS, one);
  rounds.add(`${name}, one to one`, "delivered", "messages/s", single.perSecond);
  rounds.add(`${name}, one to one`, "server CPU", "us/message", single.cpuUs);
  while (relay.received < toOne) await Bun.sleep(EVERY_MS);
  let toRoom = relay.receivedInRoom;
  const room = {
    send: () => {
      const most = relay.receivedInRoom + TO_ROOM_OUTSTANDING * ROOM_MEMBERS;
      for (; toRoom < most; toRoom += ROOM_MEMBERS) relay.sendToRoom();
    },
    sent: () => relay.receivedInRoom,
  };
  await pass(relay, WARM_MS, room);
  const many = await pass(relay, LOAD_MS, room);
  rounds.add(`${name}, to a room of ${ROOM_MEMBERS}`, "delivered", "events/s", many.perSecond);
}

async function inTurns<T extends { end(): Promise<void> }>(
  runs: number,
  contestants: readonly Contestant<T>[],
  act: (name: string, one: T, rounds: Rounds) => Promise<void>,
): Promise<void> {
  const rounds = new Rounds();
  for (let run = 0; run < runs; run++) {
    for (const { name, start } of contestants) {
      await withFolder(async (folder) => {
        const one = await start(folder);
        try {
          await act(name, one, rounds);
        } finally {
          await one.end();
        }
      });
    }
  }
  rounds.record();
}

export async function benchPeers(runs: number): Promise<void> {
  installPeers();
  // Looked for only now: what was missing may be there.
  const { etcd } = await import("./peers/etcd.ts");
  const { natsLazy, natsSynchronous } = await import("./peers/nats.ts");
  const { holdfastOne, holdfastThree } = await import("./peers/ours.ts");
  const { ejabberd, prosody } = await import("./peers/xmpp.ts");
  const { ngircd } = await import("./peers/irc.ts");
  const stores = able([holdfastThree, natsSynchronous, natsLazy, etcd]);
  for (const { name, durable } of stores)
    console.log(`${name}: acknowledged when it is ${durable}`);
  await inTurns(runs, stores, load);
  await inTurns(runs, stores, kill);
  const makers = [holdfastOne, ejabberd, prosody, ngircd];
  await inTurns(runs, able(makers.map((make) => make(ROOM_MEMBERS))), relayed);
}
