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

export class ServerProcess {
  readonly data: string;
  readonly ended: Promise<Ended>;
  url = "";
  private readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  private text = "";
  private over: Ended | null = null;
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
    const read = Promise.all([this.read(this.child.stdout), this.read(this.child.stderr)]);
    this.ended = this.child.exited.then(async () => {
      await read;
      running.delete(this);
      const over = { code: this.child.exitCode, signal: this.child.signalCode };
      this.over = over;
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
    const { code, signal } = await this.ended;
    if (code !== 0) throw new Error(`a stopped server left with ${code} ${signal}:\n${this.text}`);
  }
}

/** Starts a server and waits until it serves; throws what it said if it does not. */
export async function serve(options: ServeOptions): Promise<ServerProcess> {
  const server = new ServerProcess(options);
  if (await server.serving()) return server;
  const { code, signal } = await server.ended;
  throw new Error(`the server did not start (${code ?? signal}):\n${server.output}`);
}

/** Starts a server that is expected to refuse; its exit status, or null if it serves (it is killed then). */
export async function refusedStart(
  options: ServeOptions,
): Promise<{ code: number | null; output: string }> {
  const server = new ServerProcess(options);
  if (await server.serving()) {
    await server.kill();
    return { code: null, output: server.output };
  }
  const { code } = await server.ended;
  return { code, output: server.output };
}

/** For the end of a test file: nothing is left running. */
export async function killServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.kill()));
}
