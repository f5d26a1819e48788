/**
 * The gateway: where dialects attach connections and pass calls on. It owns the session model; dialects own
 * no state.
 *
 * A request goes through the same checks and the same handler whichever way it came; folded batches come
 * back as events. The answer of `session.resume` precedes what was missed, that `caught_up`, and that every
 * live event: all of it happens in one turn of the event loop.
 */

import { AssertionError } from "../core/assert.ts";
import { highestSeen, united } from "../core/cursor.ts";
import { Fatal, Refusal } from "../core/errors.ts";
import { type AccountId, operatorId } from "../core/ids.ts";
import {
  BAD_FRAMES_MAX,
  BEAT_INTERVAL_MS,
  BEAT_PEER_INTERVAL_MS,
  CONNECTIONS_PER_ACCOUNT_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  SIGN_IN_DEADLINE_MS,
  SIGN_UP_WINDOW_MS,
  SIGN_UPS_PER_ADDRESS_MAX,
  THROTTLE_ENTRIES_MAX,
} from "../core/limits.ts";
import { HTTP_STATUS } from "../protocol/rpc.ts";
import type { Timer } from "../replica/ports.ts";
import { Access } from "./access.ts";
import type { Caller } from "./command.ts";
import { sessionOf, sessionOver } from "./commands/session.ts";
import { Connection } from "./connection.ts";
import { Connections } from "./connections.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Elsewhere } from "./elsewhere.ts";
import { Expiry } from "./expiry.ts";
import { Folds } from "./folds.ts";
import {
  BadFrame,
  badFrameText,
  errorText,
  eventText,
  noSuchMethodText,
  parseRequest,
  type Request,
  resultText,
} from "./frames.ts";
import { HeldNews } from "./held-news.ts";
import { Line } from "./line.ts";
import { Markers } from "./markers.ts";
import { MissedEvents } from "./missed.ts";
import { Notices } from "./notices.ts";
import type { GatewayOptions } from "./options.ts";
import { Passwords } from "./passwords.ts";
import type { Attached, DigestOf, HttpAnswer, HttpCall, Link } from "./ports.ts";
import { PresenceLinks } from "./presence-links.ts";
import { Render } from "./render.ts";
import type { Services } from "./services.ts";
import { setupCode } from "./setup.ts";
import { Throttle } from "./throttle.ts";
import { openTopic } from "./topics.ts";
import { Typing } from "./typing.ts";

const REQUESTS_BEFORE_SIGN_IN_MAX = 50;
const FLIGHT_REFUSALS_MAX = 10_000;
const SWEEP_INTERVAL_MS = 1_000;

export class Gateway {
  private readonly options: GatewayOptions;
  private readonly services: Services;
  private readonly dispatcher: Dispatcher;
  private readonly connections: Connections;
  private readonly heldNews: HeldNews;
  private readonly expiry: Expiry;
  private readonly presence: PresenceLinks;
  private readonly timers: Timer[] = [];
  /** As clients were told last. */
  private servers: string;
  private inFlight = 0;
  private wasRemoved = false;
  private stopping = false;

  constructor(options: GatewayOptions) {
    this.options = options;
    const { replica, clock, random, hash } = options;
    const { view } = replica;
    const markers = new Markers(replica, clock, random);
    const access = new Access(view, hash, markers);
    this.presence = new PresenceLinks({
      replica,
      clock,
      changed: (account, online) => this.connections.presenceChanged(account, online),
      typing: (account, conversation) => this.services.typing.elsewhere(account, conversation),
    });
    const { presence } = this.presence;
    const render = new Render(view, access, (account) => presence.isOnline(account));
    const notices = new Notices(view, render, access);
    const missed = new MissedEvents(replica, notices);
    const { broadcast, observeClose } = options;
    this.connections = new Connections({
      replica,
      render,
      notices,
      missed,
      broadcast,
      clock,
      observeClose,
    });
    this.heldNews = new HeldNews(replica, clock, (author, message) =>
      this.connections.tellAccount(author, "message.held", message),
    );
    this.services = {
      replica,
      view,
      access,
      render,
      presence,
      missed,
      clock,
      random,
      hash,
      passwords: new Passwords(clock, options.passwords),
      markers,
      folds: new Folds(clock),
      elsewhere: new Elsewhere(replica, options.servers),
      heldNews: this.heldNews,
      polls: new Map(),
      signUps: new Throttle(
        clock,
        SIGN_UPS_PER_ADDRESS_MAX,
        SIGN_UP_WINDOW_MS,
        THROTTLE_ENTRIES_MAX,
      ),
      typing: new Typing({
        clock,
        access,
        render,
        tellOpen: (id, params) => this.connections.tell(openTopic(id), "typing", params),
        tellPeers: (account, id) => this.presence.types(account, id),
      }),
      cluster: options.cluster,
      version: options.version,
      servers: options.servers,
      links: options.links ?? (() => []),
      digest: options.digest ?? noDigest,
      membership: options.membership ?? null,
      minCopies: options.minCopies ?? 1,
      signUpDefault: options.signUp,
      derive: options.derive,
      isStopping: () => this.stopping,
    };
    this.servers = JSON.stringify(options.servers());
    this.dispatcher = new Dispatcher(this.services, options.writesPerSecond, options.observe);
    replica.listen({
      folded: (batch) => {
        this.connections.publish(batch);
        this.heldNews.folded(batch);
        this.services.folds.wake();
      },
      held: (grown) => this.heldNews.held(grown),
      peer: (server, change) => this.heldNews.peer(server, change),
      said: (peer, message) => this.presence.heard(peer, message),
      reach: (peer, what) => this.presence.reach(peer, what),
      alarm: (what, message, clear) =>
        clear ? options.log.info({ what }, message) : options.log.error({ what }, message),
    });
    this.expiry = new Expiry(replica, clock);
    this.expiry.start();
    this.every(BEAT_INTERVAL_MS, () => this.connections.beat());
    this.every(BEAT_PEER_INTERVAL_MS, () => this.services.elsewhere.look());
    this.every(SWEEP_INTERVAL_MS, () => this.sweep());
  }

