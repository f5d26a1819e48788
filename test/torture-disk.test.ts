/**
 * Disks that fill up under load, and disks that may not be written: reads go on, writes are refused and come
 * back by themselves, nothing acknowledged is lost.
 */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, heavy } from "./heavy.ts";
import { runSeed } from "./torture/chance.ts";
import {
  fill,
  makeImage,
  mountImage,
  mountMemory,
  noDisks,
  unmount,
  unmountAll,
} from "./torture/disks.ts";
import { fingerprint } from "./torture/files.ts";
import { LIMIT_MS, reported } from "./torture/report.ts";
import { killServers, refusedStart } from "./torture/server-process.ts";
import { World, within } from "./torture/world.ts";

const MEBIBYTE = 1024 * 1024;
const DISK_MEBIBYTES = 48;
const BALLAST_MEBIBYTES = 10;
/** Five per cent of such a disk would be less: the least that a reserve is. */
const RESERVE_BYTES = 16 * MEBIBYTE;
const NUDGE = "nudge";
const NO_PERMISSION = 17;
const STORAGE_FAILED = 74;
const NOBODY = 65_534;
/** Longest texts: the disk is full sooner. */
const TEXT_MAX = 7_000;

const FILE = "torture-disk.test.ts";
const seed = runSeed();
const root = mkdtempSync(join(tmpdir(), "holdfast-disk-"));
afterAll(async () => {
  await killServers();
  unmountAll();
  rmSync(root, { recursive: true, force: true });
});

const why = noDisks === null ? "" : ` (skipped: ${noDisks})`;

/** Whether ann's next post is taken, and what it was told. */
async function told(world: World): Promise<string> {
  const write = await world.post(world.ann, world.ops);
  const outcome = write.attempts[0]?.outcome;
  return outcome?.kind === "refused" ? outcome.code : (outcome?.kind ?? "nothing");
}

/** Load until writes are refused for want of room. */
async function untilFull(world: World): Promise<void> {
  const full = within(
    () => (world.history.tally()["refused storage_full"] ?? 0) > 20,
    "writes to be refused because the disk is full",
    120_000,
  );
  await world.load(full);
  await full;
}

function expectAlive({ server }: World): void {
  if (server?.isOver === true) throw new Error(`a server left a full disk: ${server.story}`);
}

/** Writes are refused, after a moment in which housekeeping may have made a little room; reads go on. */
async function expectRefusedAndReadable(world: World, at: string): Promise<void> {
  expectAlive(world);
  await world.resume();
  fill(join(at, NUDGE), at, RESERVE_BYTES - MEBIBYTE / 4);
  await within(async () => (await told(world)) === "storage_full", "writes to be refused");
  await world.judge(); // reads everything
  rmSync(join(at, NUDGE), { force: true });
}

const comesBack = (world: World) =>
  within(async () => (await told(world)) === "acknowledged", "writes to come back by themselves");

test.skipIf(noDisks !== null)(
  `[R2, R11, R53] a disk that fills up refuses writes and serves reads${why}`,
  reported(FILE, seed, async () => {
    const rounds = heavy(1, 10);
    for (let round = 0; round < rounds; round++) {
      const at = join(root, `memory-${round}`);
      const ballast = join(at, "ballast");
      mountMemory(at, DISK_MEBIBYTES);
      writeFileSync(ballast, Buffer.alloc(BALLAST_MEBIBYTES * MEBIBYTE, 1));
      const world = new World({ data: join(at, "data"), seed: seed + round, textMax: TEXT_MAX });
      await world.start();
      await world.settle();
      // By the load itself.
      await untilFull(world);
      await expectRefusedAndReadable(world, at);
      rmSync(ballast);
      await comesBack(world);
      // By somebody else's file, suddenly: below the reserve, with a little left.
      const left = MEBIBYTE + world.chance.whole(0, MEBIBYTE);
      const filled = (async () => {
        await Bun.sleep(world.chance.whole(50, 300));
        fill(ballast, at, left);
        await Bun.sleep(1_500);
      })();
      await world.load(filled);
      await filled;
      await expectRefusedAndReadable(world, at);
      // A start finds it full: it serves what it has, and takes nothing.
      await world.putAway();
      await world.server?.kill();
      await world.start();
      await world.resume();
      await expectRefusedAndReadable(world, at);
      rmSync(ballast);
      await comesBack(world);
      await world.judge({ final: true });
      await world.close();
      unmount(at);
    }
    count("disks filled up under load", rounds * 2);
  }),
  LIMIT_MS,
);

