/**
 * The page as a whole server serves it: every file that it names, what browsers are told to allow, and the
 * cookie that stands for a session. What is in the page is tested in a browser.
 */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { buildWeb } from "../scripts/build-web.mjs";
import { readPack } from "../src/server/page-pack.ts";
import { PASSWORD, Person } from "./cli-people.ts";
import {
  type Answer,
  cleanUp,
  holdfast,
  RawConnection,
  rpc,
  scratch,
  serve,
  signUp,
} from "./server-process.ts";

const PAGE = join(import.meta.dir, "..", "dist", "page.bin");
const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

beforeAll(() => {
  if (!existsSync(PAGE) && buildWeb() !== 0) throw new Error("the page was not built");
});
afterEach(cleanUp);

const ask = (url: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(url, { method, headers, decompress: false } as RequestInit);

describe("the page", () => {
  test("[R70] the headers of the page, to the letter", async () => {
    const url = await serve(scratch()).ready();
    const { host } = new URL(url);
    const { status, headers } = await ask(url, HTML);
    expect(status).toBe(200);
    expect(headers.get("content-security-policy")).toBe(
      [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        `connect-src 'self' ws://${host}`,
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types holdfast-worker",
      ].join("; "),
    );
    const others = {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "access-control-allow-origin": null,
      "set-cookie": null,
    };
    for (const [name, value] of Object.entries(others)) expect(headers.get(name), name).toBe(value);
    expect(headers.get("permissions-policy")).toContain("camera=()");
  });

  test("[R70] all that the page names is there, and nothing in it runs or paints by itself", async () => {
    const url = await serve(scratch()).ready();
    const html = await (await ask(url, HTML)).text();
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).toContain("<noscript>");
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
    expect(html.match(/<script\b[^>]*>[^<]*<\/script>/g)).toEqual([
      expect.stringMatching(/^<script src="\/assets\/begin-[\w-]+\.js"><\/script>$/),
      expect.stringMatching(
        /^<script type="module" blocking="render" src="\/assets\/[\w-]+\.js"><\/script>$/,
      ),
    ]);
    const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path as string);
    const manifest = await ask(`${url}/manifest.webmanifest`);
    const { icons } = (await manifest.json()) as { icons: { src: string }[] };
    const types: Record<string, string> = {
      js: "text/javascript; charset=utf-8",
      css: "text/css; charset=utf-8",
      svg: "image/svg+xml",
      png: "image/png",
      webmanifest: "application/manifest+json",
    };
    const paths = new Set([...named, ...icons.map(({ src }) => src), "/sw.js"]);
    expect(paths.size).toBeGreaterThan(7);
    for (const path of paths) {
      const { status, headers } = await ask(url + path);
      const ending = path.split(".").at(-1) as string;
      expect([path, status, headers.get("content-type")]).toEqual([path, 200, types[ending] ?? ""]);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      const kept = path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
      expect(headers.get("cache-control")).toBe(kept);
    }
  });

  test("in each encoding the same text; what is known is not sent again", async () => {
    const url = await serve(scratch()).ready();
    const plain = await ask(url, { ...HTML, "accept-encoding": "identity" });
    const text = await plain.text();
    const read = { gzip: gunzipSync, br: brotliDecompressSync };
    for (const [encoding, decode] of Object.entries(read)) {
      const answer = await ask(url, { ...HTML, "accept-encoding": encoding });
      expect(answer.headers.get("content-encoding")).toBe(encoding);
      const sent = new Uint8Array(await answer.arrayBuffer());
      expect(new TextDecoder().decode(decode(sent))).toBe(text);
      const etag = answer.headers.get("etag") as string;
      const again = await ask(url, { ...HTML, "if-none-match": etag });
      expect([again.status, await again.text()]).toEqual([304, ""]);
      expect(again.headers.get("content-security-policy")).toContain("connect-src");
    }
  });

  test("[R72] script and style of the whole page are at most 100 kB by brotli", async () => {
    const pack = readPack(new Uint8Array(await Bun.file(PAGE).arrayBuffer()));
    const files = [...(pack?.files.values() ?? [])].filter(({ path }) => /\.(js|css)$/.test(path));
    expect(files.length).toBeGreaterThan(2);
    const sizes = files.map(({ bodies }) => bodies.get("br")?.length ?? Number.NaN);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100_000);
  });

  test("HEAD is GET without a body; other methods are not for it", async () => {
    const url = await serve(scratch()).ready();
    const raw = new RawConnection(url);
    raw.write("HEAD / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    await raw.closed;
    const answer = raw.received.toString("latin1");
    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*etag: [\s\S]*\r\n\r\n$/i);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      for (const path of ["/", "/sw.js", "/assets/none.js"]) {
        const { status, headers } = await ask(url + path, HTML, method);
        expect([method, status, headers.get("allow")]).toEqual([method, 405, "GET, HEAD"]);
      }
    }
  });

  test("curl is told in words, and where to look", async () => {
    const url = await serve(scratch()).ready();
    const answer = await ask(url, { accept: "*/*" });
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await answer.text()).toContain(`Open ${url} in a browser`);
  });

  test("[R70] a hostile Host is refused or left out, and fills no log", async () => {
    const server = serve(scratch());
    const url = await server.ready();
    const before = server.err;
    const hosts = [
      "x; script-src *",
      '"><script>',
      "a b",
      "x@y",
      "x/y",
      "",
      "x:99999999",
      "*",
      "'",
    ];
    for (const host of hosts) {
      const raw = new RawConnection(url);
      raw.write(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
      );
      await raw.closed;
      const answer = raw.received.toString("latin1");
      expect(answer, host).toMatch(/^HTTP\/1.1 (200|400) /);
      if (answer.includes(" 200 ")) {
        expect(answer).toContain(`connect-src 'self' ws://${new URL(url).host};`);
      }
    }
    expect(server.err).toBe(before);
    const probe = new RawConnection(url); // old load balancers name no host at all
    probe.write("GET /healthz HTTP/1.0\r\n\r\n");
    expect(await probe.heard(/200 OK/)).not.toBeNull();
  });
});

