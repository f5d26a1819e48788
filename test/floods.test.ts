/** Bounds on what one client may cost: floods, guessing, size. Others do not notice. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { CONVERSATIONS_PER_ACCOUNT_MAX } from "../src/core/limits.ts";
import { Gate } from "./gated-log.ts";
import {
  JumpClock,
  newId,
  quickPasswords,
  refusal,
  type TestClient,
  TestServer,
  until,
} from "./in-process.ts";

const clock = new JumpClock();
const gate = new Gate();
let server: TestServer;
let verified = 0;
/** While set, whoever hashes or verifies waits for it. */
let hashing: Promise<void> | null = null;

beforeEach(async () => {
  verified = 0;
  hashing = null;
  server = await TestServer.start({
    clock,
    wrapLog: gate.wrap,
    passwords: {
      hash: async (password) => {
        await hashing;
        return quickPasswords.hash(password);
      },
      verify: async (password, hash) => {
        verified++;
        await hashing;
        return quickPasswords.verify(password, hash);
      },
    },
  });
});
afterEach(async () => {
  gate.release();
  expect(server.defects).toEqual([]);
  await server.dispose();
});

const signIn = (name: string, password: string, address?: string) =>
  refusal(
    server
      .connect(address)
      .call("session.open", { name, password, id: newId() })
      .then(() => {
        throw Object.assign(new Error(), { code: "ok" });
      }),
  ).catch((error) => error.code as string);
const post = (client: TestClient, to: string, text: string) =>
  client.call("message.post", { to, text, id: newId() });
const rpc = (id: unknown, method: string, params: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });

describe("[R10] guessing passwords", () => {
  const right = "password of target";
  const GUESSER = "192.0.2.1";

  test("[R10.8] ten wrong ones by address and account; others get in, and so does the owner elsewhere", async () => {
    await server.join("target");
    await server.join("neighbour");
    for (let i = 0; i < 10; i++) {
      expect(await signIn("target", `guess number ${i}`, GUESSER)).toBe("bad_credentials");
    }
    expect(await signIn("target", "one more guess", GUESSER)).toBe("rate_limited");
    expect(await signIn("target", right, GUESSER)).toBe("rate_limited");
    expect(await signIn("neighbour", "password of neighbour", GUESSER)).toBe("ok");
    expect(await signIn("target", right)).toBe("ok");
    clock.jump(5 * 60_000);
    expect(await signIn("target", right, GUESSER)).toBe("ok");
  });

  test("right ones in between cost nothing", async () => {
    await server.join("target");
    for (let i = 0; i < 30; i++) expect(await signIn("target", right, GUESSER)).toBe("ok");
  });

  test("all at once is no way around it", async () => {
    await server.join("target");
    const codes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => signIn("target", `guess number ${i}`, GUESSER)),
    );
    expect(codes.filter((code) => code === "bad_credentials")).toHaveLength(10);
    expect(verified).toBe(10);
  });

  test("[R10.8] one address has so many in all, also for names that nobody has", async () => {
    await server.join("target");
    const codes: string[] = [];
    for (let i = 0; i < 70; i++) codes.push(await signIn(`nobody-${i}`, "a guess", GUESSER));
    expect(codes.filter((code) => code === "bad_credentials")).toHaveLength(60);
    expect(await signIn("target", right, GUESSER)).toBe("rate_limited");
    expect(await signIn("target", right)).toBe("ok");
  });

  test("the password asked for by a signed-in account is no way around it", async () => {
    const { token } = await server.join("target");
    const guess = (method: string, params: object) =>
      server.post(method, { ...params, id: newId() }, token, GUESSER);
    for (let i = 0; i < 10; i++) {
      const { error } = await guess("account.delete", { password: `guess number ${i}` });
      expect(error?.data.code).toBe("bad_credentials");
    }
    const params = { password: right, newPassword: "another password" };
    expect((await guess("account.password", params)).error?.data.code).toBe("rate_limited");
  });

  test("[R10.9] only so many wait for their turn; who reads does not notice", async () => {
    const reader = await server.join("target");
    const { promise, resolve } = Promise.withResolvers<void>();
    hashing = promise;
    const waiting = Array.from({ length: 66 }, (_, i) => signIn(`nobody-${i}`, "a guess"));
    await Bun.sleep(5);
    expect(await signIn("target", right)).toBe("rate_limited");
    expect((await reader.call("account.list", {})).accounts).toHaveLength(1);
    resolve();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["bad_credentials"]));
  });

  test("[R10.10] one address makes so many accounts", async () => {
    const codes: string[] = [];
    for (let i = 0; i < 32; i++) {
      const params = { name: `many-${i}`, password: "long enough", id: newId() };
      const { error } = await server.post("account.create", params, null, GUESSER);
      codes.push(error?.data.code ?? "ok");
    }
    expect(codes.filter((code) => code === "ok")).toHaveLength(30);
    expect(codes.at(-1)).toBe("rate_limited");
    expect((await server.join("from-elsewhere")).id).toStartWith("a_");
  });
});

