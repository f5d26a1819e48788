/**
 * The promise of the SDK, against every mishap that can be drawn: lost none, shown twice none, one sender's
 * order kept. Servers die, freeze and thaw, connections break before and after any frame, the application
 * crashes and starts again, posts are refused for a while or for good; afterwards all is well for a minute.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { RefusalCode } from "../core/errors.ts";
import type { Client } from "./client.ts";
import type { KeptStorage } from "./ports.ts";
import { DIRECT, OPS, refuse, TOKEN } from "./testing/chat.ts";
import { SharedStorage, World } from "./testing/world.ts";

const RUNS = Number(process.env.HOLDFAST_PROPERTY_RUNS ?? 150);
const TARGETS = ["@bob", "#ops", OPS, DIRECT, `c_${"Q".repeat(21)}A`] as const;
const CONVERSATION = [DIRECT, OPS, OPS, DIRECT, `c_${"Q".repeat(21)}A`] as const;

type Step =
  | { kind: "post"; target: number; doomed: boolean }
  | { kind: "kill" | "freeze" | "mend"; server: number }
  | { kind: "crash" };

const server = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("post" as const),
      target: fc.nat(TARGETS.length - 1),
      doomed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const), server }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("freeze" as const), server }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("mend" as const), server }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const) }) },
);
const passing = fc.constantFrom<RefusalCode | "done, then indefinite">(
  "rate_limited",
  "unavailable",
  "storage_full",
  "shutting_down",
  "indefinite",
  "stale",
  "done, then indefinite",
);
const story = fc.record({
  steps: fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), step), {
    minLength: 1,
    maxLength: 40,
  }),
  breaks: fc.array(fc.tuple(fc.integer({ min: 1, max: 250 }), fc.constantFrom("before", "after")), {
    maxLength: 8,
  }),
  refusals: fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), passing), { maxLength: 6 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

/** An application that can crash: nothing of it reaches storage or network afterwards. */
class Application {
  readonly client: Client;
  private alive = true;

  constructor(world: World, storage: SharedStorage) {
    const view = storage.view();
    const ifAlive: KeptStorage = {
      list: view.list,
      set: (key, value) => (this.alive ? view.set(key, value) : new Promise<void>(() => {})),
    };
    const isAlive = () => this.alive;
    const Base = world.network.WebSocket;
    const WebSocket = class extends Base {
      constructor(url: string) {
        if (!isAlive()) throw new Error("crashed");
        super(url);
      }
    };
    this.client = world.client({ storage: ifAlive, token: TOKEN, WebSocket });
  }

  crash(world: World): void {
    this.alive = false;
    for (const one of world.servers) for (const open of [...one.host.connections]) open.break();
  }
}

async function play({ steps, breaks, refusals }: Story): Promise<void> {
  const world = new World(["a", "b"]);
  const storage = new SharedStorage();
  world.network.breaks = new Map(breaks as [number, "before" | "after"][]);
  const scripted = new Map(refusals);
  let asked = 0;
  world.cluster.script = (method, params, name) => {
    if (method !== "message.post") return undefined;
    if (String(params.text).startsWith("doomed")) return refuse("forbidden");
    const code = scripted.get(++asked);
    if (code === "done, then indefinite") {
      const { to, text, id } = params as { to: string; text: string; id: string };
      world.cluster.post(`a_${"A".repeat(22)}`, to, text, id, name);
      return refuse("indefinite");
    }
    return code === undefined ? undefined : refuse(code, 30);
  };
  let application = new Application(world, storage);
  const written: { conversation: string; text: string }[] = [];
  const hosts = world.servers.map(({ host }) => host);
  const mend = (at: number) => {
    const host = hosts[at];
    if (host === undefined) return;
    host.up = true;
    host.thaw();
  };
  for (const [wait, what] of steps) {
    if (what.kind === "post") {
      const text = `${what.doomed ? "doomed" : "fine"} ${written.length}`;
      application.client.outbox.post({ to: TARGETS[what.target] as string, text });
      written.push({ conversation: CONVERSATION[what.target] as string, text });
      await world.advance(0); // on disk, from here on it is the client's to keep
    } else if (what.kind === "crash") {
      application.crash(world);
      application = new Application(world, storage);
    } else if (what.kind === "mend") {
      mend(what.server);
    } else if (what.kind === "kill") {
      hosts[what.server]?.kill();
    } else if (hosts[what.server] !== undefined) {
      (hosts[what.server] as (typeof hosts)[number]).frozen = true;
    }
    await world.advance(wait);
  }
  world.network.breaks.clear();
  for (const at of [0, 1]) mend(at);
  await world.advance(90_000);

  const fine = written.filter(({ text }) => text.startsWith("fine"));
  for (const conversation of new Set(CONVERSATION)) {
    const wanted = fine.filter((one) => one.conversation === conversation);
    const found = world.cluster.posted.filter(({ to }) => to === conversation);
    expect(found.map(({ text }) => text)).toEqual(wanted.map(({ text }) => text));
  }
  const { entries } = application.client.outbox;
  expect(entries.every(({ state }) => state === "failed")).toBe(true);
  expect(entries.length).toBe(written.length - fine.length);
  await application.client.close();
}

test("[R5, R61] every outbox message is posted exactly once and in order, whatever breaks when", async () => {
  await fc.assert(fc.asyncProperty(story, play), { numRuns: RUNS });
}, 300_000);

test("[R7, R33] every message is shown exactly once and in order to who listens, whatever breaks when", async () => {
  const tale = fc.record({
    waits: fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 30 }),
    breaks: story.map(({ breaks }) => breaks),
    frozen: fc.array(fc.tuple(fc.nat(29), server), { maxLength: 3 }),
    killed: fc.array(fc.tuple(fc.nat(29), server), { maxLength: 3 }),
  });
  const listen = async ({
    waits,
    breaks,
    frozen,
    killed,
  }: typeof tale extends fc.Arbitrary<infer T> ? T : never) => {
    const world = new World(["a", "b"]);
    world.network.breaks = new Map(breaks as [number, "before" | "after"][]);
    const client = world.client({ cursor: "at:0" });
    const heard: string[] = [];
    client.on("message.posted", ({ message }) => heard.push(message.text));
    for (const [n, wait] of waits.entries()) {
      for (const [at, one] of frozen)
        if (at === n) (world.servers[one] as typeof world.a).host.frozen = true;
      for (const [at, one] of killed) if (at === n) world.servers[one]?.host.kill();
      const id = `019a0000-0000-7000-8000-${String(n).padStart(12, "0")}`;
      world.cluster.post(`a_${"B".repeat(21)}A`, OPS, `${n}`, id, "b");
      await world.advance(wait);
      for (const { host } of world.servers) {
        host.up = true;
        if (n % 3 === 2) host.thaw();
      }
    }
    for (const { host } of world.servers) host.thaw();
    await world.advance(30_000);
    expect(heard).toEqual(waits.map((_, n) => `${n}`));
    await client.close();
  };
  await fc.assert(fc.asyncProperty(tale, listen), { numRuns: RUNS });
}, 300_000);
