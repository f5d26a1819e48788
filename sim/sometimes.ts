/** What was reached: a check that nothing ever put to the test says nothing. */
export class Sometimes {
  readonly counts = new Map<string, number>();

  happened(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [what, times] of other) this.happened(what, times);
  }

  /** One line each, by name. */
  lines(): string[] {
    const all = [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return all.map(([what, times]) => `${String(times).padStart(9)}  ${what}`);
  }
}
