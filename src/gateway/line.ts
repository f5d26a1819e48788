/**
 * Keeps the writes of one connection in their order, although some have to wait for what is in flight.
 * A write that need not wait and has nobody before it goes through in the same turn.
 */
export class Line {
  private waiting = 0;
  private tail: Promise<void> = Promise.resolve();

  /**
   * Runs `attempt` until it gives something; null means "not yet": it is tried again after `again`.
   * What `attempt` throws goes to the caller and lets the next one through.
   */
  async inOrder<T extends object>(attempt: () => T | null, again: () => Promise<void>): Promise<T> {
    if (this.waiting === 0) {
      const result = attempt();
      if (result !== null) return result;
    }
    this.waiting++;
    const before = this.tail;
    let release = () => {};
    this.tail = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await before;
      for (;;) {
        const result = attempt();
        if (result !== null) return result;
        await again();
      }
    } finally {
      this.waiting--;
      release();
    }
  }
}
