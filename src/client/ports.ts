/**
 * What the SDK needs from the outside, as ports.
 *
 * Problem: reconnecting, repeating and backing off depend on time, chance, sockets and storage; code that
 * takes them from the air can be tested by waiting only. Approach: four narrow ports with real defaults, and
 * no other use of time or chance in this folder, so that a simulator can drive the SDK to the microsecond.
 * Rejected: patching globals in tests (two clients of one process could not live in different times).
 */
import { HoldfastError } from "./error.ts";

/** Two clocks: `monotonicMs` for timeouts only, `wallMs` only for ids and for people to read. */
export interface Clock {
  /** Ms since any fixed moment; never goes back. */
  monotonicMs(): number;
  /** Ms since 1970-01-01 UTC. */
  wallMs(): number;
  /** Runs `run` once after `ms`; the answer cancels that. */
  schedule(ms: number, run: () => void): () => void;
}

export interface Random {
  /** As many unpredictable bytes. */
  bytes(length: number): Uint8Array;
}

/** What of a WebSocket is used: those of browsers, Bun, Node 22 and the package `ws` all fit. */
export interface Socket {
  addEventListener(
    type: "open" | "message" | "close" | "error",
    listener: (event: { readonly data?: unknown; readonly code?: number }) => void,
  ): void;
  send(text: string): void;
  close(): void;
}
export type SocketConstructor = new (url: string) => Socket;

/**
 * Where a client keeps what shall outlive it: its session (with the token), its cursor, its outbox.
 * Values are JSON text. Keys are `session`, `cursor` and `outbox/` followed by a request id.
 */
export interface KeptStorage {
  /** Every key that starts with `prefix`, with its value. */
  list(prefix: string): Iterable<[string, string]> | Promise<Iterable<[string, string]>>;
  /** `undefined` removes the key. Resolves once the value will be there after a crash. */
  set(key: string, value: string | undefined): void | Promise<void>;
  /** For storage shared by several clients: tells what another one changed. The answer ends it. */
  watch?(changed: (key: string, value: string | undefined) => void): () => void;
}

/**
 * Lets one of several clients that share a storage send its outbox. Calls `held` once the lock is ours and
 * keeps it until the promise that `held` returns is settled.
 */
export type Lock = (held: () => Promise<void>) => Promise<void>;

export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(ms, run) {
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

export const realRandom: Random = {
  // Not randomUUID: browsers have that one in secure contexts only, and a chat on a LAN has none.
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** A number in [0, 1) of 32 random bits. */
export function fraction(random: Random): number {
  let value = 0;
  for (const byte of random.bytes(4)) value = value * 256 + byte;
  return value / 2 ** 32;
}

/** The runtime's WebSocket. Throws HoldfastError `unavailable` that says what to do where there is none. */
export function defaultWebSocket(): SocketConstructor {
  const found = (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (found !== undefined) return found;
  throw new HoldfastError(
    "unavailable",
    "this runtime has no WebSocket: use Node 22 or later or Bun, start Node 20 with " +
      "--experimental-websocket, or pass one as createClient({ WebSocket }), such as that of the package ws",
  );
}

/** Keeps nothing beyond the process: the default. */
export function memoryStorage(): KeptStorage {
  const kept = new Map<string, string>();
  return {
    list: (prefix) => [...kept].filter(([key]) => key.startsWith(prefix)),
    set(key, value) {
      if (value === undefined) kept.delete(key);
      else kept.set(key, value);
    },
  };
}

/** What of `localStorage` is used. */
export type WebStorage = {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
};

type StorageEvents = {
  addEventListener?(type: "storage", listener: (event: StorageChange) => void): void;
  removeEventListener?(type: "storage", listener: (event: StorageChange) => void): void;
};
type StorageChange = { key: string | null; newValue: string | null; storageArea: unknown };

/**
 * Keeps in `localStorage` (shared by the tabs of one origin, also in insecure contexts) or `sessionStorage`,
 * under keys that start with `prefix`.
 */
export function webStorage(storage: WebStorage, prefix = "holdfast/"): KeptStorage {
  return {
    list(wanted) {
      const found: [string, string][] = [];
      for (let i = 0; i < storage.length; i++) {
        const key = storage.key(i);
        if (key === null || !key.startsWith(prefix + wanted)) continue;
        const value = storage.getItem(key);
        if (value !== null) found.push([key.slice(prefix.length), value]);
      }
      return found;
    },
    set(key, value) {
      if (value === undefined) storage.removeItem(prefix + key);
      else storage.setItem(prefix + key, value);
    },
    watch(changed) {
      const page = globalThis as StorageEvents;
      const heard = (event: StorageChange) => {
        if (event.storageArea !== storage || !event.key?.startsWith(prefix)) return;
        changed(event.key.slice(prefix.length), event.newValue ?? undefined);
      };
      page.addEventListener?.("storage", heard);
      return () => page.removeEventListener?.("storage", heard);
    },
  };
}

/**
 * A lock among the tabs of one origin (Web Locks). Where there is none, as on pages over plain http, every
 * tab gets it: all of them then send, under the same ids, so that each message still has one effect.
 */
export function webLock(name: string): Lock {
  type Locks = { request(name: string, held: () => Promise<void>): Promise<void> };
  const locks = (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks;
  return (held) => (locks === undefined ? held() : locks.request(name, held));
}