describe("[R10] floods", () => {
  test("[R10.3] so many requests of a connection are in flight; those beyond are refused one by one", async () => {
    const flooder = await server.join("flooder");
    const other = await server.join("other");
    gate.hold();
    const taken = Array.from({ length: 4_096 }, (_, i) => post(flooder, "@other", `flood ${i}`));
    expect(await refusal(post(flooder, "@other", "one too many"))).toBe("rate_limited");
    expect((await other.call("account.list", {})).accounts).toHaveLength(2);
    gate.release();
    await Promise.all(taken);
    expect((await other.call("conversation.list", {})).conversations[0]?.unread).toBe(1000);
    expect((await post(flooder, "@other", "again")).message.text).toBe("again");
  });

  test("[R10.3] who goes on sending past the bound is closed, and nobody else", async () => {
    const flooder = await server.join("flooder");
    const other = await server.join("other");
    gate.hold();
    for (let i = 0; i < 4_096; i++) flooder.raw(rpc(`x${i}`, "server.ping", { at: i }));
    await Bun.sleep(5);
    for (let i = 0; i < 4_096; i++) {
      flooder.raw(rpc(`y${i}`, "message.post", { to: "@other", text: "x", id: newId() }));
    }
    let sent = 0;
    while (flooder.closedWith === null && sent < 20_000) {
      flooder.raw(rpc(`z${sent++}`, "server.ping", {}));
    }
    expect(flooder.closedWith?.code).toBe(4004);
    expect(sent).toBe(10_001);
    expect(other.closedWith).toBeNull();
    gate.release();
    await until(() => server.gateway.figures().requestsInFlight === 0);
  });

  test("[R10.6] so many requests before signing in, then it is closed", async () => {
    const stranger = server.connect();
    for (let i = 0; i < 50; i++) await stranger.call("server.ping", {});
    expect(stranger.closedWith).toBeNull();
    stranger.raw(rpc(1, "server.ping", {}));
    expect(stranger.closedWith).toMatchObject({ code: 4004 });
  });

  test("[R10.6] who does not sign in within 30 s is closed", async () => {
    const idle = server.connect();
    const user = await server.join("user");
    clock.jump(29_000);
    expect(idle.closedWith).toBeNull();
    clock.jump(1_001);
    clock.jump(1_001);
    expect(idle.closedWith).toMatchObject({ code: 4003 });
    expect(user.closedWith).toBeNull();
  });

  test("[R10.2] so many frames that are no requests, each answered, then it is closed", async () => {
    const client = await server.join("confused");
    for (let i = 0; i < 19; i++) client.raw(i % 2 === 0 ? "nonsense" : null);
    expect(client.closedWith).toBeNull();
    expect(client.strays).toHaveLength(19);
    client.raw("[]");
    expect(client.strays).toHaveLength(20);
    expect(client.closedWith).toMatchObject({ code: 4000 });
  });

  test("[R10.14] an account has so many connections; one more is told so, the others stay", async () => {
    const first = await server.join("many");
    const others: TestClient[] = [];
    for (let i = 0; i < 63; i++) others.push(await server.resume(first.token));
    const client = server.connect();
    const resume = () => client.call("session.resume", { token: first.token });
    expect(await refusal(resume())).toBe("too_large");
    expect(await refusal(client.call("session.list", {}))).toBe("unauthorized");
    others[0]?.disconnect(server);
    await resume();
    expect((await client.call("session.list", {})).sessions).toHaveLength(1);
    expect([first, ...others.slice(1)].filter(({ closedWith }) => closedWith !== null)).toEqual([]);
  });
});

