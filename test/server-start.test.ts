/** A server as a process: it starts, remembers, stops, and refuses with everything left as it was. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { EXIT_CODES } from "../src/server/exit-codes.ts";
import {
  COMMAND,
  cleanUp,
  type Ended,
  fingerprint,
  HANDSHAKE,
  HoldfastProcess,
  RawConnection,
  rpc,
  scratch,
  serve,
  signUp,
} from "./server-process.ts";

afterEach(cleanUp);

/** A folder with the stopped server `a` in it, which holds an account. */
async function stoppedServer(): Promise<string> {
  const folder = scratch();
  const server = serve(folder);
  await signUp(await server.ready(), "bob");
  expect((await server.stop()).code).toBe(EXIT_CODES.ok);
  return folder;
}

/** Starts it, expects a refusal with this code, and that nothing on disk has changed. */
async function refused(
  folder: string,
  args: readonly string[],
  code: number,
  environment: Record<string, string> = {},
): Promise<Ended> {
  const before = fingerprint(folder);
  const ended = await serve(folder, args, environment).ended();
  expect({ code: ended.code, err: ended.err }).toEqual({ code, err: ended.err });
  expect(ended.err).toStartWith("holdfast: ");
  expect(ended.err.trimEnd().split("\n").length).toBeGreaterThanOrEqual(2); // what, and what to do
  expect(fingerprint(folder)).toBe(before);
  return ended;
}

