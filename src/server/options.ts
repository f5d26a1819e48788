/**
 * Every option of `holdfast serve`, declared once: a row here makes the flag, the environment's name, the
 * key of the TOML file, the check and the line of help.
 */
import { isServerName } from "../core/ids.ts";
import { SERVERS_MAX } from "../core/limits.ts";
import type { SignUpPolicy } from "../gateway/ports.ts";
import { decodeJoinToken } from "../mesh/join-token.ts";
import type { JoinToken } from "../protocol/peer-join.ts";
import {
  type AddressRange,
  type HostPort,
  parseHostPort,
  parsePeer,
  parseRange,
} from "./address.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = "text" | "json";

/** Takes text, gives the value; throws an Error that says what would be right. */
type Parse<T> = (text: string) => T;

export type Option<T, Many extends boolean = boolean> = {
  readonly parse: Parse<T>;
  /** What stands for the value in the help; null for a switch. */
  readonly value: string | null;
  readonly help: string;
  /** May be given several times; a list in TOML, separated by commas in the environment. */
  readonly many: Many;
  /** Only for this one start: never from the environment or a file. */
  readonly flagOnly: boolean;
};

function one<T>(value: string | null, help: string, parse: Parse<T>): Option<T, false> {
  return { parse, value, help, many: false, flagOnly: false };
}

function many<T>(value: string, help: string, parse: Parse<T>): Option<T, true> {
  return { parse, value, help, many: true, flagOnly: false };
}

function wrong(expected: string): never {
  throw new Error(expected);
}

function choice<const T extends string>(...choices: T[]): Parse<T> {
  return (text) =>
    choices.find((known) => known === text) ?? wrong(`expected one of ${choices.join(", ")}`);
}

function whole(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max
      ? value
      : wrong(`expected a whole number, ${min} to ${max}`);
  };
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

function bytes(text: string): number {
  const match = /^(\d{1,12})([KMGT]?)(?:iB)?$/.exec(text);
  const value =
    match === null ? Number.NaN : Number(match[1]) * (BYTE_UNITS[match[2] ?? ""] as number);
  return Number.isSafeInteger(value) ? value : wrong("expected bytes, such as 1048576, 64M or 2G");
}

function path(text: string): string {
  if (text === "" || text.includes("\0")) wrong("expected a path");
  return text;
}

function serverName(text: string): string {
  const name = text.toLowerCase();
  if (!isServerName(name)) {
    wrong("expected 1 to 32 of a-z, 0-9 and '-', beginning with a letter or digit");
  }
  return name;
}

function listen(text: string): HostPort {
  return parseHostPort(text) ?? wrong("expected HOST:PORT, such as 127.0.0.1:7300 or [::1]:7300");
}

/** Kept as text: where it leads is found out when it is dialled. */
function peer(text: string): string {
  return (
    parsePeer(text) ?? wrong("expected HOST:PORT or https://HOST[:PORT], such as 10.0.0.2:7300")
  );
}

function joinToken(text: string): JoinToken {
  return decodeJoinToken(text) ?? wrong("expected a whole token, as `holdfast invite` printed it");
}

function range(text: string): AddressRange {
  return (
    parseRange(text) ?? wrong("expected an address or a range, such as 10.0.0.7 or 10.0.0.0/8")
  );
}

/** Without a slash at its end. */
function publicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && url.pathname === "/" && url.search === "" && url.hash === "";
  if (!plain || url.username !== "" || !/^https?:$/.test(url.protocol)) {
    return wrong("expected http://HOST[:PORT] or https://HOST[:PORT], without a path");
  }
  return url.origin;
}

function yes(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  return wrong("expected true or false");
}

const signUp: Parse<SignUpPolicy> = choice("open", "invitation", "closed");
const logLevel: Parse<LogLevel> = choice(...LOG_LEVELS);
const logFormat: Parse<LogFormat> = choice("text", "json");

export const OPTIONS = {
  name: one("NAME", "this server's name within its cluster", serverName),
  listen: one("HOST:PORT", "address to listen on (127.0.0.1:7300)", listen),
  peer: many("HOST:PORT", "another server of the cluster; https://HOST[:PORT] over TLS", peer),
  join: one("TOKEN", "join a running cluster with a token of `holdfast invite`; once", joinToken),
  data: one("DIR", "where this server keeps everything (a folder called like the server)", path),
  url: one("URL", "the address that clients use, if it is not the one to listen on", publicUrl),
  "tls-cert": one("FILE", "certificate chain (PEM): serve https and wss", path),
  "tls-key": one("FILE", "key of the certificate (PEM)", path),
  "peer-ca": one("FILE", "who signed the peers' certificates (PEM), if not a usual one", path),
  "min-copies": one(
    "N",
    "refuse writes while fewer servers than this can store them (1)",
    whole(1, SERVERS_MAX),
  ),
  "trusted-proxy": many("RANGE", "proxy whose X-Forwarded-For is believed", range),
  "secret-file": one("FILE", "the cluster's secret (DIR/secret, made at the first start)", path),
  "sign-up": one(
    "POLICY",
    "who may make an account: open, invitation, closed (open on loopback)",
    signUp,
  ),
  "metrics-allow": many("RANGE", "who may read /metrics, besides this machine", range),
  "log-level": one("LEVEL", `${LOG_LEVELS.join(", ")} (info)`, logLevel),
  "log-format": one("FORMAT", "text or json (text on a terminal)", logFormat),
  reserve: one(
    "BYTES",
    "free space below which writes are refused (5 % of the disk, 16M to 64M)",
    bytes,
  ),
  "writes-per-second": one(
    "N",
    "writes of one account per second, 0 for no bound (200)",
    whole(0, 1e6),
  ),
  "accept-loss": {
    ...one(null, "go on with a damaged log: keep a copy, give up what is lost", yes),
    flagOnly: true,
  },
} as const;

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

type ValueOf<O> =
  O extends Option<infer T, infer Many> ? (Many extends true ? readonly T[] : T) : never;
export type OptionValue<K extends OptionName> = ValueOf<(typeof OPTIONS)[K]>;

export const ENVIRONMENT_PREFIX = "HOLDFAST_";

export function environmentName(option: OptionName | "config"): string {
  return ENVIRONMENT_PREFIX + option.toUpperCase().replaceAll("-", "_");
}

/** Texts as they came, before any check; a switch is "true". */
export type RawOptions = { readonly [K in OptionName]?: readonly string[] };
