/**
 * A connection that a peer opened to this server's port, over a socket of Bun's server.
 *
 * The port's bounds are those of clients: past 4 MiB Bun drops what is sent. So what a peer does not take at
 * once waits here, and goes on as the socket drains.
 */
import type { Clock } from "../replica/ports.ts";
import type { Wire, WireListener } from "./wire.ts";

/** What waits in the socket; the rest waits here. */
const SOCKET_BYTES_MAX = 1024 * 1024;
const CLOSE_LINGER_MS = 250;
const GOING_AWAY = 1001;

/** The part of Bun.ServerWebSocket that is used. */
export type AcceptedSocket = {
  send(bytes: Uint8Array<ArrayBuffer>): number;
  getBufferedAmount(): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
};

export class AcceptedWire implements Wire {
  private readonly clock: Clock;
  private readonly listener: WireListener;
  private socket: AcceptedSocket | null = null;
  private waiting: Uint8Array<ArrayBuffer>[] = [];
  private waitingBytes = 0;
  private isClosing = false;
  private isOver = false;

  constructor(clock: Clock, listen: (wire: Wire) => WireListener) {
    this.clock = clock;
    this.listener = listen(this);
  }

  opened(socket: AcceptedSocket): void {
    this.socket = socket;
    if (this.isOver) {
      socket.terminate();
      return;
    }
    this.listener.opened();
    this.drained();
  }

  received(frame: Uint8Array | null): void {
    if (!this.isOver) this.listener.received(frame);
  }

  /** The socket took some of what waits in it. */
  drained(): void {
    const { socket } = this;
    if (socket === null || this.isOver) return;
    let sent = 0;
    while (sent < this.waiting.length && socket.getBufferedAmount() < SOCKET_BYTES_MAX) {
      const frame = this.waiting[sent++] as Uint8Array<ArrayBuffer>;
      this.waitingBytes -= frame.length;
      if (socket.send(frame) === 0) {
        this.cut(); // it is closing: nothing may follow what was dropped
        return;
      }
    }
    if (sent > 0) this.waiting = this.waiting.slice(sent);
    if (this.isClosing && this.waiting.length === 0) socket.close(GOING_AWAY);
  }

  closed(): void {
    const wasOver = this.isOver;
    this.isOver = true;
    this.waiting = [];
    // Bun says so within our own call of `close`: told a turn later.
    if (!wasOver) this.clock.schedule(0, () => this.listener.closed());
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.isOver || this.isClosing) return;
    this.waiting.push(frame);
    this.waitingBytes += frame.length;
    if (this.waiting.length === 1) this.drained();
  }

  get backlogBytes(): number {
    return this.waitingBytes + (this.isOver ? 0 : (this.socket?.getBufferedAmount() ?? 0));
  }

  close(): void {
    if (this.isOver || this.isClosing) return;
    this.isClosing = true;
    this.drained();
    this.clock.schedule(CLOSE_LINGER_MS, () => this.cut());
  }

  cut(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.waiting = [];
    this.clock.schedule(0, () => {
      this.socket?.terminate();
      this.listener.closed();
    });
  }
}
