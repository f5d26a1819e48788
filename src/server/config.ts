/**
 * What a server was told: flags before environment before file before remembered answers before defaults.
 *
 * Two structs come out: what is the same on every server of the cluster, and what concerns this process.
 * A wrong value is refused with its place (flag, variable, file and line); no source is read half.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse as parseToml, TomlError } from "smol-toml";
import { WRITES_PER_SECOND } from "../core/limits.ts";
import type { SignUpPolicy } from "../gateway/ports.ts";
import type { JoinToken } from "../protocol/peer-join.ts";
import {
  type AddressRange,
  formatHostPort,
  type HostPort,
  isLoopback,
  parseHostPort,
} from "./address.ts";
import { StartError } from "./exit-codes.ts";
import { tokenId } from "./joining.ts";
import {
  ENVIRONMENT_PREFIX,
  environmentName,
  type LogFormat,
  type LogLevel,
  OPTION_NAMES,
  OPTIONS,
  type OptionName,
  type OptionValue,
  type RawOptions,
} from "./options.ts";
import { type Remembered, readRemembered } from "./remembered.ts";
import { SECRET_FILE } from "./secret.ts";

export const DEFAULT_LISTEN: HostPort = { host: "127.0.0.1", port: 7300 };
const CONFIG_BYTES_MAX = 1024 * 1024;

/** The same on every server of the cluster. */
export type ClusterConfig = {
  readonly secretFile: string;
  /** Whether the file may be made if it does not exist. */
  readonly makeSecret: boolean;
  /** Until an admin sets it for the cluster. */
  readonly signUp: SignUpPolicy;
};

export type ProcessConfig = {
  readonly name: string;
  readonly listen: HostPort;
  readonly peers: readonly string[];
  /** To join by before anything else; null if there is none, or it has done its work. */
  readonly join: JoinToken | null;
  /** PEM file of who signed their certificates. */
  readonly peerCa: string | null;
  readonly minCopies: number;
  readonly data: string;
  readonly url: string | null;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly trustedProxies: readonly AddressRange[];
  readonly metricsAllow: readonly AddressRange[];
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat | null;
  readonly reserveBytes: number | null;
  readonly writesPerSecond: number;
  readonly acceptLoss: boolean;
};

export type Config = {
  readonly cluster: ClusterConfig;
  readonly process: ProcessConfig;
  /** What is kept with the data for the next start. */
  readonly answers: Remembered;
  /** Things that are odd, not wrong. */
  readonly warnings: readonly string[];
};

/** A value and where it came from, in words. */
export type Told<T> = { readonly value: T; readonly from: string };
export type Settings = { readonly [K in OptionName]?: Told<OptionValue<K>> };

export function usage(message: string, remedy: string): StartError {
  return new StartError("usage", message, remedy);
}

function parseOption<K extends OptionName>(
  option: K,
  texts: readonly string[],
  from: string,
): Told<OptionValue<K>> {
  const row = OPTIONS[option];
  if (!row.many && texts.length !== 1) {
    throw usage(`${from}: given ${texts.length} times`, "give it once");
  }
  const values = texts.map((text) => {
    try {
      return row.parse(text);
    } catch (error) {
      const expected = (error as Error).message;
      throw usage(`${from}: ${JSON.stringify(text)} is not valid`, expected);
    }
  });
  return { value: (row.many ? values : values[0]) as OptionValue<K>, from };
}

