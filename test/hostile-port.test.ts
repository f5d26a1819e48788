/**
 * The port of a server, given bytes that are nearly HTTP, and nearly frames of a WebSocket: every connection is
 * answered by a status or a close that is stated, or ends, and the port goes on as before.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { FRAME_BYTES_MAX } from "../src/core/limits.ts";
import { CLOSE_CODES } from "../src/protocol/rpc.ts";
import { LISTENER_BOUNDS, Listener } from "../src/server/listener.ts";
import { operatorTokenOf } from "../src/server/secret.ts";
import { count, heavy } from "./heavy.ts";
import { Dice } from "./hostile/dice.ts";
import { mutateBytes } from "./hostile/mutate.ts";
import { TestServer } from "./in-process.ts";
import { frame, HANDSHAKE } from "./server-process.ts";

setDefaultTimeout(heavy(120_000, 3_600_000));

/** So many connections at once. */
const LANES = 200;
/** What is not whole is waited for by the port: the test ends it, not the port's deadlines. */
const QUIET_MS = 40;
/** Every status that docs/PROTOCOL.md states, and those of the HTTP parser: 400, 413, 431, 505. */
const STATUSES = new Set([
  200, 204, 304, 400, 401, 403, 404, 405, 408, 413, 415, 426, 429, 431, 500, 501, 503, 505,
]);
/** What a client of ours may be told, what RFC 6455 has for frames that are none, and no code at all. */
const CLOSES = new Set([...Object.values(CLOSE_CODES), 1000, 1002, 1003, 1005, 1006, 1007]);

