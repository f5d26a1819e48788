/** The outbox as an application sees it. */
import type { Message, Receipt } from "../protocol/schema.ts";
import type { HoldfastError } from "./error.ts";

/**
 * `waiting`: for a connection, for the message before it, or to be tried again. `sending`: on its way.
 * `stored`: acknowledged; it then leaves the outbox. `failed`: refused; `retry` or `drop` it.
 */
export type OutboxState = "waiting" | "sending" | "stored" | "failed";

/** A snapshot: the next state of the entry is another object. */
export type OutboxEntry = {
  /** The request id, for ever the same: of two posts under one id, one has an effect. */
  readonly id: string;
  /** As it was given: a name or an id. */
  readonly to: string;
  readonly text: string;
  readonly state: OutboxState;
  /** Wall-clock ms. */
  readonly at: number;
  /** In `failed`. With `indefinite` it may nevertheless have been posted. */
  readonly error?: { readonly code: HoldfastError["code"]; readonly message: string };
  /** In `stored`: where it is held, and the message as it is shown. */
  readonly receipt?: Receipt;
  readonly message?: Message;
};

export interface Outbox {
  /** Entries of the own account that are not stored yet, oldest first. */
  readonly entries: readonly OutboxEntry[];
  /**
   * Takes a message in and answers at once; see the event `outbox` for what becomes of it. `id`: to repeat one
   * of an earlier process, or see `replyId`. Throws HoldfastError `unavailable` if the outbox is full.
   */
  post(message: { to: string; text: string; id?: string }): OutboxEntry;
  /** Sends a failed entry again, under its id, in its old place among those that wait. */
  retry(id: string): void;
  /**
   * Gives an entry up. Only one that failed or was never sent: throws HoldfastError `indefinite` for one
   * that may already be posted.
   */
  drop(id: string): void;
  /** Gives up every entry of an account, whatever became of it: for when the account is deleted. */
  forget(account: string): void;
}