test("[R10.15, R41] an account is in so many channels, however fast; who is in one stays in it", async () => {
  const [one, other] = [await server.join("one"), await server.join("other")];
  const create = (client: TestClient, name: string) =>
    client.call("channel.create", { name, id: newId() });
  const join = (ref: string) => one.call("channel.join", { in: ref, id: newId() });
  await create(other, "first");
  await create(other, "second");
  await join("#first");
  const names = Array.from({ length: CONVERSATIONS_PER_ACCOUNT_MAX + 5 }, (_, i) => `room-${i}`);
  const made = await Promise.allSettled(names.map((name) => create(one, name))); // none is stored yet
  const fulfilled = made.filter(({ status }) => status === "fulfilled");
  expect(fulfilled).toHaveLength(CONVERSATIONS_PER_ACCOUNT_MAX - 1);
  expect(await refusal(join("#second"))).toBe("too_large");
  expect((await join("#first")).channel.standing).toBe("member");
  await one.call("channel.leave", { in: "#first", id: newId() });
  await join("#second");
  expect(await refusal(join("#first"))).toBe("too_large");
});

test("[R10, R10.7] an account that does too much at once is told when to go on; others go on", async () => {
  const limited = await TestServer.start({ clock, writesPerSecond: 1 });
  const busy = await limited.join("busy");
  const calm = await limited.join("calm");
  const write = () => busy.request("message.post", { to: "@calm", text: "x", id: newId() });
  const answers = await Promise.all(Array.from({ length: 4_050 }, write));
  const refused = answers.filter(({ error }) => error !== undefined);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThanOrEqual(50);
  expect(refused[0]?.error?.data).toMatchObject({ code: "rate_limited", retry: true });
  expect(refused[0]?.error?.data.retryAfterMs).toBeGreaterThan(0);
  const second = await limited.resume(busy.token);
  while ((await write()).error === undefined); // what came back meanwhile
  expect(await refusal(post(second, "@calm", "by another door"))).toBe("rate_limited");
  expect((await post(calm, "@busy", "unhindered")).message.text).toBe("unhindered");
  clock.jump(1_000);
  expect((await write()).error).toBeUndefined();
  await limited.dispose();
}, 30_000);

