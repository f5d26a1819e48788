/** Holdfast itself as a contestant: the same load, with everything it always does. */
import { join } from "node:path";
import { Cluster } from "../../drill/cluster.ts";
import { freePorts } from "../../src/cli/demo/ports.ts";
import { BenchClient, newAccount, newId } from "../client.ts";
import { ServerProcess } from "../server.ts";
import { type Contestant, type Relay, type Store, TEXT } from "./contest.ts";
import { HOST } from "./group.ts";

const OPTIONS = ["--writes-per-second", "0", "--log-level", "warn"];

type Sender = { readonly server: string; readonly client: BenchClient; readonly to: string };

class OurStore implements Store {
  private readonly cluster: Cluster;
  private senders: readonly Sender[];
  private turn = 0;

  constructor(cluster: Cluster, senders: readonly Sender[]) {
    this.cluster = cluster;
    this.senders = senders;
  }

  async write(): Promise<void> {
    const { client, to } = this.senders[this.turn++ % this.senders.length] as Sender;
    await client.call("message.post", { to, text: TEXT, id: newId() });
  }

  async cpuSeconds(): Promise<number> {
    const live = this.cluster.names.filter((name) => this.cluster.get(name).pid !== undefined);
    const each = await Promise.all(live.map((name) => this.cluster.cpuSeconds(name)));
    return each.reduce((sum, seconds) => sum + seconds, 0);
  }

  /** Whichever: none is waited for more than another. Its clients go on at another server. */
  async killOne(): Promise<void> {
    const [first, ...rest] = this.senders as [Sender, ...Sender[]];
    this.senders = rest;
    await this.cluster.kill([first.server]);
  }

  async end(): Promise<void> {
    for (const { client } of this.senders) client.close();
    await this.cluster.stop();
  }
}

export const holdfastThree: Contestant<Store> = {
  name: "Holdfast, 3 servers",
  durable: "on all three disks, in the history of its receiver",
  missing: null,
  async start(folder) {
    const ports = await freePorts(HOST, 0, 3);
    const sites = ports.map((port, i) => ({
      name: String.fromCharCode(97 + i),
      listen: { host: HOST, port },
      by: [],
    }));
    const cluster = new Cluster(join(folder, "cluster"), sites, OPTIONS);
    await cluster.start(cluster.names);
    await cluster.inSync(cluster.names);
    const senders: Sender[] = [];
    for (const server of cluster.names) {
      const url = cluster.url(server);
      const { client } = await newAccount(url, `sender-${server}`);
      const receiver = await newAccount(url, `receiver-${server}`);
      senders.push({ server, client, to: receiver.id });
    }
    return new OurStore(cluster, senders);
  },
};

/** Accounts from one address are bounded: so many connections of each stand for that many people. */
const PER_ACCOUNT = 50;

export const holdfastOne = (members: number): Contestant<Relay> => ({
  name: "Holdfast, 1 server",
  durable: "on disk and searchable",
  missing: null,
  async start(folder) {
    const server = await ServerProcess.start(join(folder, "data"));
    const sender = await newAccount(server.url, "sender");
    const receiver = await newAccount(server.url, "receiver");
    const made = await sender.client.call("channel.create", { name: "all", id: newId() });
    const room = (made.channel as { id: string }).id;
    const inRoom: BenchClient[] = [];
    for (let i = 0; i < members / PER_ACCOUNT; i++) {
      const member = await newAccount(server.url, `member${i}`);
      await member.client.call("channel.join", { in: room, id: newId() });
      inRoom.push(member.client);
      for (let c = 1; c < PER_ACCOUNT; c++) {
        const client = await BenchClient.connect(server.url);
        await client.call("session.resume", { token: member.token });
        inRoom.push(client);
      }
    }
    const post = (to: string) =>
      void sender.client.call("message.post", { to, text: TEXT, id: newId() });
    return {
      sendToOne: () => post(receiver.id),
      sendToRoom: () => post(room),
      get received() {
        return receiver.client.posted;
      },
      get receivedInRoom() {
        return inRoom.reduce((sum, client) => sum + client.posted, 0);
      },
      cpuSeconds: () => server.cpuSeconds(),
      async end() {
        for (const client of [sender.client, receiver.client, ...inRoom]) client.close();
        await server.stop();
      },
    };
  },
});
