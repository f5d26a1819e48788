import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { heavy } from "../../test/heavy.ts";
import type { WorldServer } from "../../test/replicas/server.ts";
import { forSeeds, met, receiptOf, say } from "../../test/replicas/stories.ts";
import type { Request } from "../../test/replicas/workload.ts";
import { World } from "../../test/replicas/world.ts";
import { messageIdFor, operatorId, requestIdFrom } from "../core/ids.ts";
import type { Kind } from "../ops/kind.ts";
import { messageDelete, messagePost } from "../ops/message.ts";
import { nextServerVersion, serverRemove, serverRequestId } from "../ops/server.ts";
import { sha256 } from "../storage/log-hash.ts";

setDefaultTimeout(heavy(120_000, 3_600_000));

const RUNS = heavy(30, 2_000);

const ALL = { held: ["a", "b", "c"], of: 3 };

describe("three servers", () => {
  test("[R1] meet, take each other for members, and answer with three copies", async () => {
    const world = await met();
    expect(receiptOf(await say(world, "a"))).toEqual(ALL);
    for (const server of world.servers) {
      expect(server.replica.members.names).toEqual(["a", "b", "c"]);
      expect(server.replica.status()).toMatchObject({ leader: "a", isBehind: false });
    }
    expect(world.server("b").replica.isLeader).toBe(false);
    await world.heal();
    world.end();
  });

  test("[R1, R3] one that is killed is not waited for; the last one goes on alone", async () => {
    const world = await met();
    const first = await say(world, "a");
    const inFlight = world.work.post();
    world.work.ask(inFlight, world.server("a"));
    world.server("c").kill();
    await world.until(() => inFlight.answers.length > 0, 50);
    const again = world
      .server("a")
      .replica.earlier(first.author, first.id, first.kind, first.content);
    // Nobody knows any more what is on its disk.
    expect(again).toMatchObject({ repeated: true, receipt: { held: ["a", "b"], of: 3 } });
    expect(receiptOf(await say(world, "a"))).toEqual({ held: ["a", "b"], of: 3 });
    world.server("b").kill();
    await world.pass(10);
    const alone = await say(world, "a", 50);
    expect(receiptOf(alone)).toEqual({ held: ["a"], of: 3 });
    const grown = world.grown;
    for (const name of ["b", "c"]) world.server(name).start();
    await world.until(() => world.isWhole && world.isEven, 10_000);
    expect(world.grown).toBeGreaterThan(grown); // who was told "one copy" hears of the others
    const { author, id } = alone;
    const n = world.server("a").view.effect(author, id) as number;
    expect(world.server("a").replica.receiptOf(n)).toEqual(ALL);
    await world.heal();
    world.end();
  });

  test("[R3] one that is frozen is waited for less than a second, then not at all", async () => {
    const world = await met();
    world.server("c").freeze();
    expect(receiptOf(await say(world, "a", 1_000))).toEqual({ held: ["a", "b"], of: 3 });
    expect(receiptOf(await say(world, "a", 50))).toEqual({ held: ["a", "b"], of: 3 });
    world.server("c").thaw();
    await world.heal();
    world.end();
  });

  test("[R3] a slow disk delays writes until its server has left the set, and it does not come back at once", async () => {
    const world = await met();
    world.server("c").disk.commitMs = [3_000, 3_000];
    expect(receiptOf(await say(world, "a", 1_500))).toEqual({ held: ["a", "b"], of: 3 });
    world.server("c").disk.commitMs = [0.2, 3];
    await world.until(() => world.isWhole, 20_000);
    const left = world.changes.filter((change) => change.includes("a: c out_of_sync lag"));
    expect(left).toHaveLength(1);
    world.end();
  });

  test("[R1] a broken link between two that both see the third costs no copy", async () => {
    const world = await met();
    const cut = () => {
      world.network.cut("a", "b");
      world.network.cut("b", "a");
    };
    cut();
    await world.until(() => world.isReachedAround(), 20_000);
    for (const name of ["a", "b", "c"]) {
      expect(receiptOf(await say(world, name, 500))).toEqual(ALL);
    }
    world.work.begin(15);
    await world.pass(2_000);
    world.work.isOver = true;
    await world.pass(1_000);
    world.checkAll(); // still cut: everything came around
    const { servers } = world.server("a").replica.status();
    expect(servers.map(({ name, link }) => `${name} ${link}`)).toEqual([
      "a self",
      "b through",
      "c live",
    ]);
    await world.heal();
    world.end();
  });

  test("[R1] who says goodbye is not waited for, and has answered what it took", async () => {
    const world = await met();
    const { replica } = world.server("c");
    const taken = world.work.post();
    world.work.ask(taken, world.server("c"));
    void replica.stop();
    await world.pass(30);
    expect(receiptOf(taken)).toEqual(ALL);
    expect(receiptOf(await say(world, "a", 50))).toMatchObject({ of: 3 });
    expect(world.changes.filter((change) => change.includes("c out_of_sync goodbye"))).toHaveLength(
      2,
    );
    world.end();
  });

  test("[R111] ops of a kind that nobody knows are stored, and passed on through a third server as they were", async () => {
    const world = await met();
    world.network.cut("a", "b");
    world.network.cut("b", "a");
    await world.until(() => world.isReachedAround(), 20_000);
    const { replica } = world.server("a");
    const author = operatorId(sha256);
    const made = Array.from({ length: 20 }, (_, i) => {
      const id = requestIdFrom(i, new Uint8Array(10).fill(7));
      const kind = { ...messagePost, number: 900 + i, name: "later" } as unknown as Kind;
      const data = { colour: "green", deep: [{ i }] };
      const body = i % 2 === 0 ? null : { text: `personal ${i}` };
      return replica.mint({ author, id, kind, content: { scope: null, data, body }, changes: [] });
    });
    await Promise.all([Promise.all(made), world.pass(2_000)]);
    const later = (name: string) =>
      world
        .server(name)
        .disk.ops.filter(({ kind }) => kind >= 900)
        .map(({ bytes, body }) => [bytes, body]);
    expect(later("a")).toHaveLength(20);
    for (const name of ["b", "c"]) expect(later(name)).toEqual(later("a"));
    expect(receiptOf(await say(world, "a", 500))).toEqual(ALL); // and nothing stopped for that
    await world.heal();
    world.end();
  });

  test("[R1] a removed server is no longer counted", async () => {
    const world = await met();
    world.server("c").kill();
    const { replica } = world.server("a");
    const data = { name: "c", version: nextServerVersion(replica.view.get("server", "c")) };
    const id = serverRequestId(sha256, serverRemove, data);
    const content = { scope: null, data, body: null };
    const author = operatorId(sha256);
    await Promise.all([
      replica.mint({ author, id, kind: serverRemove, content, changes: [] }),
      world.pass(500),
    ]);
    expect(receiptOf(await say(world, "b"))).toEqual({ held: ["a", "b"], of: 2 });
    world.server("c").start();
    await world.pass(3_000);
    expect(receiptOf(await say(world, "b"))).toEqual({ held: ["a", "b"], of: 2 });
    expect(world.server("c").replica.status().isRemoved).toBe(true); // it knows, and can say why
    world.end();
  });

  test("[R3] with minCopies a write is refused before it is minted when too few are in sync", async () => {
    const world = await met({ minCopies: 2 });
    expect(receiptOf(await say(world, "a"))).toEqual(ALL);
    world.server("b").kill();
    world.server("c").kill();
    await world.pass(20);
    const before = world.server("a").disk.ops.length;
    expect(receiptOf(await say(world, "a"))).toEqual({ what: "refused", code: "unavailable" });
    expect(world.server("a").disk.ops.length).toBe(before);
    world.server("b").start();
    await world.pass(5_000);
    expect(receiptOf(await say(world, "a"))).toEqual({ held: ["a", "b"], of: 3 });
    world.end();
  });

  test("[R9] a text leaves no disk before all in sync hold what erases it", async () => {
    const world = await met();
    const posted = await say(world, "a");
    world.server("c").disk.commitMs = [700, 700];
    const about = {
      scope: posted.content.scope,
      data: { message: messageIdFor(posted.author, posted.id) },
      body: null,
    };
    const id = requestIdFrom(1_800_000_000_000, new Uint8Array(10));
    const { replica, disk } = world.server("a");
    const { author } = posted;
    void replica.mint({ author, id, kind: messageDelete, content: about, changes: [] });
    const has = (server: WorldServer) => server.disk.ops.some(({ body }) => textOf(body, posted));
    await world.pass(600);
    expect(replica.view.effect(author, id)).toBe(disk.ops.length); // deleted here, and not there
    expect(world.servers.map(has)).toEqual([true, true, true]);
    await world.pass(3_000);
    expect(world.servers.map(has)).toEqual([false, false, false]);
    world.end();
  });

  test("[R4] an emptied server is given everything, erased texts with their proof", async () => {
    const world = await met();
    world.work.begin(5);
    await world.pass(4_000);
    world.work.isOver = true;
    await world.pass(4_000);
    const erased = world.server("a").disk.ops.filter((op) => op.body === null && op.bodyHash);
    expect(erased.length).toBeGreaterThan(5);
    world.server("b").wipe();
    world.server("b").disk.commitMs = [2_000, 2_000];
    world.server("b").start();
    await world.pass(500);
    expect(world.server("b").replica.isBehind).toBe(true);
    await world.heal();
    expect(world.server("b").replica.isBehind).toBe(false);
    world.end();
  });
});

function textOf(body: Uint8Array | null, { content }: Request): boolean {
  const { text } = content.body as { text: string };
  return body !== null && new TextDecoder().decode(body).includes(text);
}

test("[R1, R4, R5, R8] while nobody suspects anybody", async () => {
  await forSeeds("calm worlds of three replicas", RUNS, async (seed) => {
    const world = new World({ seed });
    await world.meet();
    world.work.begin(8);
    await world.pass(3_000);
    expect(world.isCalm).toBe(true);
    await world.heal();
    world.end();
  });
});

test("[R1, R2, R4, R5, R6, R7, R8] through crashes, freezes, cuts and slow disks", async () => {
  await forSeeds("troubled worlds of three replicas", RUNS, async (seed) => {
    const world = new World({ seed });
    world.startAll();
    world.work.begin(20);
    for (let i = 0; i < 25; i++) {
      await world.pass(world.chance.between(10, 800));
      world.trouble();
      if (i % 3 === 0) world.checkCursors();
    }
    await world.heal();
    world.end();
  });
});
