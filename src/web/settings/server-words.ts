/** The state of the cluster in words, for those who run it: what can still fail, and what is wrong where. */
import type { ClusterStatus } from "../state/admin.ts";
import { budgetWords } from "../state/fault-budget.ts";

export type Server = ClusterStatus["servers"][number];
export type Link = ClusterStatus["links"][number];

/** What one looks for first. It changes with states only, so that it can be read out. */
export function summary(status: ClusterStatus): string {
  const { faultBudget, leader, minCopies } = status;
  const members = status.servers.filter(({ removed }) => !removed);
  if (members.length === 1) return "One server: what it holds is on this one disk.";
  const copies = faultBudget + 1;
  return [
    `${members.length} servers. ${budgetWords(faultBudget)}. Leader: ${leader}.`,
    ...members
      .filter((server) => !isWell(status, server))
      .map(({ name }) => `${name} is not in sync.`),
    ...(copies < minCopies
      ? [`Writes are refused: ${minCopies} copies are asked for, ${copies} can be made.`]
      : []),
  ].join(" ");
}

/** Whether writes go there, too. */
export function isWell(status: ClusterStatus, server: Server): boolean {
  if (server.removed) return false;
  return server.link === "self" ? !status.behind : server.inSync;
}

export function stateWords(status: ClusterStatus, server: Server): string {
  const { name, link, inSync, out, removed } = server;
  if (removed) return "Removed from the cluster";
  if (link === "self") return ownWords(status, server);
  const why = whyNoLink(status.links, name);
  if (inSync && link === "through") return `In sync through another server; ${why}`;
  if (inSync && link === "suspect") return "In sync through another server; its link is silent";
  if (inSync) return "In sync";
  return `Not in sync: ${outWords(server, out ?? "", why)}`;
}

function ownWords({ behind, catchUp }: ClusterStatus, { lagOps }: Server): string {
  if (catchUp === undefined) return behind ? `Behind by ${count(lagOps, "op")}` : "In sync";
  const { doneOps, totalOps, perSecond } = catchUp;
  const left = perSecond === 0 ? "" : `, ${span(((totalOps - doneOps) / perSecond) * 1_000)} to go`;
  return `Catching up: ${doneOps} of ${count(totalOps, "op")}${left}`;
}

function outWords(server: Server, out: string, why: string): string {
  switch (out) {
    case "goodbye":
      return "it stopped";
    case "unlinked":
      return why;
    case "suspect":
      return `silent for ${span(server.silentMs ?? 0)}`;
    case "catching_up":
      return `catching up, ${count(server.unheldOps ?? 0, "op")} to go`;
    case "lag":
      return "too slow, writes don't wait for it";
    case "disk":
      return "its disk takes no writes";
    case "quiet":
      return server.link === "none" ? why : `on probation for ${span(server.quietMs)}`;
    default:
      return out;
  }
}

function whyNoLink(links: readonly Link[], name: string): string {
  const own = links.filter(({ server, state }) => server === name && state !== "linked");
  const first = own.find(({ by }) => by === "here") ?? own[0];
  return first?.reason === undefined ? "no link" : `${first.reason} (for ${span(first.forMs)})`;
}

/** Addresses that lead to no known server, and peers that are refused. */
export function strangers({ links, servers }: ClusterStatus): string[] {
  return links
    .filter(({ server, state, by }) => {
      const known = servers.find(({ name, link }) => name === server && link !== "self");
      return (
        state !== "linked" && (known === undefined || (by === "there" && known.link !== "none"))
      );
    })
    .map(({ by, server, address, reason, forMs }) => {
      const who =
        by === "here" ? `No link to ${address}` : `Refused ${server ?? ""} from ${address}`;
      return `${who}: ${reason === undefined ? "connecting" : `${reason} (for ${span(forMs)})`}`;
    });
}

/** Figures of a server that are known, with their names. */
export function facts(server: Server): [name: string, value: string][] {
  const { link, lagOps, unheldOps, fsyncMs, clockOffsetMs, silentMs, release } = server;
  const isSelf = link === "self";
  const found: [string, string | undefined][] = [
    ["Lag", link === "none" ? undefined : count(Math.max(lagOps, unheldOps ?? 0), "op")],
    ["Disk sync", fsyncMs === undefined ? undefined : `${fsyncMs.toFixed(1)} ms`],
    ["Clock", clockOffsetMs === undefined || isSelf ? undefined : offset(clockOffsetMs)],
    ["Last heard", silentMs === undefined || isSelf ? undefined : `${span(silentMs)} ago`],
    ["Release", release],
  ];
  return found.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

function offset(ms: number): string {
  const far = Math.abs(ms) >= 10_000;
  const size = far ? `${Math.round(Math.abs(ms) / 1_000)} s` : `${Math.round(Math.abs(ms))} ms`;
  return Math.round(ms) === 0 ? "0 ms" : `${size} ${ms < 0 ? "behind" : "ahead"}`;
}

function count(n: number, what: string): string {
  return `${n} ${n === 1 ? what : `${what}s`}`;
}

export function span(ms: number): string {
  const s = ms / 1_000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  return s < 7_200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3_600)} h`;
}