test.skipIf(noDisks !== null)(
  `[R2, R11] a disk filled to the last byte costs nothing acknowledged${why}`,
  reported(FILE, seed, async () => {
    const rounds = heavy(1, 10);
    for (let round = 0; round < rounds; round++) {
      const at = join(root, `brim-${round}`);
      const ballast = join(at, "ballast");
      mountMemory(at, DISK_MEBIBYTES);
      const world = new World({ data: join(at, "data"), seed: seed + round, textMax: TEXT_MAX });
      await world.start();
      await world.settle();
      const filled = (async () => {
        await Bun.sleep(world.chance.whole(100, 400));
        fill(ballast, at, 0);
        await Bun.sleep(1_500);
      })();
      await world.load(filled);
      await filled;
      // What it was about to store it stores when there is room; it neither leaves nor forgets.
      await expectRefusedAndReadable(world, at);
      rmSync(ballast);
      await comesBack(world);
      await world.judge();
      // Full again: a stop is one in good order; every second time it is killed instead.
      fill(ballast, at, 0);
      await world.putAway();
      if (round % 2 === 0) await world.server?.stop();
      else await world.server?.kill();
      // Started on a disk without a byte of room: it serves what it has, or says that it can't.
      fill(ballast, at, 0);
      const { code, output } = await refusedStart({ data: world.data });
      if (code !== null && code !== STORAGE_FAILED)
        throw new Error(`it left with ${code}:\n${output}`);
      if (process.env.HOLDFAST_TEST_TRACE === "1")
        console.log(`start on a full disk: ${code}\n${output}`);
      rmSync(ballast);
      await world.start();
      await world.resume();
      await world.judge({ final: true });
      await world.close();
      unmount(at);
    }
    count("disks filled to the last byte under load", rounds);
  }),
  LIMIT_MS,
);

test.skipIf(noDisks !== null)(
  `[R52] a file system that may only be read is refused, and left as it is${why}`,
  reported(FILE, seed, async () => {
    const at = join(root, "read-only");
    const image = join(root, "read-only.image");
    makeImage(image, 32);
    mountImage(image, at);
    const world = new World({ data: join(at, "data"), seed: 1 });
    await world.start();
    await world.settle();
    await world.putAway();
    await world.server?.kill();
    unmount(at);
    mountImage(image, at, "ro");
    const before = fingerprint(world.data);
    const refused = await refusedStart({ data: world.data });
    expect([refused.code, refused.output]).toEqual([
      NO_PERMISSION,
      expect.stringMatching(/read-only|EROFS/i),
    ]);
    expect(fingerprint(world.data)).toEqual(before);
    unmount(at);
    mountImage(image, at);
    await world.start();
    await world.resume();
    await world.judge({ final: true });
    await world.close();
    unmount(at);
  }),
  LIMIT_MS,
);

/** The user "nobody" has to be able to run the command at all. */
const mayRunAsNobody =
  noDisks === null &&
  Bun.spawnSync(["setpriv", `--reuid=${NOBODY}`, "--clear-groups", process.execPath, "--version"])
    .exitCode === 0;
const cannot = mayRunAsNobody ? "" : ` (skipped: ${noDisks ?? "no other user can run it"})`;

test.skipIf(!mayRunAsNobody)(
  `[R52] data of another user is refused, and left as it is${cannot}`,
  reported(FILE, seed, async () => {
    const data = join(root, "mine");
    chmodSync(root, 0o755);
    const world = new World({ data, seed: 1 });
    await world.start();
    await world.settle();
    await world.putAway();
    await world.server?.stop();
    const before = fingerprint(data);
    const refused = await refusedStart({ data, uid: NOBODY });
    expect([refused.code, refused.output]).toEqual([
      NO_PERMISSION,
      expect.stringMatching(/EACCES|permission/),
    ]);
    expect(fingerprint(data)).toEqual(before);
    // One file is enough.
    const other = join(root, "one-file");
    cpSync(data, other, { recursive: true });
    Bun.spawnSync(["chown", "-R", `${NOBODY}`, other]);
    Bun.spawnSync(["chown", "0", join(other, "log.db")]);
    const one = fingerprint(other);
    expect((await refusedStart({ data: other, uid: NOBODY })).code).toBe(NO_PERMISSION);
    expect(fingerprint(other)).toEqual(one);
    await world.close();
  }),
  LIMIT_MS,
);
