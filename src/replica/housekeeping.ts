/**
 * Work behind the fold, off the way of every message: the search index, erasures, and cleaning after them.
 *
 * Invariants: 1. one batch of bodies is on its way off the disk at a time. 2. A body leaves the log before
 * the view forgets that it has to. 3. Cleaning waits until nothing is left to erase. 4. A body leaves the log
 * only when every server in sync holds the op that erases it: who would be left with neither could not tell.
 */
import { NoRoom } from "../core/errors.ts";
import { ERASE_BATCH_OPS, ERASE_DEADLINE_MS } from "../core/limits.ts";
import type { Clock, Log, Timer, View } from "./ports.ts";

const DELAY_MS = 10;
const PAUSE_MS = 2;
const NO_ROOM_PAUSE_MS = 1_000;
/** Until servers in sync have the erasing op, or are no longer in sync. */
const HELD_PAUSE_MS = 100;

type Parts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly view: View;
  readonly viewCleaned?: () => void;
  /** Whether every server in sync holds this op. */
  readonly isHeldByAll?: (n: number) => boolean;
};

export class Housekeeping {
  private readonly parts: Parts;
  private readonly alarm: (message: string) => void;
  private timer: Timer | null = null;
  /** While bodies are on their way off the disk: what raises the alarm if it takes too long. */
  private erasing: Timer | null = null;
  private afterErasure: (() => void) | null = null;
  private finishing = false;
  /** What is left to finish is left to the next start. */
  private givenUp = false;

  constructor(parts: Parts, alarm: (message: string) => void) {
    this.parts = parts;
    this.alarm = alarm;
    this.soon();
  }

  /** There may be something to do. */
  soon(delayMs = DELAY_MS): void {
    if (this.finishing) return;
    this.timer ??= this.parts.clock.schedule(delayMs, () => {
      this.timer = null;
      try {
        this.work();
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error;
        this.soon(NO_ROOM_PAUSE_MS);
      }
    });
  }

  private work(): void {
    const { view, viewCleaned } = this.parts;
    const more = view.tidy();
    if (this.erasing === null) this.eraseSome();
    if (more) {
      this.soon(PAUSE_MS);
    } else if (this.erasing === null && view.needsCleaning) {
      if (!view.clean()) viewCleaned?.();
      this.soon(PAUSE_MS);
    }
  }

  private eraseSome(): void {
    const { view, log, clock } = this.parts;
    const { isHeldByAll = () => true } = this.parts;
    const pending = view.pendingErasures(ERASE_BATCH_OPS);
    const items = pending.filter(({ by }) => isHeldByAll(by));
    if (items.length === 0) {
      if (pending.length > 0) this.soon(HELD_PAUSE_MS);
      return;
    }
    const seconds = ERASE_DEADLINE_MS / 1000;
    const message = `erased text has not left the disk within ${seconds} s: something reads the log's files without an end`;
    this.erasing = clock.schedule(ERASE_DEADLINE_MS, () => this.alarm(message));
    log.erase(items);
  }

  /** These bodies have left the log. */
  erased(ns: readonly number[]): void {
    this.erasing?.cancel();
    this.erasing = null;
    let pauseMs = PAUSE_MS;
    try {
      this.parts.view.erasuresDone(ns);
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
      pauseMs = NO_ROOM_PAUSE_MS; // done again later: to erase twice does no harm
      this.givenUp = this.finishing;
    }
    this.parts.viewCleaned?.();
    this.afterErasure?.();
    this.soon(pauseMs);
  }

  /**
   * Resolves when nothing is left to erase; what is erased leaves the disk before the server does. Where the
   * disk has no room for that, the next start goes on with it.
   */
  async finish(): Promise<void> {
    this.finishing = true;
    this.timer?.cancel();
    try {
      await this.finishAll();
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
    }
  }

  private async finishAll(): Promise<void> {
    const { view } = this.parts;
    while (!this.givenUp) {
      while (view.tidy()) {
        await this.turn();
        if (this.givenUp) return;
      }
      if (this.erasing === null) this.eraseSome();
      if (this.erasing === null) break;
      await new Promise<void>((resolve) => {
        this.afterErasure = resolve;
      });
    }
    while (!this.givenUp && view.needsCleaning && view.clean()) await this.turn();
  }

  /** Touches the view no more. */
  abandon(): void {
    this.finishing = true;
    this.givenUp = true;
    this.timer?.cancel();
    this.afterErasure?.();
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => this.parts.clock.schedule(0, resolve));
  }
}
