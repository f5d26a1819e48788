/**
 * What the page's state needs of the browser, as ports.
 *
 * Problem: state that reaches for `window` can be tried in a browser only, and half of what it reaches for is
 * missing on a page over plain http or forbidden in a private window. Approach: narrow ports with one real
 * implementation in browser-ports.ts, which also knows the ways out; everything else here runs in any
 * JavaScript runtime. Rejected: patching globals in tests (two tabs of one test could not differ).
 */
import type { Clock, Lock, Random, SocketConstructor, WebStorage } from "../../client/index.ts";

export interface Ports {
  /** Addresses of the servers, the page's own first. */
  readonly servers: readonly string[];
  readonly storage: PageStorage;
  /** Among tabs of one browser: its holder sends the outbox. */
  readonly lock: Lock;
  readonly address: Address;
  readonly attention: Attention;
  readonly network: Network;
  readonly notifier: Notifier;
  readonly days: Days;
  readonly clock: Clock;
  readonly fetch: PageFetch;
  /** Shown in the list of sessions, such as `Firefox on Linux`. */
  readonly deviceLabel: string;
  setTitle(title: string): void;
  /** Loads the page anew, with the policy that its server gives it then. */
  reload(): void;
  /** Runs when the page may be about to go: what waits to be written is written now. The answer ends it. */
  onLeave(run: () => void): () => void;
  /** For tests: the runtime's own unless given. */
  readonly random?: Random;
  /** The runtime's own unless given; see begun-socket.ts. */
  readonly WebSocket?: SocketConstructor;
}

/** `localStorage`, or something like it that forgets. */
export interface PageStorage extends WebStorage {
  /** False where the browser keeps nothing for this page: what is stored is gone with the tab. */
  readonly lasts: boolean;
  /** What another tab changed; a `key` of null: everything is gone. The answer ends it. */
  watch(changed: (key: string | null, value: string | null) => void): () => void;
}

/** The part of the address behind `#`, and how deep in the page's own history it is. */
export interface Address {
  hash(): string;
  /** Places behind this one that are the page's own; 0 for where it was opened. */
  depth(): number;
  push(hash: string, depth: number): void;
  replace(hash: string, depth: number): void;
  back(): void;
  /** The person went elsewhere in the history, or changed the address. */
  onChange(run: () => void): () => void;
}

/** Whether somebody looks at this page: it is visible and has the focus. */
export interface Attention {
  has(): boolean;
  onChange(run: () => void): () => void;
}

/** What the browser believes about the network: a hint, never the truth. */
export interface Network {
  isOffline(): boolean;
  onChange(run: () => void): () => void;
}

/** Notifications of the browser: in secure contexts only, and not in every browser. */
export interface Notifier {
  permission(): "granted" | "denied" | "default" | "unsupported";
  ask(): Promise<"granted" | "denied" | "unsupported">;
  /** Of two with one `tag` the newer takes the older's place. */
  show(notice: { title: string; text: string; tag: string; onClick: () => void }): void;
}

/** Days as people here count them. */
export interface Days {
  /** Wall-clock ms of the midnight that begins the day of `ms`. */
  startOf(ms: number): number;
  /** Wall-clock ms of the midnight that ends it: not always 24 h later. */
  endOf(ms: number): number;
}

/** Requests to the page's own server. */
export type PageFetch = (
  path: string,
  init: { readonly method: string; readonly headers?: Readonly<Record<string, string>> },
) => Promise<{ readonly ok: boolean; readonly status: number }>;