  private every(intervalMs: number, act: () => void): void {
    const slot = this.timers.length;
    const arm = () => {
      this.timers[slot] = this.options.clock.schedule(intervalMs, () => {
        act();
        if (!this.stopping) arm();
      });
    };
    arm();
  }

  /** Closes connections that did not sign in within the deadline. */
  private sweep(): void {
    const now = this.options.clock.monotonicMs();
    for (const connection of this.connections.all) {
      if (connection.account !== null || now - connection.openedMs < SIGN_IN_DEADLINE_MS) continue;
      this.connections.close(connection, "idle", "no sign-in: sign in when you connect");
    }
  }

  /** Tells all clients if it is not what they were told: servers came, went or changed state. */
  serversChanged(): void {
    const servers = this.options.servers();
    const text = JSON.stringify(servers);
    if (this.stopping) return;
    if (text !== this.servers) this.connections.tellEverybody("servers.changed", { servers });
    this.servers = text;
    const { members, name } = this.services.replica;
    const isRemoved = members.isRemoved(name);
    // It hands over what it has, and stops: clients need not see that end.
    if (isRemoved && !this.wasRemoved) this.connections.tellEverybody("server.stopping");
    this.wasRemoved = isRemoved;
  }

  get cluster(): string {
    return this.options.cluster;
  }

  /** Why clients should go to another server now; null if they need not. */
  get notReady(): string | null {
    const { members, name } = this.services.replica;
    if (members.isRemoved(name))
      return "removed from the cluster: it hands over what it has, and stops";
    return this.services.elsewhere.reason;
  }

  /** Throws Refusal for a token whose session is not good. */
  checkToken(token: string): void {
    sessionOf(this.services, token);
  }

  /** With it an administrator's account can be made; null while there is one. */
  get setupCode(): string | null {
    return setupCode(this.services);
  }

  /** A new WebSocket connection from a remote address; `cookie`: the token in the page's cookie. */
  attach(link: Link, address: string, cookie: string | null = null): Attached {
    const now = this.options.clock.monotonicMs();
    const enter = (signedIn: Connection, account: AccountId) => this.enter(signedIn, account);
    const { audience } = this.connections;
    const connection = new Connection(link, address, now, enter, cookie, audience);
    this.connections.all.add(connection);
    return {
      receive: (text) => this.receive(connection, text),
      closed: () => this.closed(connection),
    };
  }

  private enter(connection: Connection, account: AccountId): void {
    const present = this.connections.of(account);
    if (present.size >= CONNECTIONS_PER_ACCOUNT_MAX) {
      throw new Refusal("too_large", "this account has too many connections: close some first");
    }
    this.connections.enter(connection, account);
    this.services.presence.came(account);
  }

  private closed(connection: Connection): void {
    connection.gone();
    if (!this.connections.all.has(connection)) return;
    this.connections.leave(connection);
    if (connection.account !== null) this.services.presence.went(connection.account);
  }

  private receive(connection: Connection, text: string | null): void {
    if (connection.isClosed || connection.isEnded) return;
    let request: Request;
    try {
      if (text === null) throw new BadFrame("binary frames are not used: send text", -32600);
      request = parseRequest(text);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      connection.send(badFrameText(error));
      connection.badFrames++;
      if (connection.badFrames >= BAD_FRAMES_MAX) {
        this.connections.close(connection, "bad_frames", "too many frames that are no requests");
      }
      return;
    }
    if (this.isFlooding(connection, request)) return;
    void this.serve(connection, request);
  }

