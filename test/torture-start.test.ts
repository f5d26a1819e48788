/** Starts that are disturbed: by a second process, by SIGKILL while the view is made anew or a log is salvaged. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, heavy } from "./heavy.ts";
import { Chance, runSeed } from "./torture/chance.ts";
import { lossesIn, opAt, opsOf } from "./torture/damage.ts";
import { fingerprint } from "./torture/files.ts";
import { LIMIT_MS, reported } from "./torture/report.ts";
import { killServers, refusedStart, ServerProcess } from "./torture/server-process.ts";
import { World } from "./torture/world.ts";

const LOCKED = 12;
const DAMAGED = 18;
const VIEW_FILES = ["view.db", "view.db-wal", "view.db-shm"];
/** A start takes about half of this. */
const KILLED_AFTER_MS_MAX = 1_200;
/** More than the server folds in one turn, so that a rebuild takes a while. */
const MESSAGES = 6_000;
/** While the view is made its write-ahead log grows to more than this. */
const VIEW_WAL_BYTES = 1024 * 1024;

const seed = runSeed();
const FILE = "torture-start.test.ts";
const root = mkdtempSync(join(tmpdir(), "holdfast-start-"));
const world = new World({ data: join(root, "data"), seed });
const chance = new Chance(seed);

beforeAll(
  reported(FILE, seed, async () => {
    await world.start();
    await world.settle();
    await Promise.all(Array.from({ length: MESSAGES }, () => world.post(world.ann, world.ops)));
    await world.putAway();
  }),
  LIMIT_MS,
);
afterAll(async () => {
  await world.close();
  await killServers();
  rmSync(root, { recursive: true, force: true });
});

/** All but the view, which the first server goes on tidying. */
function kept(data: string): [string, string][] {
  return Object.entries(fingerprint(data)).filter(([file]) => !file.startsWith("view."));
}

test(
  "[R52] a second process on one data directory is refused, and the first doesn't notice",
  reported(FILE, seed, async () => {
    const { data } = world;
    const before = kept(data);
    const refused = await refusedStart({ data });
    expect([refused.code, refused.output]).toEqual([LOCKED, expect.stringContaining("in use")]);
    const loss = await refusedStart({ data, flags: ["--accept-loss"] });
    expect(loss.code).toBe(LOCKED);
    expect(kept(data)).toEqual(before);
    await world.judge();
    // Of several that start at once one gets it, and a killed one's lock holds nobody up.
    await world.server?.kill();
    const all = Array.from({ length: 3 }, () => new ServerProcess({ data }));
    const serving = await Promise.all(all.map((server) => server.serving()));
    expect(serving.filter((serves) => serves)).toHaveLength(1);
    for (const [i, server] of all.entries()) {
      if (!serving[i]) expect((await server.ended).code).toBe(LOCKED);
    }
    await killServers();
    await world.start();
    await world.resume();
    await world.judge({ final: true });
    await world.putAway();
    await world.server?.stop();
  }),
  LIMIT_MS,
);

/** Resolves once a file of a starting server has this size, or the server serves; looks often. */
async function grown(server: ServerProcess, path: string, bytes: number): Promise<void> {
  while (!server.isOver && !isServing(server) && Bun.file(path).size <= bytes) await Bun.sleep(1);
}

const isServing = (server: ServerProcess) => /"msg":"serving"/.test(server.output);

test(
  "[R2, R22] killed while the view is made anew, it goes on with it and misses nothing",
  reported(FILE, seed, async () => {
    const { data } = world;
    const kills = heavy(3, 25);
    let inside = 0;
    let wholeBytes = VIEW_WAL_BYTES;
    await world.server?.kill();
    for (let i = 0; i < kills; i++) {
      for (const file of VIEW_FILES) rmSync(join(data, file), { force: true });
      const server = new ServerProcess({ data });
      await grown(server, join(data, "view.db-wal"), chance.whole(0, wholeBytes));
      const late = isServing(server);
      await server.kill();
      if (late) wholeBytes = Math.floor(wholeBytes / 8);
      else inside++;
      await world.start();
      await world.resume();
      await world.judge({ keep: false });
      await world.putAway();
      await world.server?.stop();
    }
    expect(inside).toBeGreaterThan(0);
    count("SIGKILLs while the view is made anew", inside);
  }),
  LIMIT_MS,
);

/** Resolves once something new stands in the directory: the salvage has begun. */
async function begun(server: ServerProcess, data: string): Promise<void> {
  const names = () => readdirSync(data).filter((name) => !name.startsWith("lock"));
  const before = names();
  while (!server.isOver && !isServing(server) && names().every((name) => before.includes(name))) {
    await Bun.sleep(1);
  }
}

test(
  "[R2, R51] killed while it accepts a loss, it still has everything that it did not name",
  reported(FILE, seed, async () => {
    const kills = heavy(5, 25);
    const ops = opsOf(world.data);
    let inside = 0;
    const data = join(root, "salvage");
    let named = "";
    for (let i = 0; i < kills; i++) {
      if (i % 5 === 0) {
        rmSync(data, { recursive: true, force: true });
        cpSync(world.data, data, { recursive: true });
        // Its last page is one of messages.
        truncateSync(
          join(data, "log.db"),
          Bun.file(join(data, "log.db")).size - 4096 * chance.whole(1, 3),
        );
        const refused = await refusedStart({ data });
        expect(refused.code).toBe(DAMAGED);
        named = refused.output;
      }
      const server = new ServerProcess({ data, flags: ["--accept-loss"] });
      await begun(server, data);
      await Bun.sleep(chance.whole(0, 60));
      if (!isServing(server)) inside++;
      await server.kill();
      if (i % 5 !== 4) continue;
      await world.start({ data, flags: ["--accept-loss"] });
      for (const person of world.wired) Object.assign(person, { cursor: "", stream: null });
      await world.resume();
      const { ops: lost, isCut } = lossesIn(named, ops);
      expect(lost.size).toBeGreaterThan(0);
      const isLost = (position: string) => isCut || lost.has(opAt(position));
      await world.judge({ keep: false, except: { lost: isLost, lostOthers: 0 } });
      await world.server?.kill();
    }
    expect(inside).toBeGreaterThan(0);
    count("SIGKILLs while a loss is accepted", inside);
  }),
  LIMIT_MS,
);

/** A start that is killed at a random moment, or once it serves; throws if it ends by itself. */
async function startAndKill(data: string): Promise<boolean> {
  const server = new ServerProcess({ data });
  const killer = chance.happens(0.5)
    ? setTimeout(() => server.signal("SIGKILL"), chance.whole(0, KILLED_AFTER_MS_MAX))
    : null;
  const served = await server.serving();
  if (killer !== null) clearTimeout(killer);
  const { signal } = served ? await server.kill() : await server.ended;
  if (signal !== "SIGKILL") throw new Error(`a start ended by itself: ${server.story}`);
  return served;
}

test(
  "[R3] started again and again, killed at any moment, it never ends by itself",
  reported(FILE, seed, async () => {
    const starts = heavy(16, 200);
    await world.server?.kill();
    let begun = 0;
    let served = 0;
    const lane = async (data: string) => {
      cpSync(world.data, data, { recursive: true });
      while (begun++ < starts) if (await startAndKill(data)) served++;
    };
    await Promise.all(["first", "second"].map((name) => lane(join(root, name))));
    expect(served).toBeGreaterThan(starts / 4);
    count("starts that nobody ended but the test", starts);
  }),
  LIMIT_MS,
);
