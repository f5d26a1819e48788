/** A client that runs somewhere else, and does what it is told: see client-main.ts. */
import { join } from "node:path";
import type { Shown } from "../../drill/judge.ts";
import type { Report } from "../../drill/talker.ts";
import type { ClusterStatus } from "../../src/cli/status-text.ts";

const MAIN = join(import.meta.dir, "client-main.ts");

export type Order =
  | { readonly do: "enter"; readonly isFirst: boolean; readonly invitation?: string }
  | { readonly do: "begin"; readonly everyMs: number }
  | { readonly do: "end" }
  | { readonly do: "progress" }
  | { readonly do: "report" }
  | { readonly do: "history"; readonly url: string }
  /** The cluster as a server sees it, if this is an administrator; null if it does not answer. */
  | { readonly do: "status"; readonly url: string };

export type Progress = {
  readonly sent: number;
  readonly acknowledged: number;
  readonly heard: number;
  /** Address of its server; empty while it looks for one. */
  readonly at: string;
};

export type Outcomes = {
  readonly enter: null;
  readonly begin: null;
  readonly end: null;
  readonly progress: Progress;
  readonly report: Report;
  readonly history: Shown[];
  readonly status: ClusterStatus | null;
};

export class ClientProcess {
  readonly name: string;
  private readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  private readonly lines: AsyncIterator<string>;
  /** One order at a time. */
  private last: Promise<unknown> = Promise.resolve();

  /** `by`: what runs it somewhere else; it goes to the first of the servers. */
  constructor(name: string, by: readonly string[], servers: readonly string[]) {
    this.name = name;
    const program = [process.execPath, "--no-env-file", MAIN];
    this.child = Bun.spawn([...by, ...program, name, ...servers], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.lines = linesOf(this.child.stdout);
  }

  does<O extends Order>(order: O): Promise<Outcomes[O["do"]]> {
    const done = this.last.then(async () => {
      this.child.stdin.write(`${JSON.stringify(order)}\n`);
      const { value, done: isOver } = await this.lines.next();
      if (isOver === true) throw new Error(`client ${this.name} is gone`);
      const answer = JSON.parse(value) as { outcome: Outcomes[O["do"]]; error?: string };
      if (answer.error !== undefined) {
        throw new Error(`client ${this.name}, ${order.do}: ${answer.error}`);
      }
      return answer.outcome;
    });
    this.last = done.catch(() => {});
    return done;
  }

  async leave(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    rest += decoder.decode(piece, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
