/**
 * Two kinds of failure. A bug is an AssertionError and ends the process. Everything that input, load,
 * disk or network can cause is a {@link Refusal} with a code of this closed set.
 */

/** After this nothing may go on: the process ends, and its next start puts things right. */
export class Fatal extends Error {
  override name = "Fatal";
}

/** There was no room on the disk for what can be written again later. */
export class NoRoom extends Error {
  override name = "NoRoom";
}

/** Codes that clients see (`error.data.code`). Never renamed, never reused. */
export const REFUSAL_CODES = [
  "invalid", // the request is malformed or out of bounds; repeating it changes nothing
  "unauthorized", // no valid session where one is needed
  "session_ended", // this session was valid and no longer is
  "bad_credentials", // name or password is wrong
  "forbidden", // the account may not do this
  "not_found", // no such thing, or none that this account may see
  "no_such_recipient", // a message to nobody
  "name_taken", // another account or channel has the name
  "id_reused", // this id was used for other content
  "too_large", // over a stated bound
  "rate_limited", // too much at once; see retryAfterMs
  "storage_full", // the disk is nearly full: reads go on, writes come back by themselves
  "indefinite", // the outcome is not known: repeat with the same id
  "unavailable", // cannot be answered just now
  "shutting_down", // this server is stopping: go to another, or wait
  "version_unsupported", // the client speaks a version that this server does not
  "stale", // this server has not seen what the cursor `at` vouches for
  "behind", // this server lacks what others hold: go to one of `servers`
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Whether the same request, with the same id, can succeed later. */
export const RETRYABLE: Readonly<Record<RefusalCode, boolean>> = {
  invalid: false,
  unauthorized: false,
  session_ended: false,
  bad_credentials: false,
  forbidden: false,
  not_found: false,
  no_such_recipient: false,
  name_taken: false,
  id_reused: false,
  too_large: false,
  rate_limited: true,
  storage_full: true,
  indefinite: true,
  unavailable: true,
  shutting_down: true,
  version_unsupported: false,
  stale: true,
  behind: true,
};

/** An answer of "no": says what happened, to what, and what to do. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly code: RefusalCode;
  /** Earliest sensible repeat, ms from now. */
  readonly retryAfterMs: number | undefined;

  constructor(code: RefusalCode, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  get retry(): boolean {
    return RETRYABLE[this.code];
  }
}
