/**
 * Addresses to dial, and when: those that were configured and those that members gave.
 *
 * Decision: {@link AddressBook.evaluate}, per address. Invariants: 1. An address is dialled at most once at a
 * time. 2. One that leads to a server with a link is not dialled. 3. Waits grow from REDIAL_MS_MIN to
 * REDIAL_MS_MAX with full jitter (Brooker, Exponential Backoff and Jitter, 2015), and begin anew after a good
 * link.
 */
import { LINK_GOOD_MS, LINKS_MAX, REDIAL_MS_MAX, REDIAL_MS_MIN } from "../core/limits.ts";
import type { Clock, Random, Timer } from "../replica/ports.ts";

/** An address that leads back here may lead elsewhere one day: looked at again after this long. */
const ITSELF_REDIAL_MS = 60_000;

export type Address = {
  readonly url: string;
  /** Given by the operator; otherwise a member gave it. */
  isConfigured: boolean;
  /** Whom it leads to, as far as it is known. */
  server: string | null;
  isItself: boolean;
  isDialling: boolean;
  failures: number;
  timer: Timer | null;
};

export type AddressBookParts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: (address: Address) => void;
  readonly isLinked: (server: string) => boolean;
};

export class AddressBook {
  private readonly parts: AddressBookParts;
  private readonly byUrl = new Map<string, Address>();
  private isStopped = false;

  constructor(parts: AddressBookParts) {
    this.parts = parts;
  }

  get all(): Iterable<Address> {
    return this.byUrl.values();
  }

  get(url: string): Address | undefined {
    return this.byUrl.get(url);
  }

  configure(urls: readonly string[]): void {
    for (const url of urls) this.add(url, null).isConfigured = true;
  }

  /** What the members' addresses are now: new ones are dialled, old ones forgotten. */
  learn(members: ReadonlyMap<string, string>): void {
    for (const [server, url] of members) {
      const known = this.byUrl.get(url);
      if (known === undefined && this.byUrl.size < 2 * LINKS_MAX) this.add(url, server);
      else if (known !== undefined) known.server ??= server;
    }
    const urls = new Set(members.values());
    for (const address of this.byUrl.values()) {
      if (address.isConfigured || urls.has(address.url) || address.isDialling) continue;
      address.timer?.cancel();
      this.byUrl.delete(address.url);
    }
  }

  private add(url: string, server: string | null): Address {
    const known = this.byUrl.get(url);
    if (known !== undefined) return known;
    const address: Address = {
      url,
      isConfigured: false,
      server,
      isItself: false,
      isDialling: false,
      failures: 0,
      timer: null,
    };
    this.byUrl.set(url, address);
    this.evaluate(address, 0);
    return address;
  }

  /** A dialled connection is over, after how long a link. */
  ended(url: string, linkedMs: number | null, isItself: boolean): void {
    const address = this.byUrl.get(url);
    if (address === undefined) return;
    address.isDialling = false;
    address.isItself = isItself;
    const isGood = linkedMs !== null && linkedMs >= LINK_GOOD_MS;
    address.failures = isGood ? 0 : address.failures + 1;
    this.evaluate(address, isItself ? ITSELF_REDIAL_MS : this.waitMs(address.failures));
  }

  /** A link to this server is over: its other addresses may be dialled again. */
  lost(server: string): void {
    for (const address of this.byUrl.values()) {
      if (address.server === server) this.evaluate(address, this.waitMs(address.failures));
    }
  }

  /** What is in the way to this server has changed: it is dialled at once. */
  again(server: string): void {
    for (const address of this.byUrl.values()) {
      if (address.server !== server) continue;
      address.timer?.cancel();
      address.timer = null;
      address.failures = 0;
      this.evaluate(address, 0);
    }
  }

  /** The one decision: dial it, when, or leave it. */
  private evaluate(address: Address, waitMs: number): void {
    const { clock, dial } = this.parts;
    if (this.isStopped || address.isDialling || address.timer !== null) return;
    address.timer = clock.schedule(waitMs, () => {
      address.timer = null;
      if (this.isStopped || address.isDialling || this.isReached(address)) return;
      address.isDialling = true;
      dial(address);
    });
  }

  private isReached({ server }: Address): boolean {
    return server !== null && this.parts.isLinked(server);
  }

  private waitMs(failures: number): number {
    const cap = Math.min(REDIAL_MS_MAX, REDIAL_MS_MIN * 2 ** Math.min(failures + 1, 16));
    const [byte = 0, low = 0] = this.parts.random.bytes(2);
    const share = (byte * 256 + low) / 65_536;
    return REDIAL_MS_MIN + share * (cap - REDIAL_MS_MIN);
  }

  stop(): void {
    this.isStopped = true;
    for (const address of this.byUrl.values()) address.timer?.cancel();
  }
}
