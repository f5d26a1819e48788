/** The small parts: ids, addresses, waits, browser storage, calls over HTTP. */
import { afterEach, expect, test } from "bun:test";
import { isRequestId } from "../core/ids.ts";
import { HoldfastError, replyId, rpc, webLock, webStorage } from "./index.ts";
import { RequestIds } from "./request-ids.ts";
import { baseOf, Servers, socketUrl } from "./servers.ts";
import { FakeClock, FakeRandom } from "./testing/clock.ts";
import { backoffMs } from "./timing.ts";

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

test("request ids are UUIDv7 and only go up, within a ms and over a clock that is set back", () => {
  const clock = new FakeClock();
  const ids = new RequestIds(clock, new FakeRandom(7));
  let before = "";
  for (let i = 0; i < 10_000; i++) {
    if (i === 6_000) clock.now -= 50_000;
    const id = ids.next();
    expect(isRequestId(id) && id > before).toBe(true);
    before = id;
  }
});

test("a reply goes under the id of what it answers", () => {
  const id = "019a0000-0000-7000-8000-000000000001";
  const message = `m_${"AZoAAAAAcACAAAAAAAAAAQ"}${"A".repeat(21)}`;
  expect(replyId({ id: message })).toBe(id as never);
  expect(() => replyId({ id: "m_nothing" })).toThrow(HoldfastError);
});

test("addresses", () => {
  expect(baseOf("http://a:7300/")).toBe("http://a:7300");
  expect(baseOf("https://chat.example/team//")).toBe("https://chat.example/team");
  expect(socketUrl("https://chat.example/team")).toBe("wss://chat.example/team/v1/ws");
  for (const bad of ["", "a", "ftp://a", "http://a?b", "http://a#b", "http://u@a"]) {
    expect(baseOf(bad)).toBeNull();
  }
  const servers = new Servers(["http://a", "http://a/"]);
  expect(servers.list).toEqual(["http://a"]);
  servers.learn(
    Array.from({ length: 99 }, (_, i) => ({ name: `x${i}`, url: `http://${i}.x`, state: "live" })),
  );
  expect(servers.size).toBe(16);
});

test("waits grow from their first bound to their last", () => {
  expect([1, 2, 3, 4, 99].map((round) => backoffMs(round, 100, 500, 1))).toEqual([
    100, 200, 400, 500, 500,
  ]);
  expect(backoffMs(9, 100, 500, 0)).toBe(0);
});

test("browser storage keeps under its own prefix, and lists by it", () => {
  const kept = new Map<string, string>([["other", "x"]]);
  const storage = webStorage(
    {
      get length() {
        return kept.size;
      },
      key: (index) => [...kept.keys()][index] ?? null,
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
    "chat/",
  );
  void storage.set("outbox/1", "one");
  void storage.set("cursor", "c");
  expect([...(storage.list("outbox/") as [string, string][])]).toEqual([["outbox/1", "one"]]);
  void storage.set("cursor", undefined);
  expect([...kept.keys()]).toEqual(["other", "chat/outbox/1"]);
});

test("without Web Locks everybody holds the lock", async () => {
  let held = false;
  await webLock("x")(async () => {
    held = true;
  });
  expect(held).toBe(true);
});

/** One answer of an HTTP server; a text that is no JSON stands for a proxy's page. */
function answerWith(body: string): { url: string; init: RequestInit }[] {
  const asked: { url: string; init: RequestInit }[] = [];
  const fake = async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    return new Response(body);
  };
  globalThis.fetch = fake as unknown as typeof fetch;
  return asked;
}

test("rpc calls over HTTP with the token, and makes the id of a write", async () => {
  const asked = answerWith('{"jsonrpc":"2.0","id":1,"result":{"ok":true}}');
  const result = await rpc("http://a:7300", "hft_x", "message.post", { to: "#ops", text: "hi" });
  expect(result).toEqual({ ok: true } as never);
  expect(asked[0]?.url).toBe("http://a:7300/v1/rpc");
  expect(asked[0]?.init.headers).toMatchObject({ authorization: "Bearer hft_x" });
  const sent = JSON.parse(String(asked[0]?.init.body));
  expect(sent).toMatchObject({ jsonrpc: "2.0", method: "message.post", params: { to: "#ops" } });
  expect(isRequestId(sent.params.id)).toBe(true);
});

test("rpc tells refusals, and what it cannot know", async () => {
  answerWith(
    '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"slow down","data":{"code":"rate_limited","retry":true,"retryAfterMs":9}}}',
  );
  expect(rpc("http://a", "t", "account.list", {})).rejects.toMatchObject({
    code: "rate_limited",
    retryAfterMs: 9,
  });
  await Bun.sleep(0);
  answerWith("<h1>502</h1>");
  const id = "019a0000-0000-7000-8000-000000000001";
  expect(rpc("http://a", "t", "message.post", { to: "#a", text: "x", id })).rejects.toMatchObject({
    code: "indefinite",
    requestId: id,
  });
  expect(rpc("http://a", "t", "account.list", {})).rejects.toMatchObject({ code: "unavailable" });
  expect(rpc("a", "t", "account.list", {})).rejects.toMatchObject({ code: "invalid" });
});
