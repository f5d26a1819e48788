import type { HoldfastError } from "./error.ts";

/**
 * `idle`: no connection is needed. `connecting`, `hello`, `resuming`: on the way; events that were missed
 * arrive while `resuming`. `live`: requests go out at once. `waiting`: no server could be reached, the next
 * attempt is at `retryAt`. `closed`: by {@link Client.close}, for good.
 */
export type ConnectionState =
  | "idle"
  | "connecting"
  | "hello"
  | "resuming"
  | "live"
  | "waiting"
  | "closed";

export type ConnectionStatus = {
  readonly state: ConnectionState;
  /** Address of the server it is about; none in `idle`, `waiting`, `closed`. */
  readonly server?: string;
  /** What that server calls itself, once it said so. */
  readonly name?: string;
  /** Wall-clock ms since which this state holds. */
  readonly since: number;
  /** In `waiting`: wall-clock ms of the next attempt. */
  readonly retryAt?: number;
  /** Why the last connection ended, until the next one is live. */
  readonly error?: HoldfastError;
};
