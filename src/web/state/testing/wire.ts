/**
 * A WebSocket to a server in this process. Like a browser it gives each frame a task of its own, opens with the
 * cookie of that moment, and dies when the network does.
 */
import type { Socket, SocketConstructor } from "../../../client/index.ts";
import { task } from "./task.ts";

/** What of a server is used: the gateway's side of a connection. */
export interface Site {
  attach(
    link: {
      send(text: string): void;
      subscribe(topic: string): void;
      unsubscribe(topic: string): void;
      close(code: number, reason: string): void;
    },
    address: string,
    cookie: string | null,
  ): { receive(text: string | null): void; closed(): void };
}

type Listener = (event: { data?: unknown; code?: number }) => void;

/** One machine's connections: all of them break together. */
export class Wire {
  isUp = true;
  /** What the browser's cookie holds. */
  cookie: string | undefined;
  /** Requests that left, by method. */
  readonly sent: string[] = [];
  /** While set, frames of the server wait: a slow network. */
  isHeld = false;
  /** Answers to these methods are lost with their connection. */
  readonly losesAnswersTo = new Set<string>();
  /** The next answer to these methods never comes, on a connection that lives. */
  readonly swallows = new Set<string>();
  readonly WebSocket: SocketConstructor;
  site: Site | undefined;
  private readonly sockets = new Set<WireSocket>();
  private readonly topics = new Map<string, Set<WireSocket>>();

  constructor(site: Site | undefined) {
    this.site = site;
    const wire = this;
    this.WebSocket = class extends WireSocket {
      constructor(_url: string) {
        super(wire);
        wire.sockets.add(this);
      }
    };
  }

  /** The server's broadcast. */
  publish(topic: string, text: string): void {
    for (const socket of this.topics.get(topic) ?? []) socket.receive(text);
  }

  subscribe(topic: string, socket: WireSocket): void {
    const there = this.topics.get(topic) ?? new Set();
    this.topics.set(topic, there.add(socket));
  }

  unsubscribe(topic: string, socket: WireSocket): void {
    this.topics.get(topic)?.delete(socket);
  }

  forget(socket: WireSocket): void {
    this.sockets.delete(socket);
    for (const there of this.topics.values()) there.delete(socket);
  }

  cut(): void {
    this.isUp = false;
    for (const socket of [...this.sockets]) socket.break();
  }

  mend(): void {
    this.isUp = true;
  }

  release(): void {
    this.isHeld = false;
    for (const socket of this.sockets) socket.drain();
  }
}

let addresses = 0;

export class WireSocket implements Socket {
  private readonly wire: Wire;
  private readonly listeners = new Map<string, Listener[]>();
  private readonly cookie: string | undefined;
  private attached: ReturnType<Site["attach"]> | undefined;
  private incoming: string[] = [];
  private isDraining = false;
  private isOver = false;
  private readonly asked = new Map<number | string, string>();

  constructor(wire: Wire) {
    this.wire = wire;
    this.cookie = wire.cookie;
    task(() => this.opened());
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    if (this.isOver) return;
    task(() => {
      if (!this.isOver) this.attached?.receive(this.noted(text));
    });
  }

  close(): void {
    this.end(1000);
  }

  /** The network under it is gone. */
  break(): void {
    this.end(1006);
  }

  receive(text: string): void {
    const { id } = JSON.parse(text) as { id?: number | string };
    const method = id === undefined ? undefined : this.asked.get(id);
    if (method !== undefined && this.wire.losesAnswersTo.delete(method)) {
      this.break();
      return;
    }
    if (method !== undefined && this.wire.swallows.delete(method)) return;
    this.incoming.push(text);
    this.drain();
  }

  drain(): void {
    if (this.isDraining || this.wire.isHeld) return;
    this.isDraining = true;
    task(() => {
      this.isDraining = false;
      if (this.isOver || this.wire.isHeld) return;
      const data = this.incoming.shift();
      if (data === undefined) return;
      this.tell("message", { data });
      this.drain();
    });
  }

  private opened(): void {
    if (this.isOver) return;
    const { site, isUp } = this.wire;
    if (!isUp || site === undefined) {
      this.tell("error", {});
      this.end(1006);
      return;
    }
    this.attached = site.attach(
      {
        send: (text) => this.receive(text),
        subscribe: (topic) => this.wire.subscribe(topic, this),
        unsubscribe: (topic) => this.wire.unsubscribe(topic, this),
        close: (code) => this.closedByServer(code),
      },
      `10.9.${++addresses >> 8}.${addresses & 255}`,
      this.cookie ?? null,
    );
    this.tell("open", {});
  }

  /** What was sent before a server closes arrives. */
  private closedByServer(code: number): void {
    const deliver = () => {
      const data = this.incoming.shift();
      if (data !== undefined && !this.isOver) {
        this.tell("message", { data });
        task(deliver);
      } else {
        this.end(code);
      }
    };
    task(deliver);
  }

  private end(code: number): void {
    if (this.isOver) return;
    this.isOver = true;
    this.wire.forget(this);
    this.attached?.closed();
    task(() => this.tell("close", { code }));
  }

  private tell(type: string, event: { data?: unknown; code?: number }): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event);
  }

  private noted(text: string): string {
    const { id, method } = JSON.parse(text) as { id: number | string; method: string };
    this.wire.sent.push(method);
    this.asked.set(id, method);
    return text;
  }
}
