/**
 * Hours without a fault: does anything grow? After each round of calm talk every server's memory, open files and
 * disk are looked at, and how long answers took; in the end the last third is held against the first one.
 *
 * What may grow is the disk, by what each message costs. Rejected: a line through all samples (erasing rewrites
 * files, so the disk goes in steps, and one step at the end looks like a slope).
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Rig, SERVERS } from "./rig.ts";

export type Sample = {
  readonly server: string;
  /** Since the soak began. */
  readonly seconds: number;
  /** Messages of all rounds so far. */
  readonly messages: number;
  readonly memoryBytes: number;
  readonly files: number;
  readonly diskBytes: number;
  /** Of all clients' requests of the round, the same for each server. */
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/** Until caches are full and code is compiled, nothing is flat. */
const WARM_UP_SHARE = 0.1;
const SAMPLES_MIN = 6;
const MEMORY = { share: 1.25, bytes: 24 * 1024 * 1024 };
const FILES_MORE = 4;
const DISK_SHARE = 1.5;
const LATENCY = { share: 1.5, ms: 10 };

export class Soak {
  private readonly samples: Sample[] = [];
  private readonly begunMs = performance.now();
  private readonly file: string;
  private messages = 0;

  /** `file`: where the samples go, a line each. */
  constructor(file: string) {
    this.file = file;
    mkdirSync(dirname(file), { recursive: true });
  }

  look(rig: Rig, messages: number, latenciesMs: readonly number[]): string {
    this.messages += messages;
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    const words = SERVERS.map((server) => {
      const { pid } = rig.cluster.get(server);
      if (pid === undefined) throw new Error(`${server} does not run`);
      const sample: Sample = {
        server,
        seconds: Math.round((performance.now() - this.begunMs) / 1_000),
        messages: this.messages,
        memoryBytes: memoryOf(pid),
        files: readdirSync(`/proc/${pid}/fd`).length,
        diskBytes: sizeOf(rig.disk(server).data),
        p50Ms: at(0.5),
        p99Ms: at(0.99),
      };
      this.samples.push(sample);
      appendFileSync(this.file, `${JSON.stringify(sample)}\n`);
      const { memoryBytes, files, diskBytes } = sample;
      return `${server} ${mib(memoryBytes)} MiB, ${files} files, ${mib(diskBytes)} MiB on disk`;
    });
    const latency = `p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms`;
    return `${this.messages} messages; ${words.join("; ")}; ${latency}`;
  }

  findings(): string[] {
    return SERVERS.flatMap((server) =>
      judgeSoak(this.samples.filter((sample) => sample.server === server)),
    );
  }
}

/** What is not flat in one server's samples, in words. */
export function judgeSoak(all: readonly Sample[]): string[] {
  const samples = all.slice(Math.floor(all.length * WARM_UP_SHARE));
  if (samples.length < SAMPLES_MIN) return [`${samples.length} samples are too few to tell`];
  const third = Math.floor(samples.length / 3);
  const first = samples.slice(0, third);
  const last = samples.slice(-third);
  const grew = (what: string, from: number, to: number, most: number, unit: string) =>
    to <= most
      ? []
      : [`${what} of ${first[0]?.server} went from ${from.toFixed(1)} to ${to.toFixed(1)} ${unit}`];
  const medians = (of: (sample: Sample) => number) =>
    [median(first.map(of)), median(last.map(of))] as const;
  const [memory, memoryNow] = medians(({ memoryBytes }) => memoryBytes);
  const [files, filesNow] = medians((sample) => sample.files);
  const [p50, p50Now] = medians(({ p50Ms }) => p50Ms);
  const [p99, p99Now] = medians(({ p99Ms }) => p99Ms);
  const [cost, costNow] = [perMessage(first), perMessage(last)];
  const memoryMost = memory * MEMORY.share + MEMORY.bytes;
  const slowest = (ms: number) => ms * LATENCY.share + LATENCY.ms;
  return [
    ...grew("memory", memory / 2 ** 20, memoryNow / 2 ** 20, memoryMost / 2 ** 20, "MiB"),
    ...grew("open files", files, filesNow, files + FILES_MORE, "files"),
    ...grew("disk", cost, costNow, cost * DISK_SHARE, "bytes a message"),
    ...grew("p50", p50, p50Now, slowest(p50), "ms"),
    ...grew("p99", p99, p99Now, slowest(p99), "ms"),
  ];
}

function perMessage(samples: readonly Sample[]): number {
  const [begin, end] = [samples[0] as Sample, samples.at(-1) as Sample];
  return (end.diskBytes - begin.diskBytes) / Math.max(1, end.messages - begin.messages);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

/** What the process holds of the machine's memory. */
function memoryOf(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1_024;
}

function sizeOf(folder: string): number {
  const { stdout } = Bun.spawnSync(["du", "-s", "-B1", folder]);
  return Number.parseInt(stdout.toString(), 10);
}
