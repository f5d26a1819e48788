/** The port of a whole server: health while it starts, figures, TLS, logs, and what happens at the worst moment. */
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EXIT_CODES } from "../src/server/exit-codes.ts";
import {
  type Answer,
  cleanUp,
  frame,
  HANDSHAKE,
  HoldfastProcess,
  messagesOf,
  RawConnection,
  rpc,
  scratch,
  serve,
  signUp,
} from "./server-process.ts";

afterEach(cleanUp);

/** A port that was free a moment ago, for a server whose address must be known before it says it. */
async function freePort(): Promise<number> {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
  const port = probe.port as number;
  await probe.stop(true);
  return port;
}

/** Posts `count` messages over one connection, all in flight at once. */
async function postMany(url: string, token: string, count: number): Promise<void> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ws`);
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  const send = (id: number, method: string, params: object) =>
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  let answered = 0;
  let next = 1;
  const window = 1_000;
  const post = () => {
    const params = { to: "@bob", text: `message ${next}`, id: Bun.randomUUIDv7() };
    send(next++, "message.post", params);
  };
  const done = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    const { id, error } = JSON.parse(String(data)) as Answer & { id?: number };
    if (error !== undefined) done.reject(new Error(error.message));
    if (id === undefined) return;
    if (id > 0 && ++answered === count) done.resolve();
    if (id === 0) for (let i = 0; i < Math.min(window, count); i++) post();
    else if (next <= count) post();
  };
  send(0, "session.resume", { token });
  await done.promise;
  socket.close();
}

describe("health", () => {
  test("[R22] while the view is made anew it is alive and not ready, and says why", async () => {
    const folder = scratch();
    const listen = `127.0.0.1:${await freePort()}`;
    const args = ["--name", "a", "--listen", listen, "--writes-per-second", "0"];
    const first = serve(folder, args);
    const url = await first.ready();
    const token = await signUp(url, "bob");
    await postMany(url, token, 20_000);
    await first.stop();
    for (const end of ["", "-wal", "-shm"])
      rmSync(join(folder, "a", `view.db${end}`), { force: true });
    const second = serve(folder, args);
    const reasons = new Set<string>();
    const healths = new Set<number>();
    const refusals = new Set<string>();
    // Several at once, so that one is always waiting when a slice of the work is done.
    const watch = async (): Promise<void> => {
      for (;;) {
        const readyz = await fetch(`${url}/readyz`).catch(() => null);
        if (readyz?.status === 200) return;
        if (readyz === null) continue;
        expect(readyz.status).toBe(503);
        reasons.add((await readyz.text()).replace(/\d+/g, "N").trim());
        healths.add((await fetch(`${url}/healthz`)).status);
        const { error } = await rpc(url, "server.hello");
        if (error !== undefined) refusals.add(error.data.code);
      }
    };
    await Promise.all(Array.from({ length: 8 }, watch));
    expect([...reasons]).toContain("folding the log: N of N ops");
    expect([...healths]).toEqual([200]);
    expect([...refusals]).toEqual(["unavailable"]);
    expect(second.err).toContain("the view is made anew");
    const { result } = await rpc(url, "message.history", { in: "@bob", limit: 1 }, token);
    expect(JSON.stringify(result)).toContain("message 20000");
  });
});

describe("figures", () => {
  test("count what happened", async () => {
    const server = serve(scratch());
    const url = await server.ready();
    const token = await signUp(url, "bob");
    await rpc(url, "message.post", { to: "@bob", text: "hi", id: Bun.randomUUIDv7() }, token);
    await rpc(url, "message.post", { to: "@nobody", text: "hi", id: Bun.randomUUIDv7() }, token);
    const raw = new RawConnection(url);
    raw.write(`${HANDSHAKE}\r\n\r\n`);
    await raw.heard(/101 /);
    raw.write(frame(1, new Uint8Array(200_000)));
    await raw.closed;
    const text = await (await fetch(`${url}/metrics`)).text();
    const value = (name: string) => {
      const line = text.split("\n").find((one) => one.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.slice(name.length));
    };
    expect(value('holdfast_requests_total{method="message.post",code="ok"}')).toBe(1);
    expect(value('holdfast_request_seconds_count{method="message.post"}')).toBe(2);
    expect(value("holdfast_commit_seconds_count")).toBeGreaterThanOrEqual(2);
    expect(value("holdfast_log_ops")).toBeGreaterThanOrEqual(2);
    expect(value('holdfast_ops_total{kind="message.post"}')).toBe(1);
    expect(value('holdfast_closes_total{reason="too_large"}')).toBe(1);
    expect(value("holdfast_fold_lag_ops")).toBe(0);
    expect(value("holdfast_pending_ops")).toBe(0);
    expect(value("holdfast_storage_free_bytes")).toBeGreaterThan(0);
    expect(value("holdfast_clock_leap_seconds")).toBe(0);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e7);
    expect(value('holdfast_refusals_total{reason="no_such_recipient"}')).toBe(1);
  });

  test("are for whom --metrics-allow names, besides this machine", async () => {
    const all = ["--name", "a", "--listen", "127.0.0.1:0", "--metrics-allow", "203.0.113.0/24"];
    const url = await serve(scratch(), all).ready();
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    const passedOn = { "x-forwarded-for": "203.0.113.5" };
    expect((await fetch(`${url}/metrics`, { headers: passedOn })).status).toBe(403);
  });
});

test("the methods are described", async () => {
  const url = await serve(scratch()).ready();
  const document = (await (await fetch(`${url}/v1/openrpc.json`)).json()) as {
    methods: { name: string; params: { name: string; required: boolean }[] }[];
    servers: { url: string }[];
  };
  const post = document.methods.find(({ name }) => name === "message.post");
  expect(
    post?.params
      .filter(({ required }) => required)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(["id", "text", "to"]);
  expect(document.servers[0]?.url).toBe(`${url}/v1/rpc`);
});

const openssl = Bun.which("openssl");
test.skipIf(openssl === null)(
  "TLS: https and wss (skipped where there is no openssl)",
  async () => {
    const folder = scratch();
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
    const files = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"];
    expect(Bun.spawnSync([openssl as string, ...request, ...files], { cwd: folder }).exitCode).toBe(
      0,
    );
    const args = ["--name", "a", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    const url = await serve(folder, args).ready();
    expect(url).toStartWith("https://");
    const tls = { rejectUnauthorized: false };
    expect((await fetch(`${url}/readyz`, { tls })).status).toBe(200);
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ws`, { tls } as never);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    socket.close();
    expect(
      await fetch(url.replace("https", "http")).then(
        ({ ok }) => ok,
        () => false,
      ),
    ).toBe(false);
  },
);

