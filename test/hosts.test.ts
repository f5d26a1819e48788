/**
 * Real servers and clients on hosts with addresses of their own: killed, frozen, cut off in every shape, given
 * new disks, under load from clients attached to all of them.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { Chance } from "../sim/chance.ts";
import { count, heavy } from "./heavy.ts";
import type { ClientProcess } from "./hosts/client-process.ts";
import { whyNoHosts } from "./hosts/namespaces.ts";
import { HostsWorld, SERVERS } from "./hosts/world.ts";
import { cleanUp } from "./server-process.ts";

setDefaultTimeout(300_000);
afterEach(cleanUp);

const why = whyNoHosts();
const onHosts = test.skipIf(why !== null);
const named = (name: string) => (why === null ? name : `${name} (not run: ${why})`);
const STORMS = heavy(1, 15);
const GUSTS = 3;

onHosts(
  named(
    "[R1, R2, R3, R4, R5, R7] two of three killed, one frozen: the others go on, all is one again",
  ),
  async () => {
    const world = new HostsWorld();
    const { cluster, senders } = world;
    await world.begin();
    await world.receiptsName(["a", "b", "c"]);
    await cluster.kill(["a", "c"]);
    await world.goesOn(senders);
    await world.receiptsName(["b"]);
    await world.receiptsHold("b");
    await cluster.start(["c", "a"]);
    await cluster.inSync();
    cluster.get("b").freeze();
    await world.goesOn(senders);
    await world.receiptsName(["a", "c"]);
    await world.receiptsHold("a");
    await world.receiptsHold("c");
    cluster.get("b").thaw();
    await cluster.caughtUp();
    await world.end("kill and freeze");
  },
);

onHosts(
  named(
    "[R3, R4, R7, R92] a link of three cut, one direction, a side with its clients: every side goes on",
  ),
  async () => {
    const world = new HostsWorld();
    const { cluster, hosts, senders } = world;
    await world.begin();
    hosts.cut("a", "c");
    await world.sees("a", "c", "through");
    // Both see b: all three hold what is written anywhere.
    await world.goesOn(senders);
    await world.receiptsName(["a", "b", "c"]);
    hosts.heal();
    await cluster.inSync();
    hosts.cutOneWay("b", "a");
    await world.sees("a", "b", "through");
    await world.goesOn(senders);
    hosts.heal();
    await cluster.inSync();
    const [first, ...others] = senders as [ClientProcess, ...ClientProcess[]];
    hosts.split(["a", first.name]);
    await world.receiptsName(["a"], [first]);
    await world.receiptsName(["b", "c"], others);
    await world.goesOn(senders);
    expect((await first.does({ do: "progress" })).at).toBe(cluster.url("a"));
    hosts.heal();
    await cluster.caughtUp();
    await world.end("cuts");
  },
);

onHosts(
  named("[R1, R2, R4] a dead server gets a new disk, then another one: everything is there again"),
  async () => {
    const world = new HostsWorld();
    const { cluster, senders } = world;
    await world.begin();
    await cluster.kill(["b"]);
    world.replaceDisk("b");
    await world.goesOn(senders);
    await cluster.start(["b"]);
    await cluster.inSync();
    await cluster.kill(["a", "c"]);
    world.replaceDisk("a");
    await world.goesOn(senders);
    await world.receiptsHold("b");
    await cluster.start(["a", "c"]);
    await cluster.caughtUp();
    await world.end("disks");
  },
);

/** Something bad to any of them, and its end. */
async function gust(world: HostsWorld, chance: Chance): Promise<string> {
  const { cluster, hosts, senders } = world;
  const [one, other, third] = chance.shuffle(SERVERS) as [string, string, string];
  const kind = chance.pick(["kill two", "freeze", "silence", "cut", "one way", "sides"] as const);
  switch (kind) {
    case "kill two":
      await cluster.kill([one, other]);
      break;
    case "freeze":
      cluster.get(one).freeze();
      break;
    case "silence":
      hosts.split([one]);
      break;
    case "cut":
      hosts.cut(one, other);
      break;
    case "one way":
      hosts.cutOneWay(one, other);
      break;
    case "sides":
      hosts.split([one, (senders[0] as ClientProcess).name]);
      break;
    default:
      kind satisfies never;
  }
  await world.goesOn(senders);
  await world.receiptsHold(third);
  hosts.heal();
  if (kind === "freeze") cluster.get(one).thaw();
  if (kind === "kill two") await cluster.start([one, other]);
  await cluster.caughtUp();
  return `${kind} ${one} ${other}`;
}

onHosts(
  named(`[R1, R2, R3, R4, R5, R7] ${STORMS} storms of ${GUSTS} faults each, one after the other`),
  async () => {
    for (let storm = 1; storm <= STORMS; storm++) {
      const chance = new Chance(storm);
      const world = new HostsWorld();
      await world.begin();
      for (let i = 0; i < GUSTS; i++) await gust(world, chance);
      await world.end("storms");
      await cleanUp();
    }
    count("faults on hosts of their own", STORMS * GUSTS);
  },
  STORMS * 180_000,
);
