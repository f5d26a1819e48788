/** Processes that die, and processes that stand still and go on as if nothing had happened. */
import type { Rig } from "../rig.ts";
import { done, type Fault, whole } from "./fault.ts";

/** A server that is silent for 600 ms is suspect (docs/decisions/0012). */
const UNDER_MS = { min: 350, max: 580 };
const PAST_MS = { min: 700, max: 4_000 };

function killing(victims: number): Fault {
  return {
    victims,
    async strike({ cluster }, names) {
      await cluster.kill(names);
      return done(`kill -9 ${names.join(" ")}`);
    },
  };
}

async function freeze({ cluster }: Rig, name: string, ms: number): Promise<void> {
  cluster.get(name).freeze();
  await Bun.sleep(ms);
  cluster.get(name).thaw();
}

function stopping(bounds: { min: number; max: number }): Fault {
  return {
    victims: 1,
    strike(rig, [name = ""], chance) {
      const ms = whole(chance, bounds.min, bounds.max);
      const over = freeze(rig, name, ms);
      return { words: `stop ${name} for ${ms} ms`, mend: () => over };
    },
  };
}

/** Load goes on while one is away; it is killed again while it takes over what it lacks, up to three times. */
const whileCatchingUp: Fault = {
  victims: 1,
  async strike({ cluster }, [name = ""], chance) {
    await cluster.kill([name]);
    await Bun.sleep(whole(chance, 800, 2_000));
    const times = whole(chance, 1, 3);
    const after: number[] = [];
    for (let i = 0; i < times; i++) {
      cluster.get(name).start([]);
      const ms = whole(chance, 120, 900);
      after.push(ms);
      await Bun.sleep(ms);
      await cluster.kill([name]);
    }
    return done(`kill ${name}, and ${after.join(", ")} ms after its next starts`);
  },
};

/** One dies while another stands still and the third takes the writes; then that dies and the others wake. */
const composite: Fault = {
  victims: 3,
  async strike(rig, [one = "", other = "", third = ""], chance) {
    const { cluster } = rig;
    const ms = whole(chance, 800, 2_000);
    cluster.get(one).freeze();
    await cluster.kill([other]);
    await Bun.sleep(ms);
    await cluster.kill([third]);
    cluster.get(one).thaw();
    return done(
      `stop ${one}, kill ${other}, write through ${third} for ${ms} ms, kill it, wake ${one}`,
    );
  },
};

export const PROCESS_FAULTS: Record<string, Fault> = {
  "kill-one": killing(1),
  "kill-two": killing(2),
  "kill-all": killing(3),
  "stop-under": stopping(UNDER_MS),
  "stop-past": stopping(PAST_MS),
  "kill-catching-up": whileCatchingUp,
  "wake-alone": composite,
};
