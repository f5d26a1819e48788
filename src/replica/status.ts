/** The cluster as one server sees it, as figures: for `holdfast status`, the page and metrics. */

import type { OutReason } from "./detector.ts";
import type { Members } from "./members.ts";
import type { Clock, Log } from "./ports.ts";
import type { Standings } from "./standings.ts";

export type ServerStatus = {
  readonly name: string;
  readonly url: string;
  readonly storeId: string | null;
  readonly release: string | null;
  readonly isRemoved: boolean;
  /** `self`; a link that is heard, silent or none; `through`: in sync with one that is in sync with here. */
  readonly link: "self" | "live" | "suspect" | "none" | "through";
  readonly isInSync: boolean;
  /** Why it is not in sync; null if it is. */
  readonly reason: OutReason | null;
  /** How long its quiet period lasts, ms. */
  readonly quietMs: number;
  /** Ops that it says it lacks. */
  readonly lagOps: number;
  /** Ops of this log that it is not known to hold; null without a link. */
  readonly unheldOps: number | null;
  readonly fsyncMs: number | null;
  /** How far its wall clock is ahead of this one's (of which a leap is taken out), ms. */
  readonly clockOffsetMs: number | null;
  readonly silentMs: number | null;
  /** Whom it is linked to and hears; null where it has not said. */
  readonly hears: readonly string[] | null;
};

export type ClusterStatus = {
  readonly name: string;
  readonly storeId: string;
  readonly leader: string;
  readonly isBehind: boolean;
  readonly isRemoved: boolean;
  /** Ops that others hold and this server lacks. */
  readonly lagOps: number;
  readonly members: readonly string[];
  /** So many more servers may fail, and what is acknowledged now survives. */
  readonly faultBudget: number;
  readonly servers: readonly ServerStatus[];
};

type Options = {
  readonly name: string;
  readonly url?: string;
  readonly clock: Clock;
  readonly log: Log;
};

export function statusOf(
  { name, url = "", clock, log }: Options,
  members: Members,
  peers: Standings,
): ClusterStatus {
  const self: ServerStatus = {
    name,
    url,
    storeId: log.storeId,
    release: null,
    isRemoved: members.isRemoved(name),
    link: "self",
    isInSync: true,
    reason: null,
    quietMs: 0,
    lagOps: peers.lagOps(),
    unheldOps: 0,
    fsyncMs: null,
    clockOffsetMs: 0,
    silentMs: 0,
    hears: peers.live(),
  };
  const names = new Set([...members.list().map((member) => member.name), ...peers.all.keys()]);
  names.delete(name);
  const others = [...names].map((other) => peerStatus(other, clock, members, peers));
  return {
    name,
    storeId: log.storeId,
    leader: peers.leader,
    isBehind: peers.isBehind,
    isRemoved: self.isRemoved,
    lagOps: self.lagOps,
    members: members.names,
    faultBudget: peers.inSync.length,
    servers: [self, ...others].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function peerStatus(name: string, clock: Clock, members: Members, peers: Standings): ServerStatus {
  const member = members.get(name);
  const peer = peers.all.get(name);
  const session = peer?.session ?? null;
  const isReached = peer !== undefined && peers.isReached(peer);
  const link =
    session === null
      ? isReached
        ? "through"
        : "none"
      : peer?.detector.isSuspect
        ? "suspect"
        : "live";
  return {
    name,
    url: peer?.identity?.url ?? member?.url ?? "",
    storeId: peer?.marks.storeId ?? null,
    release: peer?.identity?.release ?? null,
    isRemoved: member?.isRemoved ?? false,
    link,
    isInSync: peer?.detector.isInSync ?? false,
    reason: peer === undefined ? "unlinked" : peer.detector.out,
    quietMs: peer?.detector.quietLeftMs(clock.monotonicMs()) ?? 0,
    lagOps: peer?.beat?.lagOps ?? 0,
    unheldOps: session?.outgoing.lagOps() ?? null,
    fsyncMs: peer?.beat?.fsyncMs ?? null,
    clockOffsetMs: session === null ? null : (peer?.clockOffsetMs ?? null),
    silentMs: session === null ? null : (peer?.detector.silenceMs ?? null),
    hears: peer?.links ? [...peer.links] : null,
  };
}
