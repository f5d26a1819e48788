/** Clients' connections over the simulated network: sockets for the SDK, and links for a server's gateway. */
import type { Socket, SocketConstructor } from "../src/client/index.ts";
import { CONNECTION_BACKLOG_BYTES_MAX } from "../src/core/limits.ts";
import type { Gateway } from "../src/gateway/gateway.ts";
import type { Broadcast, Link } from "../src/gateway/ports.ts";
import { type End, LOST, type Network, type Process } from "./network.ts";

const CLIENT_PATH = "v1/ws";

export function clientAddress(host: string): string {
  return `${host}/${CLIENT_PATH}`;
}

type Heard = { readonly data?: unknown; readonly code?: number };

/** The WebSocket of this process. */
export function socketsOf(network: Network, process: Process): SocketConstructor {
  return class implements Socket {
    private readonly listeners = new Map<string, ((event: Heard) => void)[]>();
    private readonly end: End;
    private isOpen = false;

    constructor(url: string) {
      this.end = network.dial(process, clientAddress(new URL(url).hostname), {
        opened: () => {
          this.isOpen = true;
          this.tell("open", {});
        },
        received: (data) => this.tell("message", { data }),
        closed: (code) => this.tell("close", { code }),
        failed: () => {
          this.tell("error", {});
          this.tell("close", { code: LOST });
        },
      });
    }

    private tell(type: string, event: Heard): void {
      for (const listener of this.listeners.get(type) ?? []) listener(event);
    }

    addEventListener(type: string, listener: (event: Heard) => void): void {
      this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
    }

    send(text: string): void {
      if (!this.isOpen) throw new Error("the socket is not open");
      this.end.send(text);
    }

    close(): void {
      if (this.isOpen) this.end.close(1000);
      else this.end.cut();
    }
  };
}

/** Who looks at what a server and a client say to each other. */
export interface LineWatch {
  asked(line: ClientLine, text: string): void;
  said(line: ClientLine, text: string): void;
  closed(line: ClientLine): void;
}

/** A client's connection, as its server has it. */
export class ClientLine implements Link {
  readonly from: string;
  readonly topics = new Set<string>();
  readonly end: End;
  private readonly lines: ClientLines;

  constructor(lines: ClientLines, from: string, end: End) {
    this.lines = lines;
    this.from = from;
    this.end = end;
  }

  send(text: string): void {
    if (this.end.isOver) return;
    if (this.end.backlogBytes > CONNECTION_BACKLOG_BYTES_MAX) {
      this.lines.cut(this);
      return;
    }
    this.lines.watch.said(this, text);
    this.end.send(text);
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  close(code: number): void {
    this.lines.close(this, code);
  }
}

export class ClientLines implements Broadcast {
  readonly watch: LineWatch;
  private readonly all = new Map<ClientLine, () => void>();
  private readonly process: Process;
  private readonly network: Network;

  constructor(network: Network, process: Process, watch: LineWatch) {
    this.network = network;
    this.process = process;
    this.watch = watch;
  }

  serve(gateway: Gateway): void {
    this.network.serve(clientAddress(this.process.host), this.process, (from, end) => {
      const line = new ClientLine(this, from, end);
      const attached = gateway.attach(line, from);
      const over = () => {
        if (!this.all.delete(line)) return;
        this.watch.closed(line);
        attached.closed();
      };
      this.all.set(line, over);
      return {
        opened: () => {},
        received: (frame) => {
          const text = typeof frame === "string" ? frame : null;
          if (text !== null) this.watch.asked(line, text);
          attached.receive(text);
        },
        closed: over,
      };
    });
  }

  stopTaking(): void {
    this.network.unserve(clientAddress(this.process.host));
  }

  publish(topic: string, text: string): void {
    for (const line of this.all.keys()) if (line.topics.has(topic)) line.send(text);
  }

  close(line: ClientLine, code: number): void {
    line.end.close(code);
    this.later(line);
  }

  cut(line: ClientLine): void {
    line.end.cut();
    this.later(line);
  }

  private later(line: ClientLine): void {
    const over = this.all.get(line);
    if (over !== undefined) this.process.clock.schedule(0, over);
  }

  get size(): number {
    return this.all.size;
  }
}
