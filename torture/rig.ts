/**
 * The rig: three servers, clients and an observer, each a process on a host of its own. Servers live on over
 * many rounds. Faults act through what is here; what the checks must know of them goes into the rig's own history.
 */
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Cluster, isInSync } from "../drill/cluster.ts";
import { type End, ServerChild } from "../src/cli/demo/server-child.ts";
import type { ClusterStatus } from "../src/cli/status-text.ts";
import { Hosts } from "../test/hosts/namespaces.ts";
import { noDisks } from "../test/torture/disks.ts";
import {
  type Observer,
  observer,
  pythonClient,
  sdkClient,
  type TortureClient,
  whyNoPython,
} from "./clients.ts";
import type { Executables } from "./executable.ts";
import { HistoryFile, nowMs, type RigLine } from "./history.ts";
import { Preload, whyNoPreload } from "./preload.ts";
import { ServerDisk } from "./server-disk.ts";

export const SERVERS = ["a", "b", "c"] as const;
const SDK_CLIENTS = ["k1", "k2", "k3"] as const;
const PYTHON_CLIENT = "py";
const OBSERVER = "eye";
/** A host for a copy of a server. */
const SPARE = "spare";
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

type Doom = { readonly promise: Promise<End>; readonly resolve: (end: End) => void };

class TortureCluster extends Cluster {
  eye: Observer | null = null;
  /** Servers whose end a fault brings about. */
  readonly doomed = new Map<string, Doom>();

  override async status(name: string): Promise<ClusterStatus | null> {
    const { state } = this.get(name);
    if (this.eye === null || state !== "running") return null;
    return await this.eye.does({ do: "status", url: this.url(name) });
  }

  override ended(server: ServerChild, end: End): void {
    const doom = this.doomed.get(server.name);
    if (doom === undefined) super.ended(server, end);
    else doom.resolve(end);
    this.doomed.delete(server.name);
  }
}

export class Rig {
  readonly folder: string;
  readonly hosts: Hosts;
  readonly cluster: TortureCluster;
  readonly clients: TortureClient[] = [];
  private readonly disks = new Map<string, ServerDisk>();
  private readonly preloads = new Map<string, Preload>();
  private readonly executables: Executables;
  /** Servers of which a copy runs. */
  readonly twinned = new Set<string>();
  private readonly upgraded = new Set<string>();
  private twins = 0;
  /** Where the round's histories go. */
  private history: HistoryFile<RigLine> | null = null;

  /** `n`: of the rigs of this run; which server has its data in memory goes by turns. */
  constructor(folder: string, executables: Executables, n: number) {
    this.folder = folder;
    this.executables = executables;
    this.hosts = new Hosts([...SERVERS, ...SDK_CLIENTS, PYTHON_CLIENT, OBSERVER, SPARE]);
    const sites = SERVERS.map((name, i) => {
      const kind = noDisks !== null ? "folder" : i === n % SERVERS.length ? "memory" : "image";
      const disk = new ServerDisk(kind, folder, name);
      this.disks.set(name, disk);
      const preload = new Preload(join(folder, `${name}.control`));
      this.preloads.set(name, preload);
      this.install(name, executables.older ?? executables.newer);
      return {
        name,
        listen: { host: this.hosts.address(name), port: PORT },
        by: [...this.hosts.on(name), ...preload.by],
        program: [this.programOf(name)],
        data: disk.data,
      };
    });
    this.cluster = new TortureCluster(join(folder, "cluster"), sites, OPTIONS);
  }

  private programOf(name: string): string {
    return join(this.folder, `${name}-holdfast`);
  }

  private install(name: string, executable: string): void {
    rmSync(this.programOf(name), { force: true });
    symlinkSync(executable, this.programOf(name));
  }

  /** From its next start on a server is of the newer release. */
  upgrade(name: string): void {
    this.install(name, this.executables.newer);
    this.upgraded.add(name);
  }

  /** What it is to stop and start all servers one by one now. */
  get upgradeWords(): string {
    const isUpgrade = this.executables.older !== null && this.upgraded.size < SERVERS.length;
    return isUpgrade ? "upgrade one by one" : "restart one by one";
  }

