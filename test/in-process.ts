/**
 * A whole server in this process, but for sockets: real store, view, replica and gateway, and links that are
 * arrays. For tests of what people may see and do; process tests have sockets and signals.
 */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Compile } from "typebox/compile";
import { requestIdFrom } from "../src/core/ids.ts";
import { Gateway } from "../src/gateway/gateway.ts";
import type { GatewayOptions } from "../src/gateway/options.ts";
import type { Attached, PasswordHasher } from "../src/gateway/ports.ts";
import { type EventName, events } from "../src/protocol/events.ts";
import { type MethodName, methods, type Params, type Result } from "../src/protocol/methods.ts";
import type { Clock, Log } from "../src/replica/ports.ts";
import { Replica } from "../src/replica/replica.ts";
import { realClock, realRandom, realHash as sha256 } from "../src/server/platform.ts";
import { openStore, type Store } from "../src/storage/store.ts";
import { SqliteView } from "../src/storage/view.ts";

export { realClock, realRandom, sha256 };

/** The real clock, and time that passes at a word: timers that come due by it run at once. */
export class JumpClock implements Clock {
  private aheadMs = 0;
  private readonly timers = new Set<{ dueMs: number; act: () => void; cancel: () => void }>();

  monotonicMs = () => realClock.monotonicMs() + this.aheadMs;
  wallMs = () => realClock.wallMs() + this.aheadMs;

  schedule(delayMs: number, act: () => void) {
    const run = () => {
      this.timers.delete(timer);
      act();
    };
    const { cancel } = realClock.schedule(delayMs, run);
    const timer = { dueMs: this.monotonicMs() + delayMs, act: run, cancel };
    this.timers.add(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
        cancel();
      },
    };
  }

  jump(ms: number): void {
    this.aheadMs += ms;
    const due = [...this.timers].filter(({ dueMs }) => dueMs <= this.monotonicMs());
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs)) {
      if (!this.timers.has(timer)) continue;
      timer.cancel();
      timer.act();
    }
  }
}

/** Cheap on purpose: what argon2id costs is not what these tests are about. */
export const quickPasswords: PasswordHasher = {
  hash: async (password) => Buffer.from(sha256.sha256(Buffer.from(password))).toString("hex"),
  verify: async (password, hash) =>
    Buffer.from(sha256.sha256(Buffer.from(password))).toString("hex") === hash,
};

export function newId(): string {
  return requestIdFrom(Date.now(), realRandom.bytes(10));
}

type Validator = { Check(value: unknown): boolean };

export type Frame = {
  id?: number | string | null;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string; data: { code: string; retry: boolean; retryAfterMs?: number } };
};

/** An answer of "no", as a client sees it. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

const checks = new Map<string, Validator>();

/** Checks what the protocol declares of a method's result or an event. */
export function declared(what: "methods" | "events", name: string): Validator {
  const key = `${what} ${name}`;
  let check = checks.get(key);
  if (check === undefined) {
    const schema =
      what === "events" ? events[name as EventName].params : methods[name as MethodName].result;
    check = Compile(schema) as unknown as Validator;
    checks.set(key, check);
  }
  return check;
}

/** The result; throws Refused for an answer of "no", and fails for one that is not as declared. */
function resultOf<M extends MethodName>(method: M, { result, error }: Frame): Result<M> {
  if (error !== undefined) throw new Refused(error.data.code, error.message);
  if (declared("methods", method).Check(result)) return result as Result<M>;
  throw new Error(`${method} answered not as declared: ${JSON.stringify(result)}`);
}

/** What a request gets when its connection closes before it is answered. */
const CLOSED: Frame = { error: { message: "closed", data: { code: "closed", retry: true } } };

export type TestOptions = Partial<GatewayOptions> & {
  clock?: Clock;
  /** What the replica gets instead of the store's log. */
  wrapLog?: (log: Log) => Log;
};

/** What a client of a test is attached to. */
export type ClientHost = { readonly clients: Set<TestClient>; readonly gateway: Gateway };

export class TestClient {
  readonly events: { method: string; params: Record<string, unknown> }[] = [];
  /** Called with every frame as it comes. */
  onFrame: ((frame: Frame) => void) | null = null;
  /** Events that do not fit what the protocol declares. */
  readonly undeclared: Frame[] = [];
  /** Answers to no request of ours. */
  readonly strays: Frame[] = [];
  closedWith: { code: number; reason: string } | null = null;
  private readonly attached: Attached;
  private readonly waiting = new Map<number, (frame: Frame) => void>();
  private readonly topics = new Set<string>();
  private next = 1;