describe("the log", () => {
  test("holds no password and no token, at its most talkative", async () => {
    const server = serve(scratch(), ["--name", "a", "--log-level", "debug"]);
    const url = await server.ready();
    const token = await signUp(url, "bob");
    await rpc(url, "session.list", {}, token);
    await rpc(url, "session.open", {
      name: "bob",
      password: "wrong password",
      id: Bun.randomUUIDv7(),
    });
    const { err } = await server.stop();
    expect(err).toContain('"serving"');
    for (const secret of ["correct horse", "wrong password", token])
      expect(err).not.toContain(secret);
  });

  test("is JSON where there is no terminal, and lines when asked", async () => {
    const json = await serve(scratch())
      .ready()
      .then(() => null);
    expect(json).toBeNull();
    const server = serve(scratch(), ["--name", "a", "--log-format", "text"]);
    await server.ready();
    const { err } = await server.stop();
    expect(err).toMatch(/INFO.*serving/);
    expect(() => JSON.parse(err.split("\n")[0] as string)).toThrow();
  });
});

describe("the worst moments", () => {
  for (const point of ["before_append", "before-commit", "after-commit", "folded", "published"]) {
    test(`killed at ${point}: what was acknowledged is there at the next start, and a repeat has one effect`, async () => {
      const folder = scratch();
      const first = serve(folder);
      const token = await signUp(await first.ready(), "bob");
      await first.stop();
      const server = serve(folder, ["--name", "a"], { HOLDFAST_TEST_KILL_AT: `${point}:2` });
      const url = await server.ready();
      const post = (text: string, id: string) =>
        rpc(url, "message.post", { to: "@bob", text, id }, token);
      expect((await post("kept", Bun.randomUUIDv7())).error).toBeUndefined();
      const id = Bun.randomUUIDv7();
      expect(await post("perhaps", id).catch(() => null)).toBeNull();
      expect((await server.ended()).code).not.toBe(0);
      const again = serve(folder);
      const next = await again.ready();
      const repeat = await rpc(next, "message.post", { to: "@bob", text: "perhaps", id }, token);
      expect(repeat.error).toBeUndefined();
      const history = await rpc(next, "message.history", { in: "@bob" }, token);
      expect(messagesOf(history).map(({ text }) => text)).toEqual(["kept", "perhaps"]);
    });
  }

  test("[R54] a disk that fails ends it with its own code, and nothing is acknowledged after", async () => {
    const folder = scratch();
    // Files may not grow past this many KiB: the log fails as on a broken disk, not as on a full one.
    const limit = ["bash", "-c", 'trap "" XFSZ; ulimit -f 1024; exec "$@"', "-"];
    const args = ["serve", "--name", "a", "--listen", "127.0.0.1:0", "--writes-per-second", "0"];
    const server = new HoldfastProcess(args, folder, {}, limit);
    const url = await server.ready();
    const token = await signUp(url, "bob");
    let acknowledged = 0;
    for (let going = true; going; ) {
      const params = { to: "@bob", text: "x".repeat(8_000), id: Bun.randomUUIDv7() };
      const { result } = await rpc(url, "message.post", params, token).catch((): Answer => ({}));
      going = result !== undefined;
      if (going) acknowledged++;
    }
    const { code, err } = await server.ended();
    expect(code).toBe(EXIT_CODES.storage_failed);
    expect(err).toContain("storage failed");
    const again = serve(folder, ["--name", "a"]);
    const params = { in: "@bob", limit: 200 };
    const history = await rpc(await again.ready(), "message.history", params, token);
    expect(messagesOf(history).length).toBeGreaterThanOrEqual(Math.min(acknowledged, 200));
  });
});

