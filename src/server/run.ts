/**
 * A server as a process: signals, crashes, words for the person at the terminal, exit status.
 *
 * A first signal stops in good order, a second one leaves at once. On a terminal one Ctrl+C can reach the
 * process several times (the terminal signals the whole group, npm and the start script pass it on): what
 * follows within half a second is the same one.
 */

import { SQLiteError } from "bun:sqlite";
import { resolve } from "node:path";
import { Fatal } from "../core/errors.ts";
import { STOP_DEADLINE_MS } from "../core/limits.ts";
import { findingLines, StorageError, storageFailure } from "../storage/failure.ts";
import { type Config, readSettings, resolveConfig } from "./config.ts";
import { EXIT_CODES, STORAGE_REMEDIES, StartError } from "./exit-codes.ts";
import { ExitGuard } from "./exit-guard.ts";
import type { Left } from "./leaving.ts";
import { openLogger, type ServerLog } from "./log.ts";
import type { RawOptions } from "./options.ts";
import { calledAs } from "./own-command.ts";
import { ParentChannel } from "./parent-channel.ts";
import { askMissing, hasTerminal, openTerminal } from "./prompt.ts";
import { type RunningServer, startServer, VERSION } from "./start.ts";

const SAME_SIGNAL_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Runs until it is told to stop; the exit status. */
export async function runServer(
  flags: RawOptions & { readonly config?: readonly string[] },
): Promise<number> {
  process.umask(0o077); // what it keeps is nobody else's
  const guard = new ExitGuard();
  try {
    const config = await configure(flags);
    return await serve(config, guard);
  } catch (error) {
    if (!(error instanceof StartError)) {
      console.error("holdfast: a defect of Holdfast, please report it:", error);
      return EXIT_CODES.internal;
    }
    console.error(`holdfast: ${error.message}\n  ${error.remedy}`);
    return EXIT_CODES[error.reason];
  } finally {
    guard.announce();
  }
}

async function configure(
  flags: RawOptions & { readonly config?: readonly string[] },
): Promise<Config> {
  const { settings, warnings } = readSettings(flags, process.env);
  if (!hasTerminal()) return resolveConfig(settings, warnings);
  const terminal = openTerminal();
  try {
    const all = Object.keys(flags).length === 0;
    return resolveConfig(await askMissing(settings, terminal, all), warnings);
  } finally {
    terminal.close();
  }
}

async function serve(config: Config, guard: ExitGuard): Promise<number> {
  const onTerminal = process.stderr.isTTY === true;
  const format = config.process.logFormat ?? (onTerminal ? "text" : "json");
  const colour = onTerminal && (process.env.NO_COLOR ?? "") === "";
  const { name, logLevel } = config.process;
  const log = openLogger({ level: logLevel, format, colour, server: name });
  for (const warning of config.warnings) log.warn({}, warning);
  const crashed = (error: unknown): never => guard.leave(crash(log, error));
  process.on("uncaughtException", crashed);
  process.on("unhandledRejection", crashed);
  // A signal while it starts is as good as one after: nothing has been promised yet.
  const signal = new StopSignal(guard);
  const parent = new ParentChannel();
  void parent.gone.then(() => signal.raise("the end of the process that started it"));
  const started = startServer({ config, log, environment: process.env, welcome, crashed });
  const first = await Promise.race([started, signal.first]);
  if (typeof first === "string") {
    log.info({ signal: first }, "stopping: it had not begun to serve");
    guard.leave(EXIT_CODES.ok);
  }
  const server = first;
  if (server.damagedCopy !== null || server.givenUp.length > 0) sayLoss(server);
  log.info({ url: server.url, data: server.data, version: VERSION }, "serving");
  if (config.process.logFormat !== "json") console.log(banner(name, server));
  else if (server.setup !== null) {
    log.warn({ setup: setupUrl(server.url, server.setup) }, "there is no administrator yet");
  }
  parent.serving(server);
  const why = await Promise.race([signal.first, server.removed]);
  const status = typeof why === "string" ? EXIT_CODES.ok : EXIT_CODES.removed;
  if (typeof why !== "string") sayRemoved(config, log, why);
  const fields = { signal: typeof why === "string" ? why : "removed" };
  log.info(fields, "stopping: finishing requests, telling clients");
  const deadline = setTimeout(() => {
    log.warn({}, "stopping took too long: leaving");
    guard.leave(status);
  }, STOP_DEADLINE_MS - SAME_SIGNAL_MS);
  await server.stop();
  clearTimeout(deadline);
  log.info({}, "stopped");
  return status;
}

