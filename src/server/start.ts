/**
 * The composition root: puts a server together from its configuration, in the order in which a refusal
 * still finds everything as it was: certificate, secret, lock, port; only then the store is opened.
 */
import manifest from "../../package.json" with { type: "json" };
import "../core/limit-relations.ts";
import { AssertionError } from "../core/assert.ts";
import { STOP_DEADLINE_MS } from "../core/limits.ts";
import { Gateway } from "../gateway/gateway.ts";
import type { ServerKey } from "../mesh/server-key.ts";
import { openrpc as openrpcDocument } from "../protocol/openrpc.ts";
import type { JoinToken } from "../protocol/peer-join.ts";
import { Replica } from "../replica/replica.ts";
import { type Finding, StorageError } from "../storage/failure.ts";
import type { Store } from "../storage/store.ts";
import type { SqliteView } from "../storage/view.ts";
import { ViewDigests } from "../storage/view-digests.ts";
import { ViewWal } from "../storage/view-wal.ts";
import { formatHostPort, isWildcard, outwardAddress } from "./address.ts";
import { Cluster, openServerKey } from "./cluster.ts";
import type { Config } from "./config.ts";
import { DigestExchange } from "./digest-exchange.ts";
import { STORAGE_REMEDIES, StartError } from "./exit-codes.ts";
import { JoinTokens } from "./join-tokens.ts";
import { joinCluster } from "./joining.ts";
import { ServerKeyring } from "./keyring.ts";
import { KILL_VARIABLE, type KillPoints, killPoints } from "./kill-point.ts";
import type { Left } from "./leaving.ts";
import { Listener } from "./listener.ts";
import type { ServerLog } from "./log.ts";
import { Membership } from "./membership.ts";
import { Metrics } from "./metrics.ts";
import { Opening } from "./opening.ts";
import { loadPage, Page } from "./page.ts";
import type { PagePack } from "./page-pack.ts";
import { readPem } from "./pem.ts";
import { realClock, realHash, realPasswords, realRandom } from "./platform.ts";
import { type Running, writeServerFile } from "./remembered.ts";
import { operatorTokenOf, type Secrets } from "./secret.ts";
import { ViewCheck } from "./view-check.ts";

export const VERSION = manifest.version;
const TLS_OPTIONS = "--tls-cert or --tls-key";
/** Every so many folded ops the view's WAL is looked at. */
const VIEW_CHECKPOINT_OPS = 1_000;
/** What is left of the time to stop for closing files when clients don't come to an end. */
const CLOSING_MS = 1_500;
const ANSWER_LINGER_MS = 250;

export type RunningServer = {
  readonly url: string;
  readonly localUrl: string;
  readonly data: string;
  /** The code for the first administrator's account; null if there is one. */
  readonly setup: string | null;
  /** What `--accept-loss` gave up, and where the damaged files are. */
  readonly givenUp: readonly Finding[];
  readonly damagedCopy: string | null;
  /** Resolves when it was removed from the cluster and may stop. */
  readonly removed: Promise<Left>;
  /** Holds the links with these servers down, for trying what happens then. */
  sever(servers: ReadonlySet<string>): void;
  /** Finishes what is in flight, tells clients, closes everything; within STOP_DEADLINE_MS. */
  stop(): Promise<void>;
};

export type StartOptions = {
  readonly config: Config;
  readonly log: ServerLog;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Text at `/` for whoever asks without a browser. */
  readonly welcome: (url: string) => string;
  /** Something after which nothing may go on. */
  readonly crashed: (error: unknown) => void;
};

