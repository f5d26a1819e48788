/** Several server processes of one cluster, for tests: each with its folder, its port and one secret. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../src/protocol/methods.ts";
import { callServer, findServer } from "../src/server/operator.ts";
import { realClock, realHash } from "../src/server/platform.ts";
import { clusterIdOf, readSecret } from "../src/server/secret.ts";
import { openStore } from "../src/storage/store.ts";
import { SqliteView } from "../src/storage/view.ts";
import { type Answer, type HoldfastProcess, rpc, scratch, serve } from "./server-process.ts";

export type ClusterStatus = Result<"server.status">;

/** A port that was free a moment ago, below those that the system hands out by itself. */
const taken = new Set<number>();
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (taken.has(port)) continue;
    taken.add(port);
    try {
      const probe = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
      probe.stop(true);
      return port;
    } catch {
      // somebody has it
    }
  }
}

/** What a call returned; fails for a refusal. */
export function resultOf({ result, error }: Answer): Record<string, unknown> {
  if (result === undefined) throw new Error(`${error?.data.code}: ${error?.message}`);
  return result;
}

/** Asks until it holds; the test's own time limit ends it. */
export async function eventually<T>(look: () => Promise<T | null> | T | null): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await Bun.sleep(50);
  }
}

export class Site {
  readonly folder = scratch();
  readonly secretFile = join(this.folder, "cluster-secret");
  private readonly ports = new Map<string, number>();
  private readonly processes = new Map<string, HoldfastProcess>();

  constructor() {
    this.writeSecret(this.secretFile);
  }

  writeSecret(path: string): void {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    writeFileSync(path, `${Buffer.from(secret).toString("base64")}\n`);
    chmodSync(path, 0o600);
  }

  address(name: string): string {
    const port = this.ports.get(name) ?? freePort();
    this.ports.set(name, port);
    return `127.0.0.1:${port}`;
  }

  url(name: string): string {
    return `http://${this.address(name)}`;
  }

  data(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a server; it is ready when this resolves. */
  async start(
    name: string,
    args: readonly string[] = [],
    command?: readonly string[],
  ): Promise<HoldfastProcess> {
    const own = ["--listen", this.address(name), "--secret-file", this.secretFile];
    const all = ["--name", name, ...own, "--log-format", "text", ...args];
    const started = serve(this.folder, all, {}, command);
    this.processes.set(name, started);
    await started.ready();
    return started;
  }

  process(name: string): HoldfastProcess {
    return this.processes.get(name) as HoldfastProcess;
  }

  /** Several that know the first one; all are in sync when this resolves. */
  async startAll(names: readonly string[]): Promise<void> {
    const [first = ""] = names;
    await this.start(first);
    await Promise.all(
      names.slice(1).map((name) => this.start(name, ["--peer", this.address(first)])),
    );
    await this.inSync(names);
  }

  /** Until each of these has all others of them linked and in sync. */
  async inSync(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await eventually(async () => {
        const { servers } = await this.status(name);
        const good = servers.filter(
          (server) => server.inSync && (server.link === "self" || server.link === "live"),
        );
        return names.every((one) => good.some((server) => server.name === one)) ? good : null;
      });
    }
  }

  async status(name: string): Promise<ClusterStatus> {
    const server = findServer({ data: this.data(name) });
    const answer = await callServer(server, "server.status", {});
    return resultOf(answer as Answer) as unknown as ClusterStatus;
  }

  async kill(name: string): Promise<void> {
    await this.process(name).stop("SIGKILL");
  }

  call(name: string, method: string, params: object, token?: string): Promise<Answer> {
    return rpc(this.url(name), method, params, token);
  }

  /** The canonical dump of a server that is stopped. */
  async dump(name: string): Promise<string[]> {
    const secret = readSecret(this.secretFile)?.secret as Uint8Array;
    const store = await openStore({
      directory: this.data(name),
      server: name,
      clusterId: clusterIdOf(secret),
      wallMs: realClock.wallMs,
      companions: ["server.json", "key"],
      acceptLoss: false,
      release: "test",
    });
    const { view } = SqliteView.open({ path: store.viewPath, hash: realHash, log: store.log });
    try {
      while (view.catchUp());
      return [...view.dump()];
    } finally {
      view.close();
      await store.close();
    }
  }
}
