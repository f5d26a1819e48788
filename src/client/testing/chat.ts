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
    const { cursor } = this;
    for (const server of this.servers) server.tell(method, { ...params, cursor });
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
        this.notify(connection, "server.beat", { cursor: this.cluster.cursor });
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
    const replay = connection.account !== undefined && method === "session.resume";
    if ("error" in answer) {
      const { code } = answer.error;
      const data = { retry: false, ...answer.error };
      connection.send(
        JSON.stringify({ jsonrpc: "2.0", id, error: { code: -1, message: code, data } }),
      );
    } else {
      connection.send(JSON.stringify({ jsonrpc: "2.0", id, result: answer.result }));
      if (replay && params.cursor !== undefined) this.replay(connection, String(params.cursor));
    }
  }

  private replay(connection: FakeConnection, cursor: string): void {
    const { events } = this.cluster;
    for (let at = Number(cursor.slice(3)); at < events.length; at++) {
      const { method, params } = events[at] as (typeof events)[number];
      this.notify(connection, method, { ...params, cursor: `at:${at + 1}` });
    }
    this.notify(connection, "caught_up", { cursor: this.cluster.cursor });
  }

  private answer(connection: FakeConnection, method: string, params: Params): Answer {
    const { cluster } = this;
    const account = connection.account;
    const reply = (result: Params): Answer => ({ result: { ...result, cursor: cluster.cursor } });
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
