/**
 * Where in the page one is, as the address says it.
 *
 * The part behind `#` names the place, so that a place can be linked to, reloaded, and left by the browser's own
 * back button. What it says is a stranger's text: whatever is no place is home.
 */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Address } from "./ports.ts";

export const SETTINGS_TABS = [
  "profile",
  "security",
  "sessions",
  "appearance",
  "notifications",
  "account",
] as const;
export type SettingsTab = (typeof SETTINGS_TABS)[number];
export const ADMIN_TABS = ["accounts", "invitations", "sign-up", "servers"] as const;
export type AdminTab = (typeof ADMIN_TABS)[number];

export type PlaceAt =
  | { readonly is: "home" }
  | {
      readonly is: "conversation";
      readonly id: string;
      /** Position of a message to show. */
      readonly at?: string;
      readonly side?: "members" | "details";
    }
  | { readonly is: "search"; readonly text: string; readonly in?: string }
  | { readonly is: "settings"; readonly tab: SettingsTab }
  | { readonly is: "channel-settings"; readonly id: string }
  | { readonly is: "admin"; readonly tab: AdminTab }
  | { readonly is: "guide" }
  | { readonly is: "invite"; readonly code: string };

export interface Place {
  readonly current: ReadonlySignal<PlaceAt>;
  go(place: PlaceAt, options?: { readonly replace?: boolean }): void;
  /** For links: `#/c/ID`. */
  href(place: PlaceAt): string;
  /** To where one came from within the page, otherwise home. */
  back(): void;
}

export const HOME: PlaceAt = { is: "home" };

/** What a hash says: a place, or a name (`@bob`, `#ops`) that is one once somebody looked it up. */
export type Parsed = { readonly place: PlaceAt } | { readonly reference: string };

export function parseHash(hash: string): Parsed {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  if (/^(@|#|%23|%40)/.test(path)) return { reference: decoded(path) };
  const [first, second = "", third = "", ...rest] = path.split("/").map(decoded);
  if (first === "c" && second !== "") {
    if (/^(?:[@#]|a_)/.test(second)) return { reference: second };
    return { place: conversationOf(second, third, rest.join("/")) };
  }
  return { place: otherPlace(first, second, third, new URLSearchParams(query)) };
}

function conversationOf(id: string, third: string, last: string): PlaceAt {
  if (third === "at" && last !== "") return { is: "conversation", id, at: last };
  if (third === "members" || third === "details") return { is: "conversation", id, side: third };
  return { is: "conversation", id };
}

function otherPlace(
  first: string | undefined,
  second: string,
  third: string,
  query: URLSearchParams,
): PlaceAt {
  switch (first) {
    case "search": {
      const within = query.get("in");
      return { is: "search", text: query.get("q") ?? "", ...(within ? { in: within } : {}) };
    }
    case "settings":
      return { is: "settings", tab: SETTINGS_TABS.find((tab) => tab === second) ?? "profile" };
    case "admin":
      return { is: "admin", tab: ADMIN_TABS.find((tab) => tab === second) ?? "accounts" };
    case "channel":
      return second !== "" && third === "settings" ? { is: "channel-settings", id: second } : HOME;
    case "guide":
      return { is: "guide" };
    case "join":
      return second === "" ? HOME : { is: "invite", code: second };
    default:
      return HOME;
  }
}

export function hashOf(place: PlaceAt): string {
  switch (place.is) {
    case "home":
      return "#/";
    case "conversation": {
      const base = `#/c/${encoded(place.id)}`;
      if (place.at !== undefined) return `${base}/at/${encoded(place.at)}`;
      return place.side === undefined ? base : `${base}/${place.side}`;
    }
    case "search": {
      const within = place.in === undefined ? "" : `&in=${encoded(place.in)}`;
      return `#/search?q=${encoded(place.text)}${within}`;
    }
    case "settings":
      return `#/settings/${place.tab}`;
    case "channel-settings":
      return `#/channel/${encoded(place.id)}/settings`;
    case "admin":
      return `#/admin/${place.tab}`;
    case "guide":
      return "#/guide";
    case "invite":
      return `#/join/${encoded(place.code)}`;
  }
}

/** Half a character, as one is typed, has no address. */
function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export class HashPlace implements Place {
  readonly current = signal<PlaceAt>(HOME);
  /** A name in the address that is still to be looked up. */
  readonly wanted = signal<string | undefined>(undefined);
  readonly #address: Address;
  readonly #unwatch: () => void;

  constructor(address: Address) {
    this.#address = address;
    this.#read();
    this.#unwatch = address.onChange(() => this.#read());
  }

  go(place: PlaceAt, options: { readonly replace?: boolean } = {}): void {
    const hash = hashOf(place);
    const depth = this.#address.depth();
    if (options.replace === true || hash === hashOf(this.current.peek())) {
      this.#address.replace(hash, depth);
    } else {
      this.#address.push(hash, depth + 1);
    }
    this.wanted.value = undefined;
    this.#become(place);
  }

  href(place: PlaceAt): string {
    return hashOf(place);
  }

  back(): void {
    if (this.#address.depth() > 0) this.#address.back();
    else this.go(HOME, { replace: true });
  }

  stop(): void {
    this.#unwatch();
  }

  #read(): void {
    const parsed = parseHash(this.#address.hash());
    this.#become("place" in parsed ? parsed.place : HOME);
    // Last: a name that is known is looked up at once, and leads on from here.
    this.wanted.value = "reference" in parsed ? parsed.reference : undefined;
  }

  #become(place: PlaceAt): void {
    if (hashOf(place) !== hashOf(this.current.peek())) this.current.value = place;
  }
}
