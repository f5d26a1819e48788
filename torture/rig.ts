/**
 * The rig: three servers, clients and an observer, each a process on a host of its own. Servers live on over
 * many rounds. Faults act through what is here; what the checks must know of them goes into the rig's own history.
 */
import { join } from "node:path";
import { Cluster } from "../drill/cluster.ts";
import type { End, ServerChild } from "../src/cli/demo/server-child.ts";
import type { ClusterStatus } from "../src/cli/status-text.ts";
import { Hosts } from "../test/hosts/namespaces.ts";
import { type Observer, observer, sdkClient, type TortureClient } from "./clients.ts";
import { HistoryFile, nowMs, type RigLine } from "./history.ts";

export const SERVERS = ["a", "b", "c"] as const;
const SDK_CLIENTS = ["k1", "k2", "k3"] as const;
const OBSERVER = "eye";
const PORT = 7300;
/** After the faults' end, and without any: writes complete, and everybody has everything, within this. */
export const LIVENESS_MS = 90_000;
const OPTIONS = ["--sign-up", "open", "--log-level", "info", "--writes-per-second", "0"];

export class NotInTime extends Error {}

/** Throws {@link NotInTime} with what was waited for. */
export async function inTime<T>(what: string, work: Promise<T>, ms = LIVENESS_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new NotInTime(`${what} took longer than ${ms / 1_000} s`)),
    ms,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

class TortureCluster extends Cluster {
  eye: Observer | null = null;
  /** Servers whose end a fault brings about, with how they ended. */
  readonly doomed = new Map<string, End | null>();

  override async status(name: string): Promise<ClusterStatus | null> {
    const { state } = this.get(name);
    if (this.eye === null || state !== "running") return null;
    return await this.eye.does({ do: "status", url: this.url(name) });
  }

  override ended(server: ServerChild, end: End): void {
    if (this.doomed.has(server.name)) this.doomed.set(server.name, end);
    else super.ended(server, end);
  }
}

export class Rig {
  readonly folder: string;
  readonly hosts: Hosts;
  readonly cluster: TortureCluster;
  readonly clients: TortureClient[] = [];
  /** Where the round's histories go. */
  private history: HistoryFile<RigLine> | null = null;

  constructor(folder: string, executable: string) {
    this.folder = folder;
    this.hosts = new Hosts([...SERVERS, ...SDK_CLIENTS, OBSERVER]);
    const sites = SERVERS.map((name) => ({
      name,
      listen: { host: this.hosts.address(name), port: PORT },
      by: this.hosts.on(name),
      program: [executable],
      data: this.dataOf(name),
    }));
    this.cluster = new TortureCluster(join(folder, "cluster"), sites, OPTIONS);
  }

  dataOf(name: string): string {
    return join(this.folder, "cluster", name, "data");
  }

  get eye(): Observer {
    const { eye } = this.cluster;
    if (eye === null) throw new Error("the rig has not begun");
    return eye;
  }

  /** All servers in sync, all clients with their accounts. */
  async begin(): Promise<void> {
    const { cluster, hosts } = this;
    await inTime("the first start", cluster.start(SERVERS));
    cluster.eye = observer(hosts.on(OBSERVER));
    const invitation = cluster.get("a").serving?.setup ?? "";
    await cluster.eye.does({ do: "enter", url: cluster.url("a"), invitation });
    await inTime("all servers in sync", cluster.inSync());
    for (const [i, name] of SDK_CLIENTS.entries()) {
      const { urls } = cluster;
      const servers = [...urls.slice(i), ...urls.slice(0, i)];
      this.clients.push(sdkClient(name, hosts.on(name), servers));
    }
    await inTime("sign-ups", Promise.all(this.clients.map((one) => one.does({ do: "enter" }))));
  }

  /** From now on a round's histories go into this folder. */
  writesTo(folder: string): void {
    this.history = new HistoryFile(join(folder, "rig.jsonl"));
  }

  write(line: RigLine): void {
    this.history?.write(line);
  }

  isRunning(name: string): boolean {
    return this.cluster.get(name).state === "running";
  }

  /** What a server shows of a channel now, for the checks; false if it does not say. */
  async look(server: string, channel: string, final: boolean): Promise<boolean> {
    if (!this.isRunning(server)) return false;
    const begun = nowMs();
    const messages = await this.eye.does({ do: "read", url: this.cluster.url(server), channel });
    if (messages === null) return false;
    this.write({ is: "reading", server, begun, at: nowMs(), final, messages });
    return true;
  }

  /** Nobody but the observer reaches this server. */
  isolate(server: string): void {
    const others = [...SERVERS, ...SDK_CLIENTS].filter((name) => name !== server);
    for (const other of others) this.hosts.cut(server, other);
  }

  /** Compares what all servers hold, by the command that an operator types; says what it printed if not the same. */
  async verify(): Promise<string | null> {
    const { command, data } = this.cluster.get("a").place;
    const child = Bun.spawn([...command, "verify", "--data", data], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return (await child.exited) === 0 ? null : `${out}${err}`.trim();
  }

  /** In good order where that is possible; nothing is left running. */
  async end(): Promise<void> {
    for (const client of [...this.clients, ...(this.cluster.eye === null ? [] : [this.eye])]) {
      await client.leave();
    }
    this.hosts.heal();
    await inTime("the last stop", this.cluster.stop(), 20_000).catch(() => {});
  }

  /** Whatever still runs is killed. */
  remove(): void {
    this.hosts.remove();
  }
}
