/** Many seeds in processes of their own, with what they came to. */
import { dirname, join } from "node:path";
import type { RunResult } from "./run.ts";
import { Sometimes } from "./sometimes.ts";

export type ManyOptions = {
  readonly from: number;
  /** How many, or until when (a moment of `performance.now`), whatever ends first. */
  readonly seeds: number;
  readonly untilMs: number;
  readonly jobs: number;
  /** Goes on after a failure. */
  readonly keepGoing: boolean;
  /** The tree whose simulator is run; this one unless told otherwise. */
  readonly root?: string;
  readonly progress?: (done: RunResult, sum: ManyResult) => void;
};

export type ManyResult = {
  runs: number;
  simulatedMs: number;
  ops: number;
  frames: number;
  wallMs: number;
  readonly failures: RunResult[];
  readonly sometimes: Sometimes;
};

/** Of real time: a run that takes longer never ends. */
const RUN_MS_MAX = 600_000;
const ROOT = dirname(import.meta.dir);

/** A process that is given seeds, one a line, and answers each with a line of JSON. */
export class SimProcess {
  private readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  private readonly lines: AsyncIterator<string>;

  constructor(root: string) {
    const command = [process.execPath, "--no-env-file", join(root, "sim/main.ts"), "--worker"];
    this.child = Bun.spawn(command, {
      cwd: root,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.lines = linesOf(this.child.stdout);
  }

  /** Throws if the process ended instead, which it is made to if a run comes to no end. */
  async run(seed: number): Promise<RunResult> {
    this.child.stdin.write(`${seed}\n`);
    await this.child.stdin.flush();
    const overdue = setTimeout(() => this.child.kill("SIGKILL"), RUN_MS_MAX);
    const { value, done } = await this.lines.next();
    clearTimeout(overdue);
    if (done) throw new Error(`seed ${seed}: its process ended without a result`);
    return JSON.parse(value) as RunResult;
  }

  end(): void {
    this.child.kill();
  }
}

export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

export async function runMany(options: ManyOptions): Promise<ManyResult> {
  const { from, seeds, untilMs, jobs, keepGoing, progress, root = ROOT } = options;
  const begunMs = performance.now();
  const sum: ManyResult = {
    runs: 0,
    simulatedMs: 0,
    ops: 0,
    frames: 0,
    wallMs: 0,
    failures: [],
    sometimes: new Sometimes(),
  };
  let next = from;
  const lane = async () => {
    const worker = new SimProcess(root);
    try {
      while (next < from + seeds && performance.now() < untilMs) {
        if (sum.failures.length > 0 && !keepGoing) break;
        const result = await worker.run(next++);
        sum.runs++;
        sum.simulatedMs += result.simulatedMs;
        sum.ops += result.ops;
        sum.frames += result.frames;
        sum.wallMs = performance.now() - begunMs;
        sum.sometimes.add(result.sometimes);
        if (result.failure !== null) sum.failures.push(result);
        progress?.(result, sum);
      }
    } finally {
      worker.end();
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  sum.wallMs = performance.now() - begunMs;
  return sum;
}
