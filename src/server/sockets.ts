/**
 * WebSocket connections: Bun's sockets as the gateway's links, and topics as its broadcast.
 *
 * Problem: a system call per frame is ten times the price of the frame, and a reader that does not read
 * must cost nobody anything but itself. Approach: what is sent to one socket in one turn of the event loop
 * leaves in one piece; topics go out by Bun's own fan-out, after whatever waits, so that the order of
 * sending is the order of arrival. A socket whose backlog passes its bound is cut off: Bun drops a frame
 * past the bound and closes the socket when it next looks at it, and answers 0; we cut it in the same turn.
 * Between the two nothing is sent, so no frame is skipped and followed by another.
 * Rejected: asking each socket for its backlog before each send (a walk over all of them per event).
 */
import {
  CONNECTION_BACKLOG_BYTES_MAX,
  CONNECTIONS_MAX,
  FRAME_BYTES_MAX,
  IDLE_TIMEOUT_S,
} from "../core/limits.ts";
import type { Attached, Broadcast, Link } from "../gateway/ports.ts";
import { CLOSE_CODES } from "../protocol/rpc.ts";

/** Past this much waiting in one turn a socket's frames leave before the turn ends. */
const TURN_BYTES_MAX = 64 * 1024;
/** All backlogs together; past it the longest are cut off. */
const BACKLOG_TOTAL_BYTES_MAX = 512 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 1_000;
/** One address may hold this share of all connections, this machine excepted. */
const ADDRESS_SHARE = 1 / 4;

export const SOCKET_BOUNDS = {
  frameBytesMax: FRAME_BYTES_MAX,
  backlogBytesMax: CONNECTION_BACKLOG_BYTES_MAX,
  backlogTotalBytesMax: BACKLOG_TOTAL_BYTES_MAX,
  connectionsMax: CONNECTIONS_MAX,
  idleTimeoutS: IDLE_TIMEOUT_S,
};
export type SocketBounds = typeof SOCKET_BOUNDS;

type CloseReason = keyof typeof CLOSE_CODES | "client" | "lost" | "malformed" | "backlog";

/** Where what comes from another server on this port goes. */
export interface PeerSocket {
  opened(socket: Bun.ServerWebSocket<SocketData>): void;
  /** null for a text frame. */
  received(frame: Uint8Array | null): void;
  drained(): void;
  closed(): void;
}

/** What a socket carries; `own` once it is open. */
export type SocketData = {
  /** null for a client's. */
  readonly peer: PeerSocket | null;
  readonly address: string;
  /** The token in the page's cookie. */
  readonly cookie: string | null;
  own: OwnSocket | null;
};
export type Socket = Bun.ServerWebSocket<SocketData>;

const REASONS = new Map<number, CloseReason>(
  Object.entries(CLOSE_CODES).map(([reason, code]) => [code, reason as CloseReason]),
);
/** Bun says by a text why it gave a connection up. */
const LOST_REASONS: readonly (readonly [RegExp, CloseReason])[] = [
  [/too big/, "too_large"],
  [/inactivity/, "idle"],
  [/invalid|incorrectly/, "malformed"],
];

class OwnSocket implements Link {
  readonly socket: Socket;
  private readonly sockets: Sockets;
  attached: Attached | null = null;
  /** Why we ended it, if we did. */
  ended: CloseReason | null = null;
  private waiting: string[] = [];
  private waitingLength = 0;

  constructor(socket: Socket, sockets: Sockets) {
    this.socket = socket;
    this.sockets = sockets;
  }

  send(text: string): void {
    if (this.ended !== null) return;
    if (this.waiting.length === 0) this.sockets.flushLater(this);
    this.waiting.push(text);
    this.waitingLength += text.length;
    if (this.waitingLength > TURN_BYTES_MAX) this.flush();
  }

  flush(): void {
    const texts = this.waiting;
    if (texts.length === 0) return;
    this.waiting = [];
    this.waitingLength = 0;
    if (this.ended !== null) return;
    if (texts.length === 1) this.put(texts[0] as string);
    else this.socket.cork(() => texts.every((text) => this.put(text)));
  }

  private put(text: string): boolean {
    const taken = this.socket.send(text) !== 0;
    if (!taken) this.cut("slow");
    return taken;
  }

  /** Ends the connection without a word: there is no room for one. The gateway hears of it a turn later. */
  cut(reason: CloseReason): void {
    if (this.ended !== null) return;
    this.ended = reason;
    setImmediate(() => this.socket.terminate());
  }

  subscribe(topic: string): void {
    this.flush();
    if (this.ended === null) this.socket.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    if (this.ended === null) this.socket.unsubscribe(topic);
  }

  close(code: number, reason: string): void {
    this.flush();
    if (this.ended !== null) return;
    this.ended = REASONS.get(code) ?? "malformed";
    this.socket.close(code, reason);
  }
}

