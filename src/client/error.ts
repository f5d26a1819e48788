/** The one error class of the SDK: the server's refusals, and the client's own answers in the same codes. */
import { RETRYABLE, type RefusalCode } from "../core/errors.ts";
import type { RpcError } from "../protocol/rpc.ts";

export type ErrorDetails = {
  retry?: boolean;
  retryAfterMs?: number | undefined;
  /** What a repeat was told, where `indefinite` stands for the request as a whole. */
  refusal?: RefusalCode | undefined;
  /** The id of the write: repeat it with this one. */
  requestId?: string | undefined;
};

/**
 * `code` is one of the closed set of refusals. `indefinite` means: it may or may not have happened; repeat
 * it with `requestId` as its id and it has one effect whatever happened before.
 */
export class HoldfastError extends Error {
  override name = "HoldfastError";
  readonly code: RefusalCode;
  /** Whether the same request, with the same id, can succeed later. */
  readonly retry: boolean;
  /** Earliest sensible repeat, ms from the answer. */
  readonly retryAfterMs: number | undefined;
  readonly refusal: RefusalCode | undefined;
  readonly requestId: string | undefined;

  constructor(code: RefusalCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = code;
    this.retry = details.retry ?? RETRYABLE[code];
    this.retryAfterMs = details.retryAfterMs;
    this.refusal = details.refusal;
    this.requestId = details.requestId;
  }
}

/** A server's error; one that has no known code (a proxy's, a later release's) counts as `unavailable`. */
export function errorOf(error: Partial<RpcError> | undefined, requestId?: string): HoldfastError {
  const code = error?.data?.code;
  const known = code !== undefined && Object.hasOwn(RETRYABLE, code);
  const retry = error?.data?.retry;
  return new HoldfastError(known ? code : "unavailable", error?.message ?? "refused", {
    ...(typeof retry === "boolean" ? { retry } : {}),
    retryAfterMs: error?.data?.retryAfterMs,
    requestId,
  });
}

/** What answers there is no Holdfast server. */
export function noServer(server: string): HoldfastError {
  return new HoldfastError("unavailable", `${server} does not answer as a Holdfast server`);
}

/** Why an answer is not the one that was asked for: it says no, or it says nothing. */
export function whyNot(error: Partial<RpcError> | undefined, server: string): HoldfastError {
  return error === undefined ? noServer(server) : errorOf(error);
}

/** Codes that say: this session is no (longer a) session. */
export function isSessionCode(code: RefusalCode | undefined): boolean {
  return code === "unauthorized" || code === "session_ended" || code === "bad_credentials";
}
