/**
 * Catching up: a server with an empty disk joins two that hold a history, over the real log and view, while people
 * go on writing. All three run on one event loop, without the sealing of links: what it costs others is more than on
 * machines of their own, what a link costs is left out.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountIdOf, requestIdFrom } from "../src/core/ids.ts";
import { messagePost } from "../src/ops/message.ts";
import type { PeerFrame, PeerLink } from "../src/replica/ports.ts";
import { Replica } from "../src/replica/replica.ts";
import { realClock, realHash, realRandom } from "../src/server/platform.ts";
import { openStore } from "../src/storage/store.ts";
import { SqliteView } from "../src/storage/view.ts";

export type CatchUpFigures = {
  readonly opsPerSecond: number;
  /** Of all three servers and all their threads, with what people wrote meanwhile. */
  readonly cpuPerOpUs: number;
  /** Of a write through one of the others, ms. */
  readonly p99BeforeMs: number;
  readonly p99DuringMs: number;
};

const ALICE = accountIdOf(new Uint8Array(16).fill(1));
const BOB = accountIdOf(new Uint8Array(16).fill(2));
const TEXT = "x".repeat(200);

type Server = {
  readonly replica: Replica;
  readonly storeId: string;
  isClosed(): boolean;
  close(): Promise<void>;
};

async function start(parent: string, name: string): Promise<Server> {
  const directory = join(parent, name);
  const store = await openStore({ directory, server: name, clusterId: "bench", wallMs: Date.now });
  const { log, viewPath, storeId } = store;
  const { view } = SqliteView.open({ path: viewPath, hash: realHash, log });
  const ports = { hash: realHash, clock: realClock, random: realRandom };
  const replica = new Replica({ name, log, view, ...ports });
  let isClosed = false;
  const close = async () => {
    isClosed = true;
    replica.abandon();
    view.close();
    await store.close();
  };
  return { replica, storeId, isClosed: () => isClosed, close };
}

/** One end of a link within this process: frames arrive in a later turn of the event loop. */
class End implements PeerLink {
  readonly backlogBytes = 0;
  private readonly to: () => readonly [Replica, PeerLink] | null;

  /** `to`: null once everything is over. */
  constructor(to: () => readonly [Replica, PeerLink] | null) {
    this.to = to;
  }

  send(frame: PeerFrame): void {
    setImmediate(() => {
      const other = this.to();
      if (other === null) return;
      const [replica, link] = other;
      replica.received(link, frame);
    });
  }

  close(reason: string): void {
    throw new Error(`a link was closed: ${reason}`);
  }
}

function link(a: Server, b: Server): void {
  const over = () => a.isClosed() || b.isClosed();
  const there: End = new End(() => (over() ? null : [a.replica, here]));
  const here: End = new End(() => (over() ? null : [b.replica, there]));
  const identity = ({ replica: { name }, storeId }: Server) => {
    return { name, storeId, key: "", url: "", wallMs: Date.now(), release: "bench" };
  };
  a.replica.linked(identity(b), here);
  b.replica.linked(identity(a), there);
}

let made = 0;

/** Writes through a server with so many in flight until told to stop; latencies in ms. */
async function write({ replica }: Server, inFlight: number, isOver: () => boolean) {
  const latencies: number[] = [];
  const one = async () => {
    while (!isOver()) {
      const random = new Uint8Array(10);
      new DataView(random.buffer).setUint32(6, ++made);
      const id = requestIdFrom(Date.now(), random);
      const content = { scope: BOB, data: {}, body: { text: TEXT } };
      const startMs = performance.now();
      await replica.mint({ author: ALICE, id, kind: messagePost, content, changes: [] });
      latencies.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return latencies.sort((x, y) => x - y);
}

const p99 = (sorted: readonly number[]) => sorted[Math.floor((sorted.length - 1) * 0.99)] ?? 0;

export async function benchCatchUp(history: number): Promise<CatchUpFigures> {
  const parent = mkdtempSync(join(tmpdir(), "holdfast-catch-up-"));
  const servers: Server[] = [];
  try {
    const a = await start(parent, "a");
    const c = await start(parent, "c");
    servers.push(a, c);
    link(a, c);
    const lastN = () => a.replica.figures().lastN;
    await write(a, 2_000, () => lastN() >= history);
    const beforeUntilMs = performance.now() + 2_000;
    const before = await write(a, 8, () => performance.now() >= beforeUntilMs);
    const b = await start(parent, "b");
    servers.push(b);
    link(a, b);
    link(c, b);
    const startMs = performance.now();
    const cpu = process.cpuUsage();
    const target = lastN();
    let tookMs = 0;
    const isThere = () => {
      if (tookMs === 0 && b.replica.figures().lastN >= target) tookMs = performance.now() - startMs;
      return tookMs > 0;
    };
    const during = await write(a, 8, isThere);
    const { user, system } = process.cpuUsage(cpu);
    return {
      cpuPerOpUs: (user + system) / (target + during.length),
      opsPerSecond: target / (tookMs / 1_000),
      p99BeforeMs: p99(before),
      p99DuringMs: p99(during),
    };
  } finally {
    for (const server of servers) await server.close();
    rmSync(parent, { recursive: true, force: true });
  }
}
