/** Figures of a run: medians with their spread, a table for people, JSON for plots. */

export type Figure = {
  readonly row: string;
  readonly what: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
};

const figures: Figure[] = [];

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Records the same figure of several runs, and prints it. */
export function record(row: string, what: string, unit: string, values: readonly number[]): void {
  const figure = {
    row,
    what,
    unit,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    runs: values.length,
  };
  figures.push(figure);
  const spread = values.length > 1 ? `  (${short(figure.min)} to ${short(figure.max)})` : "";
  const value = `${short(figure.median)} ${unit}`;
  console.log(`${row.padEnd(34)} ${what.padEnd(26)} ${value.padStart(16)}${spread}`);
}

export function allFigures(): readonly Figure[] {
  return figures;
}
