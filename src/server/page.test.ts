/** What the page is answered with, on a pack made here; test/server-page.test.ts has the real one. */
import { afterEach, describe, expect, test } from "bun:test";
import { Listener } from "./listener.ts";
import { Page, type PageOptions } from "./page.ts";
import { type Encoding, type PageFile, packPage, readPack } from "./page-pack.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

function file(path: string, encodings: Encoding[], more: Partial<PageFile> = {}): PageFile {
  const bodies = new Map(encodings.map((encoding) => [encoding, bytes(`${encoding} ${path}`)]));
  const type = "text/html; charset=utf-8";
  return { path, type, immutable: false, etag: 'W/"tag"', bodies, ...more };
}

const pack = readPack(
  new Uint8Array(
    packPage("stamp-1", [
      file("/", ["identity", "gzip", "br"]),
      file("/sw.js", ["identity", "gzip"]),
      file("/assets/a-1.js", ["identity", "br"], { immutable: true, type: "text/javascript" }),
      file("/icon.png", ["identity"], { type: "image/png" }),
    ]),
  ),
);

function ask(
  path: string,
  headers: Record<string, string> = {},
  more: Partial<PageOptions> = {},
): Response | null {
  const options = { pack, tls: false, servers: () => [], welcome: () => "welcome", ...more };
  const request = new Request(`http://chat.example${path}`, {
    headers: { host: "chat.example", accept: "text/html,*/*;q=0.8", ...headers },
  });
  return new Page(options).answer(request, path);
}

const policyOf = (answer: Response | null) => answer?.headers.get("content-security-policy") ?? "";
const connectOf = (answer: Response | null) =>
  /connect-src ([^;]*)/.exec(policyOf(answer))?.[1]?.split(" ");

test("a pack comes back as it was; what is none is none", () => {
  expect(pack?.stamp).toBe("stamp-1");
  expect([...(pack?.files.keys() ?? [])]).toEqual(["/", "/sw.js", "/assets/a-1.js", "/icon.png"]);
  const index = pack?.files.get("/");
  expect(Buffer.from(index?.bodies.get("br") ?? []).toString()).toBe("br /");
  expect(readPack(bytes(""))).toBeNull();
  expect(readPack(bytes("holdfast-page 2 x\n2\n[]"))).toBeNull();
  expect(readPack(bytes("holdfast-page 1 x\n99\n[]"))).toBeNull();
});

describe("encodings", () => {
  const chosen: [header: string | null, path: string, body: string][] = [
    [null, "/", "identity /"],
    ["", "/", "identity /"],
    ["gzip, deflate, br, zstd", "/", "br /"],
    ["gzip, deflate", "/", "gzip /"],
    ["GZIP;q=1.0, BR;q=0.1", "/", "br /"],
    ["br;q=0, gzip", "/", "gzip /"],
    ["br; q=0.000, gzip ; q=0", "/", "identity /"],
    ["br;q=0.001", "/", "br /"],
    ["*", "/", "br /"],
    ["*;q=0", "/", "identity /"],
    ["br;q=0, *", "/", "gzip /"],
    ["identity", "/", "identity /"],
    ["brotli, xbr", "/", "identity /"],
    ["gzip, br", "/sw.js", "gzip /sw.js"],
    ["gzip, br", "/icon.png", "identity /icon.png"],
  ];
  for (const [header, path, body] of chosen) {
    test(`${header ?? "none asked for"}: ${body}`, async () => {
      const answer = ask(path, header === null ? {} : { "accept-encoding": header });
      const encoding = body.split(" ")[0] as string;
      expect(await answer?.text()).toBe(body);
      expect(answer?.headers.get("content-encoding")).toBe(
        encoding === "identity" ? null : encoding,
      );
      expect(answer?.headers.get("vary")).toContain("accept-encoding");
    });
  }
});

describe("kept copies", () => {
  for (const known of ['W/"tag"', '"tag"', '"other", W/"tag"', "*", ' "tag" ']) {
    test(`If-None-Match: ${known} is answered 304, with the headers of now`, async () => {
      const answer = ask("/", { "if-none-match": known });
      expect([answer?.status, await answer?.text()]).toEqual([304, ""]);
      for (const name of ["etag", "vary", "cache-control", "content-security-policy"]) {
        expect(answer?.headers.get(name)).toBe(ask("/")?.headers.get(name) ?? "it has none");
      }
    });
  }
  for (const known of ['"other"', "tag", 'W/"tagged"', ""]) {
    test(`If-None-Match: ${known} is not`, () => {
      expect(ask("/", { "if-none-match": known })?.status).toBe(200);
    });
  }
  test("what has its hash in its name is kept for good, all else is asked about", () => {
    const kept = (path: string) => ask(path)?.headers.get("cache-control");
    expect(kept("/assets/a-1.js")).toBe("public, max-age=31536000, immutable");
    for (const path of ["/", "/sw.js", "/icon.png"]) expect(kept(path)).toBe("no-cache");
  });
});

