/**
 * Power cuts under load: what a server acknowledged is on the disk when the machine comes back, and nothing
 * is acknowledged once the disk takes nothing more. What the model covers stands in torture/disks.ts.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, heavy } from "./heavy.ts";
import { Chance, runSeed } from "./torture/chance.ts";
import {
  copyImage,
  cutPower,
  makeImage,
  mountImage,
  noDisks,
  unmount,
  unmountAll,
} from "./torture/disks.ts";
import { LIMIT_MS, reported } from "./torture/report.ts";
import { killServers } from "./torture/server-process.ts";
import { World, within } from "./torture/world.ts";

const IMAGE_MEBIBYTES = 64;
/** What the server's exit table says of a disk that failed while it ran. */
const STORAGE_FAILED = 74;
const CUTS_PER_WORLD = 5;

const FILE = "torture-power.test.ts";
const seed = runSeed();
const root = mkdtempSync(join(tmpdir(), "holdfast-power-"));
afterAll(async () => {
  await killServers();
  unmountAll();
  rmSync(root, { recursive: true, force: true });
});

const why = noDisks === null ? "" : ` (skipped: ${noDisks})`;

/** One cut under load. The server is left dead, `image` holds what a disk would. */
async function cut(world: World, chance: Chance, image: string, at: string): Promise<void> {
  const { server, history } = world;
  if (server === null) throw new Error("no server");
  let cutAt = Number.POSITIVE_INFINITY;
  const ended = (async () => {
    await Bun.sleep(chance.whole(50, 900));
    cutPower(at);
    cutAt = history.tick();
    await within(() => server.isOver, "the server to leave a disk that takes nothing more");
    return await server.ended;
  })();
  await world.load(ended);
  const { code } = await ended;
  if (code !== STORAGE_FAILED) throw new Error(`it left as it should not: ${server.story}`);
  if (process.env.HOLDFAST_TEST_TRACE === "1") console.log(server.output);
  for (const { attempts, effect } of history.writes) {
    const after = attempts.filter(
      ({ begun, outcome }) => begun > cutAt && outcome.kind === "acknowledged",
    );
    const isFirst = attempts.every(({ begun }) => begun > cutAt);
    if (isFirst && after.length > 0) {
      throw new Error(`${JSON.stringify(effect)} was acknowledged when the disk took nothing more`);
    }
  }
  copyImage(image, `${image}.copy`);
  unmount(at);
  renameSync(`${image}.copy`, image);
}

test.skipIf(noDisks !== null)(
  `[R1, R2] a power cut takes nothing that was acknowledged${why}`,
  reported(FILE, seed, async () => {
    const chance = new Chance(seed);
    const cuts = heavy(3, 30);
    let acknowledged = 0;
    for (let first = 0; first < cuts; first += CUTS_PER_WORLD) {
      const image = join(root, `disk-${first}`);
      const at = join(root, `mount-${first}`);
      makeImage(image, IMAGE_MEBIBYTES);
      mountImage(image, at);
      const world = new World({ data: join(at, "data"), seed: seed + first });
      await world.start();
      await world.settle();
      for (let i = first; i < Math.min(first + CUTS_PER_WORLD, cuts); i++) {
        await cut(world, chance, image, at);
        mountImage(image, at);
        await world.putAway();
        await world.start();
        await world.resume();
        await world.judge();
      }
      await world.judge({ final: true });
      acknowledged += world.history.tally().acknowledged ?? 0;
      if (process.env.HOLDFAST_TEST_TRACE === "1") console.log(world.history.tally());
      await world.close();
      unmount(at);
      rmSync(image, { force: true });
    }
    expect(acknowledged).toBeGreaterThan(cuts * 20);
    count("power cuts under load", cuts);
  }),
  LIMIT_MS,
);
