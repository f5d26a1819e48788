/** What breaks between hosts, by iptables where packets come in. The round heals all of it. */
import type { Chance } from "../../sim/chance.ts";
import type { Rig } from "../rig.ts";
import { SERVERS } from "../rig.ts";
import { done, type Fault } from "./fault.ts";

const LOSS = { min: 0.01, max: 0.3 };

function network(act: (rig: Rig, chance: Chance) => string): Fault {
  return { victims: 0, strike: (rig, _victims, chance) => done(act(rig, chance)) };
}

function three(chance: Chance): [string, string, string] {
  return chance.shuffle(SERVERS) as [string, string, string];
}

/** One server is heard by nobody, or is alone with one client: what it says goes nowhere, without a word. */
const full = network(({ hosts, clients }, chance) => {
  const [one] = three(chance);
  const client = chance.pick(clients).name;
  const side = chance.next() < 0.5 ? [one] : [one, client];
  hosts.split(side, ["eye"]);
  return `cut off ${side.join(" with ")}`;
});

const oneWay = network(({ hosts, clients }, chance) => {
  const [one, other] = three(chance);
  const to = chance.next() < 0.7 ? other : chance.pick(clients).name;
  hosts.cutOneWay(one, to);
  return `what ${one} sends to ${to} is lost`;
});

/** Two that do not see each other, and a third that both see. */
const bridge = network(({ hosts }, chance) => {
  const [one, other] = three(chance);
  hosts.cut(one, other);
  return `${one} and ${other} are cut from each other`;
});

/** None sees another one. */
const apart = network(({ hosts }) => {
  for (const one of SERVERS) {
    for (const other of SERVERS) if (one < other) hosts.cut(one, other);
  }
  return "no server sees another";
});

const reset = network(({ hosts, clients }, chance) => {
  const [one, other] = three(chance);
  const to = chance.next() < 0.6 ? other : chance.pick(clients).name;
  hosts.reset(one, to);
  return `resets between ${one} and ${to}`;
});

/** Between two hosts, or between one and all others. */
const loss = network(({ hosts, clients }, chance) => {
  const [one, other, third] = three(chance);
  const share = LOSS.min + (LOSS.max - LOSS.min) * chance.next();
  const everybody = [other, third, ...clients.map(({ name }) => name)];
  const to = chance.next() < 0.5 ? [other] : everybody;
  for (const host of to) hosts.lose(one, host, share);
  return `${(share * 100).toFixed(0)} % lost between ${one} and ${to.join(" ")}`;
});

export const NETWORK_FAULTS: Record<string, Fault> = {
  "cut-full": full,
  "cut-one-way": oneWay,
  "cut-bridge": bridge,
  "cut-apart": apart,
  "cut-reset": reset,
  loss,
};
