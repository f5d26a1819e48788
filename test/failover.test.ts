/**
 * A person who goes from server to server through partitions and crashes: nothing is missed, nothing is shown that
 * was there before and is not any more, without a word. Whole gateways in a simulated network.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { GatewayWorld } from "./gateways.ts";
import { count, heavy } from "./heavy.ts";
import { type Frame, newId, type TestClient } from "./in-process.ts";

setDefaultTimeout(heavy(120_000, 3_600_000));

const SEEDS = heavy(10, 1_000);
const FIRST_SEED = Number(Bun.env.HOLDFAST_SEED ?? 1);
const NAMES = ["a", "b", "c"];

type Posted = { readonly message: { readonly id: string } };
type History = { readonly messages: readonly { readonly id: string }[] };

/** What one device knows, by the rules of docs/PROTOCOL.md: it keeps the cursor of the last event. */
class Device {
  readonly known = new Set<string>();
  client: TestClient | null = null;
  server = "";
  cursor: string | undefined;
  resets = 0;
  stales = 0;
  /** No history was read yet, or none since a reset. */
  private mustRead = true;
  private readonly here: GatewayWorld;
  private readonly token: string;

  constructor(here: GatewayWorld, token: string) {
    this.here = here;
    this.token = token;
  }

  get isOn(): boolean {
    return this.client !== null && this.client.closedWith === null;
  }

  leave(): void {
    if (this.client === null) return;
    this.client.onFrame = null;
    if (this.client.closedWith === null) this.client.disconnect(this.here.host(this.server));
    this.client = null;
  }

  /** Goes to a server with what it has; whether that took it. */
  async go(server: string): Promise<string> {
    this.leave();
    this.server = server;
    const client = this.here.connect(server);
    this.client = client;
    client.onFrame = (frame) => this.hear(frame);
    const { cursor, token } = this;
    const params = { token, ...(cursor === undefined ? {} : { cursor }) };
    const { error } = await this.here.pass(client.request("session.resume", params));
    if (error !== undefined) this.leave();
    else if (this.mustRead) await this.read(false);
    return error?.data.code ?? "done";
  }

  private hear({ method, params }: Frame): void {
    if (method === undefined) return;
    if (method === "message.posted") this.known.add((params as Posted).message.id);
    if (method === "reset") {
      this.resets++;
      this.mustRead = true;
    }
    this.cursor = params?.cursor as string;
  }

  /** Reads the history; with a cursor it may not fall behind what this device has seen. */
  async read(isPinned: boolean): Promise<void> {
    const { client } = this;
    if (client === null) return;
    const before = new Set(this.known);
    const at = isPinned && this.cursor !== undefined ? { at: this.cursor } : {};
    const asked = client.request("message.history", { in: "#hall", limit: 200, ...at });
    const { result, error } = await this.here.pass(asked);
    if (error !== undefined) {
      expect(error.data.code).toMatch(/^(stale|closed)$/);
      if (error.data.code === "stale") this.stales++;
      return;
    }
    const shown = new Set((result as History).messages.map(({ id }) => id));
    if (isPinned) {
      for (const id of before) {
        if (!shown.has(id)) throw new Error(`[R6] ${this.server} reads backwards: ${id} is gone`);
      }
    } else {
      this.mustRead = false;
    }
    for (const id of shown) this.known.add(id);
  }
}

type Story = { readonly here: GatewayWorld; readonly me: Device; readonly sent: Set<string> };

async function begin(seed: number): Promise<Story> {
  const here = await GatewayWorld.met({ seed });
  const friend = await here.join("a", "friend");
  await here.pass(friend.call("channel.create", { name: "hall", id: newId() }));
  const ann = await here.join("b", "ann");
  await here.pass(ann.call("channel.join", { in: "#hall", id: newId() }));
  await here.world.until(() => here.world.isEven, 5_000);
  await here.world.pass(1_000);
  const sent = new Set<string>();
  Object.assign(here, { friend: friend.token });
  return { here, me: new Device(here, ann.token), sent };
}

/** A message of the friend's through one server, as a bot would; only what was acknowledged counts. */
function post({ here, sent }: Story, server: string): void {
  const { friend: token } = here as unknown as { friend: string };
  const params = { to: "#hall", text: "x", id: newId() };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "message.post", params });
  const call = { body, token, address: "10.1.1.1", operator: false };
  void here
    .host(server)
    .gateway.call(call)
    .then((answer) => {
      const { result } = JSON.parse(answer.body) as Frame;
      if (result !== undefined) sent.add((result as Posted).message.id);
    });
}

