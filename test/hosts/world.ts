/** Three servers and four clients, each on a host of its own, and what they must have kept at the end. */
import { expect } from "bun:test";
import { join } from "node:path";
import { Cluster } from "../../drill/cluster.ts";
import { judge, overstated, type Shown } from "../../drill/judge.ts";
import type { Report } from "../../drill/talker.ts";
import type { ClusterStatus } from "../../src/cli/status-text.ts";
import { eventually } from "../cluster-processes.ts";
import { count } from "../heavy.ts";
import { atEnd, scratch } from "../server-process.ts";
import { wipe } from "../torture/files.ts";
import { ClientProcess } from "./client-process.ts";
import { Hosts } from "./namespaces.ts";

export const SERVERS = ["a", "b", "c"] as const;
/** One begins at each server, the last one only listens. */
export const CLIENTS = ["k1", "k2", "k3", "k4"] as const;
const EVERY_MS = 40;
const PORT = 7300;

/** Servers on other hosts are asked from there, until somebody is an administrator. */
class RemoteCluster extends Cluster {
  admin: ClientProcess | null = null;

  override async status(name: string): Promise<ClusterStatus | null> {
    const { place, serving } = this.get(name);
    if (serving === null) return null;
    if (this.admin !== null) return this.admin.does({ do: "status", url: this.url(name) });
    const ask = [...place.command, "status", "--json", "--data", place.data];
    const child = Bun.spawn(ask, { stdout: "pipe", stderr: "ignore" });
    const text = await new Response(child.stdout).text();
    return (await child.exited) === 0 ? (JSON.parse(text) as ClusterStatus) : null;
  }
}

export class HostsWorld {
  readonly hosts: Hosts;
  readonly cluster: RemoteCluster;
  readonly clients: ClientProcess[] = [];
  readonly senders: ClientProcess[] = [];

  constructor() {
    this.hosts = new Hosts([...SERVERS, ...CLIENTS]);
    atEnd(() => this.hosts.remove());
    const sites = SERVERS.map((name) => ({
      name,
      listen: { host: this.hosts.address(name), port: PORT },
      by: this.hosts.on(name),
    }));
    const options = ["--sign-up", "open", "--log-level", "info"];
    this.cluster = new RemoteCluster(join(scratch(), "cluster"), sites, options);
  }

  /** All servers in sync, all clients in the channel, and everybody but the last one talks. */
  async begin(): Promise<void> {
    await this.cluster.start(SERVERS);
    await this.cluster.inSync();
    const { urls } = this.cluster;
    for (const [i, name] of CLIENTS.entries()) {
      const at = i % urls.length;
      const servers = [...urls.slice(at), ...urls.slice(0, at)];
      const client = new ClientProcess(name, this.hosts.on(name), servers);
      atEnd(() => client.leave());
      this.clients.push(client);
    }
    this.senders.push(...this.clients.slice(0, -1));
    const invitation = this.cluster.get("a").serving?.setup ?? "";
    await this.listener.does({ do: "enter", isFirst: true, invitation });
    this.cluster.admin = this.listener;
    for (const sender of this.senders) await sender.does({ do: "enter", isFirst: false });
    for (const sender of this.senders) await sender.does({ do: "begin", everyMs: EVERY_MS });
    await this.goesOn(this.senders);
  }

  /** It only listens, is an administrator, and on nobody's side. */
  get listener(): ClientProcess {
    return this.clients.at(-1) as ClientProcess;
  }

  /** Until each of these had so many more answers than now. */
  async goesOn(senders: readonly ClientProcess[], more = 20): Promise<void> {
    for (const sender of senders) {
      const { acknowledged } = await sender.does({ do: "progress" });
      await eventually(async () => {
        const now = await sender.does({ do: "progress" });
        return now.acknowledged >= acknowledged + more ? now : null;
      });
    }
  }

  /** Until the newest receipts of these name exactly these servers. */
  async receiptsName(servers: readonly string[], senders = this.senders): Promise<void> {
    for (const sender of senders) {
      await eventually(async () => {
        const { acknowledged } = await sender.does({ do: "report" });
        const newest = acknowledged.slice(-3).map(({ held }) => [...held].sort().join(" "));
        return newest.every((held) => held === servers.join(" ")) ? true : null;
      });
    }
  }

  /** Until one server sees another so. */
  async sees(at: string, other: string, link: "live" | "through" | "none"): Promise<void> {
    await eventually(async () => {
      const { servers } = (await this.cluster.status(at)) ?? { servers: [] };
      return servers.some((server) => server.name === other && server.link === link) ? true : null;
    });
  }

  reports(): Promise<Report[]> {
    return Promise.all(this.clients.map((client) => client.does({ do: "report" })));
  }

  /** What one server shows of the channel, to a client that reaches it. */
  shownBy(server: string): Promise<Shown[]> {
    return this.listener.does({ do: "history", url: this.cluster.url(server) });
  }

  /** Everything acknowledged by now with a receipt that names this server is there. */
  async receiptsHold(server: string): Promise<void> {
    const reports = await this.reports();
    const shown = await this.shownBy(server);
    expect(overstated(reports, new Map([[server, shown]]))).toEqual([]);
  }

  replaceDisk(server: string): void {
    wipe(this.cluster.get(server).place.data);
  }

  /** The load ends, everybody has heard everything, and the books are right. */
  async end(what: string): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.does({ do: "end" })));
    // Writes don't wait for a server on probation: it may lack the last of them for a moment.
    await this.cluster.caughtUp();
    await this.cluster.settled();
    const sent = await this.reports();
    const all = sent.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    await eventually(async () => {
      const reports = await this.reports();
      const isBehind = reports.some(
        ({ heard, acknowledged }) => heard.length < all - acknowledged.length,
      );
      return isBehind ? null : true;
    });
    const histories = new Map<string, Shown[]>();
    for (const name of SERVERS) histories.set(name, await this.shownBy(name));
    const verdict = judge(await this.reports(), histories);
    expect(verdict).toMatchObject({ lost: 0, repeated: 0, disordered: 0, findings: [] });
    expect(verdict.acknowledged).toBe(verdict.sent);
    expect(this.cluster.deaths).toEqual([]);
    await this.cluster.stop();
    const [a, b, c] = await Promise.all(SERVERS.map((name) => this.cluster.dump(name)));
    expect(b).toEqual(a as string[]);
    expect(c).toEqual(a as string[]);
    count(`${what}: messages acknowledged on hosts of their own`, verdict.acknowledged);
  }
}