function parseAll(raw: RawOptions, from: (option: OptionName) => string): Settings {
  const settings: Record<string, unknown> = {};
  for (const option of OPTION_NAMES) {
    const texts = raw[option];
    if (texts !== undefined) settings[option] = parseOption(option, texts, from(option));
  }
  return settings as Settings;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as not set: that is how compose files and unit files unset one. */
function fromEnvironment(environment: Environment): Settings {
  const raw: { [K in OptionName]?: readonly string[] } = {};
  for (const option of OPTION_NAMES) {
    const text = environment[environmentName(option)];
    if (text === undefined || text === "") continue;
    if (OPTIONS[option].flagOnly) {
      const remedy = `give --${option} on the command line, for this one start`;
      throw usage(`environment ${environmentName(option)}: not read from there`, remedy);
    }
    raw[option] = OPTIONS[option].many ? text.split(",").map((part) => part.trim()) : [text];
  }
  return parseAll(raw, (option) => `environment ${environmentName(option)}`);
}

/** Names that other commands, tests or container systems set. */
const OTHER_VARIABLES =
  /^HOLDFAST_(CONFIG|CONFIG_DIR|SERVER|TOKEN|HOME|TEST_\w+|\w*(PORT|SERVICE)\w*)$/;

function unknownVariables(environment: Environment): string[] {
  const known = new Set(OPTION_NAMES.map(environmentName));
  return Object.keys(environment).filter(
    (name) =>
      name.startsWith(ENVIRONMENT_PREFIX) && !known.has(name) && !OTHER_VARIABLES.test(name),
  );
}

function fromFile(path: string, from: string): Settings {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const what = `${from}: ${path} can't be read: ${(cause as Error).message}`;
    throw usage(what, "check the path and that this user may read it");
  }
  if (text.length > CONFIG_BYTES_MAX)
    throw usage(`${from}: ${path} is too large`, "is it the right file?");
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split("\n")[0];
    throw usage(
      `${path} line ${error.line}: ${what}`,
      "correct the line; the format is TOML (toml.io)",
    );
  }
  const raw: { [K in OptionName]?: readonly string[] } = {};
  for (const [key, value] of Object.entries(table)) {
    const place = `${path} line ${lineOf(text, key)}`;
    const option = OPTION_NAMES.find((known) => known === key && !OPTIONS[known].flagOnly);
    if (option === undefined) {
      const keys = OPTION_NAMES.filter((known) => !OPTIONS[known].flagOnly).join(", ");
      throw usage(`${place}: ${key} is not an option`, `the options are ${keys}`);
    }
    raw[option] = tomlTexts(value, `${place}: ${key}`, OPTIONS[option].many);
  }
  return parseAll(raw, (option) => `${path} line ${lineOf(text, option)}: ${option}`);
}

