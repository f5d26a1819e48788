import type { Clock, KeptStorage, Lock, Random, SocketConstructor } from "./ports.ts";
import type { CallParams, MethodName } from "./table.ts";
import type { Timing } from "./timing.ts";

export type ClientOptions = {
  /** Addresses of servers, `http://HOST:PORT` or `https://HOST`; the first is tried first. */
  servers: readonly string[];
  /** Goes on with this session; without it, with the one in the storage, if any. */
  token?: string;
  /** What was seen before, in place of the kept one. `null`: starts from now and keeps none. */
  cursor?: string | null;
  /** Where session, cursor and outbox are kept; in memory unless told otherwise. */
  storage?: KeptStorage;
  /** For a storage that several clients share: only the holder sends the outbox. See `webLock`. */
  lock?: Lock;
  /** For runtimes that have no WebSocket of their own. */
  WebSocket?: SocketConstructor;
  /** Whether to go to servers that servers tell of, too; true unless told otherwise. */
  learnServers?: boolean;
  clock?: Clock;
  random?: Random;
  timing?: Partial<Timing>;
};

export type CallOptions = {
  /** Ms until a call that nobody answered is given up: 30,000 unless told otherwise, Infinity for never. */
  deadlineMs?: number;
  /** Reads: take an answer that may be older than what this client has seen, rather than none. */
  stale?: boolean;
};

/** What stands behind the method in a call: params may be left out where none are needed. */
export type CallArguments<M extends MethodName> =
  object extends CallParams<M>
    ? [params?: CallParams<M>, options?: CallOptions]
    : [params: CallParams<M>, options?: CallOptions];
