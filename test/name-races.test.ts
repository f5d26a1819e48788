/** Names that several people want at one moment on several servers: whole gateways in a simulated network. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import type { FoldedName } from "../src/core/names.ts";
import type { NameSpace } from "../src/core/view.ts";
import type { MethodName, Params } from "../src/protocol/methods.ts";
import { GatewayWorld } from "./gateways.ts";
import { count, heavy } from "./heavy.ts";
import { type Frame, newId, type TestClient } from "./in-process.ts";

setDefaultTimeout(heavy(120_000, 3_600_000));

const SEEDS = heavy(12, 600);
const ROUNDS = 12;
const FIRST_SEED = Number(Bun.env.HOLDFAST_SEED ?? 1);
const NAMES = ["a", "b", "c", "d", "e"];

let gateways: GatewayWorld | null = null;
afterEach(() => {
  gateways?.end();
  gateways = null;
});

async function met(seed: number, servers = 3): Promise<GatewayWorld> {
  gateways = await GatewayWorld.met({ seed, servers });
  await gateways.world.pass(200);
  return gateways;
}

const code = (frame: Frame) => (frame.error === undefined ? "done" : frame.error.data.code);

type Wish = { readonly method: MethodName; readonly params: object; readonly by: TestClient };

/** All at nearly one moment; answers in order of the wishes. */
async function atOnce(here: GatewayWorld, wishes: Wish[]): Promise<Frame[]> {
  const { time, chance } = here.world;
  const asked = wishes.map(async ({ method, params, by }) => {
    const afterMs = chance.pick([0, 0, chance.between(0, 8)]);
    await new Promise<void>((resolve) => time.at(afterMs, resolve));
    return by.request(method, params);
  });
  return here.pass(Promise.all(asked));
}

/** Somebody who never comes to an end with a name, as on a server whose disk hangs. */
function holdFor(here: GatewayWorld, server: string, space: NameSpace, name: string) {
  const { replica } = here.world.server(server);
  return here.pass(replica.reserve(space, name as FoldedName, "somebody else"));
}

function claimsOf(here: GatewayWorld, server: string, space: NameSpace, name: string) {
  return here.world.server(server).view.claims(space, name as FoldedName);
}

const signUp = (name: string): Params<"account.create"> => ({
  name,
  password: `password of ${name}`,
  id: newId(),
});

/** Whom each server shows under a name, by its id. */
async function holders(here: GatewayWorld, servers: readonly string[], name: string) {
  await here.world.until(() => here.world.isEven, 10_000);
  await here.world.pass(500);
  return servers.map((server) => {
    const { view } = here.world.server(server);
    const space = name.startsWith("#") ? "channel" : "account";
    const shown = name.replace(/^#/, "");
    return {
      holder: view.holderOf(space, shown),
      claims: view.claims(space, shown as never).length,
    };
  });
}

test("[R8] of registrations of one name at one moment exactly one gets it, the others `name_taken`", async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const servers = NAMES.slice(0, 2 + (seed % 4));
    const here = await met(seed, servers.length);
    const { world } = here;
    for (let round = 0; round < ROUNDS; round++) {
      const name = `name${round}`;
      world.network.delayMs = world.chance.pick([
        [0.1, 3],
        [1, 40],
        [60, 100],
      ] as [number, number][]);
      for (const server of world.servers) {
        server.disk.commitMs = world.chance.happens(0.3) ? [20, 150] : [0.2, 3];
      }
      const rivals = [...servers, ...servers.slice(0, world.chance.below(3))];
      const wishes = rivals.map((server) => ({
        method: "account.create" as const,
        params: signUp(name),
        by: here.connect(server),
      }));
      const codes = (await atOnce(here, wishes)).map(code);
      const told = `seed ${seed}, round ${round}: ${codes}`;
      expect(codes.filter((one) => one === "done").length, told).toBe(1);
      expect(codes.filter((one) => one === "name_taken").length, told).toBe(codes.length - 1);
      const shown = await holders(here, servers, name);
      expect(new Set(shown.map(({ holder }) => holder)).size, told).toBe(1);
      for (const { holder, claims } of shown) {
        expect(holder, told).not.toBeNull();
        expect(claims, told).toBe(1); // nothing of the others exists
      }
      expect(world.isCalm, told).toBe(true);
    }
    here.end();
  }
  count("worlds with races for names", SEEDS);
});

