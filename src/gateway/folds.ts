/** Waiting for the next fold, with an end: who gives up waiting leaves nothing behind. */
import type { Clock, Timer } from "../replica/ports.ts";

export class Folds {
  private readonly clock: Clock;
  private readonly waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Resolves after the next fold, or after `ms`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = () => {
        this.waiting.delete(end);
        timer?.cancel();
        resolve();
      };
      this.waiting.add(end);
      timer = this.clock.schedule(ms, end);
    });
  }

  /** A batch was folded, or the server is stopping. */
  wake(): void {
    for (const end of [...this.waiting]) end();
  }
}
