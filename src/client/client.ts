/**
 * The client: one account's view of a cluster, over one connection at a time.
 *
 * Problem: an application wants to call, to listen and to forget about connections. Approach: the parts are machines
 * of their own (connection, requests, outbox, cursors, names); this file only wires them: what comes in goes to
 * listeners first and moves the cursor after, what goes out waits until it may leave. Rejected: one class for all.
 */
import type { Account } from "../protocol/schema.ts";
import { Calls, type Values } from "./calls.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOwner } from "./connection-owner.ts";
import type { ConnectionStatus } from "./connection-status.ts";
import { Cursors, Shown } from "./cursors.ts";
import { HoldfastError, isSessionCode } from "./error.ts";
import { type ClientEvents, Emitter, type Listener } from "./events.ts";
import { Keeper } from "./keeper.ts";
import type { Link } from "./link.ts";
import { holdLock } from "./lock.ts";
import type { CallArguments, CallOptions, ClientOptions } from "./options.ts";
import { KeptOutbox } from "./outbox.ts";
import type { Outbox } from "./outbox-entry.ts";
import { KEY } from "./outbox-kept.ts";
import {
  type Clock,
  defaultWebSocket,
  type KeptStorage,
  memoryStorage,
  realClock,
  realRandom,
} from "./ports.ts";
import { RequestIds } from "./request-ids.ts";
import { type RequestSpec, Requests } from "./requests.ts";
import { Resuming } from "./resuming.ts";
import { Servers } from "./servers.ts";
import { KeptSession } from "./session.ts";
import {
  type CallParams,
  type MethodName,
  movesCursor,
  type Params,
  passing,
  type Result,
  signsIn,
} from "./table.ts";
import { type Ticket, Tickets } from "./tickets.ts";
import { SHOWN_MAX, TIMING, type Timing } from "./timing.ts";
import { isRecord, openingIn, renamed, textIn } from "./told.ts";

/** Made by {@link createClient}. */
export class Client {
  readonly #clock: Clock;
  readonly #timing: Timing;
  readonly #servers: Servers;
  readonly #learns: boolean;
  readonly #emitter = new Emitter();
  readonly #keeper: Keeper;
  readonly #session: KeptSession;
  readonly #cursors: Cursors;
  readonly #shown = new Shown(SHOWN_MAX);
  readonly #ids: RequestIds;
  readonly #requests: Requests;
  readonly #connection: Connection;
  readonly #calls: Calls;
  readonly #tickets: Tickets;
  readonly #loading: Promise<void>;
  #loaded = false;
  #closed = false;
  #account: Account | undefined;
  #formerAccount: string | undefined;
  #cluster: string | undefined;
  /** A kept session without a cursor: what was missed has to be read anew. */
  #missedUnknown = false;
  #release: () => void = () => {};
  readonly #resuming = new Resuming();
  #unwatch: (() => void) | undefined;
  readonly #outbox: KeptOutbox;

