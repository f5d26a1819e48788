import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerUrl } from "./address.ts";
import { type Environment, readSettings, resolveConfig } from "./config.ts";
import { StartError } from "./exit-codes.ts";
import { environmentName, OPTION_NAMES, OPTIONS, type RawOptions } from "./options.ts";
import { writeServerFile } from "./remembered.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function file(text: string): string {
  const path = join(folder, `${++files}.toml`);
  writeFileSync(path, text);
  return path;
}

type Flags = RawOptions & { config?: readonly string[] };

function configOf(flags: Flags, environment: Environment = {}) {
  const { settings, warnings } = readSettings(flags, environment);
  return resolveConfig(settings, warnings);
}

function refusalOf(flags: Flags, environment: Environment = {}): StartError {
  try {
    configOf(flags, environment);
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

const name = { name: ["a"] };

describe("where a value comes from", () => {
  const data = join(folder, "remembered");
  mkdirSync(data);
  const answers = {
    name: "a",
    listen: "127.0.0.1:1",
    peers: ["10.0.0.1:1"],
    signUp: "closed",
    secretFile: "/s1",
  } as const;
  writeServerFile(data, answers, null);
  const toml = file(`listen = "127.0.0.1:2"\npeer = ["10.0.0.2:2"]\nsign-up = "invitation"\n`);
  const inFile = { data: [data], config: [toml] };
  const environment = {
    HOLDFAST_LISTEN: "127.0.0.1:3",
    HOLDFAST_PEER: "10.0.0.3:3, 10.0.0.4:4",
    HOLDFAST_SIGN_UP: "open",
  };
  const flags = {
    listen: ["127.0.0.1:5"],
    peer: ["10.0.0.5:5", "10.0.0.6:6"],
    "sign-up": ["closed"],
  };
  const heard = (config: ReturnType<typeof configOf>) => ({
    port: config.process.listen.port,
    peers: config.process.peers,
    signUp: config.cluster.signUp,
  });

  test("defaults last", () => {
    const config = configOf({ name: ["fresh"], data: [join(folder, "nothing")] });
    expect(heard(config)).toEqual({ port: 7300, peers: [], signUp: "open" });
    expect(config.process.listen.host).toBe("127.0.0.1");
  });
  test("remembered answers before defaults", () => {
    const config = configOf({ data: [data] });
    expect(config.process.name).toBe("a");
    expect(config.cluster.secretFile).toBe("/s1");
    expect(heard(config)).toEqual({ port: 1, peers: ["10.0.0.1:1"], signUp: "closed" });
  });
  test("the file before them", () =>
    expect(heard(configOf(inFile))).toEqual({
      port: 2,
      peers: ["10.0.0.2:2"],
      signUp: "invitation",
    }));
  test("the environment before the file", () =>
    expect(heard(configOf(inFile, environment))).toEqual({
      port: 3,
      peers: ["10.0.0.3:3", "10.0.0.4:4"],
      signUp: "open",
    }));
  test("flags before all", () =>
    expect(heard(configOf({ ...inFile, ...flags }, environment))).toEqual({
      port: 5,
      peers: ["10.0.0.5:5", "10.0.0.6:6"],
      signUp: "closed",
    }));
  test("the file may be named by the environment, and a flag comes before that", () => {
    const other = file(`listen = "127.0.0.1:9"`);
    expect(configOf(name, { HOLDFAST_CONFIG: other }).process.listen.port).toBe(9);
    const both = configOf({ ...name, config: [toml] }, { HOLDFAST_CONFIG: other });
    expect(both.process.listen.port).toBe(2);
  });
  test("[R10.7] unless told otherwise an account writes 200 times a second", () =>
    expect(configOf(name).process.writesPerSecond).toBe(200));
  test("an empty variable is none", () =>
    expect(configOf(name, { HOLDFAST_LISTEN: "" }).process.listen.port).toBe(7300));
});

const wrong: Record<string, string> = {
  name: "Not A Name",
  listen: "7300",
  join: "hfj_AAAAAAAA",
  peer: "10.0.0.1",
  data: "",
  url: "ftp://x",
  "tls-cert": "",
  "tls-key": "",
  "peer-ca": "",
  "min-copies": "8",
  "trusted-proxy": "10.0.0.1/8",
  "secret-file": "",
  "sign-up": "maybe",
  "metrics-allow": "everybody",
  "log-level": "loud",
  "log-format": "xml",
  reserve: "-1",
  "writes-per-second": "many",
};

describe("a wrong value is refused with its place", () => {
  for (const option of OPTION_NAMES.filter((known) => !OPTIONS[known].flagOnly)) {
    const bad = wrong[option];
    test(option, () => {
      expect(bad).toBeDefined();
      const text = bad as string;
      const byFlag = refusalOf({ ...name, [option]: [text] });
      expect(byFlag.message).toContain(`flag --${option}`);
      expect(byFlag.remedy).toContain("expected");
      if (text !== "") {
        const variable = environmentName(option);
        expect(refusalOf(name, { [variable]: text }).message).toContain(variable);
      }
      const value = OPTIONS[option].many ? JSON.stringify([text]) : JSON.stringify(text);
      const path = file(`# first line\n${option} = ${value}\n`);
      expect(refusalOf({ ...name, config: [path] }).message).toContain(`${path} line 2`);
    });
  }

  test("other servers are named by address or by https, and dialled by the scheme that fits", () => {
    const given = [
      "10.0.0.2:7300",
      "https://b.example",
      "[fd00::1]:7300",
      "HTTPS://c.example:8443/",
    ];
    const { process: own } = configOf({ ...name, peer: given });
    const peers = [
      "10.0.0.2:7300",
      "https://b.example",
      "[fd00::1]:7300",
      "https://c.example:8443",
    ];
    expect(own.peers).toEqual(peers);
    expect(peers.map((peer) => peerUrl(peer, false))[0]).toBe("http://10.0.0.2:7300");
    expect(peers.map((peer) => peerUrl(peer, true))).toEqual([
      "https://10.0.0.2:7300",
      "https://b.example",
      "https://[fd00::1]:7300",
      "https://c.example:8443",
    ]);
    for (const bad of [
      "https://b/path",
      "https://u:p@b",
      "ftp://b",
      "b:0",
      "https://",
      "b:99999",
    ]) {
      expect(refusalOf({ ...name, peer: [bad] }).message, bad).toContain("flag --peer");
    }
    expect(own.minCopies).toBe(1);
    expect(configOf({ ...name, "min-copies": ["2"] }).process.minCopies).toBe(2);
  });

  test("values that are right are taken, from every place", () => {
    const toml = file(`reserve = "64M"\nwrites-per-second = 7\nmetrics-allow = ["10.0.0.0/8"]\n`);
    const { process: own } = configOf({ ...name, config: [toml] });
    expect([own.reserveBytes, own.writesPerSecond]).toEqual([64 * 2 ** 20, 7]);
    expect(own.metricsAllow[0]?.text).toBe("10.0.0.0/8");
  });

  test("TOML that is none, with its line", () => {
    const path = file(`name = "a"\nlisten = \n`);
    expect(refusalOf({ config: [path] }).message).toContain(`${path} line 2`);
  });
  test("a key that is no option", () =>
    expect(refusalOf({ config: [file(`\nlisen = "x"`)] }).message).toContain("line 2: lisen"));
  test("a list where one value belongs, and the other way round", () => {
    expect(refusalOf({ config: [file(`name = ["a"]`)] }).remedy).toContain("one value");
    expect(refusalOf({ ...name, config: [file(`peer = "10.0.0.1:1"`)] }).remedy).toContain(
      "a list",
    );
  });
  test("a file that is not there", () =>
    expect(refusalOf({ config: [join(folder, "gone")] }).message).toContain("flag --config"));
  test("one value given twice", () =>
    expect(refusalOf({ ...name, listen: ["127.0.0.1:1", "127.0.0.1:2"] }).remedy).toBe(
      "give it once",
    ));
});

describe("what belongs together", () => {
  test("a name is needed", () => expect(refusalOf({}).remedy).toContain("--name"));
  test("certificate and key", () => {
    expect(refusalOf({ ...name, "tls-cert": ["c"] }).remedy).toContain("--tls-key");
    expect(refusalOf({ ...name, "tls-key": ["k"] }).remedy).toContain("--tls-cert");
    expect(configOf({ ...name, "tls-key": ["/k"], "tls-cert": ["/c"] }).process.tls).toEqual({
      cert: "/c",
      key: "/k",
    });
  });
  for (const listen of ["0.0.0.0:7300", "[::]:7300", "10.0.0.1:7300", "example.com:7300"]) {
    test(`[R44] ${listen} needs a policy of sign-up`, () => {
      expect(refusalOf({ ...name, listen: [listen] }).remedy).toContain("--sign-up");
      const told = configOf({ ...name, listen: [listen], "sign-up": ["open"] });
      expect(told.cluster.signUp).toBe("open");
    });
  }
  test("loss is accepted on the command line only", () => {
    expect(configOf({ ...name, "accept-loss": ["true"] }).process.acceptLoss).toBe(true);
    expect(refusalOf(name, { HOLDFAST_ACCEPT_LOSS: "true" }).remedy).toContain("command line");
    expect(refusalOf({ ...name, config: [file("accept-loss = true")] }).message).toContain(
      "line 1",
    );
  });
  test("a variable that nobody knows is said, and does no harm", () => {
    expect(configOf(name, { HOLDFAST_LISTN: "x" }).warnings[0]).toContain("HOLDFAST_LISTN");
    expect(configOf(name, { HOLDFAST_SERVER: "x", HOLDFAST_PORT: "tcp://x" }).warnings).toEqual([]);
  });
  test("what was remembered and is damaged is refused, not guessed", () => {
    const data = join(folder, "damaged");
    mkdirSync(data);
    writeFileSync(join(data, "server.json"), "{");
    expect(refusalOf({ data: [data] }).message).toContain("server.json");
  });
});
