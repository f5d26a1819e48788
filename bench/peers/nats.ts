/** NATS JetStream: three nodes, one stream with three replicas in files, every write acknowledged by a majority. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../server.ts";
import { type Contestant, type Store, TEXT } from "./contest.ts";
import { Group, HOST } from "./group.ts";
import { missingProgram } from "./packages.ts";

const REQUEST_MS = 5_000;
const STREAM = "BENCH";
const SETTLE_MS = 250;
const ELECTION_MS = 20_000;

/** The text protocol, as much of it as a publisher needs. Source: docs.nats.io/reference/reference-protocols. */
class NatsConnection {
  private socket!: Bun.Socket;
  private rest = "";
  private next = 1;
  private readonly waiting = new Map<string, (body: string) => void>();
  private isClosed = false;

  static async open(port: number): Promise<NatsConnection> {
    const connection = new NatsConnection();
    connection.socket = await Bun.connect({
      hostname: HOST,
      port,
      socket: {
        data: (_, bytes) => connection.received(bytes.toString("latin1")),
        close: () => connection.closed(),
        error: () => connection.closed(),
      },
    });
    connection.socket.write('CONNECT {"verbose":false,"pedantic":false}\r\nSUB _IN.* 1\r\n');
    return connection;
  }

  private received(text: string): void {
    const all = this.rest + text;
    let at = 0;
    for (;;) {
      const end = all.indexOf("\r\n", at);
      if (end < 0) break;
      const line = all.slice(at, end);
      const fields = line.startsWith("MSG ") ? line.split(" ") : null;
      if (fields === null) {
        at = end + 2;
        if (line === "PING") this.socket.write("PONG\r\n");
        continue;
      }
      const start = end + 2;
      const after = start + Number(fields.at(-1));
      if (all.length < after + 2) break;
      at = after + 2;
      this.waiting.get(fields[1] as string)?.(all.slice(start, after));
    }
    this.rest = all.slice(at);
  }

  private closed(): void {
    this.isClosed = true;
    for (const answer of this.waiting.values()) answer('{"error":{"description":"gone"}}');
  }

  /** What a request is answered; rejects where nobody answers in time. */
  request(subject: string, body: string): Promise<Record<string, unknown>> {
    const inbox = `_IN.${this.next++}`;
    return new Promise((resolve, reject) => {
      if (this.isClosed) return reject(new Error("its server is gone"));
      const timer = setTimeout(() => {
        this.waiting.delete(inbox);
        reject(new Error(`${subject}: no answer in ${REQUEST_MS} ms`));
      }, REQUEST_MS);
      this.waiting.set(inbox, (text) => {
        clearTimeout(timer);
        this.waiting.delete(inbox);
        const answer = JSON.parse(text) as { error?: { description: string } };
        if (answer.error === undefined) resolve(answer);
        else reject(new Error(`${subject}: ${answer.error.description}`));
      });
      this.socket.write(`PUB ${subject} ${inbox} ${body.length}\r\n${body}\r\n`);
    });
  }

  close(): void {
    this.socket.end();
  }
}

class NatsStore implements Store {
  private readonly group: Group;
  private readonly names: string[];
  private readonly connections: Map<string, NatsConnection>;
  private turn = 0;

  constructor(group: Group, connections: Map<string, NatsConnection>) {
    this.group = group;
    this.connections = connections;
    this.names = [...connections.keys()];
  }

  async write(): Promise<void> {
    const name = this.names[this.turn++ % this.names.length] as string;
    await (this.connections.get(name) as NatsConnection).request(STREAM, TEXT);
  }

  cpuSeconds(): number {
    return this.group.cpuSeconds();
  }

  async leader(): Promise<string> {
    const any = this.connections.get(this.names[0] as string) as NatsConnection;
    const info = await any.request(`$JS.API.STREAM.INFO.${STREAM}`, "");
    return (info.cluster as { leader: string }).leader;
  }

  async killOne(): Promise<void> {
    const leader = await this.leader().catch(() => this.names[0] as string);
    this.names.splice(this.names.indexOf(leader), 1);
    await this.group.kill(leader);
  }

  async end(): Promise<void> {
    for (const connection of this.connections.values()) connection.close();
    await this.group.end();
  }
}

function configuration(name: string, store: string, port: number, route: number, routes: number[]) {
  return `server_name: ${name}
listen: "${HOST}:${port}"
jetstream { store_dir: "${store}", max_file_store: 8GB }
cluster { name: bench, listen: "${HOST}:${route}", routes: [${routes.map((one) => `"nats://${HOST}:${one}"`).join(", ")}] }
`;
}

/** Tries until the nodes have found each other. */
async function makeStream(connection: NatsConnection): Promise<void> {
  const config = { name: STREAM, subjects: [STREAM], num_replicas: 3, storage: "file" };
  const endMs = performance.now() + ELECTION_MS;
  for (;;) {
    try {
      await connection.request(`$JS.API.STREAM.CREATE.${STREAM}`, JSON.stringify(config));
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await Bun.sleep(SETTLE_MS);
    }
  }
}

/** `stores`: where the nodes keep their files, within the folder given. */
async function start(folder: string, stores: string): Promise<Store> {
  const group = new Group(folder);
  const names = ["n1", "n2", "n3"];
  const ports: number[] = [];
  const routes: number[] = [];
  for (const _ of names) {
    ports.push(await freePort());
    routes.push(await freePort());
  }
  for (const [i, name] of names.entries()) {
    mkdirSync(join(stores, name), { recursive: true });
    const file = join(folder, `${name}.conf`);
    const [port, route] = [ports[i] as number, routes[i] as number];
    writeFileSync(file, configuration(name, join(stores, name), port, route, routes));
    group.start(name, ["nats-server", "-c", file]);
  }
  const connections = new Map<string, NatsConnection>();
  for (const [i, name] of names.entries()) {
    await group.listens(name, ports[i] as number);
    connections.set(name, await NatsConnection.open(ports[i] as number));
  }
  await makeStream(connections.get("n1") as NatsConnection);
  return new NatsStore(group, connections);
}

/** A file system of its own on which every write is a synchronous one. */
class SyncDisk {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = join(folder, "sync");
    const image = join(folder, "sync.img");
    mkdirSync(this.folder);
    run("truncate", "-s", "4G", image);
    run("mkfs.ext4", "-q", image);
    run("mount", "-o", "loop,sync", image, this.folder);
  }

  end(): void {
    run("umount", this.folder);
  }
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
}

export const natsSynchronous: Contestant<Store> = {
  name: "NATS JetStream R3, synchronous",
  durable: "on the disks of a majority (files on a file system mounted `sync`: 2.9 has no setting)",
  missing:
    missingProgram("nats-server") ??
    (process.getuid?.() === 0 ? null : "mounting a file system needs root"),
  async start(folder) {
    const disk = new SyncDisk(folder);
    try {
      const store = await start(folder, disk.folder);
      return {
        write: () => store.write(),
        cpuSeconds: () => store.cpuSeconds(),
        killOne: () => store.killOne(),
        end: async () => {
          await store.end();
          disk.end();
        },
      };
    } catch (error) {
      disk.end();
      throw error;
    }
  },
};

export const natsLazy: Contestant<Store> = {
  name: "NATS JetStream R3, lazy fsync",
  durable: "in the memory of a majority (its default: written out every two minutes)",
  missing: missingProgram("nats-server"),
  start: (folder) => start(folder, join(folder, "stores")),
};
