/** Everything a test of the SDK needs: time, network, a cluster of fake servers, clients. */
import type { Client } from "../client.ts";
import { createClient } from "../index.ts";
import type { ClientOptions } from "../options.ts";
import type { KeptStorage } from "../ports.ts";
import { FakeCluster, FakeServer, TOKEN } from "./chat.ts";
import { FakeClock, FakeRandom } from "./clock.ts";
import { FakeNetwork } from "./network.ts";

export class World {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork(this.clock);
  readonly cluster = new FakeCluster();
  readonly servers: readonly FakeServer[];
  private seed = 1;

  constructor(names: readonly string[] = ["a"]) {
    this.servers = names.map((name) => new FakeServer(name, this.cluster, this.network));
  }

  get a(): FakeServer {
    return this.servers[0] as FakeServer;
  }

  get b(): FakeServer {
    return this.servers[1] as FakeServer;
  }

  /** A client with a session, unless told otherwise. */
  client(options: Partial<ClientOptions> = {}): Client {
    return createClient({
      servers: this.servers.map((server) => server.url),
      token: TOKEN,
      WebSocket: this.network.WebSocket,
      clock: this.clock,
      random: new FakeRandom(this.seed++),
      ...options,
    });
  }

  /** A client without a session. */
  stranger(options: Partial<ClientOptions> = {}): Client {
    const { token: _, ...rest } = { token: undefined, ...options };
    return createClient({
      servers: this.servers.map((server) => server.url),
      WebSocket: this.network.WebSocket,
      clock: this.clock,
      random: new FakeRandom(this.seed++),
      ...rest,
    });
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Names of the servers that were dialled, in order. */
  get dialled(): string[] {
    return this.network.dialled.map(({ url }) => new URL(url).hostname);
  }
}

/** A storage that outlives clients; each `view` is a client's, and hears what the others change. */
export class SharedStorage {
  readonly kept = new Map<string, string>();
  private readonly watchers = new Map<KeptStorage, (key: string, value?: string) => void>();

  view(): KeptStorage {
    const view: KeptStorage = {
      list: (prefix) => [...this.kept].filter(([key]) => key.startsWith(prefix)),
      set: async (key, value) => {
        await Promise.resolve();
        if (value === undefined) this.kept.delete(key);
        else this.kept.set(key, value);
        for (const [other, watcher] of this.watchers) if (other !== view) watcher(key, value);
      },
      watch: (changed) => {
        this.watchers.set(view, changed);
        return () => this.watchers.delete(view);
      },
    };
    return view;
  }
}

/** What a promise came to, for asserting on without waiting. */
export function outcome<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => {
      seen.value = value;
    },
    (error) => {
      seen.error = error;
    },
  );
  return seen;
}