describe("start and stop", () => {
  test("prints its address and what to do next, and serves", async () => {
    const server = serve(scratch());
    const url = await server.ready();
    expect(server.out).toContain(`chat --server ${url}`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(url)).text()).toContain("holdfast chat --server");
    const { result } = await rpc(url, "server.hello");
    expect(result?.server).toBe("a");
  });

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    test(`[R56] ${signal} ends it with 0, and everything is there at the next start`, async () => {
      const folder = scratch();
      const first = serve(folder);
      const token = await signUp(await first.ready(), "bob");
      expect((await first.stop(signal)).code).toBe(0);
      const second = serve(folder);
      const { result } = await rpc(await second.ready(), "session.list", {}, token);
      expect(result?.sessions).toHaveLength(1);
    });
  }

  test("[R56] a stop tells clients, lets requests in flight end, and closes with 1001", async () => {
    const server = serve(scratch());
    const url = await server.ready();
    const token = await signUp(url, "bob");
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ws`);
    const heard: string[] = [];
    socket.onmessage = ({ data }) => heard.push(String(data));
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    const closed = new Promise<CloseEvent>((resolve) => {
      socket.onclose = resolve;
    });
    socket.send(
      JSON.stringify({ jsonrpc: "2.0", id: 1, method: "session.resume", params: { token } }),
    );
    while (!heard.some((text) => text.includes("caught_up"))) await Bun.sleep(10);
    const password = {
      password: "correct horse",
      newPassword: "another one",
      id: Bun.randomUUIDv7(),
    };
    socket.send(
      JSON.stringify({ jsonrpc: "2.0", id: 2, method: "account.password", params: password }),
    );
    while (!heard.some((text) => text.includes("server.beat"))) await Bun.sleep(10);
    const ended = server.stop();
    expect((await closed).code).toBe(1001);
    expect((await ended).code).toBe(0);
    expect(heard.some((text) => text.includes('"server.stopping"'))).toBe(true);
    expect(heard.some((text) => text.includes('"id":2'))).toBe(true);
  });

  test("[R56] clients that never answer hold no stop up", async () => {
    const server = serve(scratch());
    const url = await server.ready();
    const token = await signUp(url, "bob");
    // One that takes nothing in and never says goodbye, one in the middle of a request, one that waits.
    const deaf = new RawConnection(url, { paused: true });
    deaf.write(`${HANDSHAKE}\r\n\r\n`);
    const half = new RawConnection(url);
    const head = "POST /v1/rpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    half.write(`${head}Content-Length: 100\r\n\r\n{`);
    const { result } = await rpc(url, "server.ping", {}, token);
    const params = { cursor: result?.cursor, waitMs: 25_000 };
    const poll = rpc(url, "events.read", params, token);
    // Both are there: what is still on its way to a server that stops is nobody's yet.
    const metrics = async () => await (await fetch(`${url}/metrics`)).text();
    const areThere = /^holdfast_connections 1$.*^holdfast_requests_in_flight 1$/ms;
    while (!areThere.test(await metrics())) await Bun.sleep(10);
    const { code, err } = await server.stop();
    expect(code).toBe(0);
    expect(err).toContain('"stopped"'); // in good order, not cut short by the last deadline
    expect(err).not.toContain("stopping took too long");
    expect((await poll).result?.events).toEqual([]);
  });

  test("a second signal leaves at once, a stuttered first one does not", async () => {
    const server = serve(scratch());
    const url = await server.ready();
    await signUp(url, "bob");
    // Password checks, two at a time, keep a stop in good order from ending at once.
    const params = { name: "bob", password: "correct horse" };
    const checks = Array.from({ length: 50 }, () =>
      rpc(url, "session.open", { ...params, id: Bun.randomUUIDv7() }).catch(() => null),
    );
    await Promise.race(checks);
    server.child.kill("SIGINT");
    server.child.kill("SIGINT");
    await server.said(/"stopping/);
    server.child.kill("SIGINT");
    server.child.kill("SIGSTOP"); // so that it cannot come to its end meanwhile
    await Bun.sleep(700);
    server.child.kill("SIGINT");
    server.child.kill("SIGCONT");
    expect((await server.ended()).code).toBe(130);
    expect(server.err).not.toContain('"stopped"');
    await Promise.all(checks);
  });

  test("a name given once is found again by its folder, and what was told is remembered", async () => {
    const folder = scratch();
    const first = serve(folder, ["--name", "a", "--peer", "10.0.0.2:7300"]);
    await first.ready();
    await first.stop();
    const second = serve(folder, ["--data", "a"]);
    await second.ready();
    expect(second.out).toContain("server a is ready");
    await second.stop();
    const kept = JSON.parse(readFileSync(join(folder, "a", "server.json"), "utf8"));
    expect(kept).toMatchObject({ name: "a", peers: ["10.0.0.2:7300"], running: null });
    expect(statSync(join(folder, "a", "server.json")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "a", "secret")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o700);
  });

  test("one secret makes one cluster, wherever the server is", async () => {
    const folder = scratch();
    const first = serve(folder, ["--name", "a"]);
    const { result: one } = await rpc(await first.ready(), "server.hello");
    const secret = ["--secret-file", join(folder, "a", "secret")];
    const second = serve(folder, ["--name", "b", ...secret]);
    const { result: two } = await rpc(await second.ready(), "server.hello");
    expect(two?.cluster).toBe(one?.cluster);
    const third = serve(folder, ["--name", "c"]);
    const { result: other } = await rpc(await third.ready(), "server.hello");
    expect(other?.cluster).not.toBe(one?.cluster);
    // And it is remembered where the secret is.
    await second.stop();
    const again = serve(folder, ["--name", "b"]);
    expect((await rpc(await again.ready(), "server.hello")).result?.cluster).toBe(one?.cluster);
  });
});

function runsAs(by: readonly string[]): boolean {
  try {
    return Bun.spawnSync([...by, ...COMMAND, "--version"], { cwd: "/" }).exitCode === 0;
  } catch {
    return false;
  }
}

test("what a start left unfinished is no obstacle to the next", async () => {
  const folder = scratch();
  mkdirSync(join(folder, "a"));
  writeFileSync(join(folder, "a", "secret.new"), "half a sec");
  writeFileSync(join(folder, "a", "server.json.new"), "{");
  const server = serve(folder);
  await signUp(await server.ready(), "bob");
  expect((await server.stop()).code).toBe(0);
  await serve(folder).ready();
});

describe("[R52] refusals change nothing and say why", () => {
  test("a second process on one data directory", async () => {
    const folder = await stoppedServer();
    const server = serve(folder);
    await server.ready();
    const second = await serve(folder).ended();
    expect(second.code).toBe(EXIT_CODES.locked);
    expect(second.err).toContain(String(server.child.pid));
    expect((await server.stop()).code).toBe(0);
  });

  test("a second process with the very same address, too", async () => {
    const folder = scratch();
    const server = serve(folder);
    const listen = new URL(await server.ready()).host;
    const second = await serve(folder, ["--name", "a", "--listen", listen]).ended();
    expect(second.code).toBe(EXIT_CODES.locked);
  });

  test("a port in use: the data directory is not even made", async () => {
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
    const folder = scratch();
    const args = ["--name", "a", "--listen", `127.0.0.1:${other.port}`];
    const { err } = await refused(folder, args, EXIT_CODES.port_in_use);
    expect(err).toContain(String(other.port));
    expect(existsSync(join(folder, "a"))).toBe(false);
    await other.stop(true);
  });

  test("a port in use by another Holdfast server: the two never share it", async () => {
    const first = serve(scratch());
    const listen = new URL(await first.ready()).host;
    await refused(scratch(), ["--name", "b", "--listen", listen], EXIT_CODES.port_in_use);
    expect((await first.stop()).code).toBe(0);
  });

  test("a port in use, with data", async () => {
    const folder = await stoppedServer();
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
    const args = ["--name", "a", "--listen", `127.0.0.1:${other.port}`];
    await refused(folder, args, EXIT_CODES.port_in_use);
    await other.stop(true);
  });

  test("an address of another machine", async () => {
    const args = ["--name", "a", "--listen", "203.0.113.7:7300", "--sign-up", "open"];
    await refused(scratch(), args, EXIT_CODES.address_unusable);
  });

  test("the data of another server", async () => {
    const folder = await stoppedServer();
    const args = ["--name", "b", "--data", "a"];
    const { err } = await refused(folder, args, EXIT_CODES.foreign_server);
    expect(err).toContain("server a");
  });

  test("the data of another cluster", async () => {
    const folder = await stoppedServer();
    writeFileSync(join(folder, "other"), `${Buffer.alloc(32, 7).toString("base64")}\n`, {
      mode: 0o600,
    });
    await refused(folder, ["--name", "a", "--secret-file", "other"], EXIT_CODES.foreign_cluster);
  });

  test("a secret that is missing, or is none", async () => {
    const folder = await stoppedServer();
    rmSync(join(folder, "a", "secret"));
    await refused(folder, ["--name", "a"], EXIT_CODES.foreign_cluster);
    writeFileSync(join(folder, "a", "secret"), "not a secret\n");
    await refused(folder, ["--name", "a"], EXIT_CODES.foreign_cluster);
    await refused(folder, ["--name", "c", "--secret-file", "gone"], EXIT_CODES.foreign_cluster);
  });

  test("a directory that holds something else", async () => {
    const folder = scratch();
    mkdirSync(join(folder, "a"));
    writeFileSync(join(folder, "a", "thesis.txt"), "years of work");
    const { err } = await refused(folder, ["--name", "a"], EXIT_CODES.not_a_store);
    expect(err).toContain("thesis.txt");
    writeFileSync(join(folder, "file"), "");
    await refused(folder, ["--name", "a", "--data", "file"], EXIT_CODES.not_a_store);
  });

  test("a newer data format", async () => {
    const folder = await stoppedServer();
    const { Database } = await import("bun:sqlite");
    const db = new Database(join(folder, "a", "log.db"));
    db.run("PRAGMA user_version = 9999");
    db.close();
    rmSync(join(folder, "a", "log.head"));
    await refused(folder, ["--name", "a"], EXIT_CODES.newer_format);
  });

  const user = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
  test.skipIf(!runsAs(user))(
    "no permission (skipped for root where setpriv or a readable checkout is missing)",
    async () => {
      const folder = await stoppedServer();
      chmodSync(join(folder, "a"), 0o000);
      const args = ["serve", "--name", "a", "--data", join(folder, "a")];
      const { code, err } = await new HoldfastProcess(args, "/", {}, user).ended();
      chmodSync(join(folder, "a"), 0o700);
      expect(code).toBe(EXIT_CODES.no_permission);
      expect(err).toContain("--data");
    },
  );

  test("[R50, R51] a damaged log: refused with the list, accepted with --accept-loss, which says what is lost", async () => {
    const folder = await stoppedServer();
    const log = join(folder, "a", "log.db");
    truncateSync(log, 8192);
    const { err } = await refused(folder, ["--name", "a"], EXIT_CODES.damaged);
    expect(err).toContain("--accept-loss");
    expect(err).toMatch(/missing|damaged|lost|structure/);
    const accepted = serve(folder, ["--name", "a", "--accept-loss"]);
    const url = await accepted.ready();
    expect(accepted.err).toContain("gave up");
    expect(accepted.err).toContain("damaged-");
    await signUp(url, "carol");
    await accepted.stop();
    const again = serve(folder);
    await again.ready();
    expect(again.err).not.toContain("gave up");
  });

  test("[R51] after --accept-loss it is another store: who saw what was lost is told, who lacks nothing reads on", async () => {
    const folder = scratch();
    const first = serve(folder);
    let url = await first.ready();
    const token = await signUp(url, "bob");
    const earlier = await rpc(url, "server.ping", {}, token);
    await rpc(url, "channel.create", { name: "lost", id: Bun.randomUUIDv7() }, token);
    const latest = await rpc(url, "server.ping", {}, token);
    await first.stop();
    const reads = async (server: HoldfastProcess, { result }: typeof latest) => {
      url = await server.ready();
      const read = await rpc(url, "events.read", { cursor: result?.cursor }, token);
      await server.stop();
      expect(read.error).toBeUndefined();
      const { events, cursor } = read.result as { events: { method: string }[]; cursor: string };
      return { told: events.map(({ method }) => method), store: cursor.split("~")[1] };
    };
    const accepting = () => serve(folder, ["--name", "a", "--accept-loss"]);
    const before = await reads(serve(folder), latest);
    expect(before.told).toEqual([]);
    rmSync(join(folder, "a", "log.head"));
    const whole = await reads(accepting(), latest);
    expect(whole.told).toEqual([]); // the cursor's vector says that nothing is missing
    expect(whole.store).not.toBe(before.store);
    const { Database } = await import("bun:sqlite");
    const db = new Database(join(folder, "a", "log.db"));
    db.run("DELETE FROM ops WHERE n >= ?", [Number(String(latest.result?.cursor).split("~")[2])]);
    db.close();
    expect((await reads(accepting(), latest)).told).toEqual(["reset"]);
    expect((await reads(serve(folder), earlier)).told).toEqual([]);
  });

  test("a certificate that is none", async () => {
    const folder = scratch();
    writeFileSync(join(folder, "pem"), "nothing");
    const args = ["--name", "a", "--tls-cert", "pem", "--tls-key", "pem"];
    await refused(folder, args, EXIT_CODES.tls);
    await refused(folder, ["--name", "a", "--tls-cert", "no", "--tls-key", "no"], EXIT_CODES.tls);
  });
});