  constructor(server: ClientHost, address = "127.0.0.1") {
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
        for (const [id, resolve] of this.waiting) resolve({ ...CLOSED, id });
        this.waiting.clear();
      },
    };
    server.clients.add(this);
    this.attached = server.gateway.attach(link, address);
  }

  /** The connection broke: what waits is never answered. */
  broken(): void {
    this.closedWith ??= { code: 1006, reason: "" };
    for (const [id, resolve] of this.waiting) resolve({ ...CLOSED, id });
    this.waiting.clear();
  }

  /** Called by the server's broadcast. */
  published(topic: string, text: string): void {
    if (this.topics.has(topic)) this.take(text);
  }

  private take(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.onFrame?.(frame);
    if (frame.method !== undefined) {
      if (!declared("events", frame.method).Check(frame.params)) this.undeclared.push(frame);
      if (frame.method !== "server.beat") {
        this.events.push({ method: frame.method, params: frame.params ?? {} });
      }
      return;
    }
    const resolve = this.waiting.get(frame.id as number);
    if (resolve === undefined) this.strays.push(frame);
    this.waiting.delete(frame.id as number);
    resolve?.(frame);
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
    return resultOf(method, await this.request(method, params));
  }

  eventsNamed(method: string) {
    return this.events.filter((event) => event.method === method).map((event) => event.params);
  }

  disconnect(server: ClientHost): void {
    server.clients.delete(this);
    this.attached.closed();
    this.broken();
  }
}

export class TestServer {
  readonly clients = new Set<TestClient>();
  private readonly everyone = new Set<TestClient>();
  /** What the gateway logged as an error: a defect. */
  readonly defects: string[] = [];
  private addresses = 0;
  readonly directory: string;
  store!: Store;
  view!: SqliteView;
  replica!: Replica;
  gateway!: Gateway;
  private readonly options: TestOptions;

  private constructor(directory: string, options: TestOptions) {
    this.directory = directory;
    this.options = options;
  }

  static async start(options: TestOptions = {}): Promise<TestServer> {
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
    const { viewPath } = this.store;
    const { wrapLog: wrap, clock = realClock, ...rest } = this.options;
    const log = wrap === undefined ? this.store.log : wrap(this.store.log);
    this.view = SqliteView.open({ path: viewPath, hash: sha256, log }).view;
    while (this.view.catchUp());
    this.replica = new Replica({
      name: "a",
      hash: sha256,
      clock,
      random: realRandom,
      log,
      view: this.view,
    });
    this.gateway = new Gateway({
      replica: this.replica,
      clock,
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
      log: {
        info: () => {},
        warn: () => {},
        error: (fields, message) => {
          if ("what" in fields) return; // an alarm, not a defect
          this.defects.push(message);
          console.error(message, fields);
        },
      },
      observe: () => {},
      observeClose: () => {},
      ...rest,
    });
  }

  /** From an address of its own, unless told otherwise: throttles count by address. */
  connect(address = this.newAddress()): TestClient {
    const client = new TestClient(this, address);
    this.everyone.add(client);
    return client;
  }

  private newAddress(): string {
    const n = ++this.addresses;
    return `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
  }

  /** One more connection of an account, by its token. */
  async resume(token: string, cursor?: string): Promise<TestClient> {
    const client = this.connect();
    await client.call("session.resume", { token, ...(cursor === undefined ? {} : { cursor }) });
    return client;
  }

  /** `POST /v1/rpc`. */
  async post(
    method: string,
    params: unknown,
    token: string | null = null,
    address = this.newAddress(),
  ): Promise<Frame & { status: number }> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const answer = await this.gateway.call({ body, token, address, operator: false });
    return { ...(JSON.parse(answer.body) as Frame), status: answer.status };
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
    return resultOf(method, JSON.parse(answer.body) as Frame);
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
    const undeclared = [...this.everyone].flatMap((client) => client.undeclared);
    if (undeclared.length > 0) throw new Error(`not as declared: ${JSON.stringify(undeclared[0])}`);
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
