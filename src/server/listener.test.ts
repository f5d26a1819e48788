/**
 * The listener on real sockets, with doors that only note who came. Process tests show the same port with a
 * whole server behind it; here its bounds are small, so that they can be reached.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cleanUp, frame, HANDSHAKE, RawConnection } from "../../test/server-process.ts";
import { Refusal } from "../core/errors.ts";
import type { Attached, HttpCall, Link } from "../gateway/ports.ts";
import { parseRange } from "./address.ts";
import { LISTENER_BOUNDS, Listener, type ListenerOptions } from "./listener.ts";
import { operatorTokenOf } from "./secret.ts";

const OPERATOR = operatorTokenOf(new Uint8Array(32));
const RPC = { jsonrpc: "2.0", id: 1, method: "x" };
const TOKEN = `hft_${"x".repeat(43)}`;

/** Notes what comes in. */
class Doors {
  readonly links: Link[] = [];
  readonly addresses: string[] = [];
  readonly frames: (string | null)[] = [];
  readonly calls: HttpCall[] = [];
  closed = 0;
  readonly cluster = "0123456789abcdef";
  readonly cookies: (string | null)[] = [];
  onAttach: (link: Link) => void = () => {};

  attach(link: Link, address: string, cookie: string | null): Attached {
    this.links.push(link);
    this.addresses.push(address);
    this.cookies.push(cookie);
    this.onAttach(link);
    return {
      receive: (text) => this.frames.push(text),
      closed: () => {
        this.closed++;
      },
    };
  }

  notReady: string | null = null;

  checkToken(token: string): void {
    if (token !== TOKEN) throw new Refusal("unauthorized", "not this one");
  }

  call(call: HttpCall) {
    this.calls.push(call);
    return Promise.resolve({ status: 200, body: "{}" });
  }
}

let doors: Doors;
let listener: Listener;

function open(more: Partial<ListenerOptions> = {}): void {
  listener = new Listener({
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    url: null,
    trustedProxies: [],
    metricsAllow: [],
    page: { answer: () => null },
    openrpc: () => "{}",
    metrics: () => Promise.resolve("figures"),
    failed: (error) => {
      throw error;
    },
    ...more,
  });
  listener.serve(doors, OPERATOR);
}

beforeEach(() => {
  doors = new Doors();
});
afterEach(async () => {
  await cleanUp();
  await listener.close();
});

test("[R10.1, R10.4, R10.5] unless told otherwise the bounds are those of the rules", () => {
  open();
  expect(LISTENER_BOUNDS).toMatchObject({
    frameBytesMax: 128 * 1024,
    bodyBytesMax: 128 * 1024,
    backlogBytesMax: 4 * 1024 * 1024,
    backlogTotalBytesMax: 512 * 1024 * 1024,
    connectionsMax: 20_000,
  });
});

test("[R10.1] a frame of 128 KiB is taken, one byte more is not", async () => {
  open();
  const fits = await handshake();
  fits.write(frame(1, Buffer.alloc(131_072, 65)));
  await until(() => doors.frames.length === 1);
  const tooLong = await handshake();
  tooLong.write(frame(1, Buffer.alloc(131_073, 65)));
  await tooLong.closed;
  expect(doors.frames.map((text) => text?.length)).toEqual([131_072]);
  expect(listener.sockets.closes).toEqual({ too_large: 1 });
});

const url = () => listener.localUrl;
const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  method = "POST",
) =>
  fetch(`${url()}/v1/rpc`, {
    method,
    body,
    headers: { "content-type": "application/json", ...headers },
  });
const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { data: { code: string } } }).error.data.code;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(5);
}

/** A raw WebSocket connection that has shaken hands. */
async function handshake(headers = "", paused = false): Promise<RawConnection> {
  const before = doors.links.length;
  const raw = new RawConnection(url(), { paused });
  raw.write(`${HANDSHAKE}\r\n${headers}\r\n`);
  const refused = () => /HTTP\/1.1 [45]/.test(raw.received.toString("latin1"));
  await until(() => doors.links.length > before || refused());
  return raw;
}

