/**
 * The servers of the demo, and which links between them are cut.
 *
 * Each server is told which of the others are out of its reach; both ends of a cut link hold it down.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../../protocol/methods.ts";
import type { HostPort } from "../../server/address.ts";
import { callServer, operatorTokenIn } from "../../server/operator.ts";
import { commandLine } from "../../server/own-command.ts";
import { makeSecret, readSecret, SECRET_FILE } from "../../server/secret.ts";
import type { ClusterStatus } from "../status-text.ts";
import { ServerChild, type ServerListener } from "./server-child.ts";
import { ThawGuard } from "./thaw-guard.ts";

export const NAMES = ["a", "b", "c"] as const;
const HOST = "127.0.0.1";
/** Leaving waits for a server that stops by so much more than that may take. */
const STOP_WAIT_MS = 7_000;

export class Fleet {
  readonly servers: readonly ServerChild[];
  private readonly folder: string;
  /** Pairs of names in order, as `a c`. */
  private readonly cuts = new Set<string>();
  private readonly guard = new ThawGuard();

  /** `folder`: where everything is kept; made if it is missing. */
  constructor(folder: string, ports: readonly number[], listener: ServerListener) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.folder = folder;
    const secretFile = join(folder, SECRET_FILE);
    if (readSecret(secretFile) === null) makeSecret(secretFile);
    const addresses = NAMES.map((_, i): HostPort => ({ host: HOST, port: ports[i] as number }));
    this.servers = NAMES.map((name, i) => {
      const place = {
        command: commandLine,
        options: [],
        name,
        listen: addresses[i] as HostPort,
        peers: addresses.filter((_, other) => other !== i),
        data: join(folder, name),
        secretFile,
        logFile: join(folder, `${name}.log`),
      };
      return new ServerChild(place, {
        serving: (child, serving) => listener.serving(child, serving),
        ended: (child, end) => {
          this.tellGuard();
          listener.ended(child, end);
        },
      });
    });
  }

  get(name: string): ServerChild | undefined {
    return this.servers.find((server) => server.name === name);
  }

  start(server: ServerChild): void {
    server.start(this.severedFrom(server.name));
    this.tellGuard();
  }

  private tellGuard(): void {
    this.guard.watch(this.servers.flatMap(({ pid }) => pid ?? []));
  }

  private severedFrom(name: string): string[] {
    return NAMES.filter((other) => this.cuts.has(pair(name, other)));
  }

  /** False if it was so already. */
  cut(one: string, other: string): boolean {
    if (this.cuts.has(pair(one, other))) return false;
    this.cuts.add(pair(one, other));
    this.tellCuts();
    return true;
  }

  /** Mends all links; the pairs that were cut. */
  heal(): string[] {
    const healed = [...this.cuts];
    this.cuts.clear();
    this.tellCuts();
    return healed;
  }

  private tellCuts(): void {
    for (const server of this.servers) server.sever(this.severedFrom(server.name));
  }

  /** The cluster as one server sees it: throws what fetch throws if it does not answer. */
  async status({ name, serving }: ServerChild): Promise<ClusterStatus> {
    if (serving === null) throw new Error(`server ${name} does not run`);
    const token = operatorTokenIn(join(this.folder, name));
    const operated = { name, localUrl: serving.localUrl, token };
    const answer = await callServer(operated, "server.status", {});
    if ("error" in answer) throw new Error(answer.error.message);
    return answer.result as Result<"server.status">;
  }

  /** Stops all in good order; what has not gone by then is killed. */
  async stopAll(): Promise<void> {
    const open = this.servers.filter(({ state }) => state !== "off");
    for (const server of open) server.stop();
    const late = setTimeout(() => this.killAll(), STOP_WAIT_MS);
    await Promise.all(open.map((server) => server.gone()));
    clearTimeout(late);
    this.guard.end();
  }

  killAll(): void {
    for (const server of this.servers) server.kill();
  }
}

function pair(one: string, other: string): string {
  return [one, other].sort().join(" ");
}
