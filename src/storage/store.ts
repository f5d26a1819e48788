/**
 * Opens a data directory, or makes it: the one way in to what a server keeps.
 *
 * Every refusal has a code of its own and leaves the directory as it was found. The order of the checks is
 * the order of their worth to an operator: may I, is it free, is it mine, can I read it, is it whole.
 */
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import { toBase64Url } from "../core/bytes.ts";
import { type Finding, findingLines, StorageError, storageFailure } from "./failure.ts";
import { HeadFile } from "./head.ts";
import { openLog, type StoredLog } from "./log.ts";
import { type LogMeta, migrate, openWriter } from "./log-file.ts";
import type { KillAt } from "./log-messages.ts";
import { LogPages } from "./log-pages.ts";
import { LOG_FORMAT } from "./migrations.ts";
import { DirectoryLock } from "./store-lock.ts";
import {
  checkIdentity,
  entriesOf,
  HEAD_FILE,
  holdsStore,
  LOG_FILE,
  type Look,
  look,
  VIEW_FILE,
} from "./store-look.ts";
import { finishSalvage, keepDamaged, salvage } from "./store-salvage.ts";
import { type Survey, survey } from "./store-survey.ts";
import { VERIFY_OPS, type Verdict, verifyLog } from "./verify.ts";

export type StoreOptions = {
  readonly directory: string;
  readonly server: string;
  readonly clusterId: string;
  /** ms since 1970: names the copy that `acceptLoss` keeps. */
  readonly wallMs: () => number;
  /** Names of other files that may stand in the directory before there is a store in it. */
  readonly companions?: readonly string[];
  /** Go on with a damaged log: keep a copy, keep all that verifies, give up the rest. */
  readonly acceptLoss?: boolean;
  /** Free bytes below which writes are refused, instead of a share of the file system. */
  readonly reserveBytes?: number;
  /** The newest ops that are verified before the store opens; the others follow in the background. */
  readonly verifyOps?: number;
  readonly onProgress?: (doneOps: number, totalOps: number) => void;
  /** Stays in the log's history of formats. */
  readonly release?: string;
  /** Tests only. */
  readonly killAt?: KillAt;
};

export interface Store {
  readonly directory: string;
  readonly viewPath: string;
  readonly logPath: string;
  /** Random, made with the store, and again when ops were given up: counts copies, not names. */
  readonly storeId: string;
  /** Whether it was made just now. */
  readonly created: boolean;
  /** What `acceptLoss` gave up. */
  readonly givenUp: readonly Finding[];
  /** The folder with the damaged files, if something was given up. */
  readonly damagedCopy: string | null;
  readonly log: StoredLog;
  /** Closes the log and lets go of the directory. */
  close(): Promise<void>;
}

export function newStoreId(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storageFailure(`make the data directory ${directory}`, cause);
  }
}

/** A directory in which making a store was begun, or nothing has been written since. */
function neverUsed({ head, header, logBytes }: Look): boolean {
  const noOps = head.state === "valid" && head.head.n === 0;
  return noOps && (logBytes === 0 || header?.format === 0);
}

/** The head file comes first: a log without one is never taken for a new one. Can be repeated. */
function makeStore(directory: string, meta: LogMeta, release: string): void {
  chmodSync(directory, 0o700);
  new HeadFile(join(directory, HEAD_FILE)).close({
    format: LOG_FORMAT,
    ...meta,
    n: 0,
    origins: [],
  });
  const logPath = join(directory, LOG_FILE);
  closeSync(openSync(logPath, "a", 0o600));
  const db = openWriter(logPath);
  migrate(db, meta, release);
  db.close();
  syncDirectory(directory);
}

