/** Processes of one contestant: started with their output in files, counted, killed, and gone in the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

const TICKS_PER_SECOND = 100;
const LOOK_MS = 20;
const READY_MS = 30_000;

export const HOST = "127.0.0.1";

/** CPU time of a process and of its children, user and system, s. */
function cpuSecondsOf(pid: number): number {
  let ticks = 0;
  const waiting = [pid];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    try {
      const fields = readFileSync(`/proc/${next}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      ticks += Number(fields[11]) + Number(fields[12]);
      for (const task of readdirSync(`/proc/${next}/task`)) {
        const children = readFileSync(`/proc/${next}/task/${task}/children`, "utf8");
        waiting.push(...children.split(" ").filter(Boolean).map(Number));
      }
    } catch {
      // it ended meanwhile
    }
  }
  return ticks / TICKS_PER_SECOND;
}

export class Group {
  readonly folder: string;
  private readonly children = new Map<string, ChildProcess>();

  constructor(folder: string) {
    this.folder = folder;
  }

  start(name: string, command: readonly string[], env: Record<string, string> = {}): void {
    const [program, ...args] = command as [string, ...string[]];
    const log = openSync(join(this.folder, `${name}.log`), "a");
    const stdio: ["ignore", number, number] = ["ignore", log, log];
    const child = spawn(program, args, { stdio, env: { ...process.env, ...env }, detached: true });
    this.children.set(name, child);
  }

  /** Resolves when something listens there; throws with the last words of who should. */
  async listens(name: string, port: number): Promise<void> {
    const endMs = performance.now() + READY_MS;
    while (!(await answers(port))) {
      const child = this.children.get(name);
      if (child?.exitCode === null && performance.now() < endMs) {
        await Bun.sleep(LOOK_MS);
        continue;
      }
      const words = readFileSync(join(this.folder, `${name}.log`), "utf8")
        .trim()
        .split("\n");
      throw new Error(`${name} does not listen on port ${port}: ${words.slice(-3).join(" | ")}`);
    }
  }

  cpuSeconds(): number {
    const pids = [...this.children.values()].map(({ pid }) => pid as number);
    return pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }

  /** At once, with everything that it started. */
  async kill(name: string): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    process.kill(-(child.pid as number), "SIGKILL");
    await gone;
  }

  async end(): Promise<void> {
    await Promise.all([...this.children.keys()].map((name) => this.kill(name)));
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