describe("requests", () => {
  test("body, token and address reach the gateway", async () => {
    open();
    const body = JSON.stringify({ ...RPC, params: "ü" });
    expect((await post(body, { authorization: "Bearer hft_x" })).status).toBe(200);
    const operator = false;
    expect(doors.calls).toEqual([{ body, token: "hft_x", address: "127.0.0.1", operator }]);
  });

  test("[R10.1] a body past the bound is too_large, told by its length or not", async () => {
    open({ bounds: { bodyBytesMax: 1000 } });
    const told = await post("x".repeat(1001));
    expect([told.status, await codeOf(told)]).toEqual([413, "too_large"]);
    const raw = new RawConnection(url());
    const head = "POST /v1/rpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    raw.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    raw.write(`258\r\n${"x".repeat(600)}\r\n`);
    raw.write(`258\r\n${"x".repeat(600)}\r\n`);
    expect(await raw.heard(/413 [\s\S]*too_large/)).not.toBeNull();
    await raw.closed;
    expect((await post("x".repeat(1000))).status).toBe(200);
    expect(doors.calls).toHaveLength(1);
  });

  test("a body that does not come to its end is given up", async () => {
    open({ bounds: { bodyWaitMs: 200 } });
    const raw = new RawConnection(url());
    const head = "POST /v1/rpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    raw.write(`${head}Content-Length: 100\r\n\r\n{`);
    const drip = setInterval(() => raw.write(" "), 20);
    expect(await raw.heard(/HTTP\/1.1 408/)).not.toBeNull();
    await raw.closed;
    clearInterval(drip);
    expect(doors.calls).toHaveLength(0);
  });

  test("a head that does not come to its end is given up", async () => {
    open();
    const raw = new RawConnection(url());
    raw.write("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    const drip = setInterval(() => raw.write("a"), 500);
    await raw.closed;
    clearInterval(drip);
    expect(raw.received.toString()).not.toContain("200");
  });

  test("bytes that are not UTF-8, another type, another method", async () => {
    open();
    const bytes = await post(new Uint8Array([0x22, 0xff, 0x22]));
    expect([bytes.status, await codeOf(bytes)]).toEqual([400, "invalid"]);
    const type = await post("{}", { "content-type": "text/plain" });
    expect([type.status, await codeOf(type)]).toEqual([415, "invalid"]);
    const method = await post("{}", {}, "PUT");
    expect([method.status, method.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    expect((await fetch(`${url()}/v1/rpc`)).status).toBe(405);
    expect((await fetch(`${url()}/healthz`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${url()}/v1/nothing`)).status).toBe(404);
    expect(doors.calls).toHaveLength(0);
  });

  test("headers that keep browsers from making something of an answer", async () => {
    open();
    for (const path of ["/", "/healthz", "/v1/openrpc.json", "/nothing"]) {
      const { headers } = await fetch(url() + path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    }
  });

  test("more requests at once than the bound are turned away", async () => {
    open({ bounds: { requestsMax: 2 } });
    const answers = Promise.withResolvers<void>();
    doors.call = async (call) => {
      doors.calls.push(call);
      await answers.promise;
      return { status: 200, body: "{}" };
    };
    const first = [post("{}"), post("{}")];
    await until(() => doors.calls.length === 2);
    const third = await post("{}");
    expect([third.status, await codeOf(third)]).toEqual([503, "unavailable"]);
    answers.resolve();
    for (const { status } of await Promise.all(first)) expect(status).toBe(200);
  });
});

describe("where a request comes from", () => {
  const forwarded = { "x-forwarded-for": "203.0.113.5" };

  test("X-Forwarded-For counts from trusted proxies only", async () => {
    open();
    await post("{}", forwarded);
    await listener.close();
    open({ trustedProxies: [parseRange("127.0.0.0/8")!] });
    await post("{}", forwarded);
    await handshake("X-Forwarded-For: 203.0.113.7\r\n");
    expect(doors.calls.map(({ address }) => address)).toEqual(["127.0.0.1", "203.0.113.5"]);
    expect(doors.addresses).toEqual(["203.0.113.7"]);
  });

  test("[R48] the operator's token is good from this machine, not through a proxy on it", async () => {
    open();
    const authorization = `Bearer ${OPERATOR}`;
    expect((await post("{}", { authorization })).status).toBe(200);
    expect(doors.calls).toMatchObject([{ operator: true, token: null }]);
    for (const more of [forwarded, { via: "1.1 x" }, { forwarded: "for=127.0.0.1" }]) {
      const passedOn = await post("{}", { authorization, ...more });
      expect([passedOn.status, await codeOf(passedOn)]).toEqual([401, "unauthorized"]);
    }
    const wrong = await post("{}", { authorization: `${authorization.slice(0, -1)}!` });
    expect(wrong.status).toBe(401);
    expect(doors.calls).toHaveLength(1);
  });

  test("figures are for this machine, and not through a proxy or another site's name", async () => {
    open();
    const get = (headers: Record<string, string> = {}) => fetch(`${url()}/metrics`, { headers });
    expect((await get()).status).toBe(200);
    expect((await get({ "x-forwarded-for": "127.0.0.1" })).status).toBe(403);
    expect((await get({ host: "evil.example.com" })).status).toBe(403);
    expect((await get({ host: "localhost:7300" })).status).toBe(200);
  });

  test("pages of other origins may neither call nor connect", async () => {
    open({ url: "https://chat.example.com" });
    const { host } = new URL(url());
    const good = [`http://${host}`, "https://chat.example.com"];
    for (const origin of good) {
      const answer = await post("{}", { origin });
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      const preflight = await post("", { origin }, "OPTIONS");
      expect(preflight.status).toBe(204);
    }
    const bad = [
      "https://evil.example.com",
      "null",
      "file://",
      "https://chat.example.com.evil.org",
    ];
    for (const origin of bad) {
      const answer = await post("{}", { origin });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([
        403,
        null,
      ]);
      const raw = await handshake(`Origin: ${origin}\r\n`);
      expect(await raw.heard(/403 /)).not.toBeNull();
    }
    expect(doors.calls).toHaveLength(good.length);
    expect(doors.links).toHaveLength(0);
    await handshake("Origin: https://chat.example.com\r\n");
    await handshake("Origin: http://localhost\r\n"); // the host that HANDSHAKE names
    expect(doors.links).toHaveLength(2);
  });
});

describe("sockets", () => {
  test("frames reach the gateway, binary ones as null", async () => {
    open();
    const raw = await handshake();
    raw.write(frame(1, Buffer.from("hello")));
    raw.write(frame(2, Buffer.from([1, 2, 3])));
    await until(() => doors.frames.length === 2);
    expect(doors.frames).toEqual(["hello", null]);
  });

  const bad: Record<string, [Buffer, number]> = {
    "a frame past the bound": [frame(1, Buffer.alloc(1001, 65)), 1009],
    "fragments past the bound": [
      Buffer.concat([frame(1, Buffer.alloc(600, 65), false), frame(0, Buffer.alloc(600, 65))]),
      1009,
    ],
    "text that is not UTF-8": [frame(1, Buffer.from([0xff, 0xfe])), 1007],
    "a frame of no known kind": [frame(3, Buffer.from("x")), 1002],
  };
  for (const [what, [bytes, code]] of Object.entries(bad)) {
    test(`[R10.1] ${what} closes its own connection with ${code}`, async () => {
      open({ bounds: { frameBytesMax: 1000 } });
      const other = await handshake();
      const raw = await handshake();
      raw.write(bytes);
      await raw.closed;
      const close = raw.received.subarray(raw.received.indexOf("\r\n\r\n") + 4);
      expect([close[0], close.readUInt16BE(2)]).toEqual([0x88, code]);
      expect(doors.frames).toEqual([]);
      other.write(frame(1, Buffer.from("still here")));
      await until(() => doors.frames.length === 1);
    });
  }

  test("direct sends and topics arrive in the order in which they were sent", async () => {
    open();
    doors.onAttach = (link) => link.subscribe("t");
    const socket = new WebSocket(`${url().replace("http", "ws")}/v1/ws`);
    const heard: string[] = [];
    socket.onmessage = ({ data }) => heard.push(String(data));
    await until(() => doors.links.length === 1);
    const link = doors.links[0]!;
    const sent: string[] = [];
    for (let i = 0; i < 300; i++) {
      const text = `${i} ${"x".repeat(i % 7 === 0 ? 20_000 : 10)}`;
      sent.push(text);
      if (i % 3 === 0) link.send(text);
      else listener.sockets.publish("t", text);
    }
    link.send("last");
    link.close(1001, "bye");
    await new Promise((resolve) => {
      socket.onclose = resolve;
    });
    expect(heard).toEqual([...sent, "last"]);
  });

  const backlogBytesMax = 256 * 1024;
  const text = "x".repeat(16 * 1024);
  for (const way of ["published", "sent"] as const) {
    test(`[R10.4, R35] a reader that does not read what is ${way} is cut off, and misses nothing in between`, async () => {
      open({ bounds: { backlogBytesMax } });
      doors.onAttach = (link) => link.subscribe("t");
      const slow = await handshake("", true);
      const quick = await handshake();
      const [slowLink, quickLink] = doors.links as [Link, Link];
      let count = 0;
      while (doors.closed === 0) {
        const numbered = `#${count++}#${text}`;
        if (way === "published") listener.sockets.publish("t", numbered);
        else for (const link of [slowLink, quickLink]) link.send(numbered);
        await Bun.sleep(0);
      }
      expect(listener.sockets.closes).toEqual({ slow: 1 });
      expect(listener.sockets.count).toBe(1);
      // What it had been sent before it was cut is a beginning of it all, without a hole.
      slow.listen();
      slow.socket.resume();
      await slow.closed;
      const numbers = [...slow.received.toString("latin1").matchAll(/#(\d+)#/g)].map((m) =>
        Number(m[1]),
      );
      expect(numbers.length).toBeLessThan(count);
      expect(numbers).toEqual(numbers.map((_, i) => i));
      // The other one has everything.
      expect(await quick.heard(new RegExp(`#${count - 1}#`))).not.toBeNull();
      expect(doors.closed).toBe(1);
    });
  }

  test("[R10.4] all backlogs together have a bound: the longest is cut off", async () => {
    open({ bounds: { backlogTotalBytesMax: 512 * 1024, backlogBytesMax: 1024 * 1024 * 1024 } });
    const slow = await handshake("", true);
    while (doors.closed === 0 && !slow.socket.destroyed) {
      doors.links[0]!.send(text.repeat(20));
      await Bun.sleep(20);
    }
    expect(listener.sockets.closes).toEqual({ backlog: 1 });
  });

  test("a connection whose other end is gone without a word is closed", async () => {
    open({ bounds: { idleTimeoutS: 8 } });
    const raw = await handshake(); // never answers a ping
    await raw.closed;
    expect(listener.sockets.closes).toEqual({ idle: 1 });
    expect(doors.closed).toBe(1);
  });

  test("[R10.5] past the bound no connection is taken, and a place that is left is given again", async () => {
    open({ bounds: { connectionsMax: 2 } });
    const first = await handshake();
    await handshake();
    const third = await handshake();
    expect(await third.heard(/503 /)).not.toBeNull();
    first.socket.destroy();
    await until(() => doors.closed === 1);
    await handshake();
    expect(doors.links).toHaveLength(3);
  });

  test("[R10.5] one address may hold a share only", async () => {
    open({ trustedProxies: [parseRange("127.0.0.1")!], bounds: { connectionsMax: 8 } });
    const far = "X-Forwarded-For: 203.0.113.5\r\n";
    await handshake(far);
    await handshake(far);
    expect(await (await handshake(far)).heard(/503 /)).not.toBeNull();
    await handshake("X-Forwarded-For: 203.0.113.6\r\n");
    expect(doors.links).toHaveLength(3);
  });
});
