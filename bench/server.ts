/** A real server process, and what it costs. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const PAGE_BYTES = 4096;
const TICKS_PER_SECOND = 100;

export async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export class ServerProcess {
  readonly url: string;
  /** From the start of the process until it is ready, ms. */
  readonly startMs: number;
  private readonly child: ChildProcess;

  private constructor(url: string, child: ChildProcess, startMs: number) {
    this.url = url;
    this.child = child;
    this.startMs = startMs;
  }

  static async start(directory: string, name = "bench"): Promise<ServerProcess> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const started = performance.now();
    const flags = ["--name", name, "--data", directory, "--listen", `127.0.0.1:${port}`];
    const quiet = ["--writes-per-second", "0", "--log-level", "warn"];
    const child = spawn(process.execPath, [MAIN, "serve", ...flags, ...quiet], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server left with ${child.exitCode}`);
      const ready = await fetch(`${url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) break;
      await Bun.sleep(2);
    }
    return new ServerProcess(url, child, performance.now() - started);
  }

  /** Resident memory, bytes. */
  memoryBytes(): number {
    const [, resident] = readFileSync(`/proc/${this.child.pid}/statm`, "utf8").split(" ");
    return Number(resident) * PAGE_BYTES;
  }

  /** CPU time used so far, user and system, s. */
  cpuSeconds(): number {
    const fields =
      readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await gone;
  }
}
