/** What the gateway needs from the world, and what dialects need from the gateway. */
import type { RangeAsk, RangeDigest } from "../core/view-range.ts";
import type { Result } from "../protocol/methods.ts";
import type { Timer } from "../replica/ports.ts";

/** One WebSocket connection, as the gateway sees it. */
export interface Link {
  /** Sends a text frame now; the connection is closed, never skipped, if it cannot take it. */
  send(text: string): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Codes: CLOSE_CODES in src/protocol/rpc.ts. */
  close(code: number, reason: string): void;
}

/** Sends one text to all connections that subscribed to a topic. */
export interface Broadcast {
  publish(topic: string, text: string): void;
}

/** Password hashing: argon2id (RFC 9106), not on the event loop. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** False also for a hash that is no hash. */
  verify(password: string, hash: string): Promise<boolean>;
}

export interface GatewayLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

export type SignUpPolicy = "open" | "invitation" | "closed";

export type ServerEntry = {
  readonly name: string;
  readonly url: string;
  readonly state: "live" | "suspect" | "unknown";
  /** Writes here are stored there, too. */
  readonly inSync?: boolean;
};

/** A link to another server, or an address to which there is none: `server.status`. */
export type LinkEntry = Result<"server.status">["links"][number];

/** Throws Refusal `unavailable` where there is no answer. */
export type DigestOf = (server: string, range: RangeAsk) => Promise<RangeDigest>;

/** What the operator does with the servers of the cluster, besides what is an op. */
export interface Membership {
  /** A token with which one server may join. Throws Refusal. */
  invite(
    expiresInMs: number,
    urls: readonly string[] | null,
  ): Promise<{ readonly token: string; readonly expiresAt: number }>;
  /** Resolves when the new secret is on this disk, and on those of members that are linked. */
  rotateSecret(): Promise<{ generation: number; held: string[]; away: string[] }>;
}

/** A connection that the gateway attached: what its dialect tells it. */
export interface Attached {
  /** A text frame; a binary one comes as null. */
  receive(text: string | null): void;
  /** The connection is gone. */
  closed(): void;
}

/** One HTTP request of `POST /v1/rpc`. */
export type HttpCall = {
  readonly body: string;
  /** The bearer token, if there was one. */
  readonly token: string | null;
  /** Remote address, for throttling. */
  readonly address: string;
  /** Whether the request proved to come from this server's operator on its own machine. */
  readonly operator: boolean;
};

export type HttpAnswer = { readonly status: number; readonly body: string };

export type { Timer };
