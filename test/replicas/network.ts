/**
 * Links between processes, with delays, cuts and breaks.
 *
 * A cut is silent, as a firewall's: frames wait for its end, as they do in TCP, until one side gives the link up.
 * A break ends a link for both sides. A process that is killed breaks its links; one that is frozen does not. The
 * dialling that the mesh does is a loop here: every pair tries again until it is linked.
 */

import type { Chance } from "../../sim/chance.ts";
import type { ProcessClock, Time } from "../../sim/clock.ts";
import type { LinkListener, PeerFrame, PeerIdentity, PeerLink } from "../../src/replica/ports.ts";

const DIAL_EVERY_MS = 250;

/** A process that can be reached. */
export type Endpoint = {
  /** Where it runs: two processes of one name are in two places. */
  readonly host: string;
  readonly identity: PeerIdentity;
  readonly clock: ProcessClock;
  readonly listener: LinkListener;
};

/** One direction of a connection. */
class End implements PeerLink {
  peer!: End;
  readonly owner: Endpoint;
  readonly other: Endpoint;
  isOver = false;
  /** Frames that wait for the end of a cut. */
  readonly waiting: PeerFrame[] = [];
  lastArrivalMs = 0;
  private readonly network: Network;

  constructor(network: Network, owner: Endpoint, other: Endpoint) {
    this.network = network;
    this.owner = owner;
    this.other = other;
  }

  get backlogBytes(): number {
    return this.waiting.reduce((sum, frame) => sum + frame.length, 0);
  }

  send(frame: PeerFrame): void {
    if (this.isOver) return;
    if (this.network.isCut(this.owner.host, this.other.host)) this.waiting.push(frame);
    else this.network.carry(this, frame);
  }

  close(reason: string): void {
    this.network.end(this, reason);
  }
}

export class Network {
  /** Frames carried, for those who want to know what a run was. */
  frames = 0;
  private readonly time: Time;
  private readonly chance: Chance;
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly ends = new Set<End>();
  /** `from to`, in one direction. */
  private readonly cuts = new Set<string>();
  /** ms: at least and at most, of each frame. */
  delayMs: readonly [number, number] = [0.1, 3];

  constructor(time: Time, chance: Chance) {
    this.time = time;
    this.chance = chance;
    this.dial();
  }

  up(endpoint: Endpoint): void {
    this.endpoints.set(endpoint.host, endpoint);
  }

  /** The process is gone: its sockets are reset. */
  down(host: string): void {
    this.endpoints.delete(host);
    for (const end of [...this.ends]) if (end.owner.host === host) this.end(end, "killed");
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from} ${to}`);
  }

  cut(from: string, to: string): void {
    this.cuts.add(`${from} ${to}`);
  }

  heal(): void {
    this.cuts.clear();
    for (const end of this.ends) this.carryWaiting(end);
  }

  /** Heals what two hosts cannot send each other. */
  mend(a: string, b: string): void {
    for (const pair of [`${a} ${b}`, `${b} ${a}`]) this.cuts.delete(pair);
    for (const end of this.ends) {
      if (!this.isCut(end.owner.host, end.other.host)) this.carryWaiting(end);
    }
  }

  private carryWaiting(end: End): void {
    for (const frame of end.waiting.splice(0)) this.carry(end, frame);
  }

  /** Ends the link of two servers, if there is one. */
  break(a: string, b: string): void {
    for (const end of [...this.ends]) {
      if (end.owner.host === a && end.other.host === b) this.end(end, "broken");
    }
  }

  private dial(): void {
    this.time.at(DIAL_EVERY_MS * this.chance.between(0.5, 1.5), () => {
      const all = [...this.endpoints.values()];
      for (const [i, a] of all.entries()) {
        for (const b of all.slice(i + 1)) this.connect(a, b);
      }
      this.dial();
    });
  }

  private connect(a: Endpoint, b: Endpoint): void {
    const [x, y] = [a.host, b.host];
    if (a.identity.name === b.identity.name) return;
    if (a.clock.isFrozen || b.clock.isFrozen || this.isCut(x, y) || this.isCut(y, x)) return;
    // A side that still holds an old link to the other, or to another process of that name, hears of its end first.
    const holds = (end: End, one: Endpoint, other: Endpoint) =>
      end.owner.host === one.host && end.other.identity.name === other.identity.name;
    for (const end of this.ends) if (holds(end, a, b) || holds(end, b, a)) return;
    const [here, there] = [new End(this, a, b), new End(this, b, a)];
    here.peer = there;
    there.peer = here;
    for (const end of [here, there]) this.ends.add(end);
    this.tell(here, (end) => end.owner.listener.linked(there.owner.identity, end));
    this.tell(there, (end) => end.owner.listener.linked(here.owner.identity, end));
  }

  carry(from: End, frame: PeerFrame): void {
    this.frames++;
    const to = from.peer;
    this.tell(to, (end) => {
      if (!end.isOver) end.owner.listener.received(end, frame);
    });
  }

  /** Something reaches one end of a link, after what was on its way there before. */
  private tell(end: End, act: (end: End) => void): void {
    const [least, most] = this.delayMs;
    const atMs = Math.max(this.time.nowMs + this.chance.between(least, most), end.lastArrivalMs);
    end.lastArrivalMs = atMs;
    this.time.at(atMs - this.time.nowMs, () => end.owner.clock.run(() => act(end)));
  }

  /** One end is closed; the other hears of it, unless a cut is in between: then it has to find out. */
  end(end: End, reason: string): void {
    if (end.isOver) return;
    end.isOver = true;
    this.ends.delete(end);
    this.time.at(0, () => end.owner.clock.run(() => end.owner.listener.unlinked(end, reason)));
    const { peer } = end;
    if (peer.isOver) return;
    const from = end.owner.host;
    if (!this.isCut(from, peer.owner.host)) {
      this.tell(peer, () => this.end(peer, reason));
      return;
    }
    // The reset comes through when the cut is over, if it was not given up before.
    const again = () => {
      if (peer.isOver) return;
      if (this.isCut(from, peer.owner.host)) this.time.at(DIAL_EVERY_MS, again);
      else this.end(peer, reason);
    };
    this.time.at(DIAL_EVERY_MS, again);
  }
}
