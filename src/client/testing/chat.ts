/**
 * A scripted server for tests of the SDK: just enough of the protocol, over state that all servers of a
 * cluster share, as if they were always in sync. It gives one (author, id) one effect and keeps the order of
 * one connection's requests, as real ones do; `script` answers in its place.
 */
import type { RefusalCode } from "../../core/errors.ts";
import { type AccountId, messageIdFor, type RequestId } from "../../core/ids.ts";
import type { FakeClock } from "./clock.ts";
import { type FakeConnection, FakeHost, type FakeNetwork } from "./network.ts";

export type Params = Record<string, unknown>;
export type Answer = { result: Params } | { error: { code: RefusalCode; retryAfterMs?: number } };
/** A message as one server minted it: several may mint the same one, and the smallest stamp counts. */
export type Minted = { author: string; id: string; to: string; text: string; stamp: number };
/** `undefined` leaves the answer to the server, `"silent"` gives none. */
export type Script = (
  method: string,
  params: Params,
  server: string,
) => Answer | "silent" | undefined;

export const ANN = `a_${"A".repeat(22)}`;
export const BOB = `a_${"B".repeat(21)}A`;
export const OPS = `c_${"C".repeat(21)}A`;
export const DIRECT = `d_${"D".repeat(21)}A`;
export const TOKEN = `hft_${"T".repeat(43)}`;