/** A WebSocket that shook hands as told, and calls over it. */
async function connect(url: string, headers: Record<string, string>) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ws`, { headers } as never);
  const opened = await new Promise<boolean>((resolve) => {
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
  });
  const call = (method: string, params: object) =>
    new Promise<Answer>((resolve) => {
      socket.onmessage = ({ data }) => {
        const answer = JSON.parse(String(data)) as Answer & { id?: number };
        if (answer.id === 1) resolve(answer);
      };
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
    });
  return { opened, call, close: () => socket.close() };
}

describe("the cookie", () => {
  const cookieOf = (answer: Response) => answer.headers.get("set-cookie") ?? "";
  const codeOf = async (answer: Response) => ((await answer.json()) as Answer).error?.data.code;

  async function site() {
    const url = await serve(scratch()).ready();
    const token = await signUp(url, "ann");
    const own = { origin: url, authorization: `Bearer ${token}` };
    const post = (headers: Record<string, string>) => ask(`${url}/v1/cookie`, headers, "POST");
    return { url, token, own, post };
  }

  test("[R71] is set for the own page, by a token that is good, and taken away", async () => {
    const { url, token, own, post } = await site();
    const given = await post(own);
    expect([given.status, await given.text()]).toEqual([204, ""]);
    const { result } = await rpc(url, "server.hello");
    const name = `holdfast-${String(result?.cluster).slice(0, 8)}`;
    const kept = "Path=/v1; Max-Age=31536000; HttpOnly; SameSite=Strict";
    expect(cookieOf(given)).toBe(`${name}=${token}; ${kept}`);
    expect(given.headers.get("access-control-allow-origin")).toBeNull();
    const taken = await ask(`${url}/v1/cookie`, { origin: url }, "DELETE");
    expect(taken.status).toBe(204);
    expect(cookieOf(taken)).toBe(`${name}=; ${kept.replace("31536000", "0")}`);
  });

  test("[R71] over https it is Secure", async () => {
    const url = await serve(scratch()).ready();
    const token = await signUp(url, "ann");
    const host = "chat.example";
    const headers = { host, origin: `https://${host}`, authorization: `Bearer ${token}` };
    expect(cookieOf(await ask(`${url}/v1/cookie`, headers, "POST"))).toEndWith("Strict; Secure");
  });

  test("[R71] is refused to pages of others, to no page at all, and without a good token", async () => {
    const { url, token, own, post } = await site();
    const { port } = new URL(url);
    const foreign = [
      undefined,
      "null",
      "http://evil.example",
      "http://127.0.0.1:1",
      "http://127.0.0.1",
      `http://127.0.0.1.evil.example:${port}`,
    ];
    for (const origin of foreign) {
      const headers = { authorization: own.authorization, ...(origin ? { origin } : {}) };
      for (const method of ["POST", "DELETE", "OPTIONS"]) {
        const answer = await ask(`${url}/v1/cookie`, headers, method);
        expect([origin, answer.status, await codeOf(answer)]).toEqual([origin, 403, "forbidden"]);
        expect(answer.headers.get("set-cookie")).toBeNull();
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      }
    }
    const bad = ["Bearer", "Bearer x", `Bearer hft_${"A".repeat(43)}`, `Basic ${token}`, ""];
    for (const authorization of bad) {
      const answer = await post({ ...own, authorization });
      expect([authorization, answer.status]).toEqual([authorization, 401]);
      expect(answer.headers.get("set-cookie")).toBeNull();
    }
    await rpc(url, "session.close", { id: Bun.randomUUIDv7() }, token);
    const over = await post(own);
    expect([over.status, await codeOf(over)]).toEqual([401, "unauthorized"]);
    const other = await ask(`${url}/v1/cookie`, { origin: url });
    expect([other.status, other.headers.get("allow")]).toEqual([405, "POST, DELETE"]);
  });

  test("[R71] a connection of the own page resumes by it; by nothing else", async () => {
    const { url, token, own, post } = await site();
    const cookie = cookieOf(await post(own)).split(";")[0] as string;
    const resume = async (headers: Record<string, string>) => {
      const { opened, call, close } = await connect(url, headers);
      if (!opened) return "refused";
      const { result, error } = await call("session.resume", { token: "cookie" });
      close();
      return error?.data.code ?? (result?.account as { name: string } | undefined)?.name;
    };
    expect(await resume({ origin: url, cookie })).toBe("ann");
    expect(await resume({ origin: url, cookie: `x=y; ${cookie}; z=` })).toBe("ann");
    expect(await resume({ origin: url })).toBe("unauthorized");
    // No browser: it may connect, and has to say its token itself.
    expect(await resume({ cookie })).toBe("unauthorized");
    // Another port of this host is the same site, and browsers send it the cookie.
    expect(await resume({ origin: "http://127.0.0.1:1", cookie })).toBe("refused");
    expect(await resume({ origin: url, cookie: `holdfast-otherone=${token}` })).toBe(
      "unauthorized",
    );
    await rpc(url, "session.close", { id: Bun.randomUUIDv7() }, token);
    expect(await resume({ origin: url, cookie })).toBe("unauthorized");
  });

  test("[R71] it signs no request of /v1/rpc", async () => {
    const { url, own, post } = await site();
    const cookie = cookieOf(await post(own)).split(";")[0] as string;
    const request = { jsonrpc: "2.0", id: 1, method: "session.list", params: {} };
    const answer = await fetch(`${url}/v1/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url, cookie },
      body: JSON.stringify(request),
    });
    expect([answer.status, await codeOf(answer)]).toEqual([401, "unauthorized"]);
    const resumed = await fetch(`${url}/v1/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url, cookie },
      body: JSON.stringify({ ...request, method: "session.resume", params: { token: "cookie" } }),
    });
    expect(await codeOf(resumed)).toBe("unauthorized");
  });
});

