/**
 * A network of fake WebSockets in virtual time: each frame takes LATENCY_MS, frames of one direction keep
 * their order, and a connection can be broken before or after any frame.
 */
import type { Socket, SocketConstructor } from "../ports.ts";
import type { FakeClock } from "./clock.ts";

export const LATENCY_MS = 1;

type Listener = (event: { data?: unknown; code?: number }) => void;

export interface Endpoint {
  accept(connection: FakeConnection): void;
  receive(connection: FakeConnection, text: string): void;
  gone(connection: FakeConnection): void;
}

/** The server's side of a connection. */
export class FakeConnection {
  /** Both sides are there. */
  alive = true;
  /** The network between them is gone, with all that was on its way. */
  cut = false;
  /** What the server knows of it. */
  account: string | undefined;
  readonly host: FakeHost;
  private readonly network: FakeNetwork;
  private readonly socket: FakeSocket;

  constructor(network: FakeNetwork, host: FakeHost, socket: FakeSocket) {
    this.network = network;
    this.host = host;
    this.socket = socket;
  }

  send(text: string): void {
    if (!this.alive) return;
    this.network.deliver(this, () => this.socket.tell("message", { data: text }));
  }

  /** Ends it on both sides at once: what is on its way is lost. */
  break(code = 1006): void {
    if (this.cut) return;
    this.cut = true;
    this.alive = false;
    this.host.endpoint.gone(this);
    this.network.clock.schedule(LATENCY_MS, () => this.socket.tell("close", { code }));
  }
}

export class FakeSocket implements Socket {
  connection: FakeConnection | undefined;
  private readonly listeners = new Map<string, Listener[]>();
  private readonly network: FakeNetwork;

  constructor(network: FakeNetwork, url: string) {
    this.network = network;
    network.dial(url, this);
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  tell(type: string, event: { data?: unknown; code?: number }): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event);
  }

  send(text: string): void {
    const { connection } = this;
    if (connection === undefined) throw new Error("the socket is not open");
    if (!connection.alive) return;
    const { endpoint } = connection.host;
    this.network.deliver(connection, () => endpoint.receive(connection, text));
  }

  close(): void {
    const { connection } = this;
    if (connection?.alive !== true) return;
    connection.alive = false;
    connection.host.endpoint.gone(connection);
  }
}

export class FakeHost {
  up = true;
  /** Takes connections, then says nothing, and holds back what reaches it. */
  frozen = false;
  readonly endpoint: Endpoint;
  readonly connections = new Set<FakeConnection>();
  held: (() => void)[] = [];

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  kill(): void {
    this.up = false;
    for (const connection of [...this.connections]) connection.break();
  }

  thaw(): void {
    this.frozen = false;
    for (const run of this.held.splice(0)) run();
  }
}

export class FakeNetwork {
  readonly clock: FakeClock;
  readonly hosts = new Map<string, FakeHost>();
  /** Addresses that were dialled, with the time. */
  readonly dialled: { url: string; at: number }[] = [];
  /** Frames so far, both ways; breaks by number: before a frame is delivered, or right after. */
  frames = 0;
  breaks = new Map<number, "before" | "after">();
  readonly WebSocket: SocketConstructor;

  constructor(clock: FakeClock) {
    this.clock = clock;
    const network = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string) {
        super(network, url);
      }
    };
  }

  dial(url: string, socket: FakeSocket): void {
    this.dialled.push({ url, at: this.clock.now });
    this.clock.schedule(LATENCY_MS, () => {
      const host = this.hosts.get(url);
      if (host?.up !== true) {
        socket.tell("error", {});
        socket.tell("close", { code: 1006 });
      } else if (!host.frozen) {
        const connection = new FakeConnection(this, host, socket);
        socket.connection = connection;
        host.connections.add(connection);
        host.endpoint.accept(connection);
        socket.tell("open", {});
      }
    });
  }

  deliver(connection: FakeConnection, run: () => void): void {
    this.clock.schedule(LATENCY_MS, () => this.arrive(connection, run));
  }

  /** What was sent before one side hung up arrives all the same, as it may over TCP. */
  private arrive(connection: FakeConnection, run: () => void): void {
    if (connection.cut) return;
    if (connection.host.frozen) {
      connection.host.held.push(() => this.arrive(connection, run));
      return;
    }
    const fate = this.breaks.get(++this.frames);
    if (fate !== "before") run();
    if (fate !== undefined) connection.break();
  }
}
