/** Meshes in one process on a network that is arrays: time, delays, cuts and hosts at the test's word. */
import type { AcceptedSocket, AcceptedWire } from "../src/mesh/accepted-wire.ts";
import type { DialListener } from "../src/mesh/dialled-wire.ts";
import { type LinkSecret, linkSecret } from "../src/mesh/link-secret.ts";
import { type KnownServer, Mesh, type MeshOptions } from "../src/mesh/mesh.ts";
import type { Keyring } from "../src/mesh/secret-spread.ts";
import { freshKey, type ServerKey } from "../src/mesh/server-key.ts";
import type { Wire } from "../src/mesh/wire.ts";
import type { LinkListener, PeerFrame, PeerIdentity, PeerLink } from "../src/replica/ports.ts";
import { CountedRandom, ManualClock } from "./manual-clock.ts";

type Frame = Uint8Array<ArrayBuffer>;

/** Secrets that stay as they are, the present one first. */
export function keyringOf(...told: LinkSecret[]): Keyring {
  const secret = Buffer.from(told[0]?.key ?? new Uint8Array(32)).toString("base64url");
  const present = () => ({ cluster: "one-cluster", generation: told.length - 1, secret });
  return { told, present, adopt: async () => false };
}

/** What a replica hears, noted. */
export class Ear implements LinkListener {
  readonly notes: string[] = [];
  readonly links = new Map<PeerLink, PeerIdentity>();

  linked(peer: PeerIdentity, link: PeerLink): void {
    this.notes.push(`linked ${peer.name}`);
    this.links.set(link, peer);
  }

  received(link: PeerLink, frame: PeerFrame): void {
    const text = typeof frame === "string" ? frame : `${frame.length} bytes`;
    this.notes.push(`${this.links.get(link)?.name}: ${text}`);
  }

  unlinked(link: PeerLink): void {
    this.notes.push(`unlinked ${this.links.get(link)?.name}`);
    this.links.delete(link);
  }

  to(name: string): PeerLink {
    const [link] = [...this.links].find(([, peer]) => peer.name === name) ?? [];
    if (link === undefined) throw new Error(`no link to ${name}: ${this.notes}`);
    return link;
  }
}

export type Host = {
  readonly url: string;
  readonly mesh: Mesh;
  readonly ear: Ear;
  readonly key: ServerKey;
  readonly log: string[];
};

/** One direction of a connection keeps its order. */
type Lane = { lastMs: number };

/** One connection; what is sent arrives after the net's delay, in order. */
class Pipe {
  readonly wire: Wire;
  private readonly net: Net;
  private readonly dialler: DialListener;
  private readonly acceptor: AcceptedWire;
  /** Sent and not taken, by side: while a side does not read. */
  private readonly stuck = { dialler: 0, acceptor: 0 };
  private readonly lanes = { dialler: { lastMs: 0 }, acceptor: { lastMs: 0 } };
  private open = true;
  readonly ends: readonly [string, string];

  constructor(
    net: Net,
    ends: readonly [string, string],
    dialler: DialListener,
    acceptor: AcceptedWire,
  ) {
    this.net = net;
    this.ends = ends;
    this.dialler = dialler;
    this.acceptor = acceptor;
    const pipe = this;
    this.wire = {
      send: (frame) => pipe.carry("dialler", frame),
      get backlogBytes() {
        return pipe.stuck.dialler;
      },
      close: () => pipe.end("dialler"),
      cut: () => pipe.net.clock.schedule(0, () => pipe.break()),
    };
    const socket: AcceptedSocket = {
      send: (frame) => {
        this.carry("acceptor", frame);
        return frame.length;
      },
      getBufferedAmount: () => this.stuck.acceptor,
      close: () => this.end("acceptor"),
      terminate: () => this.break(),
    };
    net.later(() => {
      acceptor.opened(socket);
      net.later(() => dialler.opened(), this.lanes.acceptor);
    }, this.lanes.dialler);
  }

  /** Behind what this side sent. */
  private end(side: "dialler" | "acceptor"): void {
    this.net.later(() => this.break(), this.lanes[side]);
  }

