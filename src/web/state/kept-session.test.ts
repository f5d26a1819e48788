/** The token goes into the cookie and nowhere else, and tabs do not chase each other. */
import { expect, test } from "bun:test";
import { FakeClock, settle } from "../../client/testing/clock.ts";
import { COOKIE } from "./first-words.ts";
import { CookieSession, RETRY_MS_MAX, RETRY_MS_MIN } from "./kept-session.ts";
import { memoryWebStorage } from "./memory-web-storage.ts";
import { PageKeep } from "./page-keep.ts";

const TOKEN = `hft_${"T".repeat(43)}`;
const session = (token: string, account?: string) =>
  JSON.stringify({ token, account, cluster: "k" });

class World {
  readonly kept = memoryWebStorage();
  readonly clock = new FakeClock();
  readonly asked: string[] = [];
  answers: (number | "lost")[] = [];
  writes = 0;
  faults = 0;
  private watchers: ((key: string | null, value: string | null) => void)[] = [];

  tab(): CookieSession {
    const { kept } = this;
    const storage = {
      lasts: true,
      get length() {
        return kept.length;
      },
      key: (index: number) => kept.key(index),
      getItem: (key: string) => kept.getItem(key),
      setItem: (key: string, value: string) => {
        this.writes++;
        kept.setItem(key, value);
      },
      removeItem: (key: string) => {
        this.writes++;
        kept.removeItem(key);
      },
      watch: (changed: (key: string | null, value: string | null) => void) => {
        this.watchers.push(changed);
        return () => {};
      },
    };
    const fetch = async (
      path: string,
      init: { method: string; headers?: Readonly<Record<string, string>> },
    ) => {
      this.asked.push(`${init.method} ${path} ${init.headers?.authorization ?? ""}`.trim());
      const status = this.answers.shift() ?? 204;
      if (status === "lost") throw new TypeError("Failed to fetch");
      return { ok: status < 300, status };
    };
    const keep = new PageKeep(storage, () => this.faults++);
    return new CookieSession(storage, keep, fetch, this.clock);
  }

  /** Another tab wrote the key. */
  elsewhere(value: string | undefined): void {
    if (value === undefined) this.kept.removeItem("holdfast/session");
    else this.kept.setItem("holdfast/session", value);
    for (const watcher of this.watchers) watcher("holdfast/session", value ?? null);
  }

  get session(): string | null {
    return this.kept.getItem("holdfast/session");
  }
}

test("a token is given to the server, and only then is the session kept, without it", async () => {
  const world = new World();
  world.answers = ["lost", 503, 404];
  const tab = world.tab();
  void tab.set("session", session(TOKEN, "a_ann"));
  await settle();
  expect(world.asked).toEqual([`POST /v1/cookie Bearer ${TOKEN}`]);
  expect(world.session).toBeNull();
  await world.clock.advance(RETRY_MS_MIN);
  await world.clock.advance(2 * RETRY_MS_MIN);
  expect(world.asked.length).toBe(3);
  await world.clock.advance(4 * RETRY_MS_MIN);
  expect(world.asked.length).toBe(4);
  expect(world.session).toBe(session(COOKIE, "a_ann"));
  await world.clock.advance(10 * RETRY_MS_MAX);
  expect(world.asked.length).toBe(4);
});

test("what is learned later of the same session is kept without asking again", async () => {
  const world = new World();
  const tab = world.tab();
  void tab.set("session", JSON.stringify({ token: TOKEN, account: "a_ann" }));
  await settle();
  void tab.set("session", session(TOKEN, "a_ann"));
  await settle();
  expect(world.asked.length).toBe(1);
  expect(world.session).toBe(session(COOKIE, "a_ann"));
  expect([...(await tab.list(""))]).toEqual([["session", session(COOKIE, "a_ann")]]);
});

test("a token that is no longer good is not tried for ever, and nothing is kept of it", async () => {
  const world = new World();
  world.answers = [401];
  void world.tab().set("session", session(TOKEN, "a_ann"));
  await settle();
  await world.clock.advance(10 * RETRY_MS_MAX);
  expect(world.asked.length).toBe(1);
  expect(world.session).toBeNull();
});

