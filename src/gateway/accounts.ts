/** What an account's state means: may it act, is a session of it good. One place for every check. */
import { Refusal } from "../core/errors.ts";
import type { AccountId, SessionId } from "../core/ids.ts";
import type { ReadView } from "../core/read-view.ts";
import type { AccountState, SessionState } from "../core/view.ts";

export type LiveAccount = { readonly id: AccountId; readonly state: AccountState };

/** Whether the account exists and is neither deleted nor still without its creation. */
export function exists(state: AccountState | undefined): state is AccountState {
  return state?.created !== undefined && state.deleted === undefined;
}

export function isDisabled(state: AccountState): boolean {
  return state.disabled?.value === true;
}

export function isAdmin(state: AccountState | undefined): boolean {
  return exists(state) && state.admin?.value === true && !isDisabled(state);
}

/** Throws Refusal `forbidden` for whoever is neither an administrator nor the operator. */
export function assertAdmin(
  { view }: { readonly view: ReadView },
  { account, operator }: { readonly account: AccountId | null; readonly operator: boolean },
): void {
  if (operator || (account !== null && isAdmin(view.get("account", account)))) return;
  throw new Refusal("forbidden", "only administrators may do this");
}

/** Why a session is over, or null while it is good. */
export function sessionEnd(
  id: SessionId,
  session: SessionState,
  account: AccountState | undefined,
): string | null {
  if (session.ended !== undefined) return "it was ended";
  if (!exists(account)) return "the account was deleted";
  if (isDisabled(account)) return "the account was disabled";
  const { cut } = account;
  if (cut !== undefined && cut.keep !== id && session.opened !== undefined) {
    if (session.opened < cut.at) return "the password was changed";
  }
  return null;
}

/** Sessions of an account that are good, oldest first. */
export function goodSessions(
  view: ReadView,
  account: AccountId,
): { id: SessionId; state: SessionState }[] {
  const state = view.get("account", account);
  const good: { id: SessionId; state: SessionState }[] = [];
  for (const id of view.sessionsOf(account)) {
    const session = view.get("session", id);
    if (session?.opened === undefined || sessionEnd(id, session, state) !== null) continue;
    good.push({ id, state: session });
  }
  return good.sort((a, b) => ((a.state.opened ?? "") < (b.state.opened ?? "") ? -1 : 1));
}
