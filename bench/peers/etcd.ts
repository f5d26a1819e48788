/** etcd: three nodes; a put is acknowledged when a majority has it on disk. */
import { type ClientHttp2Session, connect } from "node:http2";
import { join } from "node:path";
import { freePort } from "../server.ts";
import { type Contestant, type Store, TEXT } from "./contest.ts";
import { Group, HOST } from "./group.ts";
import { missingProgram } from "./packages.ts";

const REQUEST_MS = 5_000;
const READY_MS = 20_000;
const encoder = new TextEncoder();

/** A length-delimited field of protobuf. */
function field(tag: number, content: Uint8Array): number[] {
  const out = [(tag << 3) | 2];
  let length = content.length;
  for (; length > 127; length >>>= 7) out.push((length & 127) | 128);
  return [...out, length, ...content];
}

/** PutRequest { key = 1, value = 2 } in a frame of gRPC. Source: etcd's rpc.proto. */
function putFrame(key: string): Uint8Array {
  const body = [...field(1, encoder.encode(key)), ...field(2, encoder.encode(TEXT))];
  const frame = new Uint8Array(5 + body.length);
  new DataView(frame.buffer).setUint32(1, body.length);
  frame.set(body, 5);
  return frame;
}

function put(session: ClientHttp2Session, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = session.request({
      ":method": "POST",
      ":path": "/etcdserverpb.KV/Put",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const timer = setTimeout(() => {
      request.close();
      reject(new Error(`etcd: no answer in ${REQUEST_MS} ms`));
    }, REQUEST_MS);
    let status: unknown;
    const note = (headers: Record<string, unknown>) => {
      status = headers["grpc-status"] ?? status;
    };
    request.on("response", note);
    request.on("trailers", note);
    request.on("data", () => {});
    const end = (error: Error | null) => {
      clearTimeout(timer);
      if (error === null) resolve();
      else reject(error);
    };
    request.on("end", () => end(String(status) === "0" ? null : new Error(`etcd: ${status}`)));
    request.on("error", end);
    request.end(putFrame(key));
  });
}

class EtcdStore implements Store {
  private readonly group: Group;
  private readonly sessions: Map<string, ClientHttp2Session>;
  private readonly urls: ReadonlyMap<string, string>;
  private turn = 0;

  constructor(group: Group, urls: ReadonlyMap<string, string>) {
    this.group = group;
    this.urls = urls;
    this.sessions = new Map([...urls].map(([name, url]) => [name, connect(url)]));
    for (const session of this.sessions.values()) session.on("error", () => {});
  }

  async write(): Promise<void> {
    const sessions = [...this.sessions.values()];
    const session = sessions[this.turn % sessions.length] as ClientHttp2Session;
    await put(session, `message ${this.turn++}`);
  }

  cpuSeconds(): number {
    return this.group.cpuSeconds();
  }

  /** The node that the others follow. Source: the JSON gateway of the maintenance service. */
  private async leader(): Promise<string> {
    for (const [name, url] of this.urls) {
      if (!this.sessions.has(name)) continue;
      const answer = await fetch(`${url}/v3/maintenance/status`, { method: "POST", body: "{}" });
      const { leader, header } = (await answer.json()) as {
        leader?: string;
        header: { member_id: string };
      };
      if (leader === header.member_id) return name;
    }
    return [...this.sessions.keys()][0] as string;
  }

  async killOne(): Promise<void> {
    const name = await this.leader();
    this.sessions.get(name)?.destroy();
    this.sessions.delete(name);
    await this.group.kill(name);
  }

  async end(): Promise<void> {
    for (const session of this.sessions.values()) session.destroy();
    await this.group.end();
  }
}

export const etcd: Contestant<Store> = {
  name: "etcd, 3 nodes",
  durable: "on the disks of a majority",
  missing: missingProgram("etcd"),
  async start(folder) {
    const group = new Group(folder);
    const urls = new Map<string, string>();
    const peers = new Map<string, string>();
    const ports = new Map<string, number>();
    for (const name of ["e1", "e2", "e3"]) {
      const port = await freePort();
      ports.set(name, port);
      urls.set(name, `http://${HOST}:${port}`);
      peers.set(name, `http://${HOST}:${await freePort()}`);
    }
    const cluster = [...peers].map(([name, url]) => `${name}=${url}`).join(",");
    for (const [name, url] of urls) {
      const peer = peers.get(name) as string;
      const own = ["--name", name, "--data-dir", join(folder, name), "--initial-cluster", cluster];
      const clients = ["--listen-client-urls", url, "--advertise-client-urls", url];
      const others = ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer];
      group.start(name, ["etcd", ...own, ...clients, ...others, "--log-level", "error"]);
    }
    for (const [name, port] of ports) await group.listens(name, port);
    const store = new EtcdStore(group, urls);
    const endMs = performance.now() + READY_MS;
    while (
      !(await store.write().then(
        () => true,
        () => performance.now() > endMs,
      ))
    );
    return store;
  },
};
