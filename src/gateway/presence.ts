/**
 * Who is online: has a connection here or at a server that is linked, or had one a moment ago. Never stored.
 *
 * A short absence is not told, so that a reconnect, also to another server, does not flicker on everybody's
 * screen. What another server says of its people ends with the link, a moment later.
 */
import type { AccountId } from "../core/ids.ts";
import { PRESENCE_LINGER_MS, PRESENCE_PER_PEER_MAX } from "../core/limits.ts";
import type { Clock, Timer } from "../replica/ports.ts";

/** Who is online at another server. */
type Elsewhere = {
  readonly now: Set<AccountId>;
  /** Who was, by what it said before or on a link that is over. */
  former: ReadonlySet<AccountId>;
  timer: Timer | null;
};

export type PresenceNews = {
  /** Somebody is online now, or is so nowhere any more. */
  changed(account: AccountId, online: boolean): void;
  /** The same of this server alone. */
  changedHere(account: AccountId, online: boolean): void;
};

export class Presence {
  private readonly clock: Clock;
  private readonly news: PresenceNews;
  private readonly connections = new Map<AccountId, number>();
  private stopped = false;
  private readonly leaving = new Map<AccountId, Timer>();
  private readonly elsewhere = new Map<string, Elsewhere>();

  constructor(clock: Clock, news: PresenceNews) {
    this.clock = clock;
    this.news = news;
  }

  isOnline(account: AccountId): boolean {
    return this.isHere(account) || this.isElsewhere(account);
  }

  private isHere(account: AccountId): boolean {
    return this.connections.has(account) || this.leaving.has(account);
  }

  private isElsewhere(account: AccountId): boolean {
    for (const { now, former } of this.elsewhere.values()) {
      if (now.has(account) || former.has(account)) return true;
    }
    return false;
  }

  /** Accounts that are online at this server. */
  here(): AccountId[] {
    return [...this.connections.keys(), ...this.leaving.keys()];
  }

  /** Accounts that are online at another server, as it said last. */
  at(peer: string): AccountId[] {
    return [...(this.elsewhere.get(peer)?.now ?? [])];
  }

  came(account: AccountId): void {
    const count = this.connections.get(account) ?? 0;
    const wasOnline = this.isOnline(account);
    this.connections.set(account, count + 1);
    const timer = this.leaving.get(account);
    if (timer !== undefined) {
      timer.cancel();
      this.leaving.delete(account);
    } else if (count === 0) {
      this.news.changedHere(account, true);
      if (!wasOnline) this.news.changed(account, true);
    }
  }

  went(account: AccountId): void {
    const count = this.connections.get(account) ?? 0;
    if (count > 1) {
      this.connections.set(account, count - 1);
      return;
    }
    this.connections.delete(account);
    if (this.stopped) return;
    const timer = this.clock.schedule(PRESENCE_LINGER_MS, () => {
      this.leaving.delete(account);
      this.news.changedHere(account, false);
      if (!this.isOnline(account)) this.news.changed(account, false);
    });
    this.leaving.set(account, timer);
  }

  /** Another server says who is there; `anew`: what it said before counts no more. */
  heard(
    peer: string,
    online: readonly AccountId[],
    offline: readonly AccountId[],
    anew: boolean,
  ): void {
    if (this.stopped) return;
    if (anew) this.lost(peer);
    const there = this.elsewhere.get(peer) ?? { now: new Set(), former: new Set(), timer: null };
    this.elsewhere.set(peer, there);
    for (const account of online) {
      if (there.now.size >= PRESENCE_PER_PEER_MAX) break;
      const wasOnline = this.isOnline(account);
      there.now.add(account);
      if (!wasOnline) this.news.changed(account, true);
    }
    for (const account of offline) {
      if (there.now.delete(account) && !this.isOnline(account)) this.news.changed(account, false);
    }
  }

  /** Nothing more is heard of another server's people: a moment later they are gone. */
  lost(peer: string): void {
    const there = this.elsewhere.get(peer);
    if (there === undefined || this.stopped) return;
    there.former = new Set([...there.former, ...there.now]);
    there.now.clear();
    there.timer?.cancel();
    there.timer = this.clock.schedule(PRESENCE_LINGER_MS, () => {
      const { former } = there;
      there.former = new Set();
      if (there.now.size === 0) this.elsewhere.delete(peer);
      for (const account of former) {
        if (!this.isOnline(account)) this.news.changed(account, false);
      }
    });
  }

  /** From now on nobody is told of anything. */
  stop(): void {
    this.stopped = true;
    for (const timer of this.leaving.values()) timer.cancel();
    for (const { timer } of this.elsewhere.values()) timer?.cancel();
    this.leaving.clear();
    this.elsewhere.clear();
  }
}