/** Throws StartError, and has then changed nothing. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  try {
    return await new Start(options).run();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const { reason, remedy } = STORAGE_REMEDIES[error.code];
    throw new StartError(reason, error.message, remedy);
  }
}

type Opened = {
  readonly ca: string | null;
  readonly listener: Listener;
  readonly keyring: ServerKeyring;
  readonly store: Store;
  readonly view: SqliteView;
  readonly viewWal: ViewWal;
  readonly viewDigests: ViewDigests;
  readonly key: ServerKey;
};

type Connected = Opened & {
  readonly replica: Replica;
  readonly gateway: Gateway;
  readonly cluster: Cluster;
};

class Start {
  private readonly options: StartOptions;
  private readonly config: Config;
  private readonly log: ServerLog;
  private readonly metrics: Metrics;
  private url: string | null = null;
  private listener: Listener | null = null;
  private cluster: Cluster | null = null;
  private readonly removed = Promise.withResolvers<Left>();
  /** Taken back, in reverse, when the start is refused. */
  private readonly undo: (() => unknown)[] = [];

  constructor(options: StartOptions) {
    this.options = options;
    this.config = options.config;
    this.log = options.log;
    this.metrics = new Metrics(realClock, this.config.process.name, VERSION);
  }

  async run(): Promise<RunningServer> {
    const kill = killPoints(this.options.environment[KILL_VARIABLE]);
    try {
      return this.connect(await this.open(kill.store), kill.probe);
    } catch (error) {
      this.metrics.stop();
      for (const back of this.undo.reverse()) await back();
      throw error;
    }
  }

  private async open(killAt: KillPoints["store"]): Promise<Opened> {
    const { data, peerCa } = this.config.process;
    const { config, log, undo } = this;
    const starting = (what: string) => this.listener?.starting(what);
    const opening = new Opening({ config, log, release: VERSION, undo, starting });
    const { join } = config.process;
    const known = join === null ? opening.readSecrets() : null;
    const ca = peerCa === null ? null : readPem(peerCa, "--peer-ca");
    opening.probeLock();
    const listener = this.bind(await this.loadPage());
    this.listener = listener;
    undo.push(() => listener.close());
    const secrets = join === null ? known : await this.join(join, listener, ca);
    const keyring = new ServerKeyring(data, secrets ?? opening.makeSecret());
    starting("opening the log");
    const store = await opening.openStore(keyring.cluster, killAt);
    undo.push(() => store.close());
    const viewWal = new ViewWal(store.viewPath);
    undo.push(() => viewWal.stop());
    const view = await opening.openView(store, viewWal);
    undo.push(() => view.close());
    const viewDigests = new ViewDigests(store);
    return { ca, listener, keyring, store, view, viewWal, viewDigests, key: openServerKey(data) };
  }

  private join(token: JoinToken, listener: Listener, ca: string | null): Promise<Secrets> {
    const { data, name } = this.config.process;
    listener.starting("joining the cluster");
    const url = this.clientUrl(listener);
    return joinCluster({ data, name, token, url, release: VERSION, ca });
  }

  private connect(opened: Opened, probe: KillPoints["probe"]): RunningServer {
    const { ca, listener, keyring, store, view, viewWal, viewDigests, key } = opened;
    const { name, minCopies } = this.config.process;
    const url = this.clientUrl(listener);
    const replica = new Replica({
      name,
      key: key.publicText,
      url,
      minCopies,
      hash: realHash,
      clock: realClock,
      random: realRandom,
      log: store.log,
      view,
      viewCleaned: () => viewWal.empty(),
      ...(probe === undefined ? {} : { probe }),
    });
    const { storeId } = store.log;
    const { config, log } = this;
    const tokens = new JoinTokens(config.process.data, () => replica.wallMs());
    const { publicText: publicKey } = key;
    const membership = new Membership({ name, publicKey, url, replica, keyring, tokens });
    const parts = { config, log, replica, storeId, key, keyring, url, release: VERSION, ca };
    const ports = { clock: realClock, random: realRandom };
    const { resolve: left } = this.removed;
    const cluster = new Cluster({ ...parts, ...ports, membership, left });
    this.cluster = cluster;
    const digests = new DigestExchange(replica, realClock, viewDigests);
    const gateway = this.openGateway(listener, replica, keyring, cluster, digests);
    this.follow(store, replica, viewWal);
    const viewCheck = new ViewCheck({
      clock: realClock,
      log,
      servers: () => (replica.isLeader ? cluster.inSync() : null),
      ask: (server, range) => digests.of(server, range),
    });
    viewCheck.start();
    this.undo.push(() => viewCheck.stop());
    Object.assign(this.metrics.sources, { replica, gateway, view, mesh: cluster.mesh, viewCheck });
    listener.serve(gateway, operatorTokenOf(key.derive("operator")));
    listener.servePeers(cluster.mesh);
    this.undo.push(() => cluster.stop());
    cluster.start(gateway);
    this.writeServerFile({ pid: process.pid, localUrl: listener.localUrl, url });
    return this.running({ ...opened, replica, gateway, cluster });
  }

  private async loadPage(): Promise<PagePack | null> {
    const pack = await loadPage();
    if (pack === null) this.log.warn({}, "there is no page to serve: npm run build:web makes it");
    return pack;
  }

  private bind(pack: PagePack | null): Listener {
    const { listen, tls, url, trustedProxies, metricsAllow, data } = this.config.process;
    let openrpc: string | null = null;
    const listener: Listener = new Listener({
      listen,
      tls: tls && { cert: readPem(tls.cert, TLS_OPTIONS), key: readPem(tls.key, TLS_OPTIONS) },
      url,
      otherUrls: () => this.cluster?.otherUrls() ?? [],
      trustedProxies,
      metricsAllow,
      page: new Page({
        pack,
        tls: tls !== null,
        servers: () => [this.clientUrl(listener), ...(this.cluster?.otherUrls() ?? [])],
        welcome: () => this.options.welcome(this.clientUrl(listener)),
      }),
      openrpc: () => {
        openrpc ??= JSON.stringify(
          openrpcDocument({ release: VERSION, url: this.clientUrl(listener) }),
        );
        return openrpc;
      },
      metrics: () => this.metrics.text(),
      failed: (error) => {
        if (error instanceof AssertionError || error instanceof StorageError) {
          this.options.crashed(error);
        } else {
          this.log.error({ err: error }, "a request failed");
        }
      },
    });
    Object.assign(this.metrics.sources, { listener, data });
    return listener;
  }

  /** The address that clients use: the first of this machine's if it listens on all of them. */
  private clientUrl(listener: Listener): string {
    this.url ??= this.findUrl(listener);
    return this.url;
  }

  private findUrl(listener: Listener): string {
    const { url, listen } = this.config.process;
    if (url !== null || !isWildcard(listen.host)) return listener.url;
    const outward = outwardAddress();
    if (outward === null) return listener.url;
    const { protocol } = new URL(listener.localUrl);
    return `${protocol}//${formatHostPort({ host: outward, port: listener.port })}`;
  }

  private openGateway(
    listener: Listener,
    replica: Replica,
    keyring: ServerKeyring,
    servers: Cluster,
    digests: DigestExchange,
  ): Gateway {
    const { cluster, process: own } = this.config;
    return new Gateway({
      replica,
      clock: realClock,
      random: realRandom,
      hash: realHash,
      passwords: realPasswords,
      derive: (label) => keyring.derive(label),
      cluster: keyring.cluster,
      version: VERSION,
      servers: () => servers.servers(),
      links: () => servers.links(),
      digest: (server, range) => digests.of(server, range),
      ...(servers.membership === undefined ? {} : { membership: servers.membership }),
      minCopies: own.minCopies,
      signUp: cluster.signUp,
      writesPerSecond: own.writesPerSecond,
      broadcast: listener.sockets,
      log: this.log,
      observe: this.metrics.observe,
      observeClose: () => {}, // the sockets count all closes, also those that the gateway did not ask for
    });
  }

  private follow(store: Store, replica: Replica, viewWal: ViewWal): void {
    let folded = 0;
    replica.listen({
      folded: (batch) => {
        this.metrics.folded(batch, replica.figures().lastCommitMs);
        folded += batch.length;
        if (folded < VIEW_CHECKPOINT_OPS) return;
        folded = 0;
        viewWal.checkpoint();
      },
      alarm: () => {}, // the gateway logs it
    });
    store.log.onScrubbed((toN) =>
      this.log.info({ ops: toN }, "the older part of the log is whole"),
    );
    if (replica.isStorageFull) {
      this.log.error({}, "free space is below the reserve: writes are refused until there is room");
    }
  }

  /** A full disk must keep no server from starting or stopping. */
  private writeServerFile(running: Running | null): void {
    try {
      writeServerFile(this.config.process.data, this.config.answers, running);
    } catch (cause) {
      this.log.warn(
        { err: cause },
        "server.json was not written: commands will not find this server",
      );
    }
  }

  private running(parts: Connected): RunningServer {
    const { listener, store, gateway } = parts;
    const { data } = this.config.process;
    let stopped: Promise<void> | null = null;
    return {
      url: this.clientUrl(listener),
      localUrl: listener.localUrl,
      data,
      setup: gateway.setupCode,
      givenUp: store.givenUp,
      damagedCopy: store.damagedCopy,
      removed: this.removed.promise,
      sever: (servers) => parts.cluster.mesh.sever(servers),
      stop: () => {
        stopped ??= this.stop(parts);
        return stopped;
      },
    };
  }

  /** The view is disposable: nothing about it may keep the log from being closed in order. */
  private closeView(view: SqliteView): void {
    try {
      view.close();
    } catch (cause) {
      this.log.warn({ err: cause }, "the view was not closed in order: the next start checks it");
    }
  }

  private async stop({
    listener,
    store,
    view,
    viewWal,
    viewDigests,
    replica,
    gateway,
    cluster,
  }: Connected): Promise<void> {
    const ended = listener.stopTaking();
    const answered = await inTime(gateway.stop(), STOP_DEADLINE_MS - CLOSING_MS);
    if (!answered) {
      this.log.warn({}, "some requests were not answered in time: they are indefinite");
      replica.abandon();
    }
    cluster.stop(); // the peers heard long ago that this server goes
    await inTime(ended, ANSWER_LINGER_MS); // last answers are on their way; idle connections just stay
    await inTime(listener.close(), ANSWER_LINGER_MS);
    this.metrics.sources.viewCheck?.stop();
    this.metrics.stop();
    viewWal.stop();
    await inTime(viewDigests.stop(), ANSWER_LINGER_MS);
    this.closeView(view);
    this.writeServerFile(null);
    await store.close();
  }
}

/** False if it took longer. */
function inTime(work: Promise<unknown>, ms: number): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms).unref());
  return Promise.race([work.then(() => true), late]);
}