function trouble({ here }: Story, mayKill: boolean): void {
  const { world } = here;
  const { chance, network } = world;
  const name = chance.pick(NAMES);
  const other = chance.pick(NAMES);
  const doing = chance.next();
  const up = world.servers.filter(({ isUp }) => isUp);
  if (doing < 0.25) here.isolate(name);
  else if (doing < 0.45 && name !== other) {
    network.cut(name, other);
    if (chance.happens(0.7)) network.cut(other, name);
  } else if (doing < 0.7) network.heal();
  else if (doing < 0.75) network.break(name, other);
  else if (mayKill && doing < 0.85 && up.length > 1) here.kill(name);
  else if (mayKill) for (const server of world.servers) server.start();
}

async function live(story: Story, mayKill: boolean): Promise<void> {
  const { here, me, sent } = story;
  const { world } = here;
  const { chance } = world;
  const up = () => world.servers.filter(({ isUp }) => isUp).map(({ name }) => name);
  for (let i = 0; i < 60; i++) {
    await world.pass(chance.between(5, 600));
    const doing = chance.next();
    if (doing < 0.25) trouble(story, mayKill);
    else if (doing < 0.6) for (let k = 0; k < 3; k++) post(story, chance.pick(up()));
    else if (doing < 0.8 || !me.isOn) await me.go(chance.pick(up()));
    else await me.read(chance.happens(0.8));
  }
  world.network.heal();
  for (const server of world.servers) server.start();
  await world.until(() => world.isWhole && world.isEven, 90_000);
  await world.pass(1_000);
  for (const name of chance.happens(0.5) ? [...NAMES].reverse() : NAMES) {
    expect(await me.go(name)).toBe("done");
    await world.pass(700);
    for (const id of sent) if (!me.known.has(id)) throw new Error(`[R7] ${id} was missed`);
    const { stales } = me;
    await me.read(true);
    expect(me.stales).toBe(stales); // all have all: nothing is stale
  }
}

test("[R6, R7] from server to server through partitions: no gap, nothing backwards, no reset", async () => {
  let stales = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const story = await begin(seed);
    try {
      await live(story, false);
      stales += story.me.stales;
      expect(story.me.resets).toBe(0);
    } catch (error) {
      throw new Error(`HOLDFAST_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
    story.here.end();
  }
  expect(stales).toBeGreaterThan(0); // it was about something
  count("walks between servers through partitions", SEEDS);
});

test("[R6] what went with its disk is shown no longer: a reset, on whatever server its reader is by then", async () => {
  const { here, me, sent } = await begin(FIRST_SEED);
  const { world } = here;
  expect(await me.go("c")).toBe("done");
  here.isolate("c");
  post({ here, me, sent }, "c");
  await world.until(() => sent.size === 1, 5_000);
  const [lost] = [...sent];
  await world.until(() => me.known.has(lost as string), 5_000);
  expect(await me.go("a")).toBe("done");
  await me.read(true);
  expect({ stales: me.stales, resets: me.resets }).toEqual({ stales: 1, resets: 0 });
  here.kill("c");
  world.server("c").wipe();
  world.network.heal();
  world.server("c").start();
  await world.until(() => me.resets === 1, 30_000);
  me.known.clear();
  await me.read(false);
  await me.read(true);
  expect({ stales: me.stales, has: me.known.has(lost as string) }).toEqual({
    stales: 1,
    has: false,
  });
  expect(await me.go("b")).toBe("done");
  await world.pass(3_000);
  expect(me.resets).toBe(1);
  here.end();
});

test("[R6] what one lost disk had is given up alone: what was seen of a server that is away is waited for", async () => {
  const { here, me, sent } = await begin(FIRST_SEED);
  const { world } = here;
  for (const server of ["c", "b"]) {
    here.isolate(server);
    expect(await me.go(server)).toBe("done");
    const before = me.known.size;
    post({ here, me, sent }, server);
    await world.until(() => me.known.size > before, 5_000);
  }
  expect(await me.go("a")).toBe("done");
  here.kill("c");
  world.server("c").wipe();
  world.network.mend("a", "c");
  world.server("c").start();
  await world.until(() => me.resets === 1, 30_000);
  me.known.clear();
  await me.read(false);
  await me.read(true);
  expect(me.stales).toBe(1); // what `b` showed
  world.network.heal();
  await world.until(() => world.isWhole && world.isEven, 60_000);
  await me.read(true);
  expect({ stales: me.stales, resets: me.resets }).toEqual({ stales: 1, resets: 1 });
  here.end();
});

test("[R6, R7] and through crashes", async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const story = await begin(seed);
    try {
      await live(story, true);
    } catch (error) {
      throw new Error(`HOLDFAST_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
    story.here.end();
  }
  count("walks between servers through crashes", SEEDS);
});