type Attach = (link: Link, address: string, cookie: string | null) => Attached;

export class Sockets implements Broadcast {
  private readonly bounds: SocketBounds;
  private readonly open = new Set<OwnSocket>();
  private readonly byAddress = new Map<string, number>();
  private dirty: OwnSocket[] = [];
  private server: Bun.Server<SocketData> | null = null;
  private attach: Attach | null = null;
  private readonly sweeper: NodeJS.Timeout;
  readonly closes: Partial<Record<CloseReason, number>> = {};
  /** Of all connections, at the last sweep. */
  backlogBytes = 0;

  constructor(bounds: SocketBounds) {
    this.bounds = bounds;
    this.sweeper = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
  }

  get count(): number {
    return this.open.size;
  }

  /** From now on connections are taken. */
  begin(server: Bun.Server<SocketData>, attach: Attach): void {
    this.server = server;
    this.attach = attach;
  }

  /** Whether there is room for one more from this address. */
  hasRoom(address: string, isNear: () => boolean): boolean {
    if (this.open.size >= this.bounds.connectionsMax) return false;
    const own = this.byAddress.get(address) ?? 0;
    return own < this.bounds.connectionsMax * ADDRESS_SHARE || isNear();
  }

  handler(): Bun.WebSocketHandler<SocketData> {
    const { bounds } = this;
    return {
      maxPayloadLength: bounds.frameBytesMax,
      backpressureLimit: bounds.backlogBytesMax,
      closeOnBackpressureLimit: true,
      idleTimeout: bounds.idleTimeoutS,
      sendPings: true,
      perMessageDeflate: false,
      open: (socket) => {
        const { peer } = socket.data;
        if (peer === null) this.opened(socket);
        else peer.opened(socket);
      },
      message: (socket, message) => {
        const { peer, own } = socket.data;
        if (peer === null) own?.attached?.receive(typeof message === "string" ? message : null);
        else peer.received(typeof message === "string" ? null : new Uint8Array(message));
      },
      drain: (socket) => socket.data.peer?.drained(),
      close: (socket, code, reason) => {
        const { peer } = socket.data;
        if (peer === null) this.closed(socket, code, reason);
        else peer.closed();
      },
    };
  }

  private opened(socket: Socket): void {
    const own = new OwnSocket(socket, this);
    const { address, cookie } = socket.data;
    socket.data.own = own;
    this.open.add(own);
    this.byAddress.set(address, (this.byAddress.get(address) ?? 0) + 1);
    own.attached = this.attach?.(own, address, cookie) ?? null;
    if (own.attached === null) own.close(CLOSE_CODES.going_away, "not ready");
  }

  private closed(socket: Socket, code: number, reason: string): void {
    const { own, address } = socket.data;
    if (own === null) return;
    const lost = LOST_REASONS.find(([pattern]) => pattern.test(reason))?.[1] ?? "lost";
    const why = own.ended ?? (code === 1006 ? lost : "client");
    own.ended = why;
    this.closes[why] = (this.closes[why] ?? 0) + 1;
    this.open.delete(own);
    const left = (this.byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.byAddress.delete(address);
    else this.byAddress.set(address, left);
    own.attached?.closed();
  }

  flushLater(own: OwnSocket): void {
    if (this.dirty.length === 0) setImmediate(() => this.flush());
    this.dirty.push(own);
  }

  private flush(): void {
    const dirty = this.dirty;
    this.dirty = [];
    for (const own of dirty) own.flush();
  }

  publish(topic: string, text: string): void {
    if (this.dirty.length > 0) this.flush();
    // 0: nobody listens, or somebody's backlog is past its bound.
    if (this.server?.publish(topic, text) === 0 && this.server.subscriberCount(topic) > 0) {
      this.cutSlow();
    }
  }

  private cutSlow(): void {
    for (const own of this.open) {
      if (own.socket.getBufferedAmount() > this.bounds.backlogBytesMax) own.cut("slow");
    }
  }

  private sweep(): void {
    const behind: { own: OwnSocket; bytes: number }[] = [];
    this.backlogBytes = 0;
    for (const own of this.open) {
      const bytes = own.socket.getBufferedAmount();
      if (bytes === 0) continue;
      this.backlogBytes += bytes;
      behind.push({ own, bytes });
    }
    let excess = this.backlogBytes - this.bounds.backlogTotalBytesMax;
    if (excess <= 0) return;
    for (const { own, bytes } of behind.sort((a, b) => b.bytes - a.bytes)) {
      if (excess <= 0) return;
      own.cut("backlog");
      excess -= bytes;
    }
  }

  /** Cuts off whoever is left. */
  end(): void {
    clearInterval(this.sweeper);
    this.flush();
    for (const own of this.open) own.socket.terminate();
  }
}