/** So that the names of new files outlive a power cut. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  fsyncSync(fd);
  closeSync(fd);
}

type Prepared = Pick<Store, "created" | "givenUp" | "damagedCopy"> & {
  readonly meta: LogMeta;
  readonly scrubTo: number;
};

/** Throws StorageError; see {@link STORAGE_CODES}. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const directory = resolve(options.directory);
  const companions = options.companions ?? [];
  const before = entriesOf(directory);
  if (before === null) makeDirectory(directory);
  else holdsStore(directory, before, companions);
  const lock = new DirectoryLock(directory);
  try {
    const prepared = await prepare(directory, options);
    const viewPath = join(directory, VIEW_FILE);
    const logPath = join(directory, LOG_FILE);
    const log = await openLog({
      logPath,
      headPath: join(directory, HEAD_FILE),
      viewPath,
      meta: prepared.meta,
      reserveBytes: options.reserveBytes ?? null,
      scrubTo: prepared.scrubTo,
      killAt: options.killAt ?? null,
    });
    lock.sign();
    const { meta, created, givenUp, damagedCopy } = prepared;
    const close = () => log.close().finally(() => lock.release());
    const { storeId } = meta;
    return { directory, viewPath, logPath, storeId, created, givenUp, damagedCopy, log, close };
  } catch (cause) {
    lock.undo();
    throw storageFailure(`open ${directory}`, cause);
  }
}

async function prepare(directory: string, options: StoreOptions): Promise<Prepared> {
  const nothingLost = { givenUp: [], damagedCopy: null, scrubTo: 0 };
  finishSalvage(directory);
  const holds = holdsStore(directory, entriesOf(directory) ?? [], options.companions ?? []);
  const found = holds ? look(directory) : null;
  if (found !== null) checkIdentity(directory, found, options);
  if (found === null || neverUsed(found)) {
    const storeId = found?.identity?.storeId ?? newStoreId();
    const meta = { storeId, clusterId: options.clusterId, server: options.server };
    makeStore(directory, meta, options.release ?? "");
    return { meta, created: true, ...nothingLost };
  }
  const { head } = found;
  const logPath = join(directory, LOG_FILE);
  const { onProgress } = options;
  const verifyOps = options.verifyOps ?? VERIFY_OPS;
  const verdict = await verifyLog({ logPath, head, verifyOps, onProgress });
  if (verdict.findings.any) return acceptOrRefuse(directory, options, found, verdict);
  if (found.header !== null && found.header.format < LOG_FORMAT) {
    const db = openWriter(logPath);
    migrate(db, verdict.meta!, options.release ?? "");
    db.close();
  }
  const scrubTo = verdict.fromN > 1 ? verdict.lastN : 0;
  return { meta: verdict.meta!, created: false, ...nothingLost, scrubTo };
}

/** A damaged log: tells what keeping the rest would give up, or does it. */
async function acceptOrRefuse(
  directory: string,
  options: StoreOptions,
  { head }: Look,
  verdict: Verdict,
): Promise<Prepared> {
  const pages = new LogPages(join(directory, LOG_FILE));
  try {
    const plan = await survey(pages, head.state === "valid" ? head.head : null);
    if (head.state !== "valid") {
      // Without its head nobody can tell a log that ends here from one whose end is gone.
      const n = plan.ops.at(-1)?.n ?? 0;
      plan.findings.add({ what: "not known whether there was more: after", n });
    }
    if (options.acceptLoss !== true) throw refusal(directory, verdict, plan);
    const damagedCopy = keepDamaged(directory, options.wallMs());
    const { clusterId, server } = options;
    const meta = { storeId: newStoreId(), clusterId, server };
    salvage(directory, pages, plan, meta, options.release ?? "");
    finishSalvage(directory);
    return { meta, created: false, givenUp: plan.findings.list, damagedCopy, scrubTo: 0 };
  } finally {
    pages.close();
  }
}

function refusal(directory: string, { findings }: Verdict, plan: Survey): StorageError {
  const lost = plan.findings.list;
  const end =
    lost.length === 0
      ? ["everything in it can be kept"]
      : ["accepting the loss would give up:", ...findingLines(lost)];
  const lines = [`the log in ${directory} is damaged:`, ...findingLines(findings.list), ...end];
  return new StorageError("damaged", lines.join("\n"), { findings: [...findings.list, ...lost] });
}
