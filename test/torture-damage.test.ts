/**
 * Damage of every sort to the files of a stopped and of a killed server: either it serves everything that was
 * acknowledged, or it refuses, lists the damage and changes nothing; then --accept-loss gives everything that
 * it did not name as lost. Damage to the view heals by itself.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newestHead } from "../src/storage/head.ts";
import { count, heavy } from "./heavy.ts";
import { Chance, runSeed } from "./torture/chance.ts";
import type { Exceptions } from "./torture/checks.ts";
import { damage, lossesIn, type OpName, opAt, opsOf } from "./torture/damage.ts";
import { fingerprint } from "./torture/files.ts";
import { LIMIT_MS, reported } from "./torture/report.ts";
import { killServers, ServerProcess } from "./torture/server-process.ts";
import { World } from "./torture/world.ts";

const DAMAGED = 18;
const LOG_FILES = ["log.db", "log.db", "log.db", "log.db-wal", "log.db-wal", "log.head"];
const VIEW_FILES = ["view.db", "view.db", "view.db-wal"];
const LIVES = 3;
const LIFE_MS = 500;

const seed = runSeed();
const FILE = "torture-damage.test.ts";
const root = mkdtempSync(join(tmpdir(), "holdfast-damage-"));
const stopped = join(root, "stopped");
const killed = join(root, "killed");
const world = new World({ data: join(root, "data"), seed });
let ops: OpName[] = [];
let posts = new Set<string>();

beforeAll(
  reported(FILE, seed, async () => {
    await world.start();
    await world.settle();
    for (let life = 0; life < LIVES; life++) {
      await world.putAway();
      await world.server?.kill();
      await world.start();
      await world.resume();
      await world.load(Bun.sleep(LIFE_MS));
    }
    await world.putAway();
    await world.server?.kill();
    cpSync(world.data, killed, { recursive: true });
    await world.start();
    await world.resume();
    await world.judge();
    await world.server?.stop();
    cpSync(world.data, stopped, { recursive: true });
    ops = opsOf(stopped);
    posts = new Set(world.history.snapshots.at(-1)?.messages.map(({ position }) => opAt(position)));
    for (const person of world.wired) person.stream = null; // from here on nobody's cursor is of this store
  }),
  LIMIT_MS,
);
afterAll(async () => {
  await world.close();
  await killServers();
  rmSync(root, { recursive: true, force: true });
});

/**
 * Starts on a copy and reads everything. `except`: what may be missing, or how the server says it; null where
 * it can't be read at all any more.
 */
async function judge(
  data: string,
  except: Exceptions | null | ((output: string) => Exceptions | null),
  ...flags: string[]
): Promise<string> {
  const server = await world.start({ data, flags });
  for (const person of world.wired) person.cursor = "";
  const exceptions = typeof except === "function" ? except(server.output) : except;
  if (exceptions !== null) {
    await world.resume();
    await world.judge({ keep: false, except: exceptions });
  }
  await server.kill();
  return server.output;
}

/**
 * A kill may fall between a commit and its entry in the head file, before the answer: such an op was shown only
 * by the recovery of an undamaged copy, was never acknowledged, and nothing can tell that it is gone.
 */
function beyondHead(data: string): Exceptions {
  const reading = newestHead(readFileSync(join(data, "log.head")));
  const headN = reading.state === "valid" ? reading.head.n : 0;
  const beyond = ops.filter(({ n }) => n > headN).map(({ origin, seq }) => `${origin} ${seq}`);
  const isBeyond = new Set(data === killed ? beyond : []);
  return {
    lost: (position) => isBeyond.has(opAt(position)),
    lostOthers: [...isBeyond].filter((op) => !posts.has(op)).length,
  };
}

