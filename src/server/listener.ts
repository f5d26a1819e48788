/**
 * The one port: sockets and requests of clients, health, figures.
 *
 * It is up before the store is opened, so that whoever watches the server sees it start, and so that a port
 * in use is found out before anything on disk is touched. Rejected: a port of its own for operators (one
 * more thing to configure and to guard).
 */
import { FRAME_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX } from "../core/limits.ts";
import type { Attached, HttpAnswer, HttpCall, Link } from "../gateway/ports.ts";
import {
  type AddressRange,
  clientAddress,
  formatHostPort,
  type HostPort,
  inAnyRange,
  isLoopback,
  isOwnAddress,
  isWildcard,
} from "./address.ts";
import { bindError } from "./bind-error.ts";
import { answerCookie, cookieName, cookieToken, isOwnPage } from "./cookie.ts";
import {
  allowsOrigin,
  isPassedOn,
  jsonResponse,
  lastResponse,
  refusal,
  requestUrl,
  textResponse,
} from "./http-guard.ts";
import type { Page } from "./page.ts";
import { RETRY_AFTER_MS, RpcDoor } from "./rpc-door.ts";
import {
  type PeerSocket,
  SOCKET_BOUNDS,
  type SocketBounds,
  type SocketData,
  Sockets,
} from "./sockets.ts";

/** A connection that neither sends nor takes anything, between and within requests. */
const HTTP_IDLE_S = 10;
const BODY_WAIT_MS = 10_000;

export const LISTENER_BOUNDS = {
  ...SOCKET_BOUNDS,
  bodyBytesMax: FRAME_BYTES_MAX,
  bodyWaitMs: BODY_WAIT_MS,
  requestsMax: REQUESTS_IN_FLIGHT_MAX,
};
export type ListenerBounds = SocketBounds & typeof LISTENER_BOUNDS;

/** Where requests go once there is somebody to answer them. */
export interface Doors {
  readonly cluster: string;
  /** `cookie`: the token in the cookie that came with the handshake of an own page. */
  attach(link: Link, address: string, cookie: string | null): Attached;
  /** Throws Refusal for a token whose session is not good. */
  checkToken(token: string): void;
  call(request: HttpCall): Promise<HttpAnswer>;
  /** Why clients are better off elsewhere just now; null if they are not. */
  readonly notReady: string | null;
}

/** Where other servers of the cluster come in. */
export interface PeerDoor {
  /** null if there is no room for one from this address; otherwise it hears how the connection goes. */
  accept(address: string): PeerSocket | null;
}

export type ListenerOptions = {
  readonly listen: HostPort;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** The address that clients use, if it is another. */
  readonly url: string | null;
  /** Addresses that clients use of other servers: their pages may talk to this one. */
  readonly otherUrls?: () => readonly string[];
  readonly trustedProxies: readonly AddressRange[];
  readonly metricsAllow: readonly AddressRange[];
  readonly page: Pick<Page, "answer">;
  readonly openrpc: () => string;
  readonly metrics: () => Promise<string>;
  /** A request that failed in a way that it should not. */
  readonly failed: (error: unknown) => void;
  readonly bounds?: Partial<ListenerBounds>;
};

type State =
  | { readonly is: "starting"; readonly reason: string }
  | { readonly is: "serving"; readonly doors: Doors }
  | { readonly is: "stopping" };

type Server = Bun.Server<SocketData>;

export class Listener {
  readonly sockets: Sockets;
  private readonly options: ListenerOptions;
  private readonly bounds: ListenerBounds;
  private readonly server: Server;
  private state: State = { is: "starting", reason: "starting" };
  private readonly rpcDoor: RpcDoor;
  private peerDoor: PeerDoor | null = null;
  /** Requests turned away before the gateway saw them. */
  readonly refused: Record<string, number> = {};

  /** Binds the port. Throws StartError. */
  constructor(options: ListenerOptions) {
    this.options = options;
    this.bounds = { ...LISTENER_BOUNDS, ...options.bounds };
    this.sockets = new Sockets(this.bounds);
    this.rpcDoor = new RpcDoor(this.bounds, (reason) => this.refuse(reason));
    try {
      this.server = this.bind();
    } catch (cause) {
      this.sockets.end();
      throw bindError(options, cause);
    }
  }

