/**
 * A whole server in this process, but for sockets: real store, view, replica and gateway, and links that are
 * arrays. For tests of what people may see and do; process tests have sockets and signals.
 */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hash } from "../src/core/hash.ts";
import { requestIdFrom } from "../src/core/ids.ts";
import { Gateway, type GatewayOptions } from "../src/gateway/gateway.ts";
import type { Attached, PasswordHasher } from "../src/gateway/ports.ts";
import type { MethodName, Params, Result } from "../src/protocol/methods.ts";
import type { Clock, Random } from "../src/replica/ports.ts";
import { Replica } from "../src/replica/replica.ts";
import { openStore, type Store } from "../src/storage/store.ts";
import { SqliteView } from "../src/storage/view.ts";

export const sha256: Hash = {
  sha256: (bytes) => new Bun.CryptoHasher("sha256").update(bytes).digest(),
};

export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(delayMs, act) {
    if (delayMs === 0) {
      const handle = setImmediate(act);
      return { cancel: () => clearImmediate(handle) };
    }
    const handle = setTimeout(act, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

export const realRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** Cheap on purpose: what argon2id costs is not what these tests are about. */
export const quickPasswords: PasswordHasher = {
  hash: async (password) => Buffer.from(sha256.sha256(Buffer.from(password))).toString("hex"),
  verify: async (password, hash) =>
    Buffer.from(sha256.sha256(Buffer.from(password))).toString("hex") === hash,
};

export function newId(): string {
  return requestIdFrom(Date.now(), realRandom.bytes(10));
}

type Frame = {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string; data: { code: string; retry: boolean } };
};

/** An answer of "no", as a client sees it. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

export class TestClient {
  readonly events: { method: string; params: Record<string, unknown> }[] = [];
  closedWith: { code: number; reason: string } | null = null;
  private readonly attached: Attached;
  private readonly waiting = new Map<number, (frame: Frame) => void>();
  private readonly topics = new Set<string>();
  private next = 1;

  constructor(server: TestServer, address = "127.0.0.1") {
    const link = {
      send: (text: string) => this.take(text),
      subscribe: (topic: string) => {
        this.topics.add(topic);
      },
      unsubscribe: (topic: string) => {
        this.topics.delete(topic);
      },
      close: (code: number, reason: string) => {
        this.closedWith = { code, reason };
        server.clients.delete(this);
        this.attached.closed();
      },
    };
    server.clients.add(this);
    this.attached = server.gateway.attach(link, address);
  }

  /** Called by the server's broadcast. */
  published(topic: string, text: string): void {
    if (this.topics.has(topic)) this.take(text);
  }

  private take(text: string): void {
    const frame = JSON.parse(text) as Frame;
    if (frame.method !== undefined) {
      if (frame.method !== "server.beat") {
        this.events.push({ method: frame.method, params: frame.params ?? {} });
      }
      return;
    }
    this.waiting.get(frame.id ?? -1)?.(frame);
  }

  /** Sends any text, whether it is a frame or not. */
  raw(text: string | null): void {
    this.attached.receive(text);
  }

  request(method: string, params: unknown): Promise<Frame> {
    const id = this.next++;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.attached.receive(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  async call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    const { result, error } = await this.request(method, params);
    if (error !== undefined) throw new Refused(error.data.code, error.message);
    return result as Result<M>;
  }

  eventsNamed(method: string) {
    return this.events.filter((event) => event.method === method).map((event) => event.params);
  }

  disconnect(server: TestServer): void {
    server.clients.delete(this);
    this.attached.closed();
  }
}

export class TestServer {
  readonly clients = new Set<TestClient>();
  readonly directory: string;
  store!: Store;
  view!: SqliteView;
  replica!: Replica;
  gateway!: Gateway;
  private readonly options: Partial<GatewayOptions>;

  private constructor(directory: string, options: Partial<GatewayOptions>) {
    this.directory = directory;
    this.options = options;
  }

  static async start(options: Partial<GatewayOptions> = {}): Promise<TestServer> {
    const server = new TestServer(mkdtempSync(join(tmpdir(), "holdfast-")), options);
    await server.open();
    return server;
  }

  private async open(): Promise<void> {
    this.store = await openStore({
      directory: this.directory,
      server: "a",
      clusterId: "test",
      wallMs: () => Date.now(),
    });
    const { log, viewPath } = this.store;
    this.view = SqliteView.open({ path: viewPath, hash: sha256, log }).view;
    while (this.view.catchUp());
    this.replica = new Replica({
      name: "a",
      hash: sha256,
      clock: realClock,
      random: realRandom,
      log,
      view: this.view,
    });
    this.gateway = new Gateway({
      replica: this.replica,
      clock: realClock,
      random: realRandom,
      hash: sha256,
      passwords: quickPasswords,
      derive: (label) => createHmac("sha256", "secret").update(label).digest(),
      cluster: "test",
      version: "0",
      servers: () => [{ name: "a", url: "http://127.0.0.1:7300", state: "live" }],
      signUp: "open",
      writesPerSecond: 0,
      broadcast: {
        publish: (topic, text) => {
          for (const client of this.clients) client.published(topic, text);
        },
      },
      log: { info: () => {}, warn: () => {}, error: (fields, message) => console.error(message, fields) },
      observe: () => {},
      observeClose: () => {},
      ...this.options,
    });
  }

  connect(address?: string): TestClient {
    return new TestClient(this, address);
  }

  /** A new account, signed in on a connection of its own. */
  async join(name: string): Promise<TestClient & { id: string; token: string }> {
    const client = this.connect();
    const password = `password of ${name}`;
    const made = await client.call("account.create", { name, password, id: newId() });
    return Object.assign(client, { id: made.account.id, token: made.token });
  }

  async operator<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const answer = await this.gateway.call({
      body,
      token: null,
      address: "127.0.0.1",
      operator: true,
    });
    const frame = JSON.parse(answer.body) as Frame;
    if (frame.error !== undefined) throw new Refused(frame.error.data.code, frame.error.message);
    return frame.result as Result<M>;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.store.close();
    this.view.close();
  }

  /** Stops and starts again on the same data. */
  async restart(): Promise<void> {
    await this.stop();
    await this.open();
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What a promise was refused with; fails if it was not. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
  throw new Error("expected a refusal, got an answer");
}

/** Waits until something holds; the test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(5);
}