test("[R10.7] an account reads five times as much as it writes, and reads and writes do not mix", async () => {
  const limited = await TestServer.start({ clock, writesPerSecond: 1 });
  const busy = await limited.join("busy");
  const codes = new Map<string, number>();
  const started = clock.monotonicMs();
  for (let i = 0; i < 20_100; i++) {
    const { error } = await busy.request("server.ping", {});
    const code = error?.data.code ?? "ok";
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  // What came back while it read: five a second.
  const back = Math.ceil((5 * (clock.monotonicMs() - started)) / 1_000);
  expect(codes.get("ok")).toBeGreaterThanOrEqual(20_000);
  expect(codes.get("ok")).toBeLessThanOrEqual(20_000 + back);
  expect(codes.get("rate_limited")).toBe(20_100 - (codes.get("ok") ?? 0));
  expect((await post(busy, "@busy", "writing still goes")).message.text).toBe("writing still goes");
  await limited.dispose();
}, 30_000);

describe("[R10] size and shape of what is written", () => {
  const posted = async (text: string) => {
    const { error, result } = await alice.request("message.post", {
      to: "@alice",
      text,
      id: newId(),
    });
    return error?.data.code ?? (result as { message: { text: string } }).message.text;
  };
  let alice: Awaited<ReturnType<TestServer["join"]>>;
  beforeEach(async () => {
    alice = await server.join("alice");
  });

  test("8,000 characters are a message, one more is not, whatever they are made of", async () => {
    for (const character of ["x", "é", "漢", "\u{1f600}", "\u{10ffff}"]) {
      const text = character.repeat(8_000);
      expect((await posted(text)) === text, character).toBe(true);
      expect(["too_large", "invalid"], character).toContain(await posted(text + character));
    }
  });

  test("line ends and tabs are text; control characters and halves of characters are not", async () => {
    for (const text of ["a\nb\tc\r\n", "  x  ", "\u200d", "e\u0301", '{"__proto__":1}']) {
      expect(await posted(text)).toBe(text);
    }
    for (const text of [
      "",
      " \n ",
      "a\0b",
      "\u0007",
      "\u001b[2J",
      "\ud800",
      "x\udc00y",
      "\ude00\ud83d",
    ]) {
      expect(await posted(text), JSON.stringify(text)).toBe("invalid");
    }
  });

  test("deep, huge and odd JSON is refused in the words of the protocol", async () => {
    const depth = 120_000;
    const deep = "[".repeat(depth) + "]".repeat(depth);
    const keys = Array.from({ length: 9_000 }, (_, i) => `"k${i}":${i}`).join(",");
    const body = (params: string) =>
      `{"jsonrpc":"2.0","id":7,"method":"account.list","params":${params}}`;
    const bad = [deep, `{${keys}}`, '{"limit":1e999}', '{"limit":-0.5}', "null", "7", '"x"', "[]"];
    const odd = ['{"limit":1,"limit":2}', "{}"];
    const call = async (text: string) => {
      const answer = await server.gateway.call({
        body: text,
        token: alice.token,
        address: "x",
        operator: false,
      });
      return JSON.parse(answer.body) as { id: unknown; error?: { data: { code: string } } };
    };
    for (const params of bad) {
      expect((await call(body(params))).error?.data.code, params.slice(0, 40)).toBe("invalid");
    }
    for (const params of odd) expect((await call(body(params))).error, params).toBeUndefined();
    for (const key of ["__proto__", "constructor", "toString"]) {
      const params = `{"${key}":{"admin":true}}`;
      expect((await call(body(params))).error?.data.code, key).toBe("invalid");
    }
    for (const id of [
      "null",
      "1.5",
      "9007199254740993",
      "{}",
      "[1]",
      '""',
      `"${"x".repeat(65)}"`,
    ]) {
      const { id: echoed, error } = await call(body("{}").replace('"id":7', `"id":${id}`));
      if (id === '""') expect(error).toBeUndefined();
      else expect([echoed, error?.data.code], id).toEqual([null, "invalid"]);
    }
  });

  test("a wildcard or a search that asks for much work ends all the same", async () => {
    await server.join("a".repeat(32));
    for (const match of ["*a".repeat(31), `${"*a".repeat(30)}*b`, "*".repeat(64), "?".repeat(64)]) {
      expect((await alice.call("account.list", { match })).accounts.length).toBeLessThan(3);
    }
    await posted("some words to look for");
    const odd = [
      '"',
      '""',
      "*",
      '"some words"',
      "wor*",
      "AND",
      "NOT some",
      "some OR nothing",
      "text:some",
    ];
    for (const text of [
      ...odd,
      "NEAR(some words)",
      "(some",
      "^some",
      "-some",
      "some\0",
      "'",
      "漢 some",
    ]) {
      const found = await alice.request("message.search", { text });
      expect(found.error?.data.code ?? "ok", text).toMatch(/^(ok|invalid)$/);
    }
    const find = async (text: string) =>
      (await alice.call("message.search", { text })).messages.length;
    expect([await find('"some words"'), await find("lo*"), await find('"words some"')]).toEqual([
      1, 1, 0,
    ]);
    const long = "a ".repeat(13);
    expect(await refusal(alice.call("message.search", { text: long }))).toBe("invalid");
  });
});
