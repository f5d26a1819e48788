/** The small parts: toasts, drafts, preferences, typing, reading marks, attention of tabs, what is kept. */
import { expect, test } from "bun:test";
import { signal } from "@preact/signals";
import type { Client, Conversation } from "../../client/index.ts";
import { HoldfastError } from "../../client/index.ts";
import { FakeClock } from "../../client/testing/clock.ts";
import { TOAST_MS, TOASTS_MAX, ToastAlerts } from "./alerts.ts";
import { deviceLabel } from "./device-label.ts";
import { KeptDrafts, WRITE_MS } from "./drafts.ts";
import { KEPT_MAX, LastLook } from "./last-look.ts";
import { memoryWebStorage } from "./memory-web-storage.ts";
import { PageKeep } from "./page-keep.ts";
import { KeptPreferences } from "./preferences.ts";
import { ReadMarks, TELL_MS } from "./read-marks.ts";
import { RECEIPTS_MAX, Receipts } from "./receipts.ts";
import { Recent } from "./recent.ts";
import { SAY_MS, SharedAttention } from "./shared-attention.ts";
import { HOLDS_MS, LiveTyping, TELL_EVERY_MS } from "./typing.ts";

type Watcher = (key: string | null, value: string | null) => void;

/** A storage with tabs: what one writes the others hear of. */
class Shared {
  readonly kept = memoryWebStorage();
  private readonly tabs = new Map<object, Watcher>();
  isFull = false;
  faults = 0;

  tab(): PageKeep {
    const { kept, tabs } = this;
    const own = {};
    const tell = (key: string, value: string | null) => {
      for (const [tab, watcher] of tabs) if (tab !== own) watcher(key, value);
    };
    return new PageKeep(
      {
        lasts: true,
        get length() {
          return kept.length;
        },
        key: (index) => kept.key(index),
        getItem: (key) => kept.getItem(key),
        setItem: (key, value) => {
          if (this.isFull) throw new Error("QuotaExceededError");
          kept.setItem(key, value);
          tell(key, value);
        },
        removeItem: (key) => {
          kept.removeItem(key);
          tell(key, null);
        },
        watch: (changed) => {
          tabs.set(own, changed);
          return () => tabs.delete(own);
        },
      },
      () => this.faults++,
    );
  }
}

test("toasts: the same words once, at most five, and only trouble stays", async () => {
  const clock = new FakeClock();
  const alerts = new ToastAlerts(clock);
  const texts = () => alerts.toasts.value.map(({ text }) => text);
  const id = alerts.show({ kind: "info", text: "saved" });
  await clock.advance(TOAST_MS - 1);
  expect(alerts.show({ kind: "info", text: "saved" })).toBe(id);
  await clock.advance(TOAST_MS - 1);
  expect(texts()).toEqual(["saved"]);
  alerts.show({ kind: "error", text: "lost" });
  await clock.advance(1);
  expect(texts()).toEqual(["lost"]);
  await clock.advance(100 * TOAST_MS);
  expect(texts()).toEqual(["lost"]);
  for (let n = 0; n < 10; n++) alerts.show({ kind: "warn", text: `${n}` });
  expect(texts()).toEqual(["5", "6", "7", "8", "9"]);
  expect(texts().length).toBe(TOASTS_MAX);
  alerts.dismiss(alerts.toasts.value[0]?.id ?? -1);
  expect(texts()).toEqual(["6", "7", "8", "9"]);
});

test("drafts are written soon, at once when the page is left, and by each account for itself", async () => {
  const shared = new Shared();
  const clock = new FakeClock();
  const account = signal<string | undefined>("a_ann");
  const drafts = new KeptDrafts(shared.tab(), clock, account);
  const text = drafts.draft("c_1");
  for (const typed of ["h", "he", "hey"]) drafts.set("c_1", typed);
  expect(text.value).toBe("hey");
  expect(drafts.has("c_1")).toBe(true);
  expect(shared.kept.length).toBe(0);
  await clock.advance(WRITE_MS);
  expect(shared.kept.getItem("holdfast-page/draft/a_ann/c_1")).toBe("hey");
  drafts.set("c_1", "hey you");
  drafts.flush();
  expect(shared.kept.getItem("holdfast-page/draft/a_ann/c_1")).toBe("hey you");
  drafts.set("c_1", "hey you all");
  account.value = undefined;
  expect([text.value, drafts.has("c_1")]).toEqual(["", false]);
  drafts.set("c_1", "nobody's");
  account.value = "a_bob";
  expect(text.value).toBe("");
  drafts.set("c_1", "bob's");
  account.value = "a_ann";
  expect(text.value).toBe("hey you all");
  drafts.set("c_1", "");
  await clock.advance(WRITE_MS);
  expect(shared.kept.getItem("holdfast-page/draft/a_ann/c_1")).toBeNull();
  expect(shared.kept.getItem("holdfast-page/draft/a_bob/c_1")).toBe("bob's");
  drafts.forget("a_bob");
  expect(shared.kept.length).toBe(0);
});

