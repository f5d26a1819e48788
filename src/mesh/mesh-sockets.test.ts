/** Links over real sockets of this machine: Bun's server on one side, Bun's client on the other. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { until } from "../../test/in-process.ts";
import { Ear, keyringOf } from "../../test/mesh-net.ts";
import {
  atEnd,
  cleanUp,
  frame,
  HANDSHAKE,
  RawConnection,
  scratch,
} from "../../test/server-process.ts";
import { toBase64Url } from "../core/bytes.ts";
import { PEER_FRAME_BYTES_MAX } from "../core/limits.ts";
import { Listener, type ListenerOptions } from "../server/listener.ts";
import { realClock, realRandom } from "../server/platform.ts";
import { operatorTokenOf } from "../server/secret.ts";
import { dialProblem } from "./dialled-wire.ts";
import type { Self } from "./handshake.ts";
import { type LinkSecret, linkSecret } from "./link-secret.ts";
import { Mesh, type MeshOptions } from "./mesh.ts";
import type { LinkProblem, LinkRefusal } from "./refusals.ts";
import { freshKey } from "./server-key.ts";

const DOORS = {
  cluster: "0123456789abcdef",
  attach: () => ({ receive: () => {}, closed: () => {} }),
  checkToken: () => {},
  notReady: null,
  call: async () => ({ status: 200, body: "{}" }),
};

type Running = { listener: Listener; mesh: Mesh; ear: Ear; log: string[] };

function run(
  name: string,
  peers: readonly string[],
  {
    tls = null,
    ca = null,
    self = {},
    ...more
  }: { tls?: ListenerOptions["tls"]; self?: Partial<Self> } & Partial<
    Omit<MeshOptions, "self">
  > = {},
): Running {
  const listener = new Listener({
    listen: { host: "127.0.0.1", port: 0 },
    tls,
    url: null,
    trustedProxies: [],
    metricsAllow: [],
    page: { answer: () => null },
    openrpc: () => "{}",
    metrics: async () => "",
    failed: (error) => {
      throw error;
    },
  });
  const log: string[] = [];
  const note = (_fields: object, message: string) => log.push(message);
  const mesh = new Mesh({
    self: {
      versionMin: 1,
      versionMax: 1,
      cluster: "one-cluster",
      server: name,
      store: `store-of-${name}`,
      url: listener.url,
      release: "0.1.0",
      ...self,
    },
    keyring: keyringOf(linkSecret(new Uint8Array(32))),
    key: freshKey(),
    clock: realClock,
    random: realRandom,
    log: { info: note, warn: note },
    members: { get: () => undefined, list: () => [] },
    peers,
    ca,
    ...more,
  });
  const ear = new Ear();
  mesh.listen(ear);
  listener.serve(DOORS, operatorTokenOf(new Uint8Array(32)));
  listener.servePeers(mesh);
  mesh.start();
  atEnd(() => {
    mesh.stop();
    return listener.close();
  });
  return { listener, mesh, ear, log };
}

const PEER_HANDSHAKE = HANDSHAKE.replace("/v1/ws", "/v1/peer");

/** A peer as no server would be. */
function hostile(url: string, headers = ""): RawConnection {
  const raw = new RawConnection(url);
  raw.write(`${PEER_HANDSHAKE}${headers}\r\n\r\n`);
  return raw;
}

let a: Running;
beforeEach(() => {
  a = run("a", []);
});
afterEach(cleanUp);

async function linked(): Promise<Running> {
  const b = run("b", [a.listener.url]);
  await until(() => a.ear.links.size === 1 && b.ear.links.size === 1);
  return b;
}

test("[R90] a link over real sockets carries frames of every size both ways, in order", async () => {
  const b = await linked();
  const large = new Uint8Array(PEER_FRAME_BYTES_MAX).map((_, i) => i % 251);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const heard: (string | Uint8Array)[] = [];
    to.ear.received = (_link, what) => heard.push(what);
    const link = [...from.ear.links.keys()][0]!;
    // More than the port lets wait for a client: it goes on as the other side takes it.
    for (let i = 0; i < 8; i++) {
      link.send(`number ${i}`);
      link.send(large);
    }
    expect(link.backlogBytes).toBeGreaterThan(0);
    await until(() => heard.length === 16);
    expect(heard.filter((what) => typeof what === "string")).toEqual(
      Array.from({ length: 8 }, (_, i) => `number ${i}`),
    );
    const bytes = heard.filter((what) => typeof what !== "string");
    expect(bytes.every((one) => Buffer.compare(one, large) === 0)).toBe(true);
    await until(() => link.backlogBytes === 0);
  }
  expect([a.ear.links.size, b.ear.links.size]).toEqual([1, 1]);
});

