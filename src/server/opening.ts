/**
 * What a server keeps, opened in order: its secret, its log, its view. Each refusal says what to do and
 * leaves everything as it was: what was made for a start that is then refused is taken back by `undo`.
 */
import { existsSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AssertionError } from "../core/assert.ts";
import { KEY_FILES } from "../mesh/server-key.ts";
import { StorageError, storageFailure } from "../storage/failure.ts";
import { openStore, type Store, type StoreOptions } from "../storage/store.ts";
import { DirectoryLock, LOCK_FILE } from "../storage/store-lock.ts";
import { entriesOf, HEAD_FILE, holdsStore, identityOf, LOG_FILE } from "../storage/store-look.ts";
import { SqliteView } from "../storage/view.ts";
import type { ViewWal } from "../storage/view-wal.ts";
import type { Config } from "./config.ts";
import { StartError } from "./exit-codes.ts";
import { JOIN_TOKENS_FILES } from "./join-tokens.ts";
import type { ServerLog } from "./log.ts";
import { realClock, realHash } from "./platform.ts";
import { REMEMBERED_FILES } from "./remembered.ts";
import {
  clusterIdOf,
  makeSecret,
  readSecret,
  SECRET_FILE,
  SECRET_FILES,
  type Secrets,
} from "./secret.ts";

/** Own files that may stand in a data directory before there is a store in it. */
export const COMPANIONS = [
  ...SECRET_FILES,
  ...REMEMBERED_FILES,
  ...KEY_FILES,
  ...JOIN_TOKENS_FILES,
];
const PROGRESS_INTERVAL_MS = 1_000;

export type OpeningParts = {
  readonly config: Config;
  readonly log: ServerLog;
  readonly release: string;
  /** Steps that take back what a refused start made; run in reverse. */
  readonly undo: (() => unknown)[];
  /** Told what the start is doing, for whoever asks meanwhile. */
  readonly starting: (what: string) => void;
};

export class Opening {
  private readonly parts: OpeningParts;
  private readonly config: Config;
  private readonly log: ServerLog;
  private progressMs = 0;

  constructor(parts: OpeningParts) {
    this.parts = parts;
    this.config = parts.config;
    this.log = parts.log;
  }

  /** Whether another process has the directory: asked before the port, which it has too. */
  probeLock(): void {
    const { data } = this.config.process;
    if (existsSync(join(data, LOCK_FILE))) new DirectoryLock(data).undo();
  }

  /**
   * null if one has to be made. Of the file that was named and that in the data directory, where a changed one
   * is kept, the later one.
   */
  readSecrets(): Secrets | null {
    const { cluster, process: own } = this.config;
    const path = join(own.data, SECRET_FILE);
    const named = this.readSecret(cluster.secretFile);
    const kept = path === cluster.secretFile ? null : this.readSecret(path);
    if (named === null || kept === null) return kept ?? named ?? this.missing();
    if (named.cluster !== kept.cluster) {
      throw new StartError(
        "foreign_cluster",
        `${cluster.secretFile} is the secret of another cluster than ${own.data} belongs to`,
        "give the secret that this data was made with by --secret-file, or another directory by --data",
      );
    }
    if (named.generation > kept.generation) return named;
    if (named.generation < kept.generation) {
      const what = "the cluster's secret was changed since this file was made: it is read no more";
      this.log.info({ file: cluster.secretFile, instead: path }, what);
    }
    return kept;
  }

  private readSecret(file: string): Secrets | null {
    const read = readSecret(file);
    if (read?.exposed) this.log.warn({ file }, "other users can read the secret: chmod 600 it");
    return read;
  }

  /** null if one may be made. */
  private missing(): null {
    const { cluster, process: own } = this.config;
    if (!cluster.makeSecret) {
      const remedy =
        "correct the path, or leave --secret-file out at a first start to have one made";
      throw new StartError(
        "foreign_cluster",
        `there is no secret file ${cluster.secretFile}`,
        remedy,
      );
    }
    const entries = entriesOf(own.data);
    if (entries === null || !holdsStore(own.data, entries, COMPANIONS)) return null;
    const identity = identityOf(own.data);
    if (identity !== null && identity.server !== own.name) {
      const what = `${own.data} holds the data of server ${identity.server}, not of ${own.name}`;
      throw new StorageError("foreign_server", what);
    }
    throw new StartError(
      "foreign_cluster",
      `the secret of ${own.data} is missing (${cluster.secretFile})`,
      "put the file back, or give the secret that this data was made with by --secret-file",
    );
  }

  makeSecret(): Secrets {
    const { cluster, process: own } = this.config;
    const fresh = !existsSync(own.data);
    try {
      mkdirSync(own.data, { recursive: true, mode: 0o700 });
      const { secret, made } = makeSecret(cluster.secretFile);
      this.parts.undo.push(() => {
        if (!made || [LOG_FILE, HEAD_FILE].some((file) => existsSync(join(own.data, file)))) return;
        rmSync(cluster.secretFile, { force: true });
        if (fresh) rmdirSync(own.data);
      });
      return { secret, cluster: clusterIdOf(secret), generation: 0, former: [] };
    } catch (cause) {
      throw storageFailure(`make ${cluster.secretFile}`, cause);
    }
  }

  openStore(clusterId: string, killAt: StoreOptions["killAt"]): Promise<Store> {
    const { data, name, acceptLoss, reserveBytes } = this.config.process;
    this.progressMs = realClock.monotonicMs();
    return openStore({
      directory: data,
      server: name,
      clusterId,
      wallMs: realClock.wallMs,
      companions: COMPANIONS,
      acceptLoss,
      release: this.parts.release,
      onProgress: (done, total) => this.progress("verifying the log", done, total),
      ...(reserveBytes === null ? {} : { reserveBytes }),
      ...(killAt === undefined ? {} : { killAt }),
    });
  }

  async openView({ viewPath, log }: Store, viewWal: ViewWal): Promise<SqliteView> {
    try {
      const { view, rebuilt } = SqliteView.open({ path: viewPath, hash: realHash, log });
      if (rebuilt !== null)
        this.log.warn({ reason: rebuilt }, "the view is made anew from the log");
      this.progressMs = realClock.monotonicMs();
      while (view.catchUp()) {
        this.progress("folding the log", view.foldedN, log.lastN);
        viewWal.checkpoint();
        await new Promise((resolve) => setImmediate(resolve));
        await viewWal.idle();
      }
      return view;
    } catch (cause) {
      if (cause instanceof AssertionError) throw cause;
      throw storageFailure(`open the view ${viewPath}`, cause);
    }
  }

  private progress(doing: string, done: number, total: number): void {
    const now = realClock.monotonicMs();
    const share = `${doing}: ${done} of ${total} ops`;
    this.parts.starting(share);
    if (now - this.progressMs < PROGRESS_INTERVAL_MS) return;
    if (this.progressMs > 0) this.log.info({}, share);
    this.progressMs = now;
  }
}
