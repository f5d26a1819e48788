/**
 * A process of a server: the real thing (fold on SQLite, replica, gateway, mesh, cluster, the hourly comparison), put
 * together as src/server/start.ts does; only what touches the machine is simulated: log on a disk, clock, chance,
 * network, and passwords that cost nothing.
 */
import { Gateway } from "../src/gateway/gateway.ts";
import type { PasswordHasher } from "../src/gateway/ports.ts";
import type { ServerKey } from "../src/mesh/server-key.ts";
import { PEER_VERSION, PEER_VERSION_MIN } from "../src/protocol/peer.ts";
import type { PeerChange } from "../src/replica/detector.ts";
import { Replica } from "../src/replica/replica.ts";
import { Cluster } from "../src/server/cluster.ts";
import type { Config } from "../src/server/config.ts";
import { DigestExchange } from "../src/server/digest-exchange.ts";
import { ServerKeyring } from "../src/server/keyring.ts";
import type { Left } from "../src/server/leaving.ts";
import type { ServerLog } from "../src/server/log.ts";
import { clusterIdOf, deriveKey, type Secrets } from "../src/server/secret.ts";
import { ViewCheck } from "../src/server/view-check.ts";
import { sha256 } from "../src/storage/log-hash.ts";
import { SqliteView } from "../src/storage/view.ts";
import type { Chance } from "./chance.ts";
import { ClientLines, type LineWatch } from "./client-lines.ts";
import type { ProcessClock } from "./clock.ts";
import { type Disk, DiskLog } from "./disk.ts";
import type { Network, Process } from "./network.ts";
import { ownDigests } from "./own-digests.ts";
import { servePeers, wireDialler } from "./peer-wires.ts";

const SECRET = new Uint8Array(32).fill(7);
const SECRETS: Secrets = {
  secret: SECRET,
  cluster: clusterIdOf(SECRET),
  generation: 0,
  former: [],
};
const RELEASE = "0.0.0";

export type RunningParts = {
  readonly name: string;
  /** Where it runs; others know it by its name. */
  readonly host: string;
  readonly url: string;
  /** `HOST:PORT` of those it is told to link with. */
  readonly peers: readonly string[];
  readonly key: ServerKey;
  readonly disk: Disk;
  readonly clock: ProcessClock;
  readonly chance: Chance;
  readonly network: Network;
  /** Of a release that speaks one more version of the links. */
  readonly isLaterRelease: boolean;
  readonly watch: LineWatch;
  note(text: string): void;
  peer(other: string, change: PeerChange): void;
  defect(what: string): void;
  /** It was removed from the cluster and may stop. */
  left(left: Left): void;
};

export type Running = {
  readonly process: Process;
  readonly log: DiskLog;
  readonly view: SqliteView;
  readonly replica: Replica;
  readonly gateway: Gateway;
  readonly cluster: Cluster;
  readonly viewCheck: ViewCheck;
  readonly lines: ClientLines;
};

export function openProcess(parts: RunningParts): Running {
  const { name, host, url, key, clock, chance, network } = parts;
  const process = { host, clock };
  const log = new DiskLog(parts.disk, clock, chance.fork());
  const view = SqliteView.open({ path: ":memory:", hash: sha256, log }).view;
  while (view.catchUp());
  const random = chance.fork();
  const own = { name, key: key.publicText, url };
  const replica = new Replica({ ...own, hash: sha256, clock, random, log, view });
  const cluster = openCluster(parts, process, replica, random);
  const lines = new ClientLines(network, process, parts.watch);
  const digests = new DigestExchange(replica, clock, ownDigests(view, log));
  const gateway = openGateway(parts, replica, cluster, lines, digests, random);
  replica.listen({
    folded: () => {},
    alarm: (what, message, clear) => parts.note(`alarm ${what}${clear ? " over" : ""}: ${message}`),
    peer: (other, change) => parts.peer(other, change),
  });
  const viewCheck = compareViews(parts, replica, cluster, digests);
  lines.serve(gateway);
  servePeers(network, process, cluster.mesh);
  cluster.start(gateway);
  return { process, log, view, replica, gateway, cluster, viewCheck, lines };
}

function openCluster(
  parts: RunningParts,
  process: Process,
  replica: Replica,
  random: Chance,
): Cluster {
  const { name, peers, url, network, isLaterRelease } = parts;
  const quiet = () => {};
  const note = (_fields: object, message: string) => parts.note(message);
  return new Cluster({
    config: { process: { name, peers } } as unknown as Config,
    log: { info: quiet, warn: note, error: note } as unknown as ServerLog,
    replica,
    storeId: parts.disk.storeId,
    key: parts.key,
    keyring: new ServerKeyring("nowhere", SECRETS),
    url,
    release: RELEASE,
    versions: [PEER_VERSION_MIN, PEER_VERSION + (isLaterRelease ? 1 : 0)],
    ca: null,
    clock: process.clock,
    random: random.fork(),
    left: (left) => parts.left(left),
    connect: wireDialler(network, process),
  });
}

function openGateway(
  parts: RunningParts,
  replica: Replica,
  cluster: Cluster,
  lines: ClientLines,
  digests: DigestExchange,
  random: Chance,
): Gateway {
  const { clock } = parts;
  return new Gateway({
    replica,
    clock,
    random: random.fork(),
    hash: sha256,
    passwords: passwordsOf(clock),
    derive: (label) => deriveKey(SECRET, label),
    cluster: clusterIdOf(SECRET),
    version: RELEASE,
    servers: () => cluster.servers(),
    links: () => cluster.links(),
    digest: (server, range) => digests.of(server, range),
    signUp: "open",
    writesPerSecond: 0,
    broadcast: lines,
    log: {
      info: () => {},
      warn: () => {},
      error: (fields, message) => {
        if (!("what" in fields)) parts.defect(`${message}\n${fields.stack ?? ""}`);
      },
    },
    observe: () => {},
    observeClose: () => {},
  });
}

function compareViews(
  parts: RunningParts,
  replica: Replica,
  cluster: Cluster,
  digests: DigestExchange,
): ViewCheck {
  const check = new ViewCheck({
    clock: parts.clock,
    log: {
      info: () => {},
      warn: (_fields: object, message: string) => parts.note(message),
      error: (_fields: object, message: string) => parts.defect(message),
    } as unknown as ServerLog,
    servers: () => (replica.isLeader ? cluster.inSync() : null),
    ask: (server, range) => digests.of(server, range),
  });
  check.start();
  return check;
}

/** A hash that costs nothing: what argon2id costs is not what a simulation is about. */
function passwordsOf(clock: ProcessClock): PasswordHasher {
  const digest = (password: string) => Bun.hash.wyhash(password).toString(36);
  const later = <T>(value: T) =>
    new Promise<T>((resolve) => clock.schedule(5, () => resolve(value)));
  return {
    hash: (password) => later(digest(password)),
    verify: (password, hash) => later(digest(password) === hash),
  };
}