  disk(name: string): ServerDisk {
    return this.disks.get(name) as ServerDisk;
  }

  preload(name: string): Preload {
    return this.preloads.get(name) as Preload;
  }

  /** A server's end is a fault's doing. */
  doom(name: string): void {
    this.cluster.doomed.set(name, Promise.withResolvers());
  }

  /** Of one that is doomed. */
  async endOf(name: string): Promise<End> {
    const doom = this.cluster.doomed.get(name);
    if (doom === undefined) throw new Error(`${name} is not doomed, or is gone`);
    return await doom.promise;
  }

  async start(names: readonly string[]): Promise<void> {
    await inTime(`the start of ${names.join(" ")}`, this.cluster.start(names));
  }

  /** A second process with the name and a copy of the data of a server, on a host of its own. */
  twin(name: string): ServerChild {
    const data = join(this.folder, `twin-${++this.twins}`);
    this.disk(name).cloneTo(data);
    const { place } = this.cluster.get(name);
    const listen = { host: this.hosts.address(SPARE), port: PORT };
    const peers = SERVERS.map((server) => ({ host: this.hosts.address(server), port: PORT }));
    const command = [...this.hosts.on(SPARE), this.programOf(name)];
    const logFile = join(this.folder, "cluster", `${name}-twin.log`);
    const twin = { ...place, command, listen, peers, data, logFile };
    return new ServerChild(twin, { serving: () => {}, ended: () => {} });
  }

  get eye(): Observer {
    const { eye } = this.cluster;
    if (eye === null) throw new Error("the rig has not begun");
    return eye;
  }

  /** All servers in sync, all clients with their accounts. */
  async begin(): Promise<void> {
    const { cluster, hosts } = this;
    await this.start(SERVERS);
    cluster.eye = observer(hosts.on(OBSERVER));
    const invitation = cluster.get("a").serving?.setup ?? "";
    await cluster.eye.does({ do: "enter", url: cluster.url("a"), invitation });
    await inTime("all servers in sync", cluster.inSync());
    this.provePreload();
    for (const [i, name] of SDK_CLIENTS.entries()) {
      const { urls } = cluster;
      const servers = [...urls.slice(i), ...urls.slice(0, i)];
      this.clients.push(sdkClient(name, hosts.on(name), servers));
    }
    if (whyNoPython() === null) {
      this.clients.push(pythonClient(PYTHON_CLIENT, hosts.on(PYTHON_CLIENT), cluster.urls));
    }
    await inTime("sign-ups", Promise.all(this.clients.map((one) => one.does({ do: "enter" }))));
  }

  /** A fault that nothing came of would be taken for one that was survived. */
  private provePreload(): void {
    if (whyNoPreload() !== null) return;
    for (const [name, preload] of this.preloads) {
      const { syncs, readings } = preload.calls;
      if (syncs > 0 && readings > 0) continue;
      throw new Error(`the preload of ${name} is passed by: ${syncs} syncs, ${readings} readings`);
    }
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
    // While a copy of it runs, nobody can say which of the two a receipt names.
    if (!this.isRunning(server) || this.twinned.has(server)) return false;
    const begun = nowMs();
    const messages = await this.eye.does({ do: "read", url: this.cluster.url(server), channel });
    if (messages === null) return false;
    this.write({ is: "reading", server, begun, at: nowMs(), final, messages });
    return true;
  }

  /** Whether each server says now that it has all others in sync. */
  async isAllInSync(): Promise<boolean> {
    for (const name of SERVERS) {
      const { servers } = (await this.cluster.status(name)) ?? { servers: [] };
      if (servers.filter(isInSync).length < SERVERS.length) return false;
    }
    return true;
  }

  /** Nobody but the observer reaches this server. */
  isolate(server: string): void {
    const everybody = [...SERVERS, ...this.clients.map(({ name }) => name), SPARE];
    const others = everybody.filter((name) => name !== server);
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
    for (const disk of this.disks.values()) disk.remove();
  }
}
