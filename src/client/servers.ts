/**
 * The servers a client may go to, in a ring.
 *
 * Those given come first and in their order; those that servers tell of join at the end, bounded. A client
 * that was given only https addresses never goes to a plain http one, whatever a server tells it: the token
 * would travel in the open.
 */
import type { Result } from "../protocol/methods.ts";
import { HoldfastError } from "./error.ts";
import { SERVERS_MAX } from "./timing.ts";

export type ServerEntry = Result<"server.hello">["servers"][number];

export class Servers {
  private readonly ring: string[] = [];
  private readonly secureOnly: boolean;
  private at = 0;

  /** Throws HoldfastError `invalid` if there is no address or one is none. */
  constructor(urls: readonly string[]) {
    for (const url of urls) {
      const base = baseOf(url);
      if (base === null) {
        throw new HoldfastError("invalid", `${url}: a server is http://HOST:PORT or https://HOST`);
      }
      if (!this.ring.includes(base)) this.ring.push(base);
    }
    if (this.ring.length === 0) throw new HoldfastError("invalid", "name at least one server");
    this.secureOnly = this.ring.every((url) => url.startsWith("https:"));
  }

  get size(): number {
    return this.ring.length;
  }

  get list(): readonly string[] {
    return [...this.ring];
  }

  current(): string {
    return this.ring[this.at] as string;
  }

  advance(): void {
    this.at = (this.at + 1) % this.ring.length;
  }

  learn(entries: readonly ServerEntry[]): void {
    for (const entry of entries) {
      const base = baseOf(entry.url);
      if (base === null || this.ring.includes(base) || this.ring.length >= SERVERS_MAX) continue;
      if (this.secureOnly && !base.startsWith("https:")) continue;
      this.ring.push(base);
    }
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
