/** What a run came to: counts by kind of fault, what became of requests, how many rounds failed. */
import type { Options } from "./options.ts";
import type { RoundResult } from "./round.ts";

export class Tally {
  rounds = 0;
  failed = 0;
  readonly kinds = new Map<string, number>();
  readonly sums = { requests: 0, acknowledged: 0, refused: 0, uncertain: 0, readings: 0 };
  readonly held: [number, number, number] = [0, 0, 0];
  private readonly failures: string[] = [];
  private readonly begunMs = performance.now();
  private slowestMend = 0;
  private erasedLooked = 0;

  get wallSeconds(): number {
    return (performance.now() - this.begunMs) / 1_000;
  }

  goesOn({ rounds, untilMs, keepGoing }: Options): boolean {
    if (this.failed > 0 && !keepGoing) return false;
    return this.rounds < rounds && performance.now() < untilMs;
  }

  add({ n, kinds, counts, findings, mendedSeconds }: RoundResult): void {
    this.rounds++;
    for (const kind of kinds) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    for (const key of Object.keys(this.sums) as (keyof typeof this.sums)[]) {
      this.sums[key] += counts[key];
    }
    for (const i of [0, 1, 2] as const) this.held[i] += counts.held[i];
    this.slowestMend = Math.max(this.slowestMend, mendedSeconds);
    if (findings.length === 0) return;
    this.failed++;
    this.failures.push(`round ${n} (${kinds.join(", ")}): ${findings[0]}`);
  }

  /** So many erased texts were looked for on disks; what was found of them. */
  erased(looked: number, findings: readonly string[]): void {
    this.erasedLooked += looked;
    if (findings.length > 0) this.failed++;
    this.failures.push(...findings);
  }

  lines(): string[] {
    const { requests, acknowledged, refused, uncertain, readings } = this.sums;
    const [one, two, three] = this.held;
    const kinds = [...this.kinds].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      "",
      `${this.rounds} rounds in ${this.wallSeconds.toFixed(0)} s, ${this.failed} with findings`,
      ...kinds.map(([kind, count]) => `  ${kind.padEnd(20)}${`${count}`.padStart(6)}`),
      `${requests} requests: ${acknowledged} acknowledged, ${refused} refused, ${uncertain} uncertain`,
      `last receipts name one server ${one} times, two ${two}, three ${three}; ${readings} readings of servers`,
      `after everything was mended, writes completed and all caught up within ${this.slowestMend.toFixed(1)} s`,
      `${this.erasedLooked} erased texts looked for in the files of each server`,
      ...this.failures.map((failure) => `FAILED ${failure}`),
    ];
  }
}
