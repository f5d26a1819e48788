/** Disks that lose something: damaged and salvaged, or put back from an older copy. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { heavy } from "../../test/heavy.ts";
import { forSeeds, met, receiptOf, say } from "../../test/replicas/stories.ts";
import { World } from "../../test/replicas/world.ts";
import { type Cursor, parseCursor } from "../core/cursor.ts";
import { messageIdFor, requestIdFrom } from "../core/ids.ts";
import { messageDelete } from "../ops/message.ts";
import type { Outcome, Proposal } from "./replica.ts";

setDefaultTimeout(heavy(120_000, 3_600_000));

const RUNS = heavy(20, 2_000);

test("[R1, R112] what a salvage gave up is in no receipt, and comes back from the others", async () => {
  const world = await met();
  const before = [];
  for (let i = 0; i < 40; i++) before.push(await say(world, "a"));
  const b = world.server("b");
  expect(b.damage(0.3)).toBeGreaterThan(5);
  const held = (n: number) => b.disk.has(world.server("a").disk.ops[n - 1] as never);
  const missing = before.filter((request) => {
    const n = world.server("a").view.effect(request.author, request.id) as number;
    return !held(n);
  });
  expect(missing.length).toBeGreaterThan(5);
  b.disk.commitMs = [3_000, 3_000];
  b.start();
  await world.pass(1_500); // linked, its log known, and nothing stored yet
  for (const { author, id } of before) {
    const n = world.server("a").view.effect(author, id) as number;
    const { held: names } = world.server("a").replica.receiptOf(n);
    world.checkReceipt("a", n, { held: names, of: 3 });
    if (!held(n)) expect(names).toEqual(["a", "c"]);
  }
  await world.heal();
  for (const { author, id } of before) {
    const n = world.server("a").view.effect(author, id) as number;
    expect(world.server("a").replica.receiptOf(n).held).toEqual(["a", "b", "c"]);
  }
  world.end();
});

test("[R6, R112] what was seen on a disk that was salvaged is waited for until what it kept is here", async () => {
  const world = await met();
  const b = world.server("b");
  for (const other of ["a", "c"]) {
    world.network.cut("b", other);
    world.network.cut(other, "b");
  }
  await world.pass(5_000);
  for (let i = 0; i < 10; i++) await say(world, "b", 5_000);
  const seen = parseCursor(b.replica.cursors.current()) as Cursor;
  expect(b.damage(0.2)).toBeGreaterThan(0);
  const a = world.server("a");
  a.disk.commitMs = [4_000, 4_000];
  world.network.heal();
  b.start();
  await world.until(
    () => a.replica.status().servers.some(({ name, link }) => name === "b" && link === "live"),
    5_000,
  );
  expect(a.replica.cursors.covers(seen)).toBe(false);
  a.disk.commitMs = [1, 1];
  await world.heal();
  expect(a.replica.cursors.covers(seen)).toBe(true);
  world.end();
});

test("[R2, R112] what stands above a gap reaches servers that come later", async () => {
  const world = new World({ seed: 4 });
  world.server("a").start();
  await world.pass(100);
  const before = [];
  for (let i = 0; i < 30; i++) before.push(await say(world, "a"));
  expect(before.map((request) => receiptOf(request))).toContainEqual({ held: ["a"], of: 1 });
  const lost = world.server("a").damage(0.1);
  expect(lost).toBeGreaterThan(0);
  await world.meet();
  await world.heal();
  for (const server of world.servers) {
    const there = before.filter(({ author, id }) => server.view.effect(author, id) !== undefined);
    expect(there).toHaveLength(before.length - lost);
  }
  world.end();
});

test("[R1, R2] a disk that is put back is known by what it holds now", async () => {
  const world = await met();
  for (let i = 0; i < 20; i++) await say(world, "c");
  const last = await say(world, "c");
  world.server("c").rollBack(15);
  world.server("c").disk.commitMs = [2_000, 2_000];
  world.server("c").start();
  await world.pass(1_000);
  const a = world.server("a");
  const n = a.view.effect(last.author, last.id) as number;
  expect(a.replica.receiptOf(n).held).toEqual(["a", "b"]);
  expect(world.server("c").replica.isBehind).toBe(true);
  await world.heal();
  expect(world.server("a").replica.figures().branches).toBe(0); // it began another incarnation
  world.end();
});

/** A message that all have, deleted through `c` while nobody hears it; returns its deletion's arrival number there. */
async function deletedAlone(world: World) {
  const post = await say(world, "a");
  await world.pass(500);
  const c = world.server("c");
  for (const other of ["a", "b"]) {
    world.network.cut("c", other);
    world.network.cut(other, "c");
  }
  await world.pass(5_000);
  const message = messageIdFor(post.author, post.id);
  const content = { scope: post.content.scope, data: { message }, body: null };
  const kind = messageDelete as unknown as Proposal["kind"];
  const id = requestIdFrom(1, new Uint8Array(10));
  const { author } = post;
  const { n, receipt } = await outcomeOf(world, () =>
    c.replica.mint({ author, id, kind, content, changes: [] }),
  );
  expect(receipt.held).toEqual(["c"]);
  await say(world, "c", 5_000);
  await world.pass(500);
  const has = (host: string) => {
    const { disk, view } = world.server(host);
    const at = view.effect(author, post.id) as number;
    return { body: disk.ops[at - 1]?.body != null, text: view.messageById(message)?.text ?? null };
  };
  expect(has("c")).toEqual({ body: false, text: null });
  expect(has("a").body).toBe(true);
  return { n, has };
}

async function outcomeOf(world: World, act: () => Promise<Outcome>): Promise<Outcome> {
  const answer = act();
  let isAnswered = false;
  const noted = answer.finally(() => {
    isAnswered = true;
  });
  for (let turn = 0; !isAnswered && turn < 1_000; turn++) await world.pass(20);
  return await noted;
}

test("[R9, R112] what was erased stays so, and goes on, when the op that erased it is lost", async () => {
  const world = await met();
  const { n, has } = await deletedAlone(world);
  const c = world.server("c");
  c.kill();
  c.disk = c.disk.salvaged("store-c-2", new Set([n]));
  c.start();
  await world.heal();
  for (const host of ["a", "b", "c"]) expect(has(host)).toEqual({ body: false, text: null });
  world.end();
});

test("[R9] the same, where it was passed on without its body, and never the op that erased it", async () => {
  const world = await met();
  const { n, has } = await deletedAlone(world);
  const [c, b] = [world.server("c"), world.server("b")];
  b.wipe();
  c.kill();
  // What `b` has of `c` when the link and then the disk of `c` end in the middle of catching up.
  b.disk = c.disk.salvaged("store-b-2", new Set([n]));
  c.wipe();
  await world.heal();
  for (const host of ["a", "b", "c"]) expect(has(host)).toEqual({ body: false, text: null });
  world.end();
});

test("[R1, R2, R4, R112] through salvages, older copies, crashes and cuts", async () => {
  const found = [33, 43, 59, 651]; // an op without body whose eraser was lost with the disks that had it
  const story = async (seed: number) => {
    const world = new World({ seed });
    world.startAll();
    world.work.begin(20);
    for (let i = 0; i < 20; i++) {
      await world.pass(world.chance.between(10, 800));
      const server = world.chance.pick(world.servers);
      const doing = world.chance.next();
      if (doing < 0.08) server.damage(world.chance.between(0, 0.1));
      else if (doing < 0.16) server.rollBack(world.chance.below(60));
      else world.trouble();
    }
    await world.heal();
    world.end();
  };
  await forSeeds("worlds with damaged disks", RUNS, story, found);
});
