/** JSON-RPC 2.0 frames (https://www.jsonrpc.org/specification), one request a text frame, no batches. */
import type { RefusalCode } from "../core/errors.ts";

export type RpcId = string | number;

export type RpcRequest = { jsonrpc: "2.0"; id: RpcId; method: string; params?: unknown };

export type RpcErrorData = {
  code: RefusalCode;
  retry: boolean;
  retryAfterMs?: number;
  /** With `behind`: where to go, best first. */
  servers?: readonly { name: string; url: string }[];
};

export type RpcError = { code: number; message: string; data: RpcErrorData };

export type RpcResponse =
  | { jsonrpc: "2.0"; id: RpcId; result: unknown }
  | { jsonrpc: "2.0"; id: RpcId | null; error: RpcError };

export type RpcNotification = { jsonrpc: "2.0"; method: string; params: unknown };

/** The number that JSON-RPC wants beside our code. */
export const RPC_CODES: Readonly<Record<RefusalCode, number>> = {
  invalid: -32602,
  unauthorized: -32001,
  session_ended: -32002,
  bad_credentials: -32003,
  forbidden: -32004,
  not_found: -32005,
  no_such_recipient: -32006,
  name_taken: -32007,
  id_reused: -32008,
  too_large: -32009,
  rate_limited: -32010,
  storage_full: -32011,
  indefinite: -32012,
  unavailable: -32013,
  shutting_down: -32014,
  version_unsupported: -32015,
  stale: -32016,
  behind: -32017,
};

/** Status of `POST /v1/rpc` for each code; 200 for a result. */
export const HTTP_STATUS: Readonly<Record<RefusalCode, number>> = {
  invalid: 400,
  unauthorized: 401,
  session_ended: 401,
  bad_credentials: 401,
  forbidden: 403,
  not_found: 404,
  no_such_recipient: 404,
  name_taken: 409,
  id_reused: 409,
  too_large: 413,
  rate_limited: 429,
  storage_full: 507,
  indefinite: 504,
  unavailable: 503,
  shutting_down: 503,
  version_unsupported: 426,
  stale: 503,
  behind: 503,
};

/** Close codes of `/v1/ws` (RFC 6455, section 7.4; 4000 and up are ours). */
export const CLOSE_CODES = {
  going_away: 1001, // the server stops: go to another, or come back
  too_large: 1009, // a frame past the bound
  bad_frames: 4000, // too many frames that are no requests
  slow: 4001, // events could not be delivered: resume by cursor
  session_ended: 4002, // the session is over: sign in again
  idle: 4003, // not signed in within the bound, or silent for too long
  flooding: 4004, // went on sending past its bounds
} as const;