  /** @internal */
  constructor(options: ClientOptions) {
    const clock = options.clock ?? realClock;
    const random = options.random ?? realRandom;
    const storage = options.storage ?? memoryStorage();
    const WebSocket = options.WebSocket ?? defaultWebSocket();
    this.#clock = clock;
    this.#timing = { ...TIMING, ...options.timing };
    this.#servers = new Servers(options.servers);
    this.#learns = options.learnServers ?? true;
    this.#keeper = new Keeper(storage, (error) =>
      this.#emitter.emit("fault", { where: "storage", error }),
    );
    const cursorMs = options.cursor === null ? Number.POSITIVE_INFINITY : this.#timing.cursorMs;
    this.#session = new KeptSession(this.#keeper, clock, cursorMs);
    this.#cursors = new Cursors((cursor) => this.#session.keepCursor(cursor));
    this.#ids = new RequestIds(clock, random);
    this.#requests = new Requests(
      {
        link: () => this.#connection.liveLink,
        cursor: () => this.#cursors.latest,
        overdue: () => this.#connection.hedge(),
        stopping: () => this.#connection.stopping(),
        drop: () => this.#connection.drop(),
      },
      clock,
      this.#timing,
    );
    const owner = this.#connectionOwner();
    this.#connection = new Connection(owner, this.#servers, WebSocket, clock, random, this.#timing);
    this.#calls = new Calls((spec) => this.#submit(spec), this.#ids, clock, this.#timing);
    this.#tickets = new Tickets(
      {
        token: () => this.#session.token,
        isHome: (server) => this.#servers.isGiven(server),
        ask: () => this.#calls.send("session.ticket", {}, {}, false) as Promise<Ticket>,
      },
      clock,
    );
    this.#outbox = new KeptOutbox(
      {
        newId: () => this.#ids.next(),
        idsAbove: (id) => this.#ids.above(id),
        account: () => this.#session.account,
        ready: () => this.#connection.signedIn && this.#session.account !== undefined,
        resolve: (name) => this.#calls.recipient(name),
        post: (...[to, text, id, unanswered]) => {
          const posted = this.#calls.send("message.post", { to, text, id }, {}, unanswered);
          return posted as Promise<Result<"message.post">>;
        },
        changed: (entry, dropped) =>
          this.#emitter.emit("outbox", dropped ? { entry, dropped } : { entry }),
      },
      this.#keeper,
      clock,
      random,
      this.#timing,
    );
    this.#loading = this.#load(options, storage.watch?.bind(storage));
  }

  // What applications use.

  /** Resolves when what was kept is read: then `token` tells whether there is a session. */
  get ready(): Promise<void> {
    return this.#loading;
  }

  /** The connection as it is now; see also the event `connection`. */
  get connection(): ConnectionStatus {
    return this.#connection.status;
  }

  /** The account this client acts for, once a server confirmed it. */
  get account(): Account | undefined {
    return this.#account;
  }

  /** Addresses of the servers it knows. */
  get servers(): readonly string[] {
    return this.#servers.list;
  }

  /** What this client has seen; give it to a later client as its `cursor`. */
  get cursor(): string | undefined {
    return this.#cursors.latest;
  }

  /** The session's token, to keep where no storage does it. It is a secret: never log it. */
  get token(): string | undefined {
    return this.#session.token;
  }

  /** Messages that go out by themselves, in order, once, also after a restart if there is a storage. */
  get outbox(): Outbox {
    return this.#outbox;
  }

  /** Listens to an event; the answer ends that. A promise returned by `listener` holds the kept cursor back. */
  on<E extends keyof ClientEvents>(event: E, listener: Listener<E>): () => void {
    return this.#emitter.on(event, listener);
  }

  /**
   * Calls a method of the protocol. Waits for a connection, and is repeated on the next one under the same
   * id if this one breaks. Rejects with {@link HoldfastError}; `indefinite` means that it may have happened.
   */
  call<M extends MethodName>(
    method: M,
    ...[params, options]: CallArguments<M>
  ): Promise<Result<M>> {
    const values: Values = { ...params };
    if (method === "session.resume") {
      const { token, cursor } = values as Params<"session.resume">;
      return this.resume(token, cursor) as Promise<Result<M>>;
    }
    return this.#call(method, values, options ?? {}) as Promise<Result<M>>;
  }

  /** Posts now and says how that went; for messages that must not get lost use the outbox. */
  post(to: string, text: string, options?: CallOptions): Promise<Result<"message.post">> {
    return this.call("message.post", { to, text }, options);
  }

  /** Signs in with name and password; the session is kept, if there is a storage, until it is signed out. */
  signIn(params: CallParams<"session.open">, options?: CallOptions) {
    return this.call("session.open", params, options);
  }

  /** Makes an account and signs in as it. */
  signUp(params: CallParams<"account.create">, options?: CallOptions) {
    return this.call("account.create", params, options);
  }

  /** Goes on with a session by its token, in place of the present one; with a cursor, from there. */
  async resume(token: string, cursor?: string): Promise<Result<"session.resume">> {
    await this.#loading;
    this.#end("another session took its place", "session_ended");
    this.#connection.drop(); // what stands for a token in a page may come with the connection
    this.#session.become(token);
    this.#cursors.start(cursor);
    const outcome = this.#resuming.wait(this.#clock, this.#timing.requestMs);
    this.#connection.changed();
    return outcome;
  }

  /**
   * Ends the session, here in any case; rejects if no server could be told, because the token is then still
   * good. The outbox stays, and goes on when the same account signs in again.
   */
  async signOut(): Promise<void> {
    await this.#loading;
    if (this.#session.token === undefined) return;
    try {
      await this.call("session.close", {}, { deadlineMs: 5_000 });
    } catch (error) {
      const { code, refusal } = error as HoldfastError;
      if (!isSessionCode(code) && !isSessionCode(refusal)) throw error;
    } finally {
      this.#end("signed out", "session_ended");
    }
  }

  /** Ends the session here only: its token stays good. For a page whose session ended in another tab. */
  async forget(): Promise<void> {
    await this.#loading;
    this.#end("signed out elsewhere", "session_ended");
  }

  /** Tries the next server now, in place of waiting on: the network is back, or somebody asks for it. */
  retryNow(): void {
    this.#connection.hurry();
  }

  /** Resolves when everything that is to be kept is stored. */
  async flush(): Promise<void> {
    await this.#loading;
    await this.#session.flush();
    await this.#keeper.flushed();
  }

  /** Ends the client for good; the session and what the outbox holds stay for the next one. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#outbox.end();
      this.#connection.close();
      this.#tickets.forget();
      const error = new HoldfastError("unavailable", "the client was closed");
      this.#requests.end(error);
      this.#resuming.told(error);
      this.#unwatch?.();
      this.#release();
    }
    await this.flush();
  }

  async #call(method: MethodName, params: Values, options: CallOptions): Promise<unknown> {
    if (!this.#loaded) await this.#loading;
    if (this.#closed) throw new HoldfastError("unavailable", "the client was closed");
    if (signsIn(method) && this.#session.token !== undefined) {
      throw new HoldfastError("invalid", "this client is signed in: sign out first");
    }
    return this.#calls.call(method, params, options);
  }

  #submit(spec: RequestSpec): Promise<unknown> {
    const answer = this.#requests.submit(spec);
    this.#connection.changed();
    return answer;
  }

  // What comes in.

  #connectionOwner(): ConnectionOwner {
    return {
      wanted: () => this.#loaded && (this.#session.token !== undefined || this.#requests.size > 0),
      credentials: (server) => {
        const token = this.#tickets.signFor(server);
        return token === undefined ? undefined : { token, cursor: this.#cursors.latest };
      },
      inFlight: (link) => this.#requests.inFlight(link),
      greeted: (hello, server) => this.#greeted(hello, server),
      resumed: (result, lost) => this.#resumed(result, lost),
      refused: (error, server) => {
        if (this.#tickets.isOnlyTicket(error, server)) return false;
        this.#end(error.message, error.code);
        return true;
      },
      event: (method, params) => this.#event(method, params),
      answer: (link, { id, result, error }, isOld) => {
        const isRead = error !== undefined || this.#answered(link, id as number, result, isOld);
        this.#requests.answer(id as number, isRead ? result : undefined, error);
      },
      awaits: (attempt) => this.#requests.behind(attempt) !== undefined,
      showing: () => this.#requests.showing(),
      spare: (link) => this.#requests.hedge(link),
      live: () => this.#requests.flush(),
      broken: (link) => this.#requests.broken(link),
      status: (status) => {
        this.#emitter.emit("connection", status);
        this.#outbox.connectionChanged();
      },
      fault: (error) => this.#emitter.emit("fault", { where: "frame", error }),
    };
  }

  #greeted(hello: Result<"server.hello">, server: string): HoldfastError | undefined {
    const ours = this.#session.cluster;
    if (ours !== undefined && hello.cluster !== ours) {
      return new HoldfastError(
        "unauthorized", // here there is no such session, however long one waits
        "this server belongs to another cluster than our session",
      );
    }
    const unfit = this.#tickets.unfit(server);
    if (unfit !== undefined) return unfit;
    this.#cluster = hello.cluster;
    if (this.#learns) this.#servers.learn(hello.servers, server, hello.server);
    this.#session.learn({ cluster: hello.cluster, servers: this.#servers.told });
    return undefined;
  }

  #resumed(result: Result<"session.resume">, lost: boolean): void {
    const first = this.#account === undefined;
    this.#account = result.account;
    this.#session.learn({ account: result.account.id });
    if (this.#learns) this.#tickets.begin();
    if (this.#cursors.latest === undefined || lost) this.#cursors.passed(result.cursor, []);
    if (first) this.#emitter.emit("signed_in", { account: result.account });
    this.#resuming.told(result);
    if (lost || this.#missedUnknown) this.#event("reset", { cursor: result.cursor });
    this.#missedUnknown = false;
  }

  #event(method: string, params: unknown): void {
    const values: Values = isRecord(params) ? params : {};
    this.#notice(method, values);
    const event = this.#shown.asWhat(method, values.message);
    const open = event === undefined ? [] : this.#emitter.pass(event, values);
    const { cursor } = values;
    // In a replay only what is replayed tells how far it came: a beat may already know better.
    const counts = !this.#connection.replaying || !passing(method);
    if (typeof cursor === "string" && cursor !== "" && counts) this.#cursors.passed(cursor, open);
    if (method === "session.ended") {
      this.#end(textIn(values.reason) ?? "the session is over", "session_ended");
    }
  }

  /** What events mean to the client itself. */
  #notice(method: string, values: Values): void {
    if (method === "servers.changed" && this.#learns) {
      this.#servers.learn(values.servers);
      this.#session.learn({ servers: this.#servers.told });
    }
    if (/^(account\.changed|channel\.changed|reset)$/.test(method)) this.#calls.names.forget();
    if (method === "account.changed") this.#account &&= renamed(this.#account, values.account);
  }

  /** False for what no server answers to this. */
  #answered(link: Link, attempt: number, result: unknown, isOld: boolean): boolean {
    const request = this.#requests.behind(attempt);
    if (request === undefined || !isRecord(result)) return request === undefined;
    if (signsIn(request.method)) {
      const opened = openingIn(result);
      if (opened === undefined) return false;
      this.#signedIn(link, opened);
    } else if (movesCursor(request.method) && !request.stale && !isOld) {
      if (typeof result.cursor === "string") this.#cursors.passed(result.cursor, []);
    }
    return true;
  }

  #signedIn(link: Link, result: Result<"session.open">): void {
    const missed = this.#formerAccount === result.account.id;
    this.#session.become(result.token, result.account.id, this.#cluster, this.#servers.told);
    this.#connection.signIn(link);
    this.#account = result.account;
    this.#cursors.start(undefined);
    this.#cursors.passed(result.cursor, []);
    this.#emitter.emit("signed_in", { account: result.account });
    this.#outbox.accountChanged();
    // What came since this client last was this account is in no event: it has to be read anew.
    if (missed) this.#event("reset", { cursor: result.cursor });
  }

  /** The session is over, for whatever reason. */
  #end(reason: string, code: HoldfastError["code"]): void {
    if (this.#session.token === undefined) return;
    this.#formerAccount = this.#session.account;
    this.#missedUnknown = false;
    this.#session.forget();
    this.#tickets.forget();
    this.#account = undefined;
    this.#cursors.forget();
    this.#shown.clear();
    this.#calls.names.forget();
    this.#connection.drop();
    const error = new HoldfastError(code, reason);
    this.#requests.sessionEnded(error);
    this.#outbox.accountChanged();
    this.#resuming.told(error);
    this.#emitter.emit("signed_out", { reason, code });
  }

  // The beginning.

  async #load(options: ClientOptions, watch: KeptStorage["watch"]): Promise<void> {
    const kept = await this.#keeper.load("");
    let cursor = this.#session.load(new Map(kept));
    this.#missedUnknown = this.#session.token !== undefined && cursor === undefined;
    if (options.token !== undefined && options.token !== this.#session.token) {
      this.#session.become(options.token);
      cursor = undefined;
      this.#missedUnknown = false;
    }
    if (options.cursor !== undefined) {
      cursor = options.cursor ?? undefined;
      this.#missedUnknown = false;
    }
    if (this.#learns) this.#servers.recall(this.#session.servers);
    this.#cursors.start(cursor);
    const adopt = (key: string, value: string | undefined) => {
      if (key.startsWith(KEY)) this.#outbox.adopt(key, value);
    };
    for (const [key, value] of kept) adopt(key, value);
    this.#loaded = true;
    if (this.#closed) return;
    this.#unwatch = watch?.(adopt);
    this.#release = holdLock(options.lock, () => this.#outbox.begin());
    this.#connection.changed();
  }
}