test("[R93] both sides say why there is no link, over real sockets too", async () => {
  const b = run("a", [a.listener.url]);
  await until(() => a.log.length > 0 && b.log.length > 0);
  expect(a.mesh.status()).toMatchObject([{ state: "refused", problem: "copied_store" }]);
  expect(b.mesh.status()).toMatchObject([{ state: "refused", problem: "copied_store" }]);
});

const [FIRST, SECOND] = [new Uint8Array(32), new Uint8Array(32).fill(2)].map(linkSecret) as [
  LinkSecret,
  LinkSecret,
];

/** How b is, or what a knows of it, and why there is then no link. */
const REFUSALS: Partial<Record<LinkRefusal, [how: Parameters<typeof run>[2], words: RegExp]>> = {
  other_cluster: [{ self: { cluster: "another" } }, /another cluster, or a wrong --secret-file/],
  wrong_secret: [{ keyring: keyringOf(SECOND) }, /does not know its secret/],
  old_secret: [{ keyring: keyringOf(SECOND, FIRST) }, /are of before and after a change/],
  version: [{ self: { versionMin: 7, versionMax: 9 } }, /no version of the links in common/],
  wrong_key: [{}, /does not have the key that the cluster knows this name by/],
  removed: [{}, /server b was removed from the cluster/],
  clock: [
    { clock: { ...realClock, wallMs: () => realClock.wallMs() + 400_000 } },
    /server [ab] can't join: its clock and server [ab]'s are (399|400|401) s apart/,
  ],
  name_in_use: [{ self: { server: "a" } }, /another live server goes by the name a/],
};

for (const [code, [how, words]] of Object.entries(REFUSALS)) {
  test(`[R93] ${code}: both sides say so over real sockets, in the log and in the status`, async () => {
    const key = freshKey();
    const known = {
      wrong_key: [{ name: "b", key: freshKey().publicText, url: "", isRemoved: false }],
      // Under another name: what has just been removed may hand over first.
      removed: [{ name: "old", key: key.publicText, url: "", isRemoved: true }],
    }[code];
    const list = known ?? [];
    const members = {
      get: (name: string) => list.find((one) => one.name === name),
      list: () => list,
    };
    const first = run("a", [], { members });
    const b = run("b", [first.listener.url], { ...how, key });
    await until(() => first.log.length > 0 && b.log.length > 0);
    for (const { log, mesh } of [first, b]) {
      expect(log[0]).toMatch(words);
      const [status] = mesh.status();
      expect(status).toMatchObject({ state: "refused", problem: code });
      expect(status?.reason).toMatch(words);
    }
    expect([first.ear.links.size, b.ear.links.size]).toEqual([0, 0]);
  });
}

test("[R90] a server that dies is noticed at once, and one that says goodbye is heard to the end", async () => {
  const b = await linked();
  [...b.ear.links.keys()][0]!.send("goodbye");
  b.mesh.stop();
  await until(() => a.ear.links.size === 0);
  expect(a.ear.notes).toEqual(["linked b", "b: goodbye", "unlinked b"]);
});

test("[R10.18] who says nothing, says too much, or speaks no handshake is out; links go on", async () => {
  const b = await linked();
  const silent = hostile(a.listener.url);
  await silent.heard(/101 Switching/);
  const wrong: Buffer[] = [
    frame(1, Buffer.from('{"type":"hello"}')),
    frame(2, Buffer.from("GET / HTTP/1.1")),
    frame(2, Buffer.alloc(5_000)),
    frame(2, Buffer.alloc(200_000)),
    frame(2, new Uint8Array(Buffer.from(JSON.stringify({ type: "goodbye" })))),
    Buffer.from("no frame at all, but a good deal of text that is none"),
  ];
  for (const bytes of wrong) {
    const peer = hostile(a.listener.url);
    await peer.heard(/101 Switching/);
    peer.write(bytes);
    await peer.closed;
  }
  await silent.closed; // by the deadline
  expect(silent.received.toString("latin1")).toContain("too_slow");
  expect(a.ear.notes).toEqual(["linked b"]);
  [...b.ear.links.keys()][0]!.send("still here");
  await until(() => a.ear.notes.includes("b: still here"));
});

