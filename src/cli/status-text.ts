/**
 * `server.status` for people: what can still fail, who is there, and what is wrong where something is. A table where it
 * fits; where it does not, as on a telephone, a few short lines for each server.
 */
import type { Result } from "../protocol/methods.ts";
import { plain, wrap } from "./paint.ts";
import { cells, pad, printable } from "./printable.ts";

export type ClusterStatus = Result<"server.status">;
type Server = ClusterStatus["servers"][number];
type Link = ClusterStatus["links"][number];

/** `width`: columns that there are. */
export function statusText(status: ClusterStatus, width = Number.POSITIVE_INFINITY): string {
  const rows = status.servers.map((server) => row(status, server).map(printable));
  const wide = table(rows);
  const fits = wide.every((line) => cells(line) <= width);
  const lines = [...broken(headline(status), width, 2), ""];
  lines.push(...(fits ? wide : blocks(rows, width)));
  const strangers = status.links.filter((link) => isStranger(status, link)).map(strangerLine);
  if (strangers.length > 0) lines.push("", ...strangers.flatMap((line) => broken(line, width, 2)));
  return lines.join("\n");
}

function broken(line: string, width: number, indent: number): string[] {
  return wrap([plain(printable(line))], width, indent).map((spans) =>
    spans.map(({ text }) => text).join(""),
  );
}

/** The leader's mark, name and state of each server, and below it what of the rest there is to say. */
function blocks(rows: readonly (readonly string[])[], width: number): string[] {
  return rows.flatMap(([mark, name, lag, fsync, clock, address, state]) => {
    const figures = [
      ["lag", lag],
      ["fsync", fsync],
      ["clock", clock],
    ].flatMap(([what, value]) => (value === "" ? [] : `${what} ${value}`));
    return [`${pad(mark ?? "", 1)} ${name}: ${state}`, address ?? "", figures.join(", ")]
      .filter((line) => line !== "")
      .flatMap((line, i) => broken(i === 0 ? line : `    ${line}`, width, 4));
  });
}

/** The fault budget in words, first: it is what one looks for. */
export function headline(status: ClusterStatus): string {
  const { faultBudget, leader, minCopies } = status;
  const members = status.servers.filter(({ removed }) => !removed);
  const count = members.length === 1 ? "1 server" : `${members.length} servers`;
  const led = members.length === 1 ? "" : ` Leader: ${leader}.`;
  const copies = faultBudget + 1;
  const refused =
    copies < minCopies
      ? ` Writes are refused: ${minCopies} copies are asked for, ${copies} can be made.`
      : "";
  return `${count}: ${budget(faultBudget, members.length)}.${led}${refused}`;
}

function budget(faultBudget: number, members: number): string {
  if (members === 1) return "what it holds is on this one disk";
  if (faultBudget === 0) return "none may fail: what is written now is on this server only";
  const servers = faultBudget === 1 ? "1 more server" : `${faultBudget} more servers`;
  return `${servers} may fail and nothing is lost`;
}

const HEAD = ["", "server", "lag", "fsync", "clock", "address", "state"] as const;

function row(status: ClusterStatus, server: Server): string[] {
  const { name, lagOps, unheldOps, fsyncMs, clockOffsetMs, url, link } = server;
  const isSelf = link === "self";
  return [
    name === status.leader ? "*" : "",
    name,
    link === "none" ? "" : `${Math.max(lagOps, unheldOps ?? 0)}`,
    fsyncMs === undefined ? "" : `${fsyncMs.toFixed(1)} ms`,
    clockOffsetMs === undefined || isSelf ? "" : signed(clockOffsetMs),
    url,
    stateOf(status, server),
  ];
}

function signed(ms: number): string {
  const far = Math.abs(ms) >= 10_000;
  const value = far ? `${(Math.abs(ms) / 1000).toFixed(0)} s` : `${Math.round(Math.abs(ms))} ms`;
  return `${ms < 0 ? "-" : "+"}${value}`;
}

function stateOf(status: ClusterStatus, server: Server): string {
  const { name, link, inSync, out, removed } = server;
  if (removed) return link === "self" ? "this server, removed from the cluster" : "removed";
  if (link === "self") return `this server${behindWords(status, server)}`;
  const why = whyNoLink(status.links, name);
  if (inSync && link === "through") return `in sync through another server; ${why}`;
  if (inSync && link === "suspect")
    return `in sync through another server; its link is silent for ${span(server.silentMs ?? 0)}`;
  if (inSync) return "in sync";
  return `not in sync: ${outWords(server, out ?? "", why)}`;
}

/** How far this server has come with what it lacks. */
function behindWords({ behind, catchUp }: ClusterStatus, { lagOps }: Server): string {
  if (catchUp === undefined) return behind ? `, behind by ${lagOps}` : "";
  const { doneOps, totalOps, perSecond } = catchUp;
  const leftMs = perSecond === 0 ? null : ((totalOps - doneOps) / perSecond) * 1_000;
  const left = leftMs === null ? "" : `, ${span(leftMs)} to go`;
  return `, catching up: ${doneOps} of ${totalOps} ops, ${perSecond}/s${left}`;
}

function outWords(server: Server, out: string, why: string): string {
  switch (out) {
    case "goodbye":
      return `it stopped; ${why}`;
    case "unlinked":
      return why;
    case "suspect":
      return `silent for ${span(server.silentMs ?? 0)}`;
    case "catching_up":
      return `catching up, ${server.unheldOps ?? 0} ops to go`;
    case "lag":
      return "too slow: writes don't wait for it";
    case "disk":
      return "its disk takes no writes";
    case "quiet":
      return `on probation for ${span(server.quietMs)}`;
    default:
      return out;
  }
}

/** Why a server has no link, as well as anybody knows. */
function whyNoLink(links: readonly Link[], name: string): string {
  const own = links.filter(({ server, state }) => server === name && state !== "linked");
  const [first] = own.filter(({ by }) => by === "here").concat(own);
  if (first?.reason === undefined) return "no link yet";
  return `${first.reason} (for ${span(first.forMs)})`;
}

/** What the table does not show: addresses of nobody known, and peers that are refused. */
function isStranger(status: ClusterStatus, { server, state, by }: Link): boolean {
  if (state === "linked") return false;
  const known = status.servers.find(({ name, link }) => name === server && link !== "self");
  return known === undefined || (by === "there" && known.link !== "none");
}

function strangerLine({ server, address, by, reason, forMs }: Link): string {
  const who = by === "here" ? `no link to ${address}` : `refused ${server ?? ""} from ${address}`;
  return reason === undefined
    ? `${who}: connecting`
    : `${who.replace("  ", " ")}: ${reason} (for ${span(forMs)})`;
}

function span(ms: number): string {
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  return s < 7_200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3_600)} h`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const all = [HEAD, ...rows];
  const used = HEAD.map((_, i) => i).filter((i) => i === 0 || rows.some((cell) => cell[i] !== ""));
  const width = (i: number) => Math.max(...all.map((cell) => cells(cell[i] ?? "")));
  return all.map((cell) =>
    used
      .map((i) => pad(cell[i] ?? "", width(i)))
      .join("  ")
      .trimEnd(),
  );
}
