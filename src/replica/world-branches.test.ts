/** Two processes that were resumed from one memory snapshot mint under one incarnation: both branches are kept. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { heavy } from "../../test/heavy.ts";
import { vectorText } from "../../test/replicas/checks.ts";
import { forSeeds, met, say } from "../../test/replicas/stories.ts";
import { World } from "../../test/replicas/world.ts";
import type { Incarnation } from "../core/ids.ts";

setDefaultTimeout(heavy(120_000, 3_600_000));

const RUNS = heavy(30, 2_000);

/** The branches of one incarnation, as a server's vector names them. */
function branchesOf(world: World, host: string, plain: Incarnation): string[] {
  return [...world.at(host).disk.heads.keys()].filter((origin) => origin.startsWith(plain));
}

function incarnationOf(world: World, host: string): Incarnation {
  return world.at(host).replica.figures().incarnation as Incarnation;
}

/** `c` with `a`, its twin with `b`; each has minted something that the other has not. */
async function parted(seed = 1) {
  const world = await met({ seed });
  await say(world, "c");
  const plain = incarnationOf(world, "c");
  expect(world.twin("c", (other) => other === "b")).not.toBeNull();
  world.network.cut("a", "b");
  world.network.cut("b", "a");
  const requests = [];
  for (const host of ["c", "c'", "c", "c'", "c'"]) requests.push(await say(world, host, 5_000));
  return { world, plain, requests };
}

describe("[R1, R2, R4, R110] two processes resumed from one snapshot", () => {
  test("both branches are on all servers, under the same names; both begin anew", async () => {
    const { world, plain, requests } = await parted();
    expect(branchesOf(world, "c", plain)).toEqual([plain]);
    await world.heal();
    const texts = world.servers.map((server) => vectorText(server));
    expect(new Set(texts).size).toBe(1);
    const names = branchesOf(world, "a", plain);
    expect(names).toHaveLength(2);
    expect(names.filter((name) => name.includes("/"))).toHaveLength(1);
    for (const { author, id } of requests) {
      for (const server of world.servers) {
        expect(server.view.effect(author, id)).toBeDefined();
      }
    }
    expect(world.alarms.has("branch")).toBe(true);
    expect(world.server("a").replica.figures().branches).toBe(1);
    await say(world, "c");
    expect(incarnationOf(world, "c")).not.toBe(plain);
    world.end();
  });

  test("which of the two keeps the name does not depend on who meets whom first", async () => {
    const names: string[][] = [];
    for (const first of ["a", "b"]) {
      const { world, plain } = await parted(7);
      world.server(first === "a" ? "b" : "a").kill();
      await world.pass(2_000);
      await world.heal();
      const op = (origin: string) => {
        const { disk } = world.server("a");
        const at = disk.ops.find((one) => one.origin === origin && one.seq > 2);
        return Buffer.from(at?.bytes ?? []).toString("hex");
      };
      names.push(
        branchesOf(world, "a", plain)
          .map((name) => `${name} ${op(name)}`)
          .sort(),
      );
      world.end();
    }
    expect(names[0]).toEqual(names[1] as string[]);
  });

  test("no receipt counts a server for an op of the branch that it does not hold", async () => {
    const { world, requests } = await parted();
    world.network.heal(); // the checks of the world look at each receipt that is told
    world.network.cut("c'", "a");
    world.network.cut("c", "b");
    await world.pass(300);
    const [first] = requests;
    const { author, id } = first as NonNullable<typeof first>;
    for (let ms = 0; ms < 8_000; ms += 100) {
      for (const host of ["a", "b", "c", "c'"]) {
        const { view, replica } = world.at(host);
        const n = view.effect(author, id);
        if (n !== undefined) world.checkReceipt(host, n, replica.receiptOf(n));
      }
      await world.pass(100);
    }
    await world.heal();
    world.end();
  });

  test("one that is resumed and mints nothing takes over what the other minted", async () => {
    const world = await met();
    await say(world, "c");
    const plain = incarnationOf(world, "c");
    world.twin("c", (other) => other === "b");
    for (let i = 0; i < 3; i++) await say(world, "c", 5_000);
    await world.heal();
    expect(branchesOf(world, "a", plain)).toEqual([plain]); // nothing forked
    world.end();
  });

  test("through crashes, cuts and further snapshots", async () => {
    const story = async (seed: number) => {
      const world = new World({ seed });
      await world.meet();
      world.work.begin(20);
      for (let i = 0; i < 20; i++) {
        await world.pass(world.chance.between(10, 800));
        if (world.twins.length < 3 && world.chance.happens(0.3)) {
          world.twin(world.chance.pick(world.servers).name);
        } else world.trouble();
      }
      await world.heal();
      world.end();
    };
    const found = [352]; // the side whose op keeps the name took the other for told
    await forSeeds("worlds with processes resumed twice", RUNS, story, found);
  });
});