test("an erased text leaves every file of a running server", async () => {
  const folder = scratch();
  const url = await serve(folder).ready();
  const token = await signUp(url, "bob");
  const needle = "quicksilverneedle";
  const params = { to: "@bob", text: `a ${needle} here`, id: Bun.randomUUIDv7() };
  const { result } = await rpc(url, "message.post", params, token);
  const found = await rpc(url, "message.search", { text: needle }, token);
  expect(messagesOf(found)).toHaveLength(1); // it is in the index, too
  const holders = () =>
    readdirSync(join(folder, "a")).filter((name) =>
      readFileSync(join(folder, "a", name))
        .toString("latin1")
        .includes(needle),
    );
  expect(holders()).not.toEqual([]);
  const message = (result?.message as { id: string } | undefined)?.id;
  await rpc(url, "message.delete", { message, id: Bun.randomUUIDv7() }, token);
  while (holders().length > 0) await Bun.sleep(100);
  expect(holders()).toEqual([]);
});

test("a wrong command line is usage, with a hint", async () => {
  for (const args of [["serve", "--nonsense"], ["sreve"], ["serve", "--listen", "x"]]) {
    const { code, err } = await new HoldfastProcess(args, scratch()).ended();
    expect(code).toBe(EXIT_CODES.usage);
    expect(err).not.toBe("");
  }
});
