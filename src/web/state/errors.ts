/**
 * What went wrong, in people's words: what happened, and what to do.
 *
 * The server's own messages are for people, too, but name things as a program called them. Where a code says
 * all there is to say it gets one sentence here; where the message knows more (which right is missing, which
 * field does not fit) the message is shown, without the ids in it.
 */
import { HoldfastError, type OutboxEntry, type RefusalCode } from "../../client/index.ts";

type Trouble = {
  readonly code: RefusalCode;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  readonly refusal?: RefusalCode | undefined;
};

const NOT_CONNECTED = "Not connected. Try again when the connection is back.";

/** Words for whatever was thrown, or for the `error` of an outbox entry. */
export function textOf(error: unknown): string {
  return isTrouble(error)
    ? WORDS[error.code](error)
    : "Something went wrong in this page. Reload it and try again.";
}

const WORDS: { readonly [C in RefusalCode]: (trouble: Trouble) => string } = {
  invalid: ({ message }) => sentence(message),
  unauthorized: () => "Sign in first.",
  session_ended: () => "Your session is over. Sign in again.",
  bad_credentials: () => "The name or the password is wrong.",
  forbidden: ({ message }) => sentence(message),
  not_found: () => "There is no such thing, or none that you may see.",
  no_such_recipient: () => "This person or channel does not exist any more.",
  name_taken: () => "This name is taken. Choose another one.",
  id_reused: () => "Something went wrong in this page. Reload it and try again.",
  too_large: ({ message }) => sentence(message),
  rate_limited: ({ retryAfterMs }) => `That was too much at once. Try again ${soon(retryAfterMs)}.`,
  storage_full: () => "The server has no room to write. Reading goes on; try again later.",
  indefinite: ({ refusal }) =>
    refusal === undefined || refusal === "unavailable"
      ? "The connection broke before the answer came: it may have happened. Look before you try again."
      : "An answer was lost: it may have happened. Look before you try again.",
  unavailable: ({ retryAfterMs }) =>
    retryAfterMs === undefined
      ? NOT_CONNECTED
      : `The server cannot do this just now. Try again ${soon(retryAfterMs)}.`,
  shutting_down: () => "The server is stopping. Try again in a moment.",
  version_unsupported: () => "This page is too old for the server. Reload it.",
  stale: () => "The server is still catching up. Try again in a moment.",
  behind: () => "The server is still catching up. Another one answers in a moment.",
};

/** What an outbox entry waits for, or why it failed. */
export function textOfEntry(entry: OutboxEntry, connected: boolean): string {
  if (entry.state === "failed") {
    return entry.error?.code === "indefinite"
      ? "It is not known whether this was stored. Send it again: it will not be there twice."
      : `Not sent. ${textOf(entry.error)}`;
  }
  if (entry.state === "stored") return "Stored";
  if (entry.state === "sending") return "Sending";
  return connected ? "Waiting to be sent" : "Will be sent when the connection is back";
}

/** Why one was signed out, from what the server or the SDK says of it; nothing where one did it oneself. */
export function reasonOf(code: RefusalCode, reason: string): string {
  if (/password was changed/.test(reason)) return "The password was changed. Sign in again.";
  if (/deleted/.test(reason)) return "The account was deleted.";
  if (/disabled/.test(reason)) return "The account was disabled. Ask an administrator.";
  if (code === "unauthorized") return "This browser is no longer signed in. Sign in again.";
  return "Your session is over. Sign in again.";
}

function isTrouble(error: unknown): error is Trouble {
  if (error instanceof HoldfastError) return true;
  const code = (error as Partial<Trouble> | null | undefined)?.code;
  return typeof code === "string" && Object.hasOwn(WORDS, code);
}

/** A message of the server as a sentence: a capital, a stop, and no ids. */
function sentence(message: string): string {
  const plain = message
    .replace(/\b[cd]_[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])/g, "this conversation")
    .replace(/\ba_[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])/g, "this account")
    .replaceAll("`", "")
    .trim();
  const text = plain.charAt(0).toUpperCase() + plain.slice(1);
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** `in 30 seconds`, `in 2 minutes`. */
function soon(ms: number | undefined): string {
  const seconds = Math.ceil((ms ?? 0) / 1000);
  if (seconds <= 1) return "in a moment";
  if (seconds < 90) return `in ${seconds} seconds`;
  return `in ${Math.ceil(seconds / 60)} minutes`;
}