class StopSignal {
  private readonly raised = Promise.withResolvers<string>();
  readonly first = this.raised.promise;
  private firstMs: number | null = null;

  constructor(guard: ExitGuard) {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        const firstMs = this.firstMs ?? Number.POSITIVE_INFINITY;
        if (performance.now() - firstMs > SAME_SIGNAL_MS) guard.leave(128 + SIGNAL_NUMBERS[signal]);
        this.raise(signal);
      });
    }
  }

  raise(reason: string): void {
    this.firstMs ??= performance.now();
    this.raised.resolve(reason);
  }
}

/**
 * Says why it leaves; the exit status. Nothing goes on after a defect or a failed sync: what is durable is
 * safe, the next start knows the rest.
 */
function crash(log: ServerLog, error: unknown): number {
  const failure = error instanceof SQLiteError ? storageFailure("the view", error) : error;
  if (failure instanceof StorageError) {
    const { remedy } = STORAGE_REMEDIES[failure.code];
    log.fatal({ code: failure.code, remedy }, `storage failed: ${failure.message}`);
    return EXIT_CODES.storage_failed;
  }
  if (error instanceof Fatal) {
    log.fatal({}, `storage failed: ${error.message}`);
    return EXIT_CODES.storage_failed;
  }
  log.fatal({ err: error }, "a defect of Holdfast: leaving, please report it");
  return EXIT_CODES.internal;
}

function sayLoss({ givenUp, damagedCopy }: RunningServer): void {
  const what = givenUp.length === 0 ? "everything in it was kept" : "--accept-loss gave up:";
  console.error(`holdfast: the log was damaged; ${what}`);
  for (const line of findingLines(givenUp)) console.error(`  ${line}`);
  if (damagedCopy !== null) {
    console.error(`  The damaged files are kept in ${damagedCopy}; delete them when you are done.`);
  }
}

function sayRemoved(config: Config, log: ServerLog, { isHandedOver, words }: Left): void {
  const { name, data } = config.process;
  const what = `server ${name} was removed from the cluster and stops: ${words}`;
  const rest = isHandedOver ? `${data} may be deleted` : "start it again to hand over the rest";
  const remedy = `${rest}; to let it in again, start it with --join and a token of \`holdfast invite\``;
  log.error({ remedy }, what);
  console.error(`holdfast: ${what}\n  ${remedy}`);
}

function setupUrl(url: string, code: string): string {
  return `${url}/#/join/${code}`;
}

function banner(name: string, { url, localUrl, data, setup }: RunningServer): string {
  const chat = `  ${calledAs} chat --server ${localUrl}`;
  const next =
    setup === null
      ? ["Open it in a browser, or chat from a second terminal:", chat]
      : [
          "There is no administrator yet. Who opens this makes an account that is one; it works once:",
          `  ${setupUrl(url, setup)}`,
          "Or from a second terminal:",
          `${chat} --invitation ${setup}`,
        ];
  return [
    `Holdfast ${VERSION}: server ${name} is ready at ${url}`,
    `  data in ${resolve(data)}`,
    "",
    ...next,
    "Ctrl+C stops the server; it remembers everything.",
    "",
  ].join("\n");
}

function welcome(url: string): string {
  return [
    `Holdfast ${VERSION}: a self-hosted team chat. This is one of its servers.`,
    "",
    `Open ${url} in a browser, or chat from a terminal:`,
    `  holdfast chat --server ${url}`,
    "or, from a checkout of the source:",
    `  npm run -s holdfast -- chat --server ${url}`,
    "",
    `Programs talk JSON-RPC 2.0 to ${url}/v1/rpc and ${url.replace(/^http/, "ws")}/v1/ws;`,
    `the methods are described in ${url}/v1/openrpc.json.`,
    "",
  ].join("\n");
}