let server: TestServer;
let listener: Listener;
const faults: unknown[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  listener = new Listener({
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    url: null,
    trustedProxies: [],
    metricsAllow: [],
    page: { answer: () => null },
    openrpc: () => "{}",
    metrics: () => Promise.resolve("figures"),
    failed: (error) => faults.push(error),
    ...LISTENER_BOUNDS,
  });
  const { gateway } = server;
  const doors = {
    cluster: "0123456789abcdef",
    notReady: null,
    attach: (...socket: Parameters<typeof gateway.attach>) => gateway.attach(...socket),
    checkToken: () => {},
    call: (call: Parameters<typeof gateway.call>[0]) => gateway.call(call),
  };
  listener.serve(doors, operatorTokenOf(new Uint8Array(32)));
});
afterAll(async () => {
  await listener.close();
  await server.dispose();
});

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const body = (text: string) =>
  `POST /v1/rpc HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
const HELLO = '{"jsonrpc":"2.0","id":1,"method":"server.hello"}';

const REQUESTS: readonly Uint8Array[] = [
  "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET / HTTP/1.0\r\n\r\n",
  "HEAD /readyz HTTP/1.1\r\nHost: localhost:7300\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
  "OPTIONS /v1/rpc HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n\r\n",
  "DELETE /v1/cookie HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nCookie: x=y\r\n\r\n",
  "GET /v1/peer HTTP/1.1\r\nHost: a\r\n\r\n",
  body(HELLO),
  body('{"jsonrpc":"2.0","id":1,"method":"account.list"}'),
  `POST /v1/rpc HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${HELLO.length.toString(16)}\r\n${HELLO}\r\n0\r\n\r\n`,
  `POST /v1/rpc HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999999\r\n\r\n${HELLO}`,
  `${HANDSHAKE}\r\n\r\n`,
].map(bytes);

const FRAMES: readonly Uint8Array[] = [
  frame(1, bytes(HELLO)),
  frame(1, bytes("x".repeat(200))),
  frame(1, bytes(HELLO.slice(0, 20)), false),
  frame(0, bytes(HELLO.slice(20))),
  frame(2, bytes(HELLO)),
  frame(9, bytes("ping")),
  frame(10, bytes("pong")),
  frame(8, new Uint8Array([0x03, 0xe8])),
  frame(1, new Uint8Array([0xff, 0xfe])),
  frame(1, new Uint8Array(FRAME_BYTES_MAX + 1).fill(65)).subarray(0, 60),
].map((one) => new Uint8Array(one));

let dialled = 0;

/** Sends, and gives what came back until the port ended it, or was quiet for a moment. */
function exchange(sent: Uint8Array): Promise<Buffer> {
  const { port } = new URL(listener.localUrl);
  const pieces: Uint8Array[] = [];
  return new Promise((resolve) => {
    // Ports are counted by address, and Linux has more than one of its own.
    const last = process.platform === "linux" ? 1 + (dialled++ % 200) : 1;
    const localAddress = `127.0.0.${last}`;
    const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress });
    const end = () => {
      clearTimeout(quiet);
      socket.resetAndDestroy(); // a port that lingers is soon missing
      resolve(Buffer.concat(pieces));
    };
    let quiet = setTimeout(end, 20 * QUIET_MS); // a machine under load
    socket.on("connect", () => {
      socket.write(sent);
      clearTimeout(quiet);
      quiet = setTimeout(end, QUIET_MS);
    });
    socket.on("data", (piece: Buffer) => pieces.push(new Uint8Array(piece)));
    socket.on("error", () => {});
    socket.on("close", end);
  });
}

function judgeAnswer(answer: Buffer): string {
  const text = answer.toString("latin1");
  if (text === "") return "ended";
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]);
  if (status === 101) return "101";
  if (!STATUSES.has(status)) throw new Error(`an answer that is none: ${text.slice(0, 200)}`);
  const [, sent = ""] = /\r\n\r\n([\s\S]*)$/.exec(text) ?? [];
  if (/^content-type: application\/json/im.test(text) && sent.startsWith("{")) {
    const first = sent.split("HTTP/1.")[0] as string;
    expect(() => JSON.parse(first.slice(0, first.lastIndexOf("}") + 1))).not.toThrow();
  }
  return `${status}`;
}

/** The close frame among those that came, if one did: codes of frames that the server sends unmasked. */
function judgeFrames(answer: Buffer, sent: Buffer): string {
  const start = answer.indexOf("\r\n\r\n") + 4;
  for (let at = start; at + 2 <= answer.length; ) {
    const opcode = (answer[at] as number) & 15;
    let length = (answer[at + 1] as number) & 127;
    let head = 2;
    if (length === 126) [length, head] = [answer.readUInt16BE(at + 2), 4];
    if (opcode === 8) {
      const code = length >= 2 ? answer.readUInt16BE(at + head) : 1005;
      // Who closes is answered with the code that it gave.
      const isEcho = sent.some((byte) => (byte & 15) === 8) && code >= 1000 && code < 5000;
      if (!CLOSES.has(code) && !isEcho) throw new Error(`closed by ${code}`);
      return `${code}`;
    }
    if (![1, 10].includes(opcode)) throw new Error(`a frame of kind ${opcode}`);
    at += head + length;
  }
  return "open";
}

/** Runs so many, some at once; the outcomes, counted. */
async function run(what: string, runs: number, one: (dice: Dice) => Promise<string>) {
  const dice = new Dice();
  const reached = new Map<string, number>();
  let left = runs;
  const lane = async () => {
    while (left-- > 0) {
      const outcome = await one(dice);
      reached.set(outcome, (reached.get(outcome) ?? 0) + 1);
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } catch (cause) {
    throw new Error(`HOLDFAST_TEST_SEED=${dice.seed}: ${cause}`, { cause });
  }
  count(`hostile inputs: ${what}`, runs);
  return reached;
}

/** It goes on, and holds nothing for those who are gone. */
async function expectAtRest(): Promise<void> {
  const health = await fetch(`${listener.localUrl}/healthz`);
  expect([health.status, await health.text()]).toEqual([200, "ok\n"]);
  while (server.gateway.figures().connections > 0) await Bun.sleep(5); // the test's own limit ends it
  expect(server.gateway.figures().requestsInFlight).toBe(0);
  expect([faults, server.defects]).toEqual([[], []]);
}

test("[R10] bytes that are nearly HTTP: a stated status, or the end", async () => {
  const runs = heavy(4_000, 1_000_000);
  const reached = await run("requests over HTTP", runs, async (dice) => {
    const sent = mutateBytes(dice, dice.pick(REQUESTS), dice.pick(REQUESTS));
    return judgeAnswer(await exchange(sent));
  });
  for (const status of ["200", "400", "405", "ended"])
    expect([...reached.keys()]).toContain(status);
  expect(reached.get("500") ?? 0).toBe(0);
  await expectAtRest();
});

test("[R10] bytes that are nearly frames of a WebSocket: answered, or closed by a stated code", async () => {
  const runs = heavy(4_000, 1_000_000);
  const hello = bytes(`${HANDSHAKE}\r\n\r\n`);
  const reached = await run("frames over WebSockets", runs, async (dice) => {
    const sent: Uint8Array[] = [hello];
    for (let more = 1 + dice.below(4); more > 0; more--) {
      const good = dice.pick(FRAMES);
      sent.push(dice.chance(3) ? good : mutateBytes(dice, good, dice.pick(FRAMES)));
    }
    const all = Buffer.concat(sent);
    const answer = await exchange(new Uint8Array(all));
    if (!answer.toString("latin1", 0, 12).startsWith("HTTP/1.1 101")) return judgeAnswer(answer);
    return judgeFrames(answer, all);
  });
  expect([...reached.keys()]).toContain("open");
  await expectAtRest();
});
