/** Every time and bound of the SDK in one place, unit last. Tests and the simulator may set their own. */
import { BEAT_INTERVAL_MS } from "../core/limits.ts";

export const TIMING = {
  /** Dialling, hello and resuming may be silent for this long; doubles with every round of failures. */
  connectMs: 2_000,
  connectMsMax: 10_000,
  beatMs: BEAT_INTERVAL_MS,
  /** A signed-in connection that was silent for two beats and this much is dead. */
  beatGraceMs: 100,
  /** A timer that fires later than this was held up by our own machine: the server gets one more beat. */
  stallMs: 250,
  /** Not signed in there are no beats: ask after this much silence while an answer is due, */
  quietMs: 1_000,
  /** and give the connection up if that, too, stays unanswered for this long. */
  silentMs: 3_000,
  /** Wait after the n-th round of failures: random in [0, min(max, min * 2^(n-1))] ("full jitter"). */
  backoffMsMin: 100,
  backoffMsMax: 5_000,
  /** Live for this long: the connection was good, failures are forgotten. */
  stableMs: 5_000,
  /** Answers still due from a server that stops are waited for this long. */
  leaveMs: 500,
  /** Unanswered for this long, or longer than is usual, a request goes to a second server too; 0 for never. */
  hedgeMs: BEAT_INTERVAL_MS / 4,
  /** The link to the second server is kept for this long after its last use. */
  spareMs: 10_000,
  /** A server that was of no use as the second one is passed over for this long. */
  spareAgainMs: 5_000,
  /** Dialling takes longer than this: another server is dialled beside it, and the first to answer is taken. */
  slowDialMs: 300,
  /** A call without a deadline of its own. */
  requestMs: 30_000,
  /** How long `@name` and `#name` may stand for the id they stood for. */
  nameMs: 30_000,
  /** The cursor is stored at most this often. */
  cursorMs: 250,
  /** Wait before an outbox message is tried again: as above, full jitter. */
  retryMsMin: 200,
  retryMsMax: 10_000,
} as const;
export type Timing = { readonly [K in keyof typeof TIMING]: number };

/** Requests sent and unanswered on one connection; the rest waits here. */
export const IN_FLIGHT_MAX = 1_000;
/** Calls that wait or are in flight; one more is refused as `unavailable`. */
export const REQUESTS_MAX = 10_000;
/** Conversations that outbox messages are in flight to at once. */
export const LANES_MAX = 64;
export const OUTBOX_ENTRIES_MAX = 10_000;
export const NAMES_MAX = 256;
/** Message ids remembered as shown: over four times what a resume may send (1,000 events). */
export const SHOWN_MAX = 4_096;
/** Ids of writes whose outcome is unknown, remembered for a repeat by the caller. */
export const UNKNOWN_MAX = 1_024;
export const SERVERS_MAX = 16;

/** Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): `round` counts from 1. */
export function backoffMs(round: number, minMs: number, maxMs: number, fraction: number): number {
  return fraction * Math.min(maxMs, minMs * 2 ** Math.min(round - 1, 30));
}
