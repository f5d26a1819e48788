/**
 * A server as a process of its own, by the command that an operator types. HOLDFAST_TEST_COMMAND names
 * another one than that of this checkout, such as the built executable.
 */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const CHECKOUT = [process.execPath, join(ROOT, "src/cli/main.ts")];

export type ServeOptions = {
  readonly data: string;
  /** 0 for any that is free. */
  readonly port?: number;
  /** `point:count` */
  readonly killAt?: string;
  readonly flags?: readonly string[];
  readonly uid?: number;
};

export type Ended = { readonly code: number | null; readonly signal: string | number | null };

const running = new Set<ServerProcess>();
/** The newest last. */
const recent: ServerProcess[] = [];
const RECENT_MAX = 3;
const LAST_LINES = 25;

export class ServerProcess {
  readonly data: string;
  readonly ended: Promise<Ended>;
  url = "";
  private readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  private text = "";
  private over: Ended | null = null;
  private readonly startedMs = performance.now();
  private endedMs = 0;
  private heard: () => void = () => {};

  /** Returns at once; see {@link serving}. */
  constructor({ data, port = 0, killAt, flags = [], uid }: ServeOptions) {
    this.data = data;
    const own = process.env.HOLDFAST_TEST_COMMAND;
    const command = own === undefined ? CHECKOUT : own.split(" ");
    const environment = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_")),
    );
    if (killAt !== undefined) environment.HOLDFAST_TEST_KILL_AT = killAt;
    const serve = ["serve", "--name", "a", "--listen", `127.0.0.1:${port}`, "--data", data];
    const bounds = ["--writes-per-second", "0", "--log-format", "json", "--log-level", "info"];
    const as =
      uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    this.child = Bun.spawn([...as, ...command, ...serve, ...bounds, ...flags], {
      cwd: "/",
      env: environment,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    running.add(this);
    recent.push(this);
    if (recent.length > RECENT_MAX) recent.shift();
    const read = Promise.all([this.read(this.child.stdout), this.read(this.child.stderr)]);
    this.ended = this.child.exited.then(async () => {
      await read;
      running.delete(this);
      const over = { code: this.child.exitCode, signal: this.child.signalCode };
      this.over = over;
      this.endedMs = performance.now();
      this.heard();
      return over;
    });
  }

  private async read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const piece of stream) {
      this.text += decoder.decode(piece, { stream: true });
      this.heard();
    }
  }

  /** Everything it said. */
  get output(): string {
    return this.text;
  }

  get isOver(): boolean {
    return this.over !== null;
  }

  /** How it ended, if it did, and its last words: for whoever has to find out why. */
  get story(): string {
    const lines = this.text.trimEnd().split("\n").slice(-LAST_LINES);
    const words = this.text === "" ? "it said nothing" : `its last words:\n${lines.join("\n")}`;
    return `process ${this.child.pid} ${this.fate}; ${words}`;
  }

  private get fate(): string {
    const after = (endMs: number) => `after ${Math.round(endMs - this.startedMs)} ms`;
    if (this.over === null) return `runs, ${after(performance.now())}`;
    const { code, signal } = this.over;
    const how = signal === null ? `left with exit code ${code}` : `was ended by ${signal}`;
    return `${how} ${after(this.endedMs)}`;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Resolves when it has said this, or has ended: then false. */
  async says(what: RegExp): Promise<boolean> {
    while (!what.test(this.text)) {
      if (this.over !== null) return false;
      await new Promise<void>((resolve) => {
        this.heard = resolve;
      });
    }
    return true;
  }

  /** True once it serves, false if it ended instead. */
  async serving(): Promise<boolean> {
    if (!(await this.says(/"msg":"serving"/))) return false;
    const line = this.text.split("\n").find((other) => other.includes('"msg":"serving"'));
    this.url = (JSON.parse(line ?? "{}") as { url: string }).url;
    return true;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  kill(): Promise<Ended> {
    this.child.kill("SIGKILL");
    return this.ended;
  }

  /** SIGTERM; throws if it does not leave with 0. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const { code } = await this.ended;
    if (code !== 0) throw new Error(`a stop was not one in good order: ${this.story}`);
  }
}

/** The stories of the last servers of this process. */
export function lastServers(): string {
  return recent.map(({ story }) => `${story}\n`).join("\n");
}

/** Starts a server and waits until it serves; throws what it said if it does not. */
export async function serve(options: ServeOptions): Promise<ServerProcess> {
  const server = new ServerProcess(options);
  if (await server.serving()) return server;
  throw new Error(`a server did not start: ${server.story}`);
}

/**
 * Starts a server that is expected to refuse; its exit status, or null if it serves (it is killed then).
 * Throws if a signal ends it.
 */
export async function refusedStart(
  options: ServeOptions,
): Promise<{ code: number | null; output: string }> {
  const server = new ServerProcess(options);
  if (await server.serving()) {
    await server.kill();
    return { code: null, output: server.output };
  }
  const { code } = await server.ended;
  if (code === null) throw new Error(`a start was cut short: ${server.story}`);
  return { code, output: server.output };
}

/** For the end of a test file: nothing is left running. */
export async function killServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.kill()));
}