describe("the first start", () => {
  const SETUP = /(http:\S+)\/#\/join\/(setup(?:-[0-9a-v]{5}){4})\b/;
  const create = (url: string, name: string, invitation: string, id = Bun.randomUUIDv7()) =>
    rpc(url, "account.create", { name, password: "correct horse", invitation, id });

  test("[R49] the server prints an address until there is an administrator", async () => {
    const folder = scratch();
    const closed = ["--name", "a", "--sign-up", "closed"];
    const first = serve(folder, closed);
    const url = await first.ready();
    const [, at, code = ""] = await first.said(SETUP);
    expect(at).toBe(url);
    expect((await rpc(url, "server.hello")).result?.setup).toBe(true);
    const made = await create(url, "root", code);
    expect(made.result?.account).toMatchObject({ name: "root", admin: true });
    expect((await rpc(url, "server.hello")).result).not.toHaveProperty("setup");
    await first.stop();
    const second = serve(folder, closed);
    await second.ready();
    await second.said(/Ctrl\+C stops the server/);
    expect(second.out).not.toContain("setup-");
    expect(second.out).toContain("Open it in a browser");
  });

  test("[R49] where a log is read by programs, it is in the log", async () => {
    const server = serve(scratch(), ["--name", "a", "--log-format", "json"]);
    const [line] = await server.said(/\{.*"setup":.*\}/);
    expect((JSON.parse(line) as { setup: string }).setup).toMatch(SETUP);
    expect(server.out).toBe("");
  });

  test("[R49] the command takes the code", async () => {
    const folder = scratch();
    const server = serve(folder, ["--name", "a", "--sign-up", "invitation"]);
    const [, url = "", code = ""] = await server.said(SETUP);
    const args = ["account", "create", "root", "--server", url, "--invitation", code];
    const environment = { HOLDFAST_PASSWORD: "correct horse", HOLDFAST_CONFIG_DIR: scratch() };
    const made = await holdfast(folder, [...args, "--json"], { environment });
    expect([made.code, made.err]).toEqual([0, ""]);
    expect(JSON.parse(made.out)).toMatchObject({ account: { name: "root", admin: true } });
  });

  test("[R49] so does the chat, also where nobody else may make an account", async () => {
    const server = serve(scratch(), ["--name", "a", "--sign-up", "closed"]);
    const [, url = "", code = ""] = await server.said(SETUP);
    const seat = new Person().sit(["chat", "--server", url, "--invitation", code]);
    await seat.sees("Sign in (s) or create an account (c)?");
    seat.enter("c");
    await seat.sees("Name: ");
    seat.enter("root");
    await seat.sees("Password: ");
    seat.enter(PASSWORD);
    await seat.sees("Once more: ");
    seat.enter(PASSWORD);
    await seat.sees("you are root");
    seat.enter("EXIT");
    expect(await seat.left()).toBe(0);
    expect((await rpc(url, "server.hello")).result).not.toHaveProperty("setup");
  });
});
