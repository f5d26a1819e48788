/** Disks: their power fails, syncs fail or stall, no room is left, they are lost, put back, copied and run twice. */
import { noDisks } from "../../test/torture/disks.ts";
import type { TortureClient } from "../clients.ts";
import { nowMs } from "../history.ts";
import { whyNoPreload } from "../preload.ts";
import { inTime, type Rig } from "../rig.ts";
import { done, type Fault, whole } from "./fault.ts";

/** What the exit table of docs/OPERATING.md says of a disk that failed while the server ran. */
const STORAGE_FAILED = 74;
const STALL_MS = 2_000;
const LEAVES_MS = 30_000;

/** A disk has failed: the server must notice, and leave with the code for that. */
async function leaves(rig: Rig, server: string): Promise<void> {
  const { code, signal, lastWords } = await inTime(
    `${server} to leave a disk that failed`,
    rig.endOf(server),
    LEAVES_MS,
  );
  if (code === STORAGE_FAILED) return;
  throw new Error(`${server} left with ${signal ?? code}, not 74: ${lastWords.join(" | ")}`);
}

const imageFirst = (rig: Rig, name: string) => (rig.disk(name).kind === "image" ? 0 : 1);

const power: Fault = {
  victims: 1,
  whyNot: () => noDisks,
  choose: (rig, free) => free.toSorted((a, b) => imageFirst(rig, a) - imageFirst(rig, b)),
  async strike(rig, [name = ""], chance) {
    const disk = rig.disk(name);
    const isKilled = chance.next() < 0.5;
    await Bun.sleep(whole(chance, 0, 400));
    if (disk.kind !== "image") {
      await rig.cluster.kill([name]);
      return done(`kill -9 ${name} (its disk is no image: no power to cut)`);
    }
    if (!isKilled) rig.doom(name);
    disk.cutPower();
    if (isKilled) await rig.cluster.kill([name]);
    else await leaves(rig, name);
    disk.restorePower();
    return done(`power of ${name} cut${isKilled ? ", with its process" : ""}`);
  },
};

const syncFails: Fault = {
  victims: 1,
  whyNot: whyNoPreload,
  async strike(rig, [name = ""]) {
    rig.doom(name);
    rig.preload(name).syncs = "fail";
    await leaves(rig, name);
    rig.preload(name).syncs = "work";
    return done(`EIO at each fsync of ${name}`);
  },
};

const syncStalls: Fault = {
  victims: 1,
  whyNot: whyNoPreload,
  strike(rig, [name = ""]) {
    rig.preload(name).syncs = { stallMs: STALL_MS };
    return {
      words: `each fsync of ${name} takes ${STALL_MS} ms`,
      mend: () => {
        rig.preload(name).syncs = "work";
      },
    };
  },
};

const full: Fault = {
  victims: 1,
  whyNot: () => noDisks,
  strike(rig, [name = ""], chance) {
    const disk = rig.disk(name);
    if (disk.kind === "folder") throw new Error("a plain folder is not filled");
    const left = whole(chance, 0, 6 * 1024);
    disk.fill(left * 1024);
    return { words: `${left} KiB left on the disk of ${name}`, mend: () => disk.empty() };
  },
};

/** Of the server at which the first client is: it acknowledged just now. */
const destroyed: Fault = {
  victims: 1,
  async choose(rig, free) {
    const { at } = await (rig.clients[0] as TortureClient).does({ do: "progress" });
    return free.toSorted((a, b) =>
      at === rig.cluster.url(a) ? -1 : at === rig.cluster.url(b) ? 1 : 0,
    );
  },
  async strike(rig, [name = ""]) {
    await rig.cluster.kill([name]);
    rig.disk(name).lose();
    rig.write({ is: "disk lost", at: nowMs(), server: name });
    return done(`kill -9 ${name}, and its disk is gone`);
  },
};

/** A copy of a running server, as of one moment. */
async function copyOf(rig: Rig, name: string): Promise<number> {
  const server = rig.cluster.get(name);
  server.freeze();
  const at = rig.disk(name).copy();
  server.thaw();
  return at;
}

const rollback: Fault = {
  victims: 1,
  async strike(rig, [name = ""], chance) {
    const asOf = await copyOf(rig, name);
    const ms = whole(chance, 400, 2_000);
    await Bun.sleep(ms);
    await rig.cluster.kill([name]);
    rig.disk(name).putBack();
    rig.write({ is: "disk put back", at: nowMs(), server: name, asOf });
    return done(`kill -9 ${name}, and its disk put back by ${ms} ms`);
  },
};

/** A copy of its data directory is run on another host while the own one goes on, or is cut off. */
const clone: Fault = {
  victims: 1,
  async strike(rig, [name = ""], chance) {
    const asOf = await copyOf(rig, name);
    const isAlone = chance.next() < 0.5;
    if (isAlone) rig.isolate(name);
    const twin = rig.twin(name);
    rig.twinned.add(name);
    twin.start([]);
    return {
      words: `a copy of ${name} runs on another host${isAlone ? `, and ${name} is cut off` : ""}`,
      mend: async () => {
        twin.kill();
        await twin.gone();
        // What the twin held by this name is on no disk any more.
        rig.write({ is: "disk put back", at: nowMs(), server: name, asOf });
        rig.twinned.delete(name);
      },
    };
  },
};

export const DISK_FAULTS: Record<string, Fault> = {
  power,
  "fsync-error": syncFails,
  "fsync-stall": syncStalls,
  "full-disk": full,
  destroy: destroyed,
  rollback,
  clone,
};