test("a draft follows from tab to tab, but not over what is being written", async () => {
  const shared = new Shared();
  const clock = new FakeClock();
  const account = signal<string | undefined>("a_ann");
  const one = new KeptDrafts(shared.tab(), clock, account);
  const two = new KeptDrafts(shared.tab(), clock, account);
  one.set("c_1", "from one");
  await clock.advance(WRITE_MS);
  expect(two.draft("c_1").value).toBe("from one");
  two.set("c_1", "two writes on");
  one.set("c_1", "one as well");
  one.flush();
  expect(two.draft("c_1").value).toBe("two writes on");
  await clock.advance(WRITE_MS);
  expect(one.draft("c_1").value).toBe("two writes on");
});

test("a full storage is told, and drafts go on in memory", () => {
  const shared = new Shared();
  const drafts = new KeptDrafts(shared.tab(), new FakeClock(), signal<string | undefined>("a_ann"));
  shared.isFull = true;
  drafts.set("c_1", "text");
  drafts.flush();
  expect([shared.faults, drafts.draft("c_1").value]).toEqual([1, "text"]);
});

test("preferences are kept, followed by other tabs, and nonsense is the default", async () => {
  const shared = new Shared();
  let permission: "default" | "granted" | "denied" = "default";
  const notifier = {
    permission: () => permission,
    ask: async () => {
      permission = "denied";
      return permission;
    },
    show: () => {},
  };
  shared.kept.setItem("holdfast-page/preferences", '{"theme":"neon","notifications":{"inPage":1}}');
  const one = new KeptPreferences(shared.tab(), notifier);
  const two = new KeptPreferences(shared.tab(), notifier);
  expect([one.theme.value, one.notifications.value]).toEqual([
    "system",
    { inPage: true, browser: false },
  ]);
  one.theme.value = "dark";
  expect(two.theme.value).toBe("dark");
  two.notifications.value = { inPage: false, browser: true };
  expect(one.notifications.value).toEqual({ inPage: false, browser: true });
  expect(one.permission()).toBe("default");
  expect(await one.askPermission()).toBe("denied");
  expect(two.notifications.value).toEqual({ inPage: false, browser: false });
  const next = new KeptPreferences(shared.tab(), notifier);
  expect([next.theme.value, next.notifications.value.inPage]).toEqual(["dark", false]);
});

/** What of a client these parts use: calls are noted, and answered by a script. */
class FakeClient {
  state = "live";
  account: { id: string } | undefined = { id: "a_ann" };
  readonly calls: { method: string; params: Record<string, unknown> }[] = [];
  answer: (params: Record<string, unknown>) => unknown = () => ({ unread: 0 });

  get client(): Client {
    return this as unknown as Client;
  }

  get connection() {
    return { state: this.state };
  }

  async call(method: string, params: Record<string, unknown>): Promise<unknown> {
    this.calls.push({ method, params });
    return this.answer(params);
  }
}

test("typing is told every three seconds at most, and holds for five", async () => {
  const clock = new FakeClock();
  const fake = new FakeClient();
  const typing = new LiveTyping(fake.client, clock);
  for (let i = 0; i < 5; i++) typing.tell("c_1");
  typing.tell("c_2");
  expect(fake.calls.map(({ params }) => params.in)).toEqual(["c_1", "c_2"]);
  await clock.advance(TELL_EVERY_MS);
  typing.tell("c_1");
  expect(fake.calls.length).toBe(3);
  fake.state = "waiting";
  typing.tell("c_3");
  expect(fake.calls.length).toBe(3);

  const names = () => typing.inConversation("c_1").value.map(({ name }) => name);
  typing.heard("c_1", { id: "a_bob", name: "bob" });
  await clock.advance(1_000);
  typing.heard("c_1", { id: "a_cid", name: "cid" });
  typing.heard("c_1", { id: "a_ann", name: "ann" });
  expect(names()).toEqual(["bob", "cid"]);
  await clock.advance(1_000);
  typing.heard("c_1", { id: "a_bob", name: "bob" });
  expect(names()).toEqual(["bob", "cid"]);
  await clock.advance(HOLDS_MS - 1_000);
  expect(names()).toEqual(["bob"]);
  typing.posted("c_2", "a_bob");
  expect(names()).toEqual(["bob"]);
  typing.posted("c_1", "a_bob");
  expect(names()).toEqual([]);
  await clock.advance(HOLDS_MS);
  expect(names()).toEqual([]);
});

test("reading is told once a second, the newest place only, and again when there is a connection", async () => {
  const clock = new FakeClock();
  const fake = new FakeClient();
  const answers: [string, string, number][] = [];
  const marks = new ReadMarks(fake.client, clock, (...answer) => answers.push(answer));
  for (const upTo of ["p1", "p3", "p2"]) marks.mark("c_1", upTo);
  marks.mark("c_2", "p9");
  expect(fake.calls.length).toBe(0);
  await clock.advance(TELL_MS);
  expect(fake.calls.map(({ params }) => params)).toEqual([
    { in: "c_1", upTo: "p3" },
    { in: "c_2", upTo: "p9" },
  ]);
  expect(answers).toEqual([
    ["c_1", "p3", 0],
    ["c_2", "p9", 0],
  ]);
  fake.state = "waiting";
  marks.mark("c_1", "p4");
  await clock.advance(10 * TELL_MS);
  expect(fake.calls.length).toBe(2);
  fake.state = "live";
  fake.answer = () => {
    throw new HoldfastError("rate_limited", "too much");
  };
  marks.again();
  await clock.advance(TELL_MS);
  expect(fake.calls.length).toBe(3);
  fake.answer = () => {
    throw new HoldfastError("invalid", "no such place");
  };
  await clock.advance(TELL_MS);
  expect(fake.calls.length).toBe(4);
  await clock.advance(10 * TELL_MS);
  expect(fake.calls.length).toBe(4);
});

