/**
 * The other servers, as this process meets them: the mesh under the replica, and what clients, pages and
 * operators are told of it. A server that was given no peers lets others in all the same: they may know it.
 */
import type { Gateway } from "../gateway/gateway.ts";
import type { LinkEntry, ServerEntry } from "../gateway/ports.ts";
import type { LinkStatus } from "../mesh/link-status.ts";
import { Mesh, type MeshOptions } from "../mesh/mesh.ts";
import { KeyFileError, openKey, type ServerKey } from "../mesh/server-key.ts";
import { PEER_VERSION, PEER_VERSION_MIN } from "../protocol/peer.ts";
import type { PeerChange } from "../replica/detector.ts";
import type { Clock, Random, Timer } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import type { ServerStatus } from "../replica/status.ts";
import { storageFailure } from "../storage/failure.ts";
import { peerUrl } from "./address.ts";
import type { Config } from "./config.ts";
import { StartError } from "./exit-codes.ts";
import type { ServerKeyring } from "./keyring.ts";
import { Leaving, type Left } from "./leaving.ts";
import type { ServerLog } from "./log.ts";
import type { Membership } from "./membership.ts";

/** What is reached through others changes without a word of the replica's. */
const LOOK_INTERVAL_MS = 500;

export type ClusterParts = {
  readonly config: Config;
  readonly log: ServerLog;
  readonly replica: Replica;
  readonly storeId: string;
  readonly key: ServerKey;
  readonly keyring: ServerKeyring;
  /** Who lets others join; without it nobody does. */
  readonly membership?: Membership;
  /** The address that clients use. */
  readonly url: string;
  readonly release: string;
  /** PEM of `--peer-ca`. */
  readonly ca: string | null;
  readonly clock: Clock;
  readonly random: Random;
  /** This server was removed and may stop. */
  readonly left?: (left: Left) => void;
  /** Versions of the links that it speaks, the least and the most; others in the simulator. */
  readonly versions?: readonly [number, number];
  /** How a connection is opened; another way in the simulator. */
  readonly connect?: MeshOptions["connect"];
};

export class Cluster {
  readonly mesh: Mesh;
  private readonly parts: ClusterParts;
  private isWaiting = false;
  private timer: Timer | null = null;

  constructor(parts: ClusterParts) {
    this.parts = parts;
    const { config, replica, url, membership } = parts;
    const { name, peers } = config.process;
    const [versionMin, versionMax] = parts.versions ?? [PEER_VERSION_MIN, PEER_VERSION];
    this.mesh = new Mesh({
      self: {
        versionMin,
        versionMax,
        cluster: parts.keyring.cluster,
        server: name,
        store: parts.storeId,
        url,
        release: parts.release,
      },
      keyring: parts.keyring,
      ...(membership === undefined ? {} : { admission: membership }),
      key: parts.key,
      clock: parts.clock,
      random: parts.random,
      log: parts.log,
      members: replica.members,
      peers: peers.map((peer) => peerUrl(peer, url.startsWith("https:"))),
      ca: parts.ca,
      ...(parts.connect === undefined ? {} : { connect: parts.connect }),
    });
    if (membership !== undefined) membership.mesh = this.mesh;
    this.mesh.listen(replica);
  }

  get membership(): Membership | undefined {
    return this.parts.membership;
  }

  /** Begins to dial, and to tell clients who is there. */
  start(gateway: Gateway): void {
    const { replica } = this.parts;
    replica.listen({
      // What the replica knows of its members is known once all have heard of the fold.
      folded: (batch) => {
        const isAbout = batch.some(({ subjects }) =>
          subjects.some(({ table }) => table === "server"),
        );
        if (isAbout) this.tellSoon(gateway);
      },
      peer: (server, change) => {
        this.note(server, change);
        this.tellSoon(gateway);
      },
      catchUp: ({ isOver, doneOps, totalOps, perSecond }) => {
        const fields = { doneOps, totalOps, perSecond };
        const done = isOver ? "caught up" : "catching up";
        this.parts.log.info(
          fields,
          `${done}: ${doneOps} of ${totalOps} ops, ${perSecond} a second`,
        );
      },
      alarm: () => {}, // the gateway logs it
    });
    this.mesh.start();
    const { config, log, clock, left = () => {} } = this.parts;
    const leaving = new Leaving({ name: config.process.name, clock, log, replica, left });
    const look = () => {
      this.timer = clock.schedule(LOOK_INTERVAL_MS, look);
      gateway.serversChanged();
      leaving.look();
    };
    look();
  }

  private tellSoon(gateway: Gateway): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.parts.clock.schedule(0, () => {
      this.isWaiting = false;
      gateway.serversChanged();
    });
  }

  private note(server: string, change: PeerChange): void {
    const { log } = this.parts;
    const fields = { peer: server, ...change };
    switch (change.what) {
      case "joined":
      case "returned":
        log.info(fields, `server ${server} is heard`);
        break;
      case "in_sync":
        log.info(fields, `server ${server} is in sync: writes wait for it`);
        break;
      case "lost":
        log.warn(fields, `server ${server} is lost`);
        break;
      case "suspect":
        log.warn(fields, `server ${server} is silent`);
        break;
      case "out_of_sync":
        log.warn(
          fields,
          `server ${server} is not in sync (${change.reason}): no write waits for it`,
        );
    }
  }

  /** For clients: where they may go. */
  servers(): ServerEntry[] {
    const { config, replica, url } = this.parts;
    const { name } = config.process;
    return replica
      .status()
      .servers.filter((server) => !server.isRemoved)
      .map((server) => ({ ...server, url: server.name === name ? url : server.url }))
      .filter((server) => server.url !== "")
      .map((server) => ({
        name: server.name,
        url: server.url,
        state: stateOf(server),
        inSync: server.isInSync,
      }));
  }

  /** Names of this server and of those that are linked and in sync. */
  inSync(): string[] {
    const { name, servers } = this.parts.replica.status();
    const others = servers.filter(({ link, isInSync }) => link === "live" && isInSync);
    return [name, ...others.map((server) => server.name)];
  }

  otherUrls(): string[] {
    const { name } = this.parts.config.process;
    return this.servers()
      .filter((server) => server.name !== name)
      .map(({ url }) => url);
  }

  links(): LinkEntry[] {
    return this.mesh.status().map(linkEntry);
  }

  /** Ends the links behind what was sent on them. */
  stop(): void {
    this.timer?.cancel();
    this.mesh.stop();
  }
}

function stateOf({ link, isInSync }: ServerStatus): ServerEntry["state"] {
  if (link === "self" || link === "live") return "live";
  if (link === "suspect") return "suspect";
  return link === "through" && isInSync ? "live" : "unknown";
}

function linkEntry({ server, problem, reason, ...rest }: LinkStatus): LinkEntry {
  return {
    ...rest,
    ...(server === null ? {} : { server }),
    ...(problem === null ? {} : { problem }),
    ...(reason === null ? {} : { reason }),
  };
}

/** The key of this server, made at its first start. Throws StartError or StorageError. */
export function openServerKey(data: string): ServerKey {
  try {
    return openKey(data);
  } catch (cause) {
    if (!(cause instanceof KeyFileError)) throw storageFailure(`make the key in ${data}`, cause);
    const remedy =
      "put the file back from a copy and let this user read it; without one remove it: the cluster then has to remove this server and let it join anew";
    throw new StartError(
      cause.isForbidden ? "no_permission" : "foreign_cluster",
      cause.message,
      remedy,
    );
  }
}
