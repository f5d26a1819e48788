/** Decoders of what an operator says: options, environment, the TOML file; and addresses, also those of others. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  clientAddress,
  formatHostPort,
  inAnyRange,
  isLoopback,
  isWildcard,
  parseHostPort,
  parsePeer,
  parseRange,
  peerUrl,
} from "../../src/server/address.ts";
import { readSettings, resolveConfig } from "../../src/server/config.ts";
import { StartError } from "../../src/server/exit-codes.ts";
import { environmentName, OPTION_NAMES, OPTIONS } from "../../src/server/options.ts";
import { HostileFolder } from "./folder.ts";
import { asText, type Decoder } from "./fuzz.ts";

const folder = new HostileFolder();

/** `taken`, or the reason by which a start ends; each says what to do. */
function toldBy(work: () => unknown): string {
  try {
    work();
    return "taken";
  } catch (error) {
    if (error instanceof StartError && error.remedy !== "")
      return `${error.reason}: ${error.message}`;
    throw error;
  }
}

/** Read, and resolved as a start does. */
function settle(flags: object, environment: object): void {
  const { settings, warnings } = readSettings(flags, environment as Record<string, string>);
  const { process: own } = resolveConfig(settings, warnings);
  if (own.listen.port < 0 || own.listen.port > 65_535) throw new Error("a port that is none");
}

const VALUES = {
  name: ["a"],
  listen: ["127.0.0.1:7300", "[::1]:7300"],
  peer: ["10.0.0.2:7300", "https://b.example"],
  data: ["/nowhere/holdfast"],
  url: ["https://chat.example"],
  "tls-cert": ["/etc/cert.pem"],
  "tls-key": ["/etc/key.pem"],
  "min-copies": ["2"],
  "trusted-proxy": ["10.0.0.0/8", "::1"],
  "sign-up": ["closed"],
  "metrics-allow": ["192.168.0.0/16"],
  "log-level": ["warn"],
  "log-format": ["json"],
  reserve: ["64M"],
  "writes-per-second": ["0"],
} satisfies Readonly<Record<string, readonly string[]>>;

const quoted = (text: string) => JSON.stringify(text);
const TOML = [
  Object.entries(VALUES)
    .map(([key, values]) => {
      const isMany = OPTIONS[key as keyof typeof OPTIONS].many;
      return `${key} = ${isMany ? `[${values.map(quoted).join(", ")}]` : quoted(values[0] as string)}`;
    })
    .join("\n"),
  'name = "a"\nmin-copies = 2 # all of them\npeer = [\n  "10.0.0.2:7300",\n]\n',
  "name = 'a'\n",
  'name = """\na"""\n'.replace("\n", ""),
];

const tomlFiles: Decoder = {
  name: "TOML files",
  of: ["src/server/config.ts readSettings", "src/server/config.ts resolveConfig"],
  form: "text",
  cost: 4,
  good: () => TOML,
  outcomes: ["taken", "usage"],
  decode(input) {
    const file = join(folder.path, "holdfast.toml");
    writeFileSync(file, asText(input));
    return toldBy(() => settle({ config: [file] }, {}));
  },
};

const environments: Decoder = {
  name: "environments",
  of: ["src/server/config.ts readSettings"],
  form: "json",
  good: () =>
    [VALUES, { name: VALUES.name }].map((values) =>
      JSON.stringify(
        Object.fromEntries(
          Object.entries(values).map(([key, texts]) => [
            environmentName(key as keyof typeof OPTIONS),
            OPTIONS[key as keyof typeof OPTIONS].many ? texts.join(",") : texts[0],
          ]),
        ),
      ),
    ),
  outcomes: ["taken", "usage"],
  decode(input) {
    const said: [string, unknown][] = [];
    try {
      said.push(...Object.entries((JSON.parse(asText(input)) as object) ?? {}));
    } catch {
      said.push(["HOLDFAST_NAME", asText(input)]);
    }
    // A system gives texts only, and no file of its own is named here.
    const texts = said
      .filter(([name]) => name !== "HOLDFAST_CONFIG")
      .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
    return toldBy(() => settle({}, Object.fromEntries(texts)));
  },
};

/** One option as a flag: its name, `=`, its value. */
const flags: Decoder = {
  name: "flags",
  of: ["src/server/options.ts OPTIONS", "src/server/config.ts readSettings"],
  form: "text",
  good: () =>
    Object.entries(VALUES)
      .filter(([key]) => !key.startsWith("tls-"))
      .flatMap(([key, values]) => values.map((value) => `${key}=${value}`)),
  outcomes: ["taken", "usage"],
  decode(input) {
    const text = asText(input);
    const [key = "", ...rest] = text.split("=");
    const name = OPTION_NAMES.find((known) => known === key) ?? "name";
    const value = name === key ? rest.join("=") : text;
    return toldBy(() => settle({ name: ["a"], [name]: [value] }, {}));
  },
};

const addresses: Decoder = {
  name: "addresses",
  of: [
    "src/server/address.ts parseHostPort",
    "src/server/address.ts parsePeer",
    "src/server/address.ts parseRange",
    "src/server/address.ts clientAddress",
  ],
  form: "text",
  good: () => [
    "127.0.0.1:7300",
    "[fd00::1]:80",
    "chat.example:443",
    "https://chat.example:8443",
    "10.0.0.0/8",
    "fd00::/8",
    "fe80::1%eth0",
    "192.0.2.7",
  ],
  outcomes: ["taken", "none"],
  decode(input) {
    const text = asText(input);
    const host = parseHostPort(text);
    if (host !== null && parseHostPort(formatHostPort(host)) === null)
      throw new Error("one way only");
    const peer = parsePeer(text);
    if (peer !== null && !URL.canParse(peerUrl(peer, false)))
      throw new Error("it cannot be dialled");
    const range = parseRange(text);
    if (range !== null && !inAnyRange(text.split("/")[0] as string, [range])) {
      throw new Error("a range that its own address is not in");
    }
    isLoopback(text);
    isWildcard(text);
    const trusted = [parseRange("10.0.0.0/8")].filter((one) => one !== null);
    clientAddress("10.0.0.1", text, trusted);
    clientAddress(text, "1.2.3.4, 10.0.0.3", trusted);
    return host === null && peer === null && range === null ? "none" : "taken";
  },
};

export const configDecoders: readonly Decoder[] = [tomlFiles, environments, flags, addresses];
