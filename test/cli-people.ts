/** People with a terminal, for process tests: each has a config folder of their own. */
import { join } from "node:path";
import { atEnd, COMMAND, type Ended, HoldfastProcess, scratch, serve } from "./server-process.ts";

export const PASSWORD = "correct horse";

type Options = { readonly input?: string; readonly environment?: Record<string, string> };

/** What a person runs knows its server from the first use on: no flags needed after it. */
export class Person {
  readonly config = join(scratch(), "config");

  private environment(more: Record<string, string> = {}): Record<string, string> {
    return { HOLDFAST_CONFIG_DIR: this.config, TERM: "xterm-256color", ...more };
  }

  /** Runs a command to its end. */
  async run(
    args: readonly string[],
    { input = "", environment = {} }: Options = {},
  ): Promise<Ended> {
    const started = this.start(args, environment);
    started.child.stdin.write(input);
    await started.child.stdin.end();
    return started.ended();
  }

  /** Runs one that must be done. */
  async done(args: readonly string[], options: Options = {}): Promise<string> {
    const { code, out, err } = await this.run(args, options);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${err}`);
    return out;
  }

  async json<T = unknown>(args: readonly string[], options: Options = {}): Promise<T> {
    return JSON.parse(await this.done([...args, "--json"], options)) as T;
  }

  /** `by`: a command that runs ours in another way. */
  start(
    args: readonly string[],
    environment: Record<string, string> = {},
    by: readonly string[] = [],
  ): HoldfastProcess {
    return new HoldfastProcess(args, "/", this.environment(environment), by);
  }

  async signUp(url: string, name: string): Promise<void> {
    await this.done(["account", "create", name, "--server", url, "--password-stdin"], {
      input: `${PASSWORD}\n`,
    });
  }

  async signIn(url: string, name: string): Promise<void> {
    await this.done(["sign-in", name, "--server", url, "--password-stdin"], {
      input: `${PASSWORD}\n`,
    });
  }

  /** At a pseudo-terminal. */
  sit(args: readonly string[], columns = 80): Seat {
    return new Seat(args, this.environment(), columns);
  }
}

/** A pseudo-terminal with somebody at it. */
export class Seat {
  /** Everything that came to the terminal, as it came. */
  raw = "";
  private seen = 0;
  private readonly process: Bun.Subprocess;
  private readonly waiting = new Set<() => void>();

  constructor(args: readonly string[], environment: Record<string, string>, columns: number) {
    const decoder = new TextDecoder();
    const own = Object.entries(process.env).filter(
      ([name]) => !name.startsWith("HOLDFAST_") && name !== "NO_COLOR",
    );
    const look = () => {
      for (const check of this.waiting) check();
    };
    this.process = Bun.spawn([...COMMAND, ...args], {
      cwd: "/",
      env: { ...Object.fromEntries(own), ...environment },
      terminal: {
        cols: columns,
        rows: 30,
        data: (_terminal, bytes) => {
          this.raw += decoder.decode(bytes, { stream: true });
          look();
        },
      },
    });
    void this.process.exited.then(look);
    atEnd(() => {
      this.process.kill("SIGKILL");
      return this.process.exited;
    });
  }

  /** What came, without what only moves the cursor or colours. */
  get text(): string {
    return Bun.stripANSI(this.raw).replaceAll("\r\n", "\n").replaceAll("\r", "");
  }

  /** Waits for text behind what was waited for last; throws when it ends without. */
  async sees(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        const at = this.text.indexOf(text, this.seen);
        if (at >= 0) {
          this.seen = at + text.length;
          this.waiting.delete(check);
          resolve();
        } else if (this.process.exitCode !== null) {
          this.waiting.delete(check);
          reject(new Error(`ended without ${JSON.stringify(text)}:\n${this.text}`));
        }
      };
      this.waiting.add(check);
      check();
    });
  }

  type(text: string): void {
    this.process.terminal?.write(text);
  }

  enter(line: string): void {
    this.type(`${line}\r`);
  }

  left(): Promise<number> {
    return this.process.exited;
  }
}

/** A server that can be killed and comes back at the same address with the same data. */
export class House {
  private readonly folder = scratch();
  private server: HoldfastProcess;
  url = "";

  private constructor() {
    this.server = serve(this.folder);
  }

  static async open(): Promise<House> {
    const house = new House();
    house.url = await house.server.ready();
    return house;
  }

  async kill(): Promise<void> {
    await this.server.stop("SIGKILL");
  }

  async back(): Promise<void> {
    const listen = this.url.replace("http://", "");
    this.server = serve(this.folder, ["--name", "a", "--listen", listen]);
    await this.server.ready();
  }
}