  private bind(): Server {
    const { listen, tls } = this.options;
    return Bun.serve<SocketData>({
      hostname: listen.host,
      port: listen.port,
      ...(tls === null ? {} : { tls }),
      development: false,
      reusePort: false, // without it, and without development mode, two servers share a port silently
      idleTimeout: HTTP_IDLE_S,
      // Ours is smaller, and is answered in the words of the protocol.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, server) => this.answer(request, server),
      websocket: this.sockets.handler(),
      error: (error) => {
        this.options.failed(error);
        return textResponse(500, "internal error\n");
      },
    });
  }

  get port(): number {
    return this.server.port as number;
  }

  /** HTTP requests that are being answered. */
  get requestsInFlight(): number {
    return this.rpcDoor.inFlight;
  }

  private get scheme(): string {
    return this.options.tls === null ? "http" : "https";
  }

  /** How this machine reaches it. */
  get localUrl(): string {
    const { host } = this.options.listen;
    const near = isWildcard(host) ? (host.includes(":") ? "::1" : "127.0.0.1") : host;
    return `${this.scheme}://${formatHostPort({ host: near, port: this.port })}`;
  }

  /** The address that clients use, as far as it is known. */
  get url(): string {
    return this.options.url ?? this.localUrl;
  }

  /** Why it is not ready. */
  starting(reason: string): void {
    this.state = { is: "starting", reason };
  }

  serve(doors: Doors, operatorToken: string): void {
    this.rpcDoor.knowOperator(operatorToken);
    this.sockets.begin(this.server, (...socket) => doors.attach(...socket));
    this.state = { is: "serving", doors };
  }

  /** From now on other servers are let in. */
  servePeers(door: PeerDoor): void {
    this.peerDoor = door;
  }

  /**
   * Takes no new connections; requests on old ones are told to go elsewhere. Resolves when the last
   * connection has ended.
   */
  stopTaking(): Promise<void> {
    this.state = { is: "stopping" };
    return this.server.stop();
  }

  async close(): Promise<void> {
    this.state = { is: "stopping" };
    this.sockets.end();
    await this.server.stop(true);
  }