/** null if what is lost includes accounts and channels that reading needs, or was not printed whole. */
function exceptionsOf(output: string): Exceptions | null {
  const { ops: lost, isCut } = lossesIn(output, ops);
  const setUp = ops[0]?.origin;
  if (isCut || [...lost].some((op) => op.startsWith(`${setUp} `) && !posts.has(op))) return null;
  const others = [...lost].filter((op) => !posts.has(op)).length;
  return { lost: (position) => lost.has(opAt(position)), lostOthers: others };
}

/** Starts on damaged data: "served" and all there, or "refused" and nothing changed. */
async function trial(data: string, from: string): Promise<"served" | "refused"> {
  const before = fingerprint(data);
  const server = new ServerProcess({ data });
  if (await server.serving()) {
    await server.kill();
    await judge(data, beyondHead(from));
    return "served";
  }
  const { code } = await server.ended;
  if (code !== DAMAGED) throw new Error(`a refusal was none: ${server.story}`);
  expect(server.output).toMatch(/is damaged:\n.+/);
  expect(fingerprint(data)).toEqual(before);
  return "refused";
}

async function round(
  chance: Chance,
  files: readonly string[],
  data: string,
): Promise<[string, string]> {
  const from = chance.happens(0.5) ? stopped : killed;
  cpSync(from, data, { recursive: true });
  const there = files.filter((file) => existsSync(join(data, file)));
  const what = [damage(data, chance.pick(there), chance)];
  if (chance.happens(0.15)) what.push(damage(data, chance.pick(there), chance));
  const told = `${from === stopped ? "stopped" : "killed"}, ${what.join("; ")}`;
  try {
    const outcome = await trial(data, from);
    if (outcome === "served") return [told, outcome];
    const either = (output: string) => {
      const said = exceptionsOf(output);
      const beyond = beyondHead(from);
      if (said === null) return null;
      return {
        lost: (position: string) => said.lost(position) || beyond.lost(position),
        lostOthers: said.lostOthers + beyond.lostOthers,
      };
    };
    const output = await judge(data, either, "--accept-loss");
    expect(output).toMatch(
      /--accept-loss gave up|everything in it can be kept|the log was damaged/,
    );
    const except = exceptionsOf(output);
    if (chance.happens(0.3)) await judge(data, either(output));
    const { ops: lost, isCut } = lossesIn(output, ops);
    return [
      told,
      `refused, then ${lost.size} lost${isCut ? " or more" : ""}${except === null ? ", accounts too" : ""}`,
    ];
  } catch (cause) {
    throw new Error(`${told}: ${(cause as Error).message}`, { cause });
  } finally {
    await killServers();
    rmSync(data, { recursive: true, force: true });
  }
}

describe("[R2] damaged files", () => {
  test(
    "[R50, R51] of the log: everything is served, or the start is refused; accepting the loss keeps the rest",
    reported(FILE, seed, async () => {
      const rounds = heavy(12, 150);
      const tally = { served: 0, refused: 0 };
      const chance = new Chance(seed);
      for (let i = 0; i < rounds; i++) {
        const [what, outcome] = await round(chance, LOG_FILES, join(root, `log-${i}`));
        if (process.env.HOLDFAST_TEST_TRACE === "1") console.log(what, "->", outcome);
        tally[outcome === "served" ? "served" : "refused"]++;
      }
      expect(tally.refused).toBeGreaterThan(0);
      count("damaged logs, by the command", rounds);
    }),
    LIMIT_MS,
  );

  test(
    "[R22] of the view alone: it is made anew, and everything is served",
    reported(FILE, seed, async () => {
      const rounds = heavy(5, 50);
      const chance = new Chance(seed + 1);
      for (let i = 0; i < rounds; i++) {
        const [what, outcome] = await round(chance, VIEW_FILES, join(root, `view-${i}`));
        if (process.env.HOLDFAST_TEST_TRACE === "1") console.log(what, "->", outcome);
        expect([what, outcome]).toEqual([what, "served"]);
      }
      count("damaged views, by the command", rounds);
    }),
    LIMIT_MS,
  );
});
