/**
 * The servers a client may go to, in a ring.
 *
 * Those given come first and in their order; those that servers tell of join at the end, bounded. On the way
 * around, those said to be live and in sync come before those of which nothing good is said, and each is tried once before
 * any is tried again: what one server says of another may be wrong. A server that answers under an address that
 * was given is not added again under the one that it tells itself.
 *
 * A client that was given only https addresses never goes to a plain http one, whatever a server tells it: the
 * token would travel in the open.
 */
import type { Result } from "../protocol/methods.ts";
import { HoldfastError } from "./error.ts";
import { SERVERS_MAX } from "./timing.ts";
import { entriesIn } from "./told.ts";

export type ServerEntry = Result<"server.hello">["servers"][number];
export type KnownServer = Pick<ServerEntry, "name" | "url">;

export class Servers {
  private readonly ring: string[] = [];
  private readonly secureOnly: boolean;
  /** What a server calls itself, by the address that it answered at or was told by. */
  private readonly names = new Map<string, string>();
  /** Names of those said to be live and to hold what the others hold. */
  private good = new Set<string>();
  /** Failed since one was good, or since all had failed. */
  private readonly tried = new Set<string>();
  private at: string;
  private last: readonly KnownServer[] | undefined;
  private readonly given: ReadonlySet<string>;

  /** Throws HoldfastError `invalid` if there is no address or one is none. */
  constructor(urls: readonly string[]) {
    for (const url of urls) {
      const base = baseOf(url);
      if (base === null) {
        throw new HoldfastError("invalid", `${url}: a server is http://HOST:PORT or https://HOST`);
      }
      if (!this.ring.includes(base)) this.ring.push(base);
    }
    const [first] = this.ring;
    if (first === undefined) throw new HoldfastError("invalid", "name at least one server");
    this.at = first;
    this.given = new Set(this.ring);
    this.secureOnly = this.ring.every((url) => url.startsWith("https:"));
  }

  get size(): number {
    return this.ring.length;
  }

  get list(): readonly string[] {
    return [...this.ring];
  }

  /** Whether it is an address that the application gave. */
  isGiven(url: string): boolean {
    return this.given.has(url);
  }

  /** What a server told last, to be recalled by a client of later. */
  get told(): readonly KnownServer[] | undefined {
    return this.last;
  }

  current(): string {
    return this.at;
  }

  /** The current one is of no use: on to the next. */
  advance(): void {
    this.tried.add(this.at);
    if (this.tried.size >= this.ring.length) this.tried.clear();
    this.at = this.best((url) => this.tried.has(url)) ?? this.at;
  }

  /** The current one is good. */
  settled(): void {
    this.tried.clear();
  }

  /** From now on this is the current one. */
  goTo(url: string): void {
    this.at = url;
  }

  /** Another server than the current one; nothing if all others are `unfit`. */
  other(unfit: (url: string) => boolean): string | undefined {
    const own = this.names.get(this.at);
    const isSame = (url: string) => own !== undefined && this.names.get(url) === own;
    return this.best((url) => isSame(url) || unfit(url));
  }

  /** What a server says of all of them; `from` is where that one was reached, `name` what it is called. */
  learn(servers: unknown, from?: string, name?: string): void {
    if (from !== undefined && name !== undefined) this.names.set(from, name);
    const entries = entriesIn(servers);
    if (entries === undefined) return;
    const isGood = ({ state, inSync }: ServerEntry) => state === "live" && inSync !== false;
    this.good = new Set(entries.filter(isGood).map(({ name }) => name));
    this.last = entries.slice(0, SERVERS_MAX).map(({ name, url }) => ({ name, url }));
    this.add(entries);
  }

  /** What was told to a client of before. It stood in a storage, and may be anything. */
  recall(told: unknown): void {
    this.add(entriesIn(told) ?? []);
  }

  private add(entries: readonly KnownServer[]): void {
    for (const entry of entries) {
      const base = baseOf(entry.url);
      if (base === null) continue;
      if (this.ring.includes(base)) this.names.set(base, entry.name);
      else if (this.mayAdd(base, entry.name)) {
        this.names.set(base, entry.name);
        this.ring.push(base);
      }
    }
  }

  private mayAdd(base: string, name: string): boolean {
    if (this.ring.length >= SERVERS_MAX) return false;
    if (this.secureOnly && !base.startsWith("https:")) return false;
    return !this.ring.some((url) => this.names.get(url) === name);
  }

  /** In the order of the ring, from the current one on. */
  private best(unfit: (url: string) => boolean): string | undefined {
    const from = this.ring.indexOf(this.at);
    const others = [...this.ring.slice(from + 1), ...this.ring.slice(0, from)];
    const fit = others.filter((url) => !unfit(url));
    return fit.find((url) => this.good.has(this.names.get(url) ?? "")) ?? fit[0];
  }
}

/** `http(s)://host[:port][/path]` without a slash at the end; null if it is anything else. */
export function baseOf(text: string): string | null {
  try {
    const url = new URL(text);
    if (url.protocol !== "http:" && url.protocol !== "https:") return null;
    if (url.username !== "" || url.search !== "" || url.hash !== "") return null;
    return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
  } catch {
    return null;
  }
}

export function socketUrl(base: string): string {
  return `${base.replace(/^http/, "ws")}/v1/ws`;
}