  private carry(from: "dialler" | "acceptor", frame: Frame): void {
    const to = this.ends[from === "dialler" ? 1 : 0];
    if (this.net.deaf.has(to)) {
      this.stuck[from] += frame.length;
      return;
    }
    const carried = this.net.tamper(frame, from);
    this.net.later(() => {
      if (!this.open || carried === null) return;
      if (from === "dialler") this.acceptor.received(carried);
      else this.dialler.received(carried);
    }, this.lanes[from]);
  }

  break(): void {
    if (!this.open) return;
    this.open = false;
    this.net.pipes.delete(this);
    this.net.later(() => this.dialler.closed());
    this.net.later(() => this.acceptor.closed());
  }

  /** As after a power cut at one end: the other hears nothing. */
  breakFor(which: "dialler" | "acceptor"): void {
    this.open = false;
    this.net.pipes.delete(this);
    if (which === "dialler") this.net.later(() => this.dialler.closed());
    else this.net.later(() => this.acceptor.closed());
  }
}

export class Net {
  readonly clock = new ManualClock();
  readonly random: CountedRandom;
  readonly hosts = new Map<string, Host>();
  readonly pipes = new Set<Pipe>();
  /** Addresses that take connections and frames, and read nothing. */
  readonly deaf = new Set<string>();
  /** Addresses from which nothing comes back. */
  readonly black = new Set<string>();
  readonly dials: { from: string; to: string; atMs: number }[] = [];
  /** What the cluster knows, the same for all. */
  readonly members = new Map<string, KnownServer>();
  delayMs = () => 1;
  tamper: (frame: Frame, from: "dialler" | "acceptor") => Frame | null = (frame) => frame;
  constructor(seed = 1) {
    this.random = new CountedRandom(seed);
  }

  /** After a delay; in one lane never before what was sent earlier. */
  later(act: () => void, lane: Lane = { lastMs: 0 }): void {
    const nowMs = this.clock.monotonicMs();
    lane.lastMs = Math.max(lane.lastMs, nowMs + this.delayMs());
    this.clock.schedule(lane.lastMs - nowMs, act);
  }

  host(
    name: string,
    peers: readonly string[],
    more: Partial<MeshOptions> & { url?: string; store?: string; cluster?: string } = {},
  ): Host {
    const url = more.url ?? `http://${name}:7300`;
    const key = more.key ?? freshKey();
    const log: string[] = [];
    const note = (_fields: object, message: string) => log.push(message);
    const mesh = new Mesh({
      self: {
        versionMin: 1,
        versionMax: 1,
        cluster: more.cluster ?? "one-cluster",
        server: name,
        store: more.store ?? `store-of-${name}`,
        url,
        release: "0.1.0",
      },
      keyring: more.keyring ?? keyringOf(linkSecret(new Uint8Array(32))),
      key,
      clock: this.clock,
      random: this.random,
      log: { info: note, warn: note },
      members: { get: (known) => this.members.get(known), list: () => this.members.values() },
      peers,
      ca: null,
      connect: (to, listener) => this.connect(url, to, listener),
      ...more,
    });
    const ear = new Ear();
    mesh.listen(ear);
    const host = { url, mesh, ear, key, log };
    this.hosts.set(url, host);
    return host;
  }

  /** Recorded as a member, with the key that it has or another one. */
  record(name: string, key: string, more: Partial<KnownServer> = {}): void {
    this.members.set(name, { name, key, url: `http://${name}:7300`, isRemoved: false, ...more });
  }

  private connect(from: string, to: string, listener: DialListener): Wire {
    this.dials.push({ from, to, atMs: this.clock.monotonicMs() });
    const none: Wire = { send: () => {}, backlogBytes: 0, close: () => {}, cut: () => {} };
    if (this.black.has(to)) return none;
    const accepted = this.hosts.get(to)?.mesh.accept(new URL(from).hostname) ?? null;
    if (accepted === null) {
      const problem = this.hosts.has(to) ? "not_ready" : "connection_refused";
      this.later(() => listener.failed(problem));
      return none;
    }
    const pipe = new Pipe(this, [from, to], listener, accepted);
    this.pipes.add(pipe);
    return pipe.wire;
  }

  /** The process is gone: its connections break. */
  kill(host: Host): void {
    this.hosts.delete(host.url);
    host.mesh.stop();
    for (const pipe of [...this.pipes]) if (pipe.ends.includes(host.url)) pipe.break();
  }

  pass(ms: number): void {
    this.clock.pass(ms);
  }
}