test("signing out removes the key at once and the cookie as soon as the server hears of it", async () => {
  const world = new World();
  const tab = world.tab();
  void tab.set("session", session(TOKEN, "a_ann"));
  await settle();
  world.answers = ["lost", "lost"];
  void tab.set("session", undefined);
  expect(world.session).toBeNull();
  await settle();
  expect(world.asked.at(-1)).toBe("DELETE /v1/cookie");
  tab.stop();
  // The page is closed before anybody heard of it: the next one goes on.
  const next = world.tab();
  await settle();
  await world.clock.advance(RETRY_MS_MIN);
  expect(world.asked.filter((one) => one.startsWith("DELETE")).length).toBe(3);
  expect(next.kept).toBeUndefined();
  world.asked.length = 0;
  world.tab();
  await settle();
  expect(world.asked).toEqual([]);
});

test("a sign-in before the sign-out was heard of is the last word", async () => {
  const world = new World();
  const tab = world.tab();
  void tab.set("session", session(TOKEN, "a_ann"));
  await settle();
  world.answers = ["lost"];
  void tab.set("session", undefined);
  await settle();
  const other = `hft_${"B".repeat(43)}`;
  void tab.set("session", session(other, "a_bob"));
  await world.clock.advance(RETRY_MS_MAX);
  expect(world.asked.at(-1)).toBe(`POST /v1/cookie Bearer ${other}`);
  expect(world.session).toBe(session(COOKIE, "a_bob"));
});

test("a cookie that another tab got meanwhile is not taken from it", async () => {
  const world = new World();
  const tab = world.tab();
  void tab.set("session", session(TOKEN, "a_ann"));
  await settle();
  world.answers = ["lost"];
  void tab.set("session", undefined);
  await settle();
  world.elsewhere(session(COOKIE, "a_bob"));
  await world.clock.advance(RETRY_MS_MAX);
  expect(world.asked.filter((one) => one.startsWith("DELETE")).length).toBe(1);
  expect(world.session).toBe(session(COOKIE, "a_bob"));
});

test("a tab that follows writes nothing and asks nothing", async () => {
  const world = new World();
  world.kept.setItem("holdfast/session", session(COOKIE, "a_ann"));
  const tab = world.tab();
  let heard = 0;
  tab.onElsewhere(() => heard++);
  world.elsewhere(session(COOKIE, "a_bob"));
  expect(heard).toBe(1);
  world.writes = 0;
  await tab.follow(async () => {
    void tab.set("session", undefined);
    void tab.set("session", JSON.stringify({ token: COOKIE }));
    void tab.set("session", session(COOKIE, "a_bob"));
  });
  void tab.set("session", JSON.stringify({ token: COOKIE }));
  void tab.set("session", session(COOKIE, "a_bob"));
  expect([world.writes, world.asked.length]).toEqual([0, 0]);
  expect(tab.kept?.account).toBe("a_bob");
  world.elsewhere(undefined);
  expect(heard).toBe(2);
});

test("a sign-in that is not kept yet is nobody else's to end", async () => {
  const world = new World();
  world.answers = ["lost"];
  const tab = world.tab();
  let heard = 0;
  tab.onElsewhere(() => heard++);
  void tab.set("session", session(TOKEN, "a_ann"));
  await settle();
  world.elsewhere(undefined);
  expect(heard).toBe(0);
  await world.clock.advance(RETRY_MS_MIN);
  expect(tab.kept?.account).toBe("a_ann");
  world.elsewhere(undefined);
  expect(heard).toBe(1);
});

test("a tab that follows gives up what it wanted itself", async () => {
  const world = new World();
  world.answers = ["lost"];
  const tab = world.tab();
  void tab.set("session", session(TOKEN, "a_ann"));
  await settle();
  world.elsewhere(session(COOKIE, "a_bob"));
  await tab.follow(async () => {});
  await world.clock.advance(10 * RETRY_MS_MAX);
  expect(world.asked.length).toBe(1);
  expect(world.session).toBe(session(COOKIE, "a_bob"));
});

test("what is kept and is no session is none; other keys of the SDK are let through", async () => {
  const world = new World();
  for (const text of ["", "null", "{}", '{"token":1}', session(TOKEN, "a_ann")]) {
    world.kept.setItem("holdfast/session", text);
    expect(world.tab().kept, text).toBeUndefined();
    expect([...(await world.tab().list(""))]).toEqual([]);
  }
  const tab = world.tab();
  void tab.set("outbox/1", "{}");
  expect(world.kept.getItem("holdfast/outbox/1")).toBe("{}");
  expect([...(await tab.list("outbox/"))]).toEqual([["outbox/1", "{}"]]);
});