  private refuse(reason: string): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1;
  }

  private answer(request: Request, server: Server): Response | Promise<Response> | undefined {
    const url = requestUrl(request);
    if (url === null) return textResponse(400, "this is not a host\n", { connection: "close" });
    const path = url.pathname;
    if (path === "/v1/rpc") return this.rpc(request, server);
    if (path === "/v1/cookie") return this.cookie(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return textResponse(405, "use GET\n", { allow: "GET, HEAD" });
    }
    switch (path) {
      case "/v1/ws":
        return this.upgrade(request, server);
      case "/v1/peer":
        return this.upgradePeer(request, server);
      case "/v1/openrpc.json":
        return jsonResponse({ status: 200, body: this.options.openrpc() });
      case "/healthz":
        return textResponse(200, "ok\n");
      case "/readyz":
        return this.ready();
      case "/metrics":
        return this.metrics(request, server, url.hostname.replace(/^\[|\]$/g, ""));
      default:
        return (
          this.options.page.answer(request, path) ??
          textResponse(404, "not found; this server speaks at /v1/ws and /v1/rpc\n")
        );
    }
  }

  /** null if it is. */
  private get notReady(): string | null {
    const { state } = this;
    if (state.is === "serving") return null;
    return state.is === "starting" ? state.reason : "stopping";
  }

  private ready(): Response {
    const { state } = this;
    const notReady = state.is === "serving" ? state.doors.notReady : this.notReady;
    return textResponse(notReady === null ? 200 : 503, `${notReady ?? "ready"}\n`);
  }

  private socketAddress(request: Request, server: Server): string {
    return server.requestIP(request)?.address ?? "";
  }

  private clientOf(request: Request, server: Server): string {
    const forwarded = request.headers.get("x-forwarded-for");
    return clientAddress(
      this.socketAddress(request, server),
      forwarded,
      this.options.trustedProxies,
    );
  }

  /**
   * From this machine, and not passed on: a proxy here would make everybody near. Nobody else can hold a
   * connection from an address of ours.
   */
  private isNear(request: Request, server: Server): boolean {
    const address = this.socketAddress(request, server);
    return !isPassedOn(request.headers) && (isLoopback(address) || isOwnAddress(address));
  }

  private upgrade(request: Request, server: Server): Response | undefined {
    const { headers } = request;
    if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return textResponse(426, "this is a WebSocket\n", { upgrade: "websocket" });
    }
    if (!this.allows(headers)) {
      this.refuse("origin");
      return lastResponse(403, "pages of this origin may not connect");
    }
    if (this.state.is !== "serving") {
      this.refuse("not_ready");
      return lastResponse(503, this.notReady ?? "", { "retry-after": "1" });
    }
    const address = this.clientOf(request, server);
    if (!this.sockets.hasRoom(address, () => this.isNear(request, server))) {
      this.refuse("connections");
      return lastResponse(503, "no room for another connection", { "retry-after": "5" });
    }
    const { doors } = this.state;
    const cookie = this.isOwnPage(headers) ? cookieToken(headers, cookieName(doors.cluster)) : null;
    if (server.upgrade(request, { data: { address, cookie, peer: null, own: null } }))
      return undefined;
    return lastResponse(400, "not a WebSocket handshake");
  }

  /** Whether it is from no browser, or from a page of this cluster. */
  private allows(headers: Headers): boolean {
    const { url, otherUrls } = this.options;
    const others = otherUrls?.() ?? [];
    const urls = url === null ? others : [url, ...others];
    return allowsOrigin(headers.get("origin"), headers.get("host"), urls);
  }

  /** A link of another server: who it is comes out on the socket. */
  private upgradePeer(request: Request, server: Server): Response | undefined {
    if (request.headers.has("origin")) {
      this.refuse("origin");
      return lastResponse(403, "this is for servers, not for pages");
    }
    const door = this.state.is === "serving" ? this.peerDoor : null;
    if (door === null) return lastResponse(503, this.notReady ?? "no links yet");
    const address = this.clientOf(request, server);
    const peer = door.accept(address);
    if (peer === null) {
      this.refuse("peers");
      return lastResponse(503, "too many handshakes, or too many that failed");
    }
    const data = { address, cookie: null, peer, own: null };
    if (server.upgrade(request, { data })) return undefined;
    peer.closed();
    return lastResponse(426, "this is a WebSocket");
  }

  private metrics(request: Request, server: Server, host: string): Response | Promise<Response> {
    // A name that leads here could be anybody's: their page could read what this machine may.
    const byName = !isLoopback(host) && !isOwnAddress(host);
    const near = this.isNear(request, server) && !byName;
    const address = this.socketAddress(request, server);
    const allowed = inAnyRange(address, this.options.metricsAllow) && !isPassedOn(request.headers);
    if (!near && !allowed) {
      this.refuse("metrics");
      return textResponse(403, "figures are for this machine and for --metrics-allow\n");
    }
    const type = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
    return this.options.metrics().then((text) => textResponse(200, text, type));
  }

  private isOwnPage(headers: Headers): boolean {
    return isOwnPage(headers, this.options.tls !== null, this.options.url);
  }

  private cookie(request: Request): Response {
    const answer = this.cookieAnswer(request);
    // A body has no place here: it must not be taken for the next request.
    if (request.body !== null) answer.headers.set("connection", "close");
    return answer;
  }

  private cookieAnswer(request: Request): Response {
    const { state } = this;
    if (!this.isOwnPage(request.headers)) {
      this.refuse("origin");
      return jsonResponse(refusal("forbidden", "only this server's own page may set its cookie"));
    }
    if (state.is !== "serving") return jsonResponse(this.notServing(state));
    const { doors } = state;
    return answerCookie(request, doors.cluster, (token) => doors.checkToken(token));
  }

  private notServing(state: Exclude<State, { is: "serving" }>): HttpAnswer {
    const wait = { retryAfterMs: RETRY_AFTER_MS };
    return state.is === "stopping"
      ? refusal("shutting_down", "this server is stopping: go to another one", wait)
      : refusal("unavailable", `not ready yet: ${state.reason}`, wait);
  }

  private rpc(request: Request, server: Server): Promise<Response> {
    const { state } = this;
    const facts = {
      isAllowed: this.allows(request.headers),
      address: () => this.clientOf(request, server),
      isNear: () => this.isNear(request, server),
      mayWait: (seconds: number) => server.timeout(request, seconds),
    };
    return this.rpcDoor.answer(
      request,
      facts,
      state.is === "serving" ? (call) => state.doors.call(call) : this.notServing(state),
    );
  }
}
