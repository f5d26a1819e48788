/**
 * SIGKILL at random moments and at every named point of a write, under load, again and again on the same
 * data directories.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, heavy } from "./heavy.ts";
import { Chance, runSeed } from "./torture/chance.ts";
import { LIMIT_MS, reported } from "./torture/report.ts";
import { killServers } from "./torture/server-process.ts";
import { World } from "./torture/world.ts";

const POINTS = ["before_append", "before-commit", "after-commit", "folded", "published"];
const FILE = "torture-kill.test.ts";
const seed = runSeed();
const root = mkdtempSync(join(tmpdir(), "holdfast-kill-"));
afterAll(async () => {
  await killServers();
  rmSync(root, { recursive: true, force: true });
});

/** A point that is not reached within this time ends its life as a kill at a random moment. */
const POINT_PATIENCE_MS = 10_000;
/** The most passings of a point before it kills. */
const PASSINGS_MAX = 80;

/** One life of a server under load; the point it died at, or "random". */
async function life(world: World, point: string | null, chance: Chance): Promise<string> {
  const { server } = world;
  if (server === null) throw new Error("no server");
  let how = point ?? "random";
  const patienceMs = point === null ? chance.whole(20, 400) : POINT_PATIENCE_MS;
  const killer = setTimeout(() => {
    how = "random";
    server.signal("SIGKILL");
  }, patienceMs);
  await world.load(server.ended);
  clearTimeout(killer);
  const { signal } = await server.ended;
  if (signal !== "SIGKILL") throw new Error(`a server ended by itself: ${server.story}`);
  return how;
}

test(
  "[R2, R5, R7, R11] killed under load, at any moment, it has everything it acknowledged, once",
  reported(FILE, seed, async () => {
    const kills = heavy(20, 200);
    const perWorld = 10;
    const hits = new Map<string, number>();
    const chance = new Chance(seed);
    const missed: string[] = [];
    let acknowledged = 0;
    for (let killed = 0, world: World | null = null; killed < kills; killed++) {
      // Every second kill is at a named point, each in its turn; one that was not reached comes again.
      const again = killed % 2 === 0 ? undefined : missed.shift();
      const point =
        again ?? (killed % 2 === 0 ? (POINTS[(killed / 2) % POINTS.length] ?? null) : null);
      const passings = again === undefined ? chance.whole(1, PASSINGS_MAX) : 1;
      const killAt = point === null ? {} : { killAt: `${point}:${passings}` };
      if (world === null) {
        world = new World({ data: join(root, `data-${killed}`), seed: seed + killed });
        await world.start();
        await world.settle();
        await world.server?.kill();
      }
      if (point !== null) await world.putAway();
      await world.start(killAt);
      if (!(await world.resume())) throw new Error("the server died before there was any load");
      await world.judge();
      const how = await life(world, point, chance);
      if (process.env.HOLDFAST_TEST_TRACE === "1")
        console.log(how, killAt, performance.now(), world.history.tally());
      hits.set(how, (hits.get(how) ?? 0) + 1);
      if (point !== null && how !== point) missed.push(point);
      if ((killed + 1) % perWorld !== 0 && killed + 1 < kills) continue;
      await world.start();
      await world.resume();
      await world.judge({ final: true });
      // And a clean stop keeps it as well.
      await world.server?.stop();
      await world.start();
      await world.resume();
      await world.judge({ final: true });
      acknowledged += world.history.tally().acknowledged ?? 0;
      if (process.env.HOLDFAST_TEST_TRACE === "1") console.log(world.history.tally());
      await world.close();
      rmSync(world.data, { recursive: true, force: true });
      world = null;
    }
    for (const point of POINTS) {
      expect(`${point} reached: ${(hits.get(point) ?? 0) >= kills / 10}`).toBe(
        `${point} reached: true`,
      );
    }
    expect(acknowledged).toBeGreaterThan(kills * 20);
    count("SIGKILLs of a server under load", kills);
    for (const [how, n] of hits) count(`SIGKILLs of a server, ${how}`, n);
  }),
  LIMIT_MS,
);
