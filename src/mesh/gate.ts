/**
 * Who may begin a handshake here: bounds on how many are unfinished, and on how many of one address failed.
 * What an address did is forgotten evenly; an honest server that is refused dials less often than that.
 */
import { BoundedMap } from "../core/bounded-map.ts";
import {
  HANDSHAKE_FAILURE_WINDOW_MS,
  HANDSHAKE_FAILURES_MAX,
  HANDSHAKES_MAX,
  HANDSHAKES_PER_ADDRESS_MAX,
  THROTTLE_ENTRIES_MAX,
} from "../core/limits.ts";
import type { Clock } from "../replica/ports.ts";

export class Gate {
  private readonly clock: Clock;
  private readonly failures = new BoundedMap<string, { count: number; atMs: number }>(
    THROTTLE_ENTRIES_MAX,
  );
  private readonly inside = new Map<string, number>();
  private total = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Counts one in if there is room; `left` follows once. */
  enter(address: string): boolean {
    const own = this.inside.get(address) ?? 0;
    if (this.total >= HANDSHAKES_MAX || own >= HANDSHAKES_PER_ADDRESS_MAX) return false;
    if (this.failuresOf(address) >= HANDSHAKE_FAILURES_MAX) return false;
    this.total++;
    this.inside.set(address, own + 1);
    return true;
  }

  left(address: string, isGood: boolean): void {
    this.total--;
    const own = (this.inside.get(address) ?? 1) - 1;
    if (own === 0) this.inside.delete(address);
    else this.inside.set(address, own);
    if (isGood) return;
    const count = this.failuresOf(address) + 1;
    this.failures.set(address, { count, atMs: this.clock.monotonicMs() });
  }

  private failuresOf(address: string): number {
    const known = this.failures.get(address);
    if (known === undefined) return 0;
    const passedMs = this.clock.monotonicMs() - known.atMs;
    const forgotten = (passedMs / HANDSHAKE_FAILURE_WINDOW_MS) * HANDSHAKE_FAILURES_MAX;
    return Math.max(0, known.count - forgotten);
  }
}
