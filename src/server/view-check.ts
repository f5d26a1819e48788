/**
 * Once an hour the leader compares the views of all servers that are in sync: equal logs must show the same.
 *
 * It should never find anything: a difference is a defect of a fold or a damaged view, and the server whose view is
 * wrong is repaired by making its view anew. Nothing is repaired by itself: which of them is right, people decide.
 */
import type { Clock, Timer } from "../replica/ports.ts";
import type { AskRange, Comparison } from "./compare-views.ts";
import { compareViews } from "./compare-views.ts";
import type { ServerLog } from "./log.ts";

const HOUR_MS = 60 * 60 * 1_000;

export type ViewCheckParts = {
  readonly clock: Clock;
  readonly log: Pick<ServerLog, "info" | "warn" | "error">;
  /** Names of the servers in sync, this one first; null if another one leads. */
  readonly servers: () => readonly string[] | null;
  readonly ask: AskRange;
};

export class ViewCheck {
  /** Whether the last comparison found a difference. */
  differs = false;
  /** Comparisons since the start, by what they found. */
  readonly found: Record<Comparison["verdict"] | "failed", number> = {
    same: 0,
    different: 0,
    unsettled: 0,
    failed: 0,
  };
  private readonly parts: ViewCheckParts;
  private timer: Timer | null = null;
  private stopped = false;

  constructor(parts: ViewCheckParts) {
    this.parts = parts;
  }

  start(): void {
    if (this.stopped) return;
    this.timer = this.parts.clock.schedule(HOUR_MS, () => {
      void this.compare().finally(() => this.start());
    });
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  /** Compares now, if this server leads and there is another one. */
  async compare(): Promise<void> {
    const { log, clock, servers, ask } = this.parts;
    const names = servers();
    if (names === null || names.length < 2) return;
    const wait = (ms: number) => new Promise<void>((resolve) => clock.schedule(ms, resolve));
    try {
      const { verdict, first } = await compareViews({ servers: names, ask, wait });
      this.found[verdict]++;
      if (verdict === "different") {
        this.differs = true;
        const where = first === null ? {} : { table: first.table, key: first.key };
        const what = `the views of ${names.join(", ")} differ although their logs are equal: "holdfast verify" says where; if they run different releases upgrade all, else delete view.db of the one that is wrong and start it again`;
        log.error({ what: "views", servers: names, ...where }, what);
      } else if (verdict === "same") {
        if (this.differs)
          log.info({ what: "views", servers: names }, "the views are the same again");
        this.differs = false;
      }
    } catch (error) {
      this.found.failed++;
      const why = `the views were not compared: ${(error as Error).message}`;
      log.warn({ servers: names }, `${why}; it is tried again in an hour`);
    }
  }
}
