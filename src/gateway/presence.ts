/**
 * Who is online: has a connection, or had one a moment ago. Never stored. A short absence is not told, so
 * that a reconnect does not flicker on everybody's screen.
 */
import type { AccountId } from "../core/ids.ts";
import { PRESENCE_LINGER_MS } from "../core/limits.ts";
import type { Clock, Timer } from "../replica/ports.ts";

export class Presence {
  private readonly clock: Clock;
  private readonly changed: (account: AccountId, online: boolean) => void;
  private readonly connections = new Map<AccountId, number>();
  private stopped = false;
  private readonly leaving = new Map<AccountId, Timer>();

  constructor(clock: Clock, changed: (account: AccountId, online: boolean) => void) {
    this.clock = clock;
    this.changed = changed;
  }

  isOnline(account: AccountId): boolean {
    return this.connections.has(account) || this.leaving.has(account);
  }

  came(account: AccountId): void {
    const count = this.connections.get(account) ?? 0;
    this.connections.set(account, count + 1);
    const timer = this.leaving.get(account);
    if (timer !== undefined) {
      timer.cancel();
      this.leaving.delete(account);
    } else if (count === 0) {
      this.changed(account, true);
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
      this.changed(account, false);
    });
    this.leaving.set(account, timer);
  }

  /** From now on nobody is told of anything. */
  stop(): void {
    this.stopped = true;
    for (const timer of this.leaving.values()) timer.cancel();
    this.leaving.clear();
  }
}