test("[R90] a page of a browser, and a request that is no WebSocket, are no peers", async () => {
  const url = `${a.listener.url}/v1/peer`;
  const page = await fetch(url, { headers: { origin: a.listener.url } });
  expect(page.status).toBe(403);
  expect((await fetch(url)).status).toBe(426);
  expect((await fetch(url, { method: "POST" })).status).toBe(405);
});

test("[R10.18] an address that fails too often is not let in for a while", async () => {
  const answers: number[] = [];
  for (let i = 0; i < 80; i++) {
    const peer = hostile(a.listener.url);
    const [, status] = (await peer.heard(/HTTP\/1.1 (\d{3})/)) as RegExpExecArray;
    answers.push(Number(status));
    peer.write(frame(2, Buffer.from("x")));
    await peer.closed;
  }
  expect(answers.slice(0, 50)).toEqual(Array(50).fill(101));
  expect(answers.at(-1)).toBe(503);
  expect(a.listener.refused.peers).toBeGreaterThan(0);
});

test("[R93] what is wrong with an address is told apart", async () => {
  const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  atEnd(() => other.stop(true));
  const starting = run("x", []);
  starting.listener.starting("verifying the log");
  const nobody = "http://127.0.0.1:1"; // a port that no other test of this moment can be given
  // Takes the connection, as the system of a machine does whose process is frozen, and says nothing.
  const mute = Bun.listen({ port: 0, hostname: "127.0.0.1", socket: { data() {} } });
  atEnd(() => mute.stop(true));
  const addresses: Record<string, LinkProblem | null> = {
    [nobody]: "connection_refused",
    [`http://127.0.0.1:${other.port}`]: "not_holdfast",
    [starting.listener.url]: "not_ready",
    [`https://127.0.0.1:${other.port}`]: "tls",
    [`http://127.0.0.1:${mute.port}`]: "timed_out",
  };
  const c = run("c", Object.keys(addresses));
  const problems = () =>
    Object.fromEntries(c.mesh.status().map(({ address, problem }) => [address, problem]));
  const areKnown = until(() => Object.values(problems()).every((problem) => problem !== null));
  await Promise.race([areKnown, Bun.sleep(50_000)]); // then it says which is not known
  expect(problems()).toEqual(addresses);
  expect(dialProblem("ENOTFOUND", "Failed to connect")).toBe("unknown_host");
  expect(dialProblem("EHOSTUNREACH", "Failed to connect")).toBe("no_route");
  expect(dialProblem("ETIMEDOUT", "Failed to connect")).toBe("timed_out");
  expect(dialProblem(undefined, "something new")).toBe("failed");
});

const openssl = Bun.which("openssl");
test.skipIf(openssl === null)(
  "[R90] over TLS to who shows a certificate that counts, and to nobody else (skipped where there is no openssl)",
  async () => {
    const folder = scratch();
    const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const subject = ["-nodes", "-days", "2", "-subj", "/CN=localhost"];
    const names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    const files = ["-keyout", "key.pem", "-out", "cert.pem"];
    const made = Bun.spawnSync([openssl as string, ...request, ...subject, ...names, ...files], {
      cwd: folder,
    });
    expect(made.exitCode).toBe(0);
    const cert = await Bun.file(`${folder}/cert.pem`).text();
    const tls = { cert, key: await Bun.file(`${folder}/key.pem`).text() };
    const secure = run("s", [], { tls });
    expect(secure.listener.url).toStartWith("https://");
    const trusting = run("t", [secure.listener.url], { ca: cert });
    await until(() => trusting.ear.links.size === 1);
    const doubting = run("d", [secure.listener.url]);
    await until(() => doubting.mesh.status().some(({ problem }) => problem === "tls"));
    expect(secure.ear.notes).toEqual(["linked t"]);
  },
);

test("a key is made once, kept for its owner only, and refused when it is none", async () => {
  const { openKey, KeyFileError } = await import("./server-key.ts");
  const { statSync, writeFileSync } = await import("node:fs");
  const folder = scratch();
  const key = openKey(folder);
  expect(openKey(folder).publicText).toBe(key.publicText);
  expect(statSync(`${folder}/key`).mode & 0o777).toBe(0o600);
  expect(Buffer.from(key.publicText, "base64url")).toHaveLength(32);
  expect(toBase64Url(new Uint8Array(Buffer.from(key.publicText, "base64url")))).toBe(
    key.publicText,
  );
  writeFileSync(`${folder}/key`, "no key");
  expect(() => openKey(folder)).toThrow(KeyFileError);
  writeFileSync(`${folder}/key`, "x".repeat(10_000));
  expect(() => openKey(folder)).toThrow("too large");
});
