/** One server after the other is stopped and started by the newer executable, and one dies meanwhile. */
import { done, type Fault } from "./fault.ts";

const upgrade: Fault = {
  victims: 3,
  async strike(rig, names, chance) {
    const what = rig.upgradeWords;
    const words: string[] = [];
    const dies = chance.pick(names);
    const at = chance.pick(names.filter((name) => name !== dies));
    for (const name of names) {
      if (rig.cluster.get(name).state === "off") continue;
      await rig.cluster.stop([name]);
      rig.upgrade(name);
      const started = rig.start([name]);
      if (name === at) {
        await rig.cluster.kill([dies]);
        words.push(`kill -9 ${dies}`);
        rig.upgrade(dies);
      }
      await started;
      words.push(`${name} started anew`);
    }
    return done(`${what}: ${words.join(", ")}`);
  },
};

export const UPGRADE_FAULTS: Record<string, Fault> = { "kill-upgrading": upgrade };
