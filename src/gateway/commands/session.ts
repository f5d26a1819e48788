import { Refusal } from "../../core/errors.ts";
import {
  type AccountId,
  effectOf,
  isSessionId,
  type RequestId,
  type SessionId,
} from "../../core/ids.ts";
import { COOKIE } from "../../protocol/schema.ts";
import { goodSessions, sessionEnd } from "../accounts.ts";
import type { Caller, Commands } from "../command.ts";
import { unknownToken, wrongCredentials } from "../elsewhere.ts";
import type { Services } from "../services.ts";
import { checkedName, checkLabel } from "../text.ts";
import { isTicket, makeTicket, sessionOfTicket } from "../tickets.ts";
import { copyReceipt } from "./receipt.ts";
import { assertUsable, endSession, openSession, tokenHash } from "./sign-in.ts";

/**
 * The account and session of a token. Throws `session_ended`, or `unauthorized`; where another server may know the
 * token, `unavailable`.
 */
export function sessionOf(
  services: Pick<Services, "view" | "hash" | "replica" | "links">,
  token: string,
): { account: AccountId; session: SessionId } {
  const session = services.view.sessionOfToken(tokenHash(services, token));
  const state = session === null ? undefined : services.view.get("session", session);
  if (session === null || state === undefined) {
    throw unknownToken(services);
  }
  const account = effectOf(session).author;
  const reason = sessionEnd(session, state, services.view.get("account", account));
  if (reason !== null) throw new Refusal("session_ended", `this session is over: ${reason}`);
  return { account, session };
}

/** Why the session of a caller is over, as the view has it now; null while it is good or there is none. */
export function sessionOver(
  { view }: Pick<Services, "view">,
  { session, account }: Pick<Caller, "session" | "account">,
): string | null {
  if (session === null || account === null) return null;
  const state = view.get("session", session);
  return state === undefined
    ? "it is gone"
    : sessionEnd(session, state, view.get("account", account));
}

function cookieOf({ cookie }: Caller): string {
  if (cookie !== null) return cookie;
  const what = "no session cookie came with this connection: sign in, or resume with the token";
  throw new Refusal("unauthorized", what);
}

/** Throws Refusal when a connection that is signed in is asked to be somebody else. */
export function assertSameAccount(caller: Caller, account: AccountId): void {
  if (caller.operator || caller.account === null || caller.account === account) return;
  throw new Refusal("invalid", "this connection is signed in as another account: open a new one");
}

export const sessionCommands: Commands<"session"> = {
  "session.open": {
    needs: "nothing",
    async handle(services, caller, params) {
      services.elsewhere.assertTakesSessions();
      const name = checkedName(params.name);
      const account = services.view.holderOf("account", name) as AccountId | null;
      const state = account === null ? undefined : services.view.get("account", account);
      const hash = state?.password?.value ?? null;
      const throttleKey = account ?? name;
      const wrong = () => wrongCredentials(services);
      await services.passwords.demand(throttleKey, caller.address, params.password, hash, wrong);
      if (account === null) throw wrong();
      assertUsable(services, account);
      assertSameAccount(caller, account);
      const label = checkLabel(params.label ?? "");
      const id = params.id as RequestId;
      const opened = await openSession(services, caller, account, id, label);
      const over = sessionOver(services, { session: opened.session, account });
      if (over !== null) throw new Refusal("session_ended", `this session is over: ${over}`);
      caller.signIn(account, opened.session);
      return {
        account: services.render.account(account),
        session: opened.session,
        token: opened.token,
        receipt: copyReceipt(opened.receipt),
      };
    },
  },
  "session.resume": {
    needs: "nothing",
    handle(services, caller, { token, cursor }) {
      services.elsewhere.assertTakesSessions();
      if (cursor !== undefined) services.replica.cursors.parse(cursor);
      const found = isTicket(token)
        ? sessionOfTicket(services, token)
        : {
            ...sessionOf(services, token === COOKIE ? cookieOf(caller) : token),
            ticketsUntil: null,
          };
      const { account, session } = found;
      assertSameAccount(caller, account);
      caller.signIn(account, session);
      caller.ticketsUntil = found.ticketsUntil;
      const answer = { account: services.render.account(account), session };
      // What was missed follows: until then its holder has seen no more than before.
      return cursor === undefined ? answer : { ...answer, cursor };
    },
  },
  "session.ticket": {
    needs: "session",
    handle: (services, caller) => makeTicket(services, caller.session, caller.ticketsUntil),
  },
  "session.list": {
    needs: "session",
    handle: (services, caller) => ({
      sessions: listSessions(services, caller.account, caller.session),
    }),
  },
  "session.revoke": {
    needs: "session",
    async handle(services, caller, params) {
      const { session } = params;
      const known = isSessionId(session) && services.view.get("session", session) !== undefined;
      if (!known || effectOf(session).author !== caller.account) {
        throw new Refusal("not_found", "you have no such session");
      }
      const id = params.id as RequestId;
      const receipt = await endSession(services, caller, caller.account, session, id);
      return { receipt: copyReceipt(receipt) };
    },
  },
  "session.close": {
    needs: "session",
    async handle(services, caller, params) {
      const id = params.id as RequestId;
      const receipt = await endSession(services, caller, caller.account, caller.session, id);
      return { receipt: copyReceipt(receipt) };
    },
  },
};

export function listSessions(services: Services, account: AccountId, current: SessionId | null) {
  return goodSessions(services.view, account).map(({ id, state }) => ({
    id,
    label: state.label ?? "",
    openedAt: state.openedMs ?? 0,
    current: id === current,
  }));
}
