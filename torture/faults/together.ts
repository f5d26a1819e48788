/** Everything at once, each to another server: one stands still, one dies with its disk, one is slow and badly reached. */
import { nowMs } from "../history.ts";
import { whyNoPreload } from "../preload.ts";
import { SERVERS } from "../rig.ts";
import { type Fault, whole } from "./fault.ts";

const together: Fault = {
  victims: 3,
  async strike(rig, [still = "", dead = "", slow = ""], chance) {
    const { cluster, hosts } = rig;
    const share = 0.01 + 0.19 * chance.next();
    const everybody = [...SERVERS, ...rig.clients.map(({ name }) => name)];
    for (const host of everybody) if (host !== slow) hosts.lose(slow, host, share);
    const stallMs = whole(chance, 50, 400);
    if (whyNoPreload() === null) rig.preload(slow).syncs = { stallMs };
    const ms = whole(chance, 500, 3_000);
    cluster.get(still).freeze();
    const over = Bun.sleep(ms).then(() => cluster.get(still).thaw());
    await cluster.kill([dead]);
    rig.disk(dead).lose();
    rig.write({ is: "disk lost", at: nowMs(), server: dead });
    const slowness = `each fsync of ${slow} takes ${stallMs} ms, ${(share * 100).toFixed(0)} % to it lost`;
    return {
      words: `stop ${still} for ${ms} ms, ${dead} killed and its disk gone, ${slowness}`,
      mend: async () => {
        rig.preload(slow).syncs = "work";
        await over;
      },
    };
  },
};

export const ALL_AT_ONCE: Record<string, Fault> = { "all-at-once": together };