test("a tab that is looked at keeps the others quiet, for as long as it lives", async () => {
  const shared = new Shared();
  const clock = new FakeClock();
  const tab = (name: string) => {
    const runs = new Set<() => void>();
    const attention = {
      has: () => looks.has,
      onChange: (run: () => void) => runs.add(run) && (() => {}),
    };
    const looks = { has: false };
    const part = new SharedAttention(shared.tab(), attention, clock, name);
    const look = (is: boolean) => {
      looks.has = is;
      for (const run of runs) run();
    };
    return { part, look };
  };
  const [one, two] = [tab("one"), tab("two")];
  expect(two.part.isElsewhere).toBe(false);
  one.look(true);
  expect([one.part.isElsewhere, two.part.isElsewhere]).toEqual([false, true]);
  await clock.advance(10 * SAY_MS);
  expect(two.part.isElsewhere).toBe(true);
  two.look(true);
  one.look(false); // the tab that is left hears of it last
  expect([one.part.isElsewhere, two.part.isElsewhere]).toEqual([true, false]);
  two.look(false);
  expect(one.part.isElsewhere).toBe(false);
  one.look(true);
  clock.sleep(10 * SAY_MS); // it died without a word
  expect(two.part.isElsewhere).toBe(false);
});

test("what the list looked like is kept without a word of what was said, for its account only", async () => {
  const shared = new Shared();
  const clock = new FakeClock();
  const look = new LastLook(shared.tab(), clock);
  const conversation: Conversation = {
    id: "d_1",
    kind: "direct",
    name: "@bob",
    account: { id: "a_bob", name: "bob" },
    online: true,
    unread: 3,
    last: {
      id: "m_1",
      conversation: "d_1",
      author: { id: "a_bob", name: "bob" },
      text: "secret",
      at: 0,
      position: "p1",
    },
  };
  look.show("a_ann", [conversation, ...Array(2 * KEPT_MAX).fill({ ...conversation, id: "d_2" })]);
  look.flush();
  const text = shared.kept.getItem("holdfast-page/conversations") ?? "";
  expect(text).toContain("@bob");
  expect(text).not.toContain("secret");
  expect(look.of({ id: "a_bob" })).toEqual([]);
  const kept = look.of({ id: "a_ann" });
  expect(kept.length).toBe(KEPT_MAX);
  expect(kept[0]).toMatchObject({ id: "d_1", unread: 0, online: false });
  look.forget();
  await clock.advance(60_000);
  expect(look.of({ id: "a_ann" })).toEqual([]);
  for (const nonsense of ["[]", "{", '{"account":"a_ann","conversations":[null,{}, 1]}']) {
    shared.kept.setItem("holdfast-page/conversations", nonsense);
    expect(look.of({ id: "a_ann" })).toEqual([]);
  }
});

test("receipts only grow, and the newest are kept", () => {
  const receipts = new Receipts();
  receipts.told("m_1", { held: ["a", "b"], of: 3 });
  receipts.told("m_1", { held: ["a"], of: 3 });
  expect(receipts.of("m_1")?.held).toEqual(["a", "b"]);
  receipts.told("m_1", { held: ["a", "b", "c"], of: 3 });
  expect(receipts.of("m_1")?.held.length).toBe(3);
  for (let n = 0; n < RECEIPTS_MAX; n++) receipts.told(`m_x${n}`, { held: ["a"], of: 1 });
  expect(receipts.of("m_1")).toBeUndefined();
  expect(receipts.of("m_x0")).toBeDefined();
});

test("what was used least recently goes first, but nothing that is in use", () => {
  const forgotten: number[] = [];
  const recent = new Recent<string, number>(
    2,
    (value) => value === 1,
    (value) => forgotten.push(value),
  );
  recent.set("a", 1);
  recent.set("b", 2);
  recent.set("c", 3);
  expect([forgotten, recent.size]).toEqual([[2], 2]);
  recent.get("c");
  expect(recent.getOrMake("d", () => 4)).toBe(4);
  expect(forgotten).toEqual([2, 3]);
  expect(recent.values()).toEqual([1, 4]);
});

test("a device is called by what it tells of itself", () => {
  const known = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": "Firefox on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36":
      "Chrome on Windows",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0":
      "Edge on Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1":
      "Safari on iPhone",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36":
      "Chrome on Android",
    "": "Browser",
  };
  for (const [agent, label] of Object.entries(known)) expect(deviceLabel(agent)).toBe(label);
});