export function refuse(code: RefusalCode, retryAfterMs?: number): Answer {
  return { error: { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}

export class FakeCluster {
  id = "k_one";
  /** Whether servers know of each other only what clients' cursors tell: the worst that a link can be. */
  isApart = false;
  readonly minted: Minted[] = [];
  readonly posted: { id: string; author: string; to: string; text: string; server: string }[] = [];
  /** Every request that reached a server, in order. */
  readonly received: { method: string; params: Params; server: string }[] = [];
  readonly events: { method: string; params: Params }[] = [];
  readonly names = new Map([
    ["@ann", { id: ANN, conversation: `d_${"E".repeat(21)}A` }],
    ["@bob", { id: DIRECT, conversation: DIRECT }],
    ["#ops", { id: OPS, conversation: OPS }],
  ]);
  readonly tokens = new Map([[TOKEN, ANN]]);
  readonly servers: FakeServer[] = [];
  script: Script = () => undefined;
  sessions = 0;

  get cursor(): string {
    return `at:${this.events.length}`;
  }

  /** Something happened: every signed-in connection hears of it. */
  happen(method: string, params: Params): void {
    this.events.push({ method, params });
    for (const server of this.servers) {
      server.tell(method, { ...params, cursor: server.cursor });
    }
  }

  post(author: string, to: string, text: string, id: string, server: string): Params {
    const message = this.message(author, to, text, id);
    if (!this.posted.some((other) => other.id === id && other.author === author)) {
      this.posted.push({ id, author, to, text, server });
      this.happen("message.posted", { message });
    }
    return message;
  }

  message(author: string, to: string, text: string, id: string): Params {
    return {
      id: messageIdFor(author as AccountId, id as RequestId),
      conversation: to,
      author: { id: author, name: author === ANN ? "ann" : "bob" },
      text,
      at: 0,
      position: `p${this.posted.length}`,
    };
  }

  asked(method: string): Params[] {
    return this.received.filter((one) => one.method === method).map((one) => one.params);
  }
}

export class FakeServer {
  readonly name: string;
  readonly url: string;
  readonly host: FakeHost;
  readonly cluster: FakeCluster;
  /** How far its clock is ahead. */
  skewMs = 0;
  /** How long it takes to answer what it has done. */
  slowMs = 0;
  private stamp = 0;
  private readonly own = new Set<string>();
  private readonly clock: FakeClock;

  constructor(name: string, cluster: FakeCluster, network: FakeNetwork) {
    this.name = name;
    this.url = `http://${name}:7300`;
    this.cluster = cluster;
    this.clock = network.clock;
    this.host = new FakeHost({
      accept: (connection) => this.beat(connection),
      receive: (connection, text) => this.receive(connection, text),
      gone: (connection) => this.host.connections.delete(connection),
    });
    network.hosts.set(`ws://${name}:7300/v1/ws`, this.host);
    cluster.servers.push(this);
  }

  /** To every signed-in connection. */
  tell(method: string, params: Params): void {
    for (const connection of this.host.connections) {
      if (connection.account !== undefined) this.notify(connection, method, params);
    }
  }

  notify(connection: FakeConnection, method: string, params: Params): void {
    connection.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  private beat(connection: FakeConnection): void {
    if (!connection.alive) return;
    this.clock.schedule(500, () => {
      if (connection.account !== undefined && !this.host.frozen) {
        this.notify(connection, "server.beat", { cursor: this.cursor });
      }
      this.beat(connection);
    });
  }

  private receive(connection: FakeConnection, text: string): void {
    const { id, method, params = {} } = JSON.parse(text);
    this.cluster.received.push({ method, params, server: this.name });
    const answer =
      this.cluster.script(method, params, this.name) ?? this.answer(connection, method, params);
    if (answer === "silent") return;
    const tell = (answer: () => object) => {
      const send = () => connection.send(JSON.stringify({ jsonrpc: "2.0", id, ...answer() }));
      if (this.slowMs === 0 || typeof id === "string") send();
      else this.clock.schedule(this.slowMs, send);
    };
    const replay = connection.account !== undefined && method === "session.resume";
    if ("error" in answer) {
      const { code } = answer.error;
      const data = { retry: false, ...answer.error };
      tell(() => ({ error: { code: -1, message: code, data } }));
    } else {
      const { result } = answer;
      const moves = this.cluster.isApart && result.cursor !== undefined;
      tell(() => ({ result: moves ? { ...result, cursor: this.cursor } : result }));
      if (replay && params.cursor !== undefined) this.replay(connection, String(params.cursor));
    }
  }

  private replay(connection: FakeConnection, cursor: string): void {
    const { events } = this.cluster;
    for (let at = Number.parseInt(cursor.slice(3), 10); at < events.length; at++) {
      const { method, params } = events[at] as (typeof events)[number];
      this.notify(connection, method, { ...params, cursor: `at:${at + 1}` });
    }
    this.notify(connection, "caught_up", { cursor: this.cursor });
  }

  /** What it says somebody has seen; behind the events the highest stamp. */
  get cursor(): string {
    const { cursor, isApart } = this.cluster;
    return isApart ? `${cursor}:${this.stamp}` : cursor;
  }

  private mint(author: string, { to, text, id }: { to: string; text: string; id: string }): void {
    const key = `${author}/${id}`;
    const { minted, isApart } = this.cluster;
    const known = isApart
      ? this.own.has(key)
      : minted.some((op) => `${op.author}/${op.id}` === key);
    if (known) return;
    this.stamp = Math.max(this.stamp + 1, this.clock.wallMs() + this.skewMs);
    this.own.add(key);
    minted.push({ author, id, to, text, stamp: this.stamp });
  }

  private answer(connection: FakeConnection, method: string, params: Params): Answer {
    const { cluster } = this;
    const account = connection.account;
    const reply = (result: Params): Answer => ({ result: { ...result, cursor: this.cursor } });
    const receipt = { held: [this.name], of: cluster.servers.length };
    if (method === "server.hello") {
      const servers = cluster.servers.map(({ name, url }) => ({ name, url, state: "live" }));
      return reply({ cluster: cluster.id, server: this.name, version: "0", protocol: 1, servers });
    }
    if (method === "server.ping") return reply({ now: 0 });
    if (method === "session.resume") {
      const known = cluster.tokens.get(String(params.token));
      if (known === undefined) return refuse("unauthorized");
      connection.account = known;
      this.stamp = Math.max(this.stamp, Number(String(params.cursor ?? "").split(":")[2] ?? 0));
      return reply({ account: accountOf(known), session: "s_1" });
    }
    if (method === "session.open" || method === "account.create") {
      if (params.password !== "right") return refuse("bad_credentials");
      const known = params.name === "bob" ? BOB : ANN;
      const token = `hft_${String(++cluster.sessions).padStart(43, "0")}`;
      cluster.tokens.set(token, known);
      connection.account = known;
      return reply({ account: accountOf(known), session: "s_2", token, receipt });
    }
    if (account === undefined) return refuse("unauthorized");
    if (method === "message.post") {
      const { to, text, id } = params as { to: string; text: string; id: string };
      this.mint(account, { to, text, id });
      return reply({ message: cluster.post(account, to, text, id, this.name), receipt });
    }
    if (method === "conversation.resolve") {
      const found = cluster.names.get(String(params.in));
      if (found === undefined) return refuse("not_found");
      const other = { id: BOB, name: "bob" };
      return reply({ id: found.id, conversation: { id: found.conversation, account: other } });
    }
    return reply({ receipt, conversations: [], accounts: [], messages: [] });
  }
}

function accountOf(id: string): Params {
  return { id, name: id === BOB ? "bob" : "ann", displayName: "" };
}