  private isFlooding(connection: Connection, request: Request): boolean {
    if (connection.account === null) {
      connection.requestsBeforeSignIn++;
      if (connection.requestsBeforeSignIn > REQUESTS_BEFORE_SIGN_IN_MAX) {
        this.connections.close(connection, "flooding", "too many requests without signing in");
        return true;
      }
    }
    if (connection.inFlight < REQUESTS_IN_FLIGHT_MAX) return false;
    const what = `${REQUESTS_IN_FLIGHT_MAX} requests of this connection are in flight: wait for answers`;
    connection.send(errorText(request.id, new Refusal("rate_limited", what, 100)));
    connection.refusedForFlight++;
    if (connection.refusedForFlight > FLIGHT_REFUSALS_MAX) {
      this.connections.close(connection, "flooding", "went on sending past its bound");
    }
    return true;
  }

  private async serve(connection: Connection, request: Request): Promise<void> {
    connection.inFlight++;
    const text = await this.answer(connection, request);
    connection.inFlight--;
    connection.send(text.body);
    if (text.status !== 200 || request.method !== "session.resume") return;
    try {
      this.replay(connection, (request.params as { cursor?: string }).cursor);
    } catch (error) {
      const { message } = this.defect(request.method, error);
      this.connections.close(connection, "slow", message); // never skipped: it resumes
    }
  }

  /** After the answer of a resume: what was missed, then `caught_up`. */
  private replay(connection: Connection, cursorText: string | undefined): void {
    const { account } = connection;
    if (account === null) return;
    const { cursors } = this.services.replica;
    let current = cursors.current();
    if (cursorText !== undefined) {
      const cursor = cursors.parse(cursorText);
      this.services.replica.seen(highestSeen(cursor));
      this.connections.carry(connection, cursors.uncovered(cursor));
      current = united(current, connection.carried);
      const missed = this.services.missed.since(account, cursor);
      if (missed === null) {
        connection.send(eventText("reset", {}, current));
        return;
      }
      for (const { method, params, cursor: at } of missed.events) {
        connection.send(eventText(method, params, at));
      }
    }
    connection.send(eventText("caught_up", {}, current));
  }

  /**
   * A defect in a handler is logged and answered as `indefinite`. A broken invariant is thrown on: nothing
   * goes on after it.
   */
  private async answer(caller: Caller, request: Request): Promise<HttpAnswer> {
    const row = this.dispatcher.row(request.method);
    if (row === null) {
      return { status: 404, body: noSuchMethodText(request.id, request.method) };
    }
    this.inFlight++;
    try {
      const result = await this.dispatcher.run(caller, request.method, row, request.params);
      return { status: 200, body: resultText(request.id, result) };
    } catch (error) {
      if (error instanceof AssertionError || error instanceof Fatal) throw error;
      const refusal = error instanceof Refusal ? error : this.defect(request.method, error);
      return { status: HTTP_STATUS[refusal.code], body: errorText(request.id, refusal) };
    } finally {
      this.inFlight--;
    }
  }

  private defect(method: string, error: unknown): Refusal {
    const { stack, message } = error as Error;
    this.options.log.error({ method, stack }, `a handler failed: ${message}`);
    return new Refusal(
      "indefinite",
      "the server failed on this request; it is not known how far it came",
      1_000,
    );
  }

  /** `POST /v1/rpc`. */
  async call({ body, token, address, operator }: HttpCall): Promise<HttpAnswer> {
    let request: Request;
    try {
      request = parseRequest(body);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      return { status: 400, body: badFrameText(error) };
    }
    const caller: Caller = {
      address,
      operator,
      cookie: null,
      line: new Line(),
      account: operator ? operatorId(this.options.hash) : null,
      session: null,
      ticketsUntil: null,
      carried: [],
      over: () => sessionOver(this.services, caller),
      signIn: () => {},
      shows: () => {},
      opens: () => {},
    };
    if (token !== null && !operator) {
      try {
        Object.assign(caller, sessionOf(this.services, token));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { status: HTTP_STATUS[error.code], body: errorText(request.id, error) };
      }
    }
    return this.answer(caller, request);
  }

  figures() {
    return {
      connections: this.connections.all.size,
      signedIn: this.connections.signedIn,
      requestsInFlight: this.inFlight,
      passwordQueue: this.services.passwords.waiting,
      events: Object.fromEntries(this.connections.sent),
    };
  }

  /** Takes no new requests, tells clients, waits for those in flight, closes all connections. */
  async stop(): Promise<void> {
    this.connections.tellEverybody("server.stopping");
    this.services.markers.flush();
    this.stopping = true;
    for (const timer of this.timers) timer.cancel();
    this.heldNews.stop();
    this.expiry.stop();
    this.services.folds.wake();
    await this.services.replica.stop();
    do {
      // Once at least: an answer that is ready goes out before its connection is closed.
      await new Promise<void>((resolve) => this.options.clock.schedule(5, resolve));
    } while (this.inFlight > 0);
    for (const connection of [...this.connections.all]) {
      this.connections.close(connection, "going_away", "the server is stopping");
    }
    this.presence.stop();
  }
}

const noDigest: DigestOf = (server) =>
  Promise.reject(new Refusal("unavailable", `server ${server} tells no digests of its view`));
