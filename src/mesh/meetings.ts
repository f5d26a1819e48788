/**
 * Which process goes by which name, as the others meet them.
 *
 * Two live processes under one name may each be linked to other servers, and to none in common: a copied disk
 * that was started elsewhere. So every server tells its peers whom it is linked to and hears, by the number that
 * each process drew at its start, and refuses a newcomer under a name that somebody else hears another process
 * by. Rejected: asking around at each handshake (it would wait for the slowest, and the answer may be old).
 */
import { LINKS_MAX, SUSPECT_AFTER_MS } from "../core/limits.ts";
import type { Hello } from "../protocol/peer-hello.ts";
import type { LinkMessage } from "../protocol/peer-link.ts";
import type { Clock } from "../replica/ports.ts";
import type { LinkEnd } from "./link-end.ts";

type Met = Extract<LinkMessage, { type: "link.meets" }>["processes"];

export class Meetings {
  private readonly clock: Clock;
  /** What each was told last, and what each said last. */
  private readonly told = new WeakMap<LinkEnd, string>();
  private readonly said = new WeakMap<LinkEnd, Met>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  private isHeard({ heardMs }: LinkEnd): boolean {
    return this.clock.monotonicMs() - heardMs < SUSPECT_AFTER_MS;
  }

  /** Tells each whom this server hears, if that has changed. */
  tell(links: Iterable<LinkEnd>): void {
    const ends = [...links];
    const heard = ends.filter((end) => this.isHeard(end));
    for (const end of ends) {
      const processes: Met = heard
        .filter((other) => other !== end)
        .slice(0, LINKS_MAX)
        .map((other) => nameOf(other))
        .sort(([a], [b]) => (a < b ? -1 : 1));
      const text = JSON.stringify(processes);
      if ((this.told.get(end) ?? "[]") === text) continue;
      this.told.set(end, text);
      end.say({ type: "link.meets", processes });
    }
  }

  heard(end: LinkEnd, processes: Met): void {
    this.said.set(end, processes);
  }

  /** Another process than this one that somebody hears under this name; null if there is none. */
  other(links: Iterable<LinkEnd>, server: string, instance: string): string | null {
    for (const end of links) {
      if (end.theirs?.server === server || !this.isHeard(end)) continue;
      for (const [name, process] of this.said.get(end) ?? []) {
        if (name === server && process !== instance) return process;
      }
    }
    return null;
  }
}

function nameOf(end: LinkEnd): [string, string] {
  const { server, instance } = end.theirs as Hello;
  return [server, instance];
}
