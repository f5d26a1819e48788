/** What became of connections between servers: for `holdfast status`, the log and metrics. */
import { BoundedMap } from "../core/bounded-map.ts";
import type { Hello } from "../protocol/peer-hello.ts";
import type { Clock } from "../replica/ports.ts";
import type { Address } from "./address-book.ts";
import type { Ending, LinkEnd } from "./link-end.ts";
import {
  isLinkRefusal,
  type LinkProblem,
  problemWords,
  QUIET_REFUSALS,
  refusalWords,
} from "./refusals.ts";

/** Refused peers that are remembered, by address and name. */
const REFUSED_MAX = 64;
/** A refused peer tries again every few seconds; one that was not seen for this long is forgotten. */
const REFUSED_KEPT_MS = 60_000;

export type LinkStatus = {
  /** Whom it leads to; null if nobody ever said. */
  readonly server: string | null;
  /** The address that is dialled, or from where a peer came. */
  readonly address: string;
  readonly state: "linked" | "connecting" | "failed" | "refused";
  /** Which side opened it. */
  readonly by: "here" | "there";
  /** How long a link lasts, or what is wrong is so; ms. */
  readonly forMs: number;
  readonly problem: LinkProblem | null;
  /** The problem in words. */
  readonly reason: string | null;
};

type Trouble = {
  readonly key: string;
  readonly by: LinkStatus["by"];
  readonly server: string | null;
  readonly address: string;
  readonly problem: LinkProblem;
  readonly reason: string;
  readonly sinceMs: number;
  readonly seenMs: number;
};

export interface HistoryLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export class LinkHistory {
  readonly counts = new Map<LinkProblem, number>();
  private readonly clock: Clock;
  private readonly log: HistoryLog;
  private readonly once = new WeakSet<LinkEnd>();
  private readonly troubles = new BoundedMap<string, Trouble>(2 * REFUSED_MAX);

  constructor(clock: Clock, log: HistoryLog) {
    this.clock = clock;
    this.log = log;
  }

  wasLinked(end: LinkEnd): boolean {
    return this.once.has(end);
  }

  linked(end: LinkEnd): void {
    this.once.add(end);
    const { server, url } = end.theirs as Hello;
    for (const key of [...this.troubles.keys()]) {
      const trouble = this.troubles.get(key);
      const isOf =
        [end.address, url].includes(trouble?.address ?? "") || trouble?.server === server;
      if (isOf) this.troubles.delete(key);
    }
    this.log.info({ peer: server, url, by: sideOf(end) }, `linked to server ${server}`);
  }

  /** Said once as long as it stays the same. */
  ended(end: LinkEnd, ending: Ending): void {
    const { problem, detail } = ending;
    this.counts.set(problem, (this.counts.get(problem) ?? 0) + 1);
    if (QUIET_REFUSALS.has(problem)) return;
    const server = end.theirs?.server ?? null;
    const words = reasonOf(end, ending);
    const reason = detail === null ? words : `${words}: ${detail}`;
    if (this.wasLinked(end)) {
      this.log.info({ peer: server, problem }, `no link to server ${server} any more: ${reason}`);
      if (!isLinkRefusal(problem)) {
        this.lost(end, problem, reason);
        return;
      }
    }
    const by = sideOf(end);
    if (by === "there" && !isLinkRefusal(problem)) return; // it hung up: its own log knows why
    const key = `${by} ${end.address} ${by === "there" ? server : ""}`;
    const known = this.troubles.get(key);
    const nowMs = this.clock.monotonicMs();
    const isSame = known?.reason === reason && nowMs - known.seenMs < REFUSED_KEPT_MS;
    const sinceMs = isSame ? known.sinceMs : nowMs;
    const { address } = end;
    this.troubles.delete(key);
    this.troubles.set(key, { key, by, server, address, problem, reason, sinceMs, seenMs: nowMs });
    if (isSame) return;
    const who = by === "here" ? `no link to ${address}` : `no link with ${address}, which dialled`;
    this.log.warn({ peer: server, address, problem }, `${who}: ${reason}`);
  }

  /** Until it is dialled again that is all there is to say of its address. */
  private lost(end: LinkEnd, problem: LinkProblem, reason: string): void {
    const { server, url: address } = end.theirs as Hello;
    const nowMs = this.clock.monotonicMs();
    const key = `here ${address} `;
    const since = { sinceMs: nowMs, seenMs: nowMs };
    this.troubles.set(key, { key, by: "here", server, address, problem, reason, ...since });
  }

  /** What was wrong with an address the last time. */
  ofAddress(url: string): Trouble | null {
    return this.troubles.get(`here ${url} `) ?? null;
  }

  /** Peers that dialled and were refused, lately. */
  refused(): Trouble[] {
    const nowMs = this.clock.monotonicMs();
    return [...this.troubles.keys()]
      .map((key) => this.troubles.get(key) as Trouble)
      .filter(({ by, seenMs }) => by === "there" && nowMs - seenMs < REFUSED_KEPT_MS);
  }
}

function sideOf(end: LinkEnd): LinkStatus["by"] {
  return end.role === "dialler" ? "here" : "there";
}

export function reasonOf(end: LinkEnd, { problem, isTold }: Ending): string {
  if (!isLinkRefusal(problem)) return problemWords(problem);
  const { mine, theirs } = end;
  return isTold
    ? `refused by ${theirs === null ? "the other end" : `server ${theirs.server}`}: ${refusalWords(problem, theirs, mine)}`
    : refusalWords(problem, mine, theirs);
}

export function linkStatuses(
  clock: Clock,
  links: Iterable<LinkEnd>,
  addresses: Iterable<Address>,
  history: LinkHistory,
): LinkStatus[] {
  const nowMs = clock.monotonicMs();
  const rows: LinkStatus[] = [];
  const linked = new Set<string>();
  for (const end of links) {
    const { server } = end.theirs as Hello;
    linked.add(server);
    const common = { server, address: end.address, by: sideOf(end), problem: null, reason: null };
    rows.push({ ...common, state: "linked", forMs: nowMs - end.sinceMs });
  }
  for (const { url, server, isItself } of addresses) {
    if (isItself || (server !== null && linked.has(server))) continue;
    const trouble = history.ofAddress(url);
    const problem = trouble?.problem ?? null;
    rows.push({
      server,
      address: url,
      by: "here",
      state: problem === null ? "connecting" : isLinkRefusal(problem) ? "refused" : "failed",
      forMs: trouble === null ? 0 : nowMs - trouble.sinceMs,
      problem,
      reason: trouble?.reason ?? null,
    });
  }
  for (const { server, address, problem, reason, sinceMs } of history.refused()) {
    const forMs = nowMs - sinceMs;
    rows.push({ server, address, by: "there", state: "refused", forMs, problem, reason });
  }
  return rows;
}