describe("[R70] where the page may connect", () => {
  const own: [host: string, sources: string[]][] = [
    ["chat.example", ["'self'", "ws://chat.example"]],
    ["Chat.Example:7300", ["'self'", "ws://chat.example:7300"]],
    ["192.168.1.5:7300", ["'self'", "ws://192.168.1.5:7300"]],
    ["[::1]:7300", ["'self'"]],
    ["*", ["'self'"]],
    ["*.example", ["'self'"]],
    ["a; script-src *", ["'self'"]],
    ["a 'unsafe-inline'", ["'self'"]],
    ["a,b", ["'self'"]],
    ["-a", ["'self'"]],
    ["a:http", ["'self'"]],
    ["x".repeat(300), ["'self'"]],
    ["", ["'self'"]],
  ];
  for (const [host, sources] of own) {
    test(`asked for at ${host.slice(0, 40)}`, () => {
      const answer = ask("/", { host });
      expect(connectOf(answer)).toEqual(sources);
      expect(policyOf(answer).split("; ")).toHaveLength(12);
    });
  }
  test("by TLS", () => {
    expect(connectOf(ask("/", {}, { tls: true }))).toEqual(["'self'", "wss://chat.example"]);
  });
  test("all servers of the cluster, each once; nothing that is no address", () => {
    const servers = () => [
      "http://chat.example",
      "https://b.example:7300/",
      "https://b.example:7300",
      "http://[fe80::1]:7300",
      "javascript:alert(1)",
      "https://c.example; script-src *",
      "nonsense",
    ];
    expect(connectOf(ask("/", {}, { servers }))).toEqual([
      "'self'",
      "ws://chat.example",
      "wss://b.example:7300",
    ]);
  });
});

test("[R70] the opener policy goes where browsers take it", () => {
  const policy = (headers: Record<string, string>, tls = false) =>
    ask("/", headers, { tls })?.headers.get("cross-origin-opener-policy");
  expect(policy({ host: "192.168.1.5:7300" })).toBeNull();
  expect(policy({ host: "localhost:7300" })).toBe("same-origin");
  expect(policy({ host: "[::1]:7300" })).toBe("same-origin");
  expect(policy({ "x-forwarded-for": "192.0.2.1" })).toBe("same-origin");
  expect(policy({}, true)).toBe("same-origin");
});

test("[R70] the worker may ask its own server, and nobody else", () => {
  const answer = ask("/sw.js");
  expect(policyOf(answer)).toBe("default-src 'none'; connect-src 'self'; frame-ancestors 'none'");
  expect(answer?.headers.get("service-worker-allowed")).toBe("/");
});

test("who is no browser gets words, and nobody another path's page", async () => {
  for (const accept of ["*/*", "text/plain", "application/xhtml+xml", "text/htmlx", ""]) {
    const answer = ask("/", { accept });
    expect(await answer?.text(), accept).toBe("welcome");
    expect(answer?.headers.get("vary")).toBe("accept");
  }
  expect(await ask("/", { accept: "application/xml, text/html;q=0.1" })?.text()).toBe("identity /");
  for (const path of ["/index.html", "/assets/", "/assets/a-2.js", "//", "/../etc/passwd"]) {
    expect(ask(path), path).toBeNull();
  }
});

test("without a page it says how to make one", async () => {
  const answer = ask("/", {}, { pack: null });
  expect(answer?.status).toBe(503);
  expect(await answer?.text()).toContain("npm run build:web");
  expect(await ask("/", { accept: "*/*" }, { pack: null })?.text()).toBe("welcome");
  expect(ask("/sw.js", {}, { pack: null })).toBeNull();
});

describe("behind the port", () => {
  let listener: Listener;
  afterEach(() => listener.close());

  test("[R70] the page is there before the server is, and while it stops", async () => {
    const options = { pack, tls: false, servers: () => [], welcome: () => "welcome" };
    listener = new Listener({
      listen: { host: "127.0.0.1", port: 0 },
      tls: null,
      url: null,
      trustedProxies: [],
      metricsAllow: [],
      page: new Page(options),
      openrpc: () => "{}",
      metrics: () => Promise.resolve(""),
      failed: (error) => {
        throw error;
      },
    });
    const get = async (path: string) => {
      const headers = { accept: "text/html", "accept-encoding": "identity" };
      const answer = await fetch(listener.localUrl + path, { headers });
      return [answer.status, await answer.text()];
    };
    expect(await get("/readyz")).toEqual([503, "starting\n"]);
    expect((await get("/"))[0]).toBe(200);
    expect(await get("/assets/a-1.js")).toEqual([200, expect.stringContaining("/assets/a-1.js")]);
  });
});
