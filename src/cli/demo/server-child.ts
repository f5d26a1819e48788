/**
 * A server as a process of its own that can be started, stopped, killed, frozen and thawed.
 *
 * It runs in a session of its own, so that Ctrl+C on the terminal reaches who started it alone; over the
 * channel between the two it hears that this one is gone, and stops by itself. What it says goes into a file: nobody
 * has to read along for it to go on, and its last words are there when it died.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { formatHostPort, type HostPort } from "../../server/address.ts";
import type { Serving, Severed } from "../../server/parent-channel.ts";

/** A log that grew past this begins anew with the next start. */
const LOG_BYTES_MAX = 4 * 1024 * 1024;
const LAST_WORDS_BYTES = 2_000;
const LAST_WORDS_LINES = 4;

export type ServerState = "off" | "starting" | "running" | "frozen" | "stopping";

export type ServerPlace = {
  /** How the program is run. */
  readonly command: readonly string[];
  readonly name: string;
  readonly listen: HostPort;
  readonly peers: readonly HostPort[];
  readonly data: string;
  readonly secretFile: string;
  readonly logFile: string;
  /** More options of `holdfast serve`. */
  readonly options: readonly string[];
};

/** How a process ended. */
export type End = {
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether it was told to: by {@link ServerChild.stop} or {@link ServerChild.kill}. */
  readonly isAsked: boolean;
  /** The last lines that it said. */
  readonly lastWords: readonly string[];
};

export interface ServerListener {
  serving(child: ServerChild, serving: Serving): void;
  ended(child: ServerChild, end: End): void;
}

export class ServerChild {
  state: ServerState = "off";
  /** While it runs: how commands on this machine reach it. */
  serving: Serving | null = null;
  readonly place: ServerPlace;
  private readonly listener: ServerListener;
  private process: Bun.Subprocess<"ignore", "ignore", number> | null = null;
  private isEndAsked = false;
  private over = Promise.withResolvers<void>();

  constructor(place: ServerPlace, listener: ServerListener) {
    this.place = place;
    this.listener = listener;
  }

  get name(): string {
    return this.place.name;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Throws what the system says if it can't be started at all. */
  start(severed: readonly string[]): void {
    const { logFile } = this.place;
    const bytes = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
    const log = openSync(logFile, bytes > LOG_BYTES_MAX ? "w" : "a", 0o600);
    const from = statSync(logFile).size;
    this.isEndAsked = false;
    this.over = Promise.withResolvers();
    try {
      this.process = Bun.spawn([...this.place.command, "serve", ...this.arguments()], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: log,
        detached: true,
        ipc: (message: Serving) => this.heard(message),
        onExit: ({ signalCode: signal }, code) =>
          this.ended(code, signal === null ? null : `${signal}`, from),
      });
    } finally {
      closeSync(log);
    }
    this.state = "starting";
    this.sever(severed);
  }

  private arguments(): string[] {
    const { name, listen, peers, data, secretFile, options } = this.place;
    const own = ["--name", name, "--data", data, "--listen", formatHostPort(listen)];
    const others = peers.flatMap((peer) => ["--peer", formatHostPort(peer)]);
    const common = ["--secret-file", secretFile, "--log-format", "text"];
    return [...own, ...others, ...common, ...options];
  }

  private heard(message: Serving): void {
    if (message?.holdfast !== "serving" || this.state !== "starting") return;
    this.state = "running";
    this.serving = message;
    this.listener.serving(this, message);
  }

  private ended(code: number | null, signal: string | null, from: number): void {
    this.state = "off";
    this.serving = null;
    this.process = null;
    const isAsked = this.isEndAsked;
    const lastWords = isAsked ? [] : lastLines(this.place.logFile, from);
    this.listener.ended(this, { code, signal, isAsked, lastWords });
    this.over.resolve();
  }

  /** Links with these servers are down from now on, and no others. */
  sever(servers: readonly string[]): void {
    const message: Severed = { holdfast: "severed", servers };
    this.process?.send(message);
  }

  freeze(): void {
    this.process?.kill("SIGSTOP");
    this.state = "frozen";
  }

  thaw(): void {
    this.process?.kill("SIGCONT");
    this.state = this.serving === null ? "starting" : "running";
  }

  kill(): void {
    this.isEndAsked = true;
    this.process?.kill("SIGKILL");
  }

  /** In good order; `ended` follows within seconds. */
  stop(): void {
    this.isEndAsked = true;
    if (this.state === "frozen") this.process?.kill("SIGCONT");
    this.state = "stopping";
    this.process?.kill("SIGTERM");
  }

  /** Resolves when there is no process, and its end was told. */
  async gone(): Promise<void> {
    if (this.process !== null) await this.over.promise;
  }
}

/** What was written to a file last, not before `from`. */
function lastLines(file: string, from: number): string[] {
  const end = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const begin = Math.max(from, end - LAST_WORDS_BYTES);
  if (end <= begin) return [];
  const bytes = Buffer.alloc(end - begin);
  const fd = openSync(file, "r");
  readSync(
    fd,
    new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    0,
    bytes.length,
    begin,
  );
  closeSync(fd);
  return bytes.toString("utf8").trimEnd().split("\n").slice(-LAST_WORDS_LINES);
}
