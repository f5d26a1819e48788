/**
 * Whole servers of one cluster but for sockets, in the simulated time, network and disks of a world: over each
 * replica the real gateway, and clients whose links are arrays.
 */
import { createHmac } from "node:crypto";
import { Gateway } from "../src/gateway/gateway.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { newId, quickPasswords, TestClient } from "./in-process.ts";
import type { WorldServer } from "./replicas/server.ts";
import { World, type WorldOptions } from "./replicas/world.ts";

/** One process of a server: a new one has no clients of the old one. */
type Host = { readonly clients: Set<TestClient>; readonly gateway: Gateway };

export class GatewayWorld {
  readonly world: World;
  /** What gateways logged as an error: defects. */
  readonly defects: string[] = [];
  private readonly hosts = new Map<string, Host>();

  constructor(options: WorldOptions) {
    this.world = new World({ ...options, started: (server) => this.open(server) });
  }

  /** All servers are up and in sync when this resolves. */
  static async met(options: WorldOptions): Promise<GatewayWorld> {
    const gateways = new GatewayWorld(options);
    await gateways.world.meet();
    return gateways;
  }

  private open(server: WorldServer): void {
    const clients = new Set<TestClient>();
    const { replica, clock, name } = server;
    const gateway = new Gateway({
      replica,
      clock,
      random: this.world.chance.fork(),
      hash: sha256,
      passwords: quickPasswords,
      derive: (label) => createHmac("sha256", "secret").update(label).digest(),
      cluster: "test",
      version: "0",
      servers: () =>
        replica.status().servers.map(({ name: other, url, link }) => ({
          name: other,
          url,
          state: link === "self" || link === "live" ? "live" : "unknown",
        })),
      signUp: "open",
      writesPerSecond: 0,
      broadcast: {
        publish: (topic, text) => {
          for (const client of clients) client.published(topic, text);
        },
      },
      log: {
        info: () => {},
        warn: () => {},
        error: (fields, message) => {
          if (!("what" in fields)) this.defects.push(`${name}: ${message} ${fields.stack ?? ""}`);
        },
      },
      observe: () => {},
      observeClose: () => {},
    });
    this.hosts.set(name, { clients, gateway });
  }

  host(name: string): Host {
    return this.hosts.get(name) as Host;
  }

  /** The process dies, and with it the connections of its clients. */
  kill(name: string): void {
    this.world.server(name).kill();
    for (const client of this.hosts.get(name)?.clients ?? []) client.broken();
    this.hosts.delete(name);
  }

  /** Nobody hears this server, and it hears nobody. */
  isolate(name: string): void {
    for (const { name: other } of this.world.servers) {
      this.world.network.cut(name, other);
      this.world.network.cut(other, name);
    }
  }

  connect(name: string, address = `10.0.0.${this.world.chance.below(250)}`): TestClient {
    return new TestClient(this.host(name), address);
  }

  /** What a promise comes to, with the time that it takes. */
  async pass<T>(promise: Promise<T>, withinMs = 20_000): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    promise.then(over, over);
    await this.world.until(() => isOver, withinMs);
    return promise;
  }

  /** A new account, signed in on a connection of its own. */
  async join(server: string, name: string): Promise<TestClient & { id: string; token: string }> {
    const client = this.connect(server);
    const password = `password of ${name}`;
    const made = await this.pass(client.call("account.create", { name, password, id: newId() }));
    return Object.assign(client, { id: made.account.id, token: made.token });
  }

  /** One more connection of an account, to any server. */
  async resume(server: string, token: string, cursor?: string): Promise<TestClient> {
    const client = this.connect(server);
    const from = cursor === undefined ? {} : { cursor };
    await this.pass(client.call("session.resume", { token, ...from }));
    return client;
  }

  end(): void {
    this.world.end();
    if (this.defects.length > 0) throw new Error(`defects: ${this.defects.join("\n")}`);
  }
}