test("[R8] renames and channels race as registrations do", async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const servers = NAMES.slice(0, 3);
    const here = await met(seed);
    const ann = await here.join("a", "ann");
    const bob = await here.join("b", "bob");
    const eve = await here.join("c", "eve");
    const room = await here.pass(eve.call("channel.create", { name: "old", id: newId() }));
    await here.world.pass(1_000);
    for (let round = 0; round < 4; round++) {
      const name = `wanted${round}`;
      const renames: Wish[] = [ann, bob].map((by) => ({
        method: "account.rename",
        params: { name, id: newId() },
        by,
      }));
      renames.push({
        method: "account.create",
        params: signUp(name),
        by: here.connect(here.world.chance.pick(servers)),
      });
      const channels: Wish[] = [ann, bob].map((by) => ({
        method: "channel.create",
        params: { name, id: newId() },
        by,
      }));
      channels.push({
        method: "channel.update",
        params: { in: room.channel.id, name, id: newId() },
        by: eve,
      });
      const codes = (await atOnce(here, [...renames, ...channels])).map(code);
      const told = `seed ${seed}, round ${round}: ${codes}`;
      for (const some of [codes.slice(0, 3), codes.slice(3)]) {
        expect(some.filter((one) => one === "done").length, told).toBe(1);
        expect(some.filter((one) => one === "name_taken").length, told).toBe(2);
      }
      for (const shown of [name, `#${name}`]) {
        const all = await holders(here, servers, shown);
        expect(new Set(all.map(({ holder }) => holder)).size, told).toBe(1);
        expect(
          all.map(({ claims }) => claims),
          told,
        ).toEqual([1, 1, 1]);
      }
    }
    here.end();
  }
});

test("[R5, R8] one request to two servers at once has one effect and is no rival of itself", async () => {
  const here = await met(1);
  for (let round = 0; round < 10; round++) {
    const params = signUp(`twice${round}`);
    const wishes = NAMES.slice(0, 3).map((server) => ({
      method: "account.create" as const,
      params,
      by: here.connect(server),
    }));
    const answers = await atOnce(here, wishes);
    expect(answers.map(code)).toEqual(["done", "done", "done"]);
    const accounts = answers.map(
      ({ result }) => (result as { account: { id: string } }).account.id,
    );
    expect(new Set(accounts).size).toBe(1);
    const ann = here.connect("a");
    await here.pass(ann.call("session.open", { ...params, id: newId() }));
  }
});

test("[R8] a name that a frozen server may have promised is not waited for longer than it is suspect", async () => {
  const here = await met(1);
  here.world.server("c").freeze();
  const ann = here.connect("a");
  const done = await here.pass(ann.call("account.create", signUp("ann")), 2_000);
  expect(done.account.name).toBe("ann");
  here.world.server("c").thaw();
});

test("[R8] where others are heard and do not answer, a name is `unavailable`, and nothing of it exists", async () => {
  const here = await met(1);
  const { world } = here;
  const held = await holdFor(here, "b", "account", "ann");
  world.time.at(9_000, () => held.release());
  const ann = here.connect("a");
  const first = signUp("ann");
  expect(code(await here.pass(ann.request("account.create", first), 8_000))).toBe("unavailable");
  expect(claimsOf(here, "a", "account", "ann")).toEqual([]);
  await world.pass(5_000);
  expect(code(await here.pass(ann.request("account.create", first)))).toBe("done"); // the repeat
});

test("[R8] a server alone asks nobody", async () => {
  const here = await met(1, 1);
  const frames = here.world.network.frames;
  const ann = await here.join("a", "ann");
  await here.pass(ann.call("channel.create", { name: "hall", id: newId() }), 50);
  expect(here.world.network.frames).toBe(frames);
});

test("[R41] who may no longer, once the servers have agreed, is refused", async () => {
  const here = await met(1);
  const owner = await here.join("b", "owner");
  const { channel } = await here.pass(owner.call("channel.create", { name: "hall", id: newId() }));
  const heir = await here.join("b", "heir");
  await here.pass(heir.call("channel.join", { in: "#hall", id: newId() }));
  const ann = await here.resume("b", owner.token);
  // Somebody else's wish for the name keeps the rename waiting while its author hands the channel over.
  const held = await holdFor(here, "c", "channel", "new");
  const rename = ann.request("channel.update", { in: channel.id, name: "new", id: newId() });
  const over = { in: channel.id, owner: "@heir", id: newId() };
  await here.pass(owner.call("channel.update", over));
  held.release();
  expect(code(await here.pass(rename))).toBe("forbidden");
  expect(claimsOf(here, "b", "channel", "new")).toEqual([]);
});
