/** What this machine can do at best, without any of what a chat is: the floors under all figures. */
import { Database } from "bun:sqlite";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { percentile, record } from "../figures.ts";
import { TEXT } from "./contest.ts";

const SUBSCRIBERS = 500;
const OUTSTANDING = 16;
const TOPIC = "all";

function withFolder(act: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  try {
    act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long each call takes, ms, for about as long as asked. */
function timesOf(forMs: number, act: () => void): number[] {
  const times: number[] = [];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const started = performance.now();
    act();
    times.push(performance.now() - started);
  }
  return times;
}

function recordRate(row: string, unit: string, times: readonly number[]): void {
  const seconds = times.reduce((sum, ms) => sum + ms, 0) / 1000;
  record(row, "rate", unit, [times.length / seconds]);
  record(row, "p50", "ms", [percentile(times, 0.5)]);
  record(row, "p99", "ms", [percentile(times, 0.99)]);
}

function disk(forMs: number): void {
  withFolder((folder) => {
    const file = openSync(join(folder, "plain"), "w");
    const line = Buffer.from(TEXT);
    const synced = timesOf(forMs, () => {
      writeSync(file, line);
      fdatasyncSync(file);
    });
    closeSync(file);
    recordRate("floor: 200 bytes and fdatasync", "/s", synced);
    const db = new Database(join(folder, "db"));
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = FULL");
    db.run("CREATE TABLE messages (n INTEGER PRIMARY KEY, text TEXT)");
    const insert = db.query("INSERT INTO messages (text) VALUES (?)");
    recordRate(
      "floor: SQLite, a row a commit",
      "commits/s",
      timesOf(forMs, () => insert.run(TEXT)),
    );
    db.close();
  });
}

function json(forMs: number): void {
  const id = "0123456789abcdefghjkmnpqrs";
  const count = 1_000;
  const texts = Array.from({ length: count }, (_, i) => {
    const params = { to: id, text: `${i} ${TEXT}`, id };
    return JSON.stringify({ jsonrpc: "2.0", id: i, method: "message.post", params });
  });
  const times = timesOf(forMs, () => {
    for (const text of texts) JSON.parse(text);
  });
  const us = times.map((ms) => (ms / count) * 1000);
  record("floor: JSON.parse of a request", "time", "us", [percentile(us, 0.5)]);
}

/** A message over a topic of Bun.serve to 500 sockets of this process, so many on their way at once. */
async function fanOut(forMs: number): Promise<void> {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null)),
    websocket: { open: (socket) => void socket.subscribe(TOPIC), message: () => {} },
  });
  let received = 0;
  const sockets = Array.from({ length: SUBSCRIBERS }, () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
    socket.onmessage = () => void received++;
    return socket;
  });
  while (server.subscriberCount(TOPIC) < SUBSCRIBERS) await Bun.sleep(5);
  const text = JSON.stringify({ jsonrpc: "2.0", method: "message.posted", params: { TEXT } });
  let sent = 0;
  const started = performance.now();
  while (performance.now() - started < forMs) {
    while (sent - received / SUBSCRIBERS < OUTSTANDING) {
      server.publish(TOPIC, text);
      sent++;
    }
    await Bun.sleep(0);
  }
  const seconds = (performance.now() - started) / 1000;
  record("floor: Bun.serve, 500 subscribers", "delivered", "events/s", [received / seconds]);
  for (const socket of sockets) socket.close();
  await server.stop(true);
}

/** There and back over a socket, one on its way. */
async function roundTrip(forMs: number): Promise<void> {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null)),
    websocket: { message: (socket, text) => void socket.send(text) },
  });
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const times: number[] = [];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const started = performance.now();
    const back = new Promise((resolve) =>
      socket.addEventListener("message", resolve, { once: true }),
    );
    socket.send(TEXT);
    await back;
    times.push(performance.now() - started);
  }
  recordRate("floor: loopback and back", "/s", times);
  socket.close();
  await server.stop(true);
}

export async function benchLimits(forMs: number): Promise<void> {
  disk(forMs);
  json(forMs);
  await roundTrip(forMs);
  await fanOut(forMs);
}
