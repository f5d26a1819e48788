/** Server processes for tests: each in a folder of its own, on a port of its own, ended with its test. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = join(import.meta.dir, "..", "src", "cli", "main.ts");
/** The command, as `npm run -s holdfast --` would run it. */
export const COMMAND = [process.execPath, "--no-env-file", MAIN];
const READY = /is ready at (https?:\/\/\S+)/;

export type Ended = { readonly code: number; readonly out: string; readonly err: string };
type Environment = Record<string, string>;

const open: (() => unknown)[] = [];

/** Call it in afterEach: ends what the test left running and removes its folders. */
export async function cleanUp(): Promise<void> {
  const failures: unknown[] = [];
  for (const end of open.splice(0).reverse()) {
    try {
      await end();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** For what a test opens by other means. */
export function atEnd(end: () => unknown): void {
  open.push(end);
}

/** A folder that goes with the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-server-"));
  open.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function cleanEnvironment(more: Environment): Environment {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_"));
  return { ...(Object.fromEntries(own) as Environment), ...more };
}

export class HoldfastProcess {
  readonly child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  out = "";
  err = "";
  private readonly read: Promise<unknown>;
  private readonly waiting: (() => void)[] = [];

  constructor(
    args: readonly string[],
    cwd: string,
    environment: Environment = {},
    /** A command that runs ours in another way. */
    by: readonly string[] = [],
    /** Ours, or that of another release. */
    command: readonly string[] = COMMAND,
  ) {
    this.child = Bun.spawn([...by, ...command, ...args], {
      cwd,
      env: cleanEnvironment(environment),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.read = Promise.all([
      this.collect(this.child.stdout, "out"),
      this.collect(this.child.stderr, "err"),
    ]);
    open.push(async () => {
      this.child.kill("SIGKILL");
      const { err } = await this.ended();
      if (err.includes("a defect of Holdfast: leaving"))
        throw new Error(`it ended by a defect:\n${err}`);
    });
  }

  private async collect(stream: ReadableStream<Uint8Array>, into: "out" | "err"): Promise<void> {
    const decoder = new TextDecoder();
    for await (const piece of stream) {
      this[into] += decoder.decode(piece, { stream: true });
      for (const look of this.waiting) look();
    }
    for (const look of this.waiting) look();
  }

  /** Resolves when its output has a match; throws if it ends without one. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    const find = () => pattern.exec(this.out) ?? pattern.exec(this.err);
    const found = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = find();
      if (match !== null) found.resolve(match);
    };
    this.waiting.push(look);
    look();
    const gone = this.read.then(() => {
      const match = find();
      if (match !== null) return match;
      throw new Error(`it ended without saying ${pattern}:\n${this.out}${this.err}`);
    });
    return await Promise.race([found.promise, gone]);
  }

  /** Its address, once it is ready. */
  async ready(): Promise<string> {
    return (await this.said(READY))[1] as string;
  }

  async ended(): Promise<Ended> {
    const code = await this.child.exited;
    await this.read;
    return { code, out: this.out, err: this.err };
  }

  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.child.kill(signal);
    return this.ended();
  }
}

/** `holdfast serve` on a random port, unless the arguments say otherwise. */
export function serve(
  cwd: string,
  args: readonly string[] = ["--name", "a"],
  environment: Environment = {},
  command: readonly string[] = COMMAND,
): HoldfastProcess {
  const listen = args.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  return new HoldfastProcess(["serve", ...listen, ...args], cwd, environment, [], command);
}

/** A command that ends by itself; its standard input is closed after `input`. */
export async function holdfast(
  cwd: string,
  args: readonly string[],
  { input = "", environment = {} }: { input?: string; environment?: Environment } = {},
): Promise<Ended> {
  const started = new HoldfastProcess(args, cwd, environment);
  started.child.stdin.write(input);
  await started.child.stdin.end();
  return started.ended();
}

/** Paths, modes and contents of all files: equal exactly if nothing was changed. */
export function fingerprint(folder: string): string {
  const hash = createHash("sha256");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  for (const name of names) {
    const path = join(folder, name);
    const stat = statSync(path);
    hash.update(`${name}\0${stat.mode}\0${stat.size}\0`);
    if (stat.isFile()) hash.update(new Uint8Array(readFileSync(path)));
  }
  return hash.digest("hex");
}

export type Answer = {
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data: { code: string; retry: boolean } };
};

export async function rpc(
  url: string,
  method: string,
  params: object = {},
  token?: string,
): Promise<Answer> {
  const response = await fetch(`${url}/v1/rpc`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return (await response.json()) as Answer;
}

/** The messages that an answer lists. */
export function messagesOf({ result, error }: Answer): { id: string; text: string }[] {
  if (result === undefined) throw new Error(error?.message);
  return result.messages as { id: string; text: string }[];
}

/** Makes an account; its token. */
export async function signUp(url: string, name: string): Promise<string> {
  const params = { name, password: "correct horse", id: Bun.randomUUIDv7() };
  const { result, error } = await rpc(url, "account.create", params);
  if (result === undefined) throw new Error(`account.create: ${error?.message}`);
  return result.token as string;
}

/** A TCP connection for clients that behave as no library would. */
export class RawConnection {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  readonly closed: Promise<void>;
  private readonly waiting: (() => void)[] = [];

  constructor(url: string, { paused = false } = {}) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.on("error", () => {}); // a reset is one of the ends that are waited for
    this.closed = new Promise((resolve) => {
      this.socket.once("close", () => {
        resolve();
        for (const look of this.waiting) look();
      });
    });
    if (paused) this.socket.pause();
    else this.listen();
    open.push(() => this.socket.destroy());
  }

  /** From now on takes what comes. */
  listen(): void {
    this.socket.on("data", (piece: Buffer) => {
      this.received = Buffer.concat([this.received, piece]);
      for (const look of this.waiting) look();
    });
  }

  write(data: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(new Uint8Array(Buffer.from(data as string)));
  }

  /** Resolves when what was received has a match, null when the connection ends without one. */
  heard(pattern: RegExp): Promise<RegExpExecArray | null> {
    return new Promise((resolve) => {
      const look = () => {
        const match = pattern.exec(this.received.toString("latin1"));
        if (match !== null || this.socket.destroyed) resolve(match);
      };
      this.waiting.push(look);
      look();
    });
  }
}

export const HANDSHAKE = [
  "GET /v1/ws HTTP/1.1",
  "Host: localhost",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
].join("\r\n");

/** A masked client frame (RFC 6455, section 5.2); the mask is zero. */
export function frame(opcode: number, payload: Uint8Array, final = true): Buffer {
  const first = (final ? 0x80 : 0) | opcode;
  const { length } = payload;
  const head =
    length < 126
      ? [first, 0x80 | length]
      : length < 65_536
        ? [first, 0x80 | 126, length >> 8, length & 255]
        : [
            first,
            0x80 | 127,
            0,
            0,
            0,
            0,
            ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 255),
          ];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}
