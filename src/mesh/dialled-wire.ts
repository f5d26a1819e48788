/** A connection that this server opened to a peer, over Bun's WebSocket client; and why one failed. */
import type { Clock } from "../replica/ports.ts";
import type { DialProblem } from "./refusals.ts";
import type { Wire, WireListener } from "./wire.ts";

const CLOSE_LINGER_MS = 250;
/** A client may not say 1001 (RFC 6455 leaves that to the API; WebSocket.close takes 1000 and 3000 up). */
const DONE = 1000;

export interface DialListener extends WireListener {
  /** It never opened; nothing follows. */
  failed(problem: DialProblem): void;
}

/** Codes of the system's and of Bun's network calls. */
const PROBLEMS: Readonly<Record<string, DialProblem>> = {
  ECONNREFUSED: "connection_refused",
  EHOSTUNREACH: "no_route",
  ENETUNREACH: "no_route",
  EHOSTDOWN: "no_route",
  EADDRNOTAVAIL: "no_route",
  EACCES: "no_route",
  EPERM: "no_route",
  ETIMEDOUT: "timed_out",
  ENOTFOUND: "unknown_host",
  EAI_AGAIN: "unknown_host",
  EAI_NODATA: "unknown_host",
  EPROTO: "tls",
};

/** What a failure of Bun's client means: its code if it has one, else its words. */
export function dialProblem(code: string | undefined, words: string): DialProblem {
  const known = code === undefined ? undefined : PROBLEMS[code];
  if (known !== undefined) return known;
  if (/TLS|certificate|_CERT|_SIGNATURE|_ISSUER|self.signed/i.test(`${code} ${words}`))
    return "tls";
  const status = /Expected 101 status code: (\d{3})/.exec(words)?.[1];
  if (status !== undefined) return status === "503" ? "not_ready" : "not_holdfast";
  if (code?.startsWith("HPE_") || /Invalid response/.test(words)) return "not_holdfast";
  return "failed";
}

export class DialledWire implements Wire {
  private readonly clock: Clock;
  private readonly socket: WebSocket;
  private readonly listener: DialListener;
  private isOpen = false;
  private isOver = false;
  private problem: DialProblem = "failed";

  /** `url`: of the server; `ca`: PEM of who signed its certificate, if not one of the usual. */
  constructor(clock: Clock, url: string, ca: string | null, listener: DialListener) {
    this.clock = clock;
    this.listener = listener;
    const address = `${url.replace(/^http/, "ws")}/v1/peer`;
    const tls = ca === null ? {} : { tls: { ca } };
    this.socket = new WebSocket(address, { perMessageDeflate: false, ...tls });
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      if (this.isOver) return;
      this.isOpen = true;
      listener.opened();
    };
    this.socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (this.isOver) return;
      listener.received(data instanceof ArrayBuffer ? new Uint8Array(data) : null);
    };
    this.socket.onerror = (event) => {
      const { error, message } = event as ErrorEvent & { error?: { code?: string } };
      this.problem = dialProblem(error?.code, message ?? "");
    };
    this.socket.onclose = () => this.ended(this.problem);
  }

  private ended(problem: DialProblem): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.isOpen) this.listener.closed();
    else this.listener.failed(problem);
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.isOver && this.socket.readyState === WebSocket.OPEN) this.socket.send(frame);
  }

  get backlogBytes(): number {
    return this.isOver ? 0 : this.socket.bufferedAmount;
  }

  close(): void {
    if (this.isOver) return;
    if (this.isOpen) this.socket.close(DONE);
    this.clock.schedule(this.isOpen ? CLOSE_LINGER_MS : 0, () => this.cut());
  }

  cut(): void {
    if (this.isOver) return;
    this.clock.schedule(0, () => {
      this.socket.terminate();
      this.ended(this.problem);
    });
  }
}
