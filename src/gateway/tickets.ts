/**
 * Tickets: what a page that holds its session by a cookie resumes with on the other servers of the cluster.
 *
 * Problem: a browser sends the cookie to the page's own server only, and the token in it must not reach script.
 * Approach: over its signed-in connection the page gets a ticket: the session's id and two moments, with a code
 * that only holders of the cluster's secret can compute. No server keeps anything of it, and whether the session is
 * good is looked up when it is used, so ending the session ends its tickets. It is good for an hour. With a ticket
 * one gets further ones, but none past a day after the cookie or token was last shown: who carries a ticket off
 * does not have the session for good. docs/decisions/0021.
 */
import { toBase64Url } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { type AccountId, effectOf, isSessionId, type SessionId } from "../core/ids.ts";
import { TICKET_CHAIN_MS, TICKET_MS } from "../core/limits.ts";
import { sessionEnd } from "./accounts.ts";
import type { Services } from "./services.ts";

const TICKET = /^hfk_([0-9a-z]{1,10})_([0-9a-z]{1,10})_(s_[A-Za-z0-9_-]+)_([A-Za-z0-9_-]{43})$/;

/** Wall ms up to which it is good, and up to which others may be had with it. */
type Moments = { readonly until: number; readonly last: number };

export const isTicket = (text: string): boolean => text.startsWith("hfk_");

/** `last`: from the ticket that signed the connection in; null for a cookie or a token. */
export function makeTicket(
  services: Pick<Services, "derive" | "replica">,
  session: SessionId,
  ticketsUntil: number | null,
): { ticket: string; forMs: number } {
  const now = Math.floor(services.replica.wallMs());
  const last = ticketsUntil ?? now + TICKET_CHAIN_MS;
  const until = Math.min(now + TICKET_MS, last);
  if (until <= now) {
    throw new Refusal("forbidden", "this ticket is too old to get another one: sign in again");
  }
  const text = `hfk_${until.toString(36)}_${last.toString(36)}_${session}`;
  return { ticket: `${text}_${codeOf(services, text)}`, forMs: until - now };
}

/** Whose session a ticket stands for. Throws `unauthorized`, `unavailable` or `session_ended`. */
export function sessionOfTicket(
  services: Pick<Services, "derive" | "replica" | "view" | "hash">,
  ticket: string,
): { account: AccountId; session: SessionId; ticketsUntil: number } {
  const { session, until, last } = read(services, ticket);
  if (services.replica.wallMs() >= until) {
    throw new Refusal(
      "unauthorized",
      "this ticket is too old: resume with the cookie or the token",
    );
  }
  const state = services.view.get("session", session);
  if (state?.opened === undefined) {
    throw new Refusal("unavailable", "this server has not heard of this session yet", 1_000);
  }
  const account = effectOf(session).author;
  const reason = sessionEnd(session, state, services.view.get("account", account));
  if (reason !== null) throw new Refusal("session_ended", `this session is over: ${reason}`);
  return { account, session, ticketsUntil: last };
}

function read(
  services: Pick<Services, "derive" | "hash">,
  ticket: string,
): Moments & { session: SessionId } {
  const [, until = "", last = "", session = "", code = ""] = TICKET.exec(ticket) ?? [];
  const text = ticket.slice(0, -1 - code.length);
  // Of two hashes it tells nothing how far they are equal.
  const isGenuine = hashed(services, code) === hashed(services, codeOf(services, text));
  if (!isSessionId(session) || !isGenuine) {
    throw new Refusal("unauthorized", "this is no ticket of this cluster: sign in again");
  }
  return { session, until: Number.parseInt(until, 36), last: Number.parseInt(last, 36) };
}

function codeOf({ derive }: Pick<Services, "derive">, text: string): string {
  return toBase64Url(derive(`ticket ${text}`));
}

function hashed({ hash }: Pick<Services, "hash">, text: string): string {
  return toBase64Url(hash.sha256(new TextEncoder().encode(text)));
}
