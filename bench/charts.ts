/** What a run leaves for plots: lines by name, in charts by title. */
import { percentile } from "./figures.ts";

type Axis = { readonly label: string; readonly isLog: boolean };
export type Chart = {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Points of each line, ascending by x. */
  readonly lines: Record<string, [number, number][]>;
};

const SHARES = [1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9];
const all: Chart[] = [];

function chart(title: string, x: Axis, y: Axis): Chart {
  const known = all.find((one) => one.title === title);
  if (known !== undefined) return known;
  const made = { title, x, y, lines: {} };
  all.push(made);
  return made;
}

function add({ lines }: Chart, name: string, points: readonly [number, number][]): void {
  lines[name] ??= [];
  const line = lines[name];
  line.push(...points);
  line.sort((a, b) => a[0] - b[0]);
}

/** How many messages a second were acknowledged with so many on their way. */
export function plotThroughput(name: string, inFlight: number, perSecond: number): void {
  const x = { label: "messages in flight", isLog: true };
  const y = { label: "acknowledged messages/s", isLog: true };
  add(chart("Throughput against messages in flight", x, y), name, [[inFlight, perSecond]]);
}

/** Which share of times, in ms, is no longer than what. */
export function plotTimes(title: string, name: string, times: readonly number[]): void {
  const x = { label: "ms", isLog: true };
  const y = { label: "% no longer than that", isLog: false };
  const points = SHARES.map((share): [number, number] => [percentile(times, share / 100), share]);
  add(chart(title, x, y), name, points);
}

/** How a time, in ms, grows with the messages that are stored. */
export function plotGrowth(name: string, messages: number, ms: number): void {
  const x = { label: "messages stored", isLog: true };
  const y = { label: "ms, p99", isLog: true };
  add(chart("Growth with history", x, y), name, [[messages, ms]]);
}

export function allCharts(): readonly Chart[] {
  return all;
}