function lineOf(text: string, key: string): number {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => {
    const name = /^\s*\[*\s*["']?([\w-]+)/.exec(line)?.[1];
    return name === key;
  });
  return at + 1;
}

function tomlTexts(value: unknown, place: string, many: boolean): string[] {
  const list = Array.isArray(value) ? value : [value];
  if (many !== Array.isArray(value)) {
    throw usage(
      `${place}: not valid`,
      many ? 'expected a list, such as ["..."]' : "expected one value",
    );
  }
  return list.map((item) => {
    if (["string", "number", "boolean", "bigint"].includes(typeof item)) return String(item);
    throw usage(`${place}: not valid`, "expected text or a number");
  });
}

/** What flags, environment and file say; each whole before the next. */
export function readSettings(
  flags: RawOptions & { readonly config?: readonly string[] },
  environment: Environment,
): { settings: Settings; warnings: string[] } {
  const byFlag = parseAll(flags, (option) => `flag --${option}`);
  const byEnvironment = fromEnvironment(environment);
  const flagPath = flags.config?.at(-1);
  const path = flagPath ?? environment[environmentName("config")];
  const from =
    flagPath === undefined ? `environment ${environmentName("config")}` : "flag --config";
  const byFile = path === undefined || path === "" ? {} : fromFile(path, from);
  const warnings = unknownVariables(environment).map(
    (name) => `environment ${name} is not an option of the server and was ignored`,
  );
  return { settings: { ...byFile, ...byEnvironment, ...byFlag }, warnings };
}

/** Where the data is, and what the last start there was told. null as long as the name is not known. */
export function locate(settings: Settings): { data: string; remembered: Remembered | null } | null {
  const name = settings.name?.value;
  const data = settings.data?.value ?? (name === undefined ? undefined : join(".", name));
  if (data === undefined) return null;
  const folder = resolve(data);
  return { data: folder, remembered: readRemembered(folder) };
}

/** The listening address in force, before defaults of sign-up are looked at. */
export function listenOf(settings: Settings, remembered: Remembered | null): HostPort {
  const last = remembered === null ? null : parseHostPort(remembered.listen);
  return settings.listen?.value ?? last ?? DEFAULT_LISTEN;
}

/** Throws StartError for what is missing or does not fit together. */
export function resolveConfig(settings: Settings, warnings: readonly string[]): Config {
  const place = locate(settings);
  const name = settings.name?.value ?? place?.remembered?.name;
  if (place === null || name === undefined) {
    const remedy = `give --name NAME (or ${environmentName("name")}, or name = "NAME" in the file of --config)`;
    throw usage("this server has no name yet", remedy);
  }
  const { data, remembered } = place;
  const listen = listenOf(settings, remembered);
  const signUp = settings["sign-up"]?.value ?? remembered?.signUp ?? null;
  if (signUp === null && !isLoopback(listen.host)) {
    throw usage(
      `${formatHostPort(listen)} can be reached from other machines, and nobody said who may make an account`,
      "give --sign-up open, invitation (by a code from `holdfast admin invitation`) or closed",
    );
  }
  const token = tokenOf(settings);
  const given = settings.peer?.value ?? remembered?.peers ?? [];
  const peers = [...new Set([...given, ...(token?.urls ?? [])])];
  const secretFile = settings["secret-file"]?.value ?? remembered?.secretFile ?? null;
  const joined = token === null ? remembered?.joined : tokenId(token);
  const answers: Remembered = {
    name,
    listen: formatHostPort(listen),
    peers,
    signUp,
    secretFile: secretFile === null ? null : resolve(secretFile),
    ...(joined === undefined ? {} : { joined }),
  };
  return {
    cluster: {
      secretFile: answers.secretFile ?? join(data, SECRET_FILE),
      makeSecret: secretFile === null,
      signUp: signUp ?? "open",
    },
    process: {
      name,
      listen,
      peers,
      join: remembered?.joined === joined ? null : token,
      peerCa: pathOf(settings["peer-ca"]),
      minCopies: settings["min-copies"]?.value ?? 1,
      data,
      url: settings.url?.value ?? null,
      tls: tlsOf(settings),
      trustedProxies: settings["trusted-proxy"]?.value ?? [],
      metricsAllow: settings["metrics-allow"]?.value ?? [],
      logLevel: settings["log-level"]?.value ?? "info",
      logFormat: settings["log-format"]?.value ?? null,
      reserveBytes: settings.reserve?.value ?? null,
      writesPerSecond: settings["writes-per-second"]?.value ?? WRITES_PER_SECOND,
      acceptLoss: settings["accept-loss"]?.value ?? false,
    },
    answers,
    warnings,
  };
}

function tokenOf(settings: Settings): JoinToken | null {
  const token = settings.join;
  const file = settings["secret-file"];
  if (token !== undefined && file !== undefined) {
    const what = `${file.from}: given together with --join, which brings the secret`;
    throw usage(what, "give the one or the other");
  }
  return token?.value ?? null;
}

function pathOf(told: Told<string> | undefined): string | null {
  return told === undefined ? null : resolve(told.value);
}

function tlsOf(settings: Settings): ProcessConfig["tls"] {
  const cert = settings["tls-cert"];
  const key = settings["tls-key"];
  if (cert === undefined && key === undefined) return null;
  if (cert === undefined || key === undefined) {
    const [there, missing] = cert === undefined ? [key!, "tls-cert"] : [cert, "tls-key"];
    throw usage(
      `${there.from}: given without --${missing}`,
      `give --${missing} as well, or neither`,
    );
  }
  return { cert: resolve(cert.value), key: resolve(key.value) };
}
