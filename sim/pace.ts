/** How often people do something: all along, or for a while now and then, with nothing between. */
export type Pace = {
  /** Mean time between two deeds of one person, ms, while they are about. */
  readonly everyMs: number;
  readonly busyMs: number;
  readonly quietMs: number;
};

export function steady(everyMs: number): Pace {
  return { everyMs, busyMs: Number.POSITIVE_INFINITY, quietMs: 0 };
}

/** How long after a moment people are about again, ms; 0 while they are. */
export function quietLeftMs({ busyMs, quietMs }: Pace, atMs: number): number {
  if (quietMs === 0) return 0;
  const sinceMs = atMs % (busyMs + quietMs);
  return sinceMs < busyMs ? 0 : busyMs + quietMs - sinceMs;
}
