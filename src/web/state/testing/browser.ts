/** A browser for tests: tabs that share a storage and a cookie, each with a page's state in it. */
import { type App, createApp } from "../app.ts";
import { begunFirst } from "../begun-socket.ts";
import { Begun, firstWords, keepsSession, socketUrl } from "../first-words.ts";
import { memoryWebStorage } from "../memory-web-storage.ts";
import type { Address, PageStorage, Ports } from "../ports.ts";
import { TabClock } from "./tab-clock.ts";
import { task } from "./task.ts";
import { type Site, Wire } from "./wire.ts";

const DAY_MS = 86_400_000;
const SERVER = "http://chat.test:7300";

export type Opening = {
  readonly looksAway?: boolean;
  /** What {@link Browser.begin} made. */
  readonly begun?: Begun | undefined;
};

export class Browser {
  readonly wire: Wire;
  readonly clock: TabClock;
  readonly kept = memoryWebStorage();
  readonly tabs = new Set<Tab>();
  /** False: as in a private window that keeps nothing. */
  lasts = true;
  /** Set: writing throws, as where there is no room. */
  isFull = false;
  /** What the server answers to requests about the cookie. */
  cookieStatus = 204;
  readonly cookieCalls: string[] = [];

  constructor(site: Site | undefined, clock = new TabClock()) {
    this.wire = new Wire(site);
    this.clock = clock;
  }

  /** What runs before the page's script, at this place. */
  begin(hash: string): Begun | undefined {
    if (!keepsSession(this.kept.getItem("holdfast/session"))) return undefined;
    return new Begun(socketUrl(SERVER), firstWords(hash), this.wire.WebSocket);
  }

  open(hash = "", options: Opening = {}): Tab {
    const tab = new Tab(this, hash, options);
    this.tabs.add(tab);
    return tab;
  }

  /** Everything this browser keeps, as one text. */
  get keptText(): string {
    const found: string[] = [];
    for (let i = 0; i < this.kept.length; i++) {
      const key = this.kept.key(i) as string;
      found.push(`${key}=${this.kept.getItem(key)}`);
    }
    return found.join("\n");
  }

  storageOf(tab: Tab): PageStorage {
    const { kept, lasts } = this;
    const write = (key: string, value: string | null) => {
      if (this.isFull && value !== null) throw new Error("QuotaExceededError");
      if (kept.getItem(key) === value) return;
      if (value === null) kept.removeItem(key);
      else kept.setItem(key, value);
      for (const other of this.tabs) if (other !== tab) task(() => other.stored(key, value));
    };
    return {
      lasts,
      get length() {
        return kept.length;
      },
      key: (index) => kept.key(index),
      getItem: (key) => kept.getItem(key),
      setItem: (key, value) => write(key, value),
      removeItem: (key) => write(key, null),
      watch: (changed) => {
        tab.watchers.add(changed);
        return () => tab.watchers.delete(changed);
      },
    };
  }

  /** `/v1/cookie`, as the server answers it. */
  async askCookie(method: string, authorization: string | undefined): Promise<number> {
    await new Promise((resolve) => task(() => resolve(undefined)));
    this.cookieCalls.push(method);
    if (!this.wire.isUp || this.wire.site === undefined) throw new TypeError("Failed to fetch");
    if (this.cookieStatus !== 204) return this.cookieStatus;
    this.wire.cookie = method === "POST" ? authorization?.slice("Bearer ".length) : undefined;
    return 204;
  }

  async close(): Promise<void> {
    for (const tab of [...this.tabs]) await tab.close();
  }
}

export class Tab {
  readonly app: App;
  readonly watchers = new Set<(key: string | null, value: string | null) => void>();
  readonly notices: { title: string; text: string; tag: string; onClick: () => void }[] = [];
  title = "";
  permission: "granted" | "denied" | "default" | "unsupported" = "default";
  isOffline = false;
  reloads = 0;
  readonly browser: Browser;
  private looks: boolean;
  private readonly attentionRuns = new Set<() => void>();
  private readonly networkRuns = new Set<() => void>();
  private readonly leaveRuns = new Set<() => void>();
  private readonly hashRuns = new Set<() => void>();
  private entries: { hash: string; depth: number }[];
  private entry = 0;

  constructor(browser: Browser, hash: string, { looksAway, begun }: Opening) {
    this.browser = browser;
    this.looks = looksAway !== true;
    this.entries = [{ hash, depth: 0 }];
    this.app = createApp(this.ports(begun));
  }

  get hash(): string {
    return this.entries[this.entry]?.hash ?? "";
  }

  /** The person types an address, or follows a link of the page. */
  follow(hash: string): void {
    this.entries = this.entries.slice(0, this.entry + 1);
    this.entries.push({ hash, depth: (this.entries[this.entry]?.depth ?? 0) + 1 });
    this.entry++;
    for (const run of this.hashRuns) run();
  }

  back(): void {
    if (this.entry === 0) return;
    this.entry--;
    for (const run of this.hashRuns) run();
  }

  look(is: boolean): void {
    this.looks = is;
    for (const run of this.attentionRuns) run();
  }

  network(isOffline: boolean): void {
    this.isOffline = isOffline;
    for (const run of this.networkRuns) run();
  }

  leave(): void {
    for (const run of this.leaveRuns) run();
  }

  stored(key: string | null, value: string | null): void {
    if (!this.browser.tabs.has(this)) return;
    for (const watcher of [...this.watchers]) watcher(key, value);
  }

  async close(): Promise<void> {
    this.leave();
    this.browser.tabs.delete(this);
    await this.app.stop();
  }

  private ports(begun: Begun | undefined): Ports {
    const { browser } = this;
    return {
      servers: [SERVER],
      storage: browser.storageOf(this),
      lock: (held) => held(),
      address: this.address(),
      attention: { has: () => this.looks, onChange: heard(this.attentionRuns) },
      network: { isOffline: () => this.isOffline, onChange: heard(this.networkRuns) },
      notifier: {
        permission: () => this.permission,
        ask: async () => {
          const { permission } = this;
          if (permission === "default") this.permission = "granted";
          return permission === "default" ? "granted" : permission;
        },
        show: (notice) => this.notices.push(notice),
      },
      // Days that begin at midnight UTC: the same wherever the tests run.
      days: {
        startOf: (ms) => Math.floor(ms / DAY_MS) * DAY_MS,
        endOf: (ms) => (Math.floor(ms / DAY_MS) + 1) * DAY_MS,
      },
      clock: browser.clock,
      fetch: async (_path, { method, headers }) => {
        const status = await browser.askCookie(method, headers?.authorization);
        return { ok: status < 300, status };
      },
      deviceLabel: "Test browser",
      setTitle: (title) => {
        this.title = title;
      },
      reload: () => {
        this.reloads++;
      },
      onLeave: heard(this.leaveRuns),
      WebSocket: begunFirst(begun, browser.wire.WebSocket),
    };
  }

  private address(): Address {
    return {
      hash: () => this.hash,
      depth: () => this.entries[this.entry]?.depth ?? 0,
      push: (hash, depth) => {
        this.entries = [...this.entries.slice(0, this.entry + 1), { hash, depth }];
        this.entry++;
      },
      replace: (hash, depth) => {
        this.entries[this.entry] = { hash, depth };
      },
      back: () => this.back(),
      onChange: heard(this.hashRuns),
    };
  }
}

function heard(runs: Set<() => void>): (run: () => void) => () => void {
  return (run) => {
    runs.add(run);
    return () => runs.delete(run);
  };
}
