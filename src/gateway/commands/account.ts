import { Refusal } from "../../core/errors.ts";
import {
  type AccountId,
  accountIdFor,
  derivedRequestId,
  type InvitationId,
  type RequestId,
} from "../../core/ids.ts";
import { LIST_PAGE_DEFAULT } from "../../core/limits.ts";
import { type FoldedName, foldCase } from "../../core/names.ts";
import { nextVersion } from "../../core/register.ts";
import {
  accountCreate,
  accountDelete,
  accountPassword,
  accountRename,
  accountUpdate,
} from "../../ops/account.ts";
import { type PendingKey, subjectKey } from "../../replica/pending.ts";
import type { Caller, Commands } from "../command.ts";
import { assertFree, nameKey } from "../name-claim.ts";
import type { SignUpPolicy } from "../ports.ts";
import type { Services } from "../services.ts";
import { ADMINS_KEY, demandSetup, setupHash } from "../setup.ts";
import { checkDisplayName, checkedName, checkLabel } from "../text.ts";
import { afterStored, write } from "../write.ts";
import { usableInvitation } from "./invitation.ts";
import { copyReceipt } from "./receipt.ts";
import { signUpPolicy } from "./server.ts";
import { assertSameAccount, sessionOver } from "./session.ts";
import { assertUsable, openSession } from "./sign-in.ts";

const accountKey = (key: AccountId) => subjectKey({ table: "account", key });

/** The account's password, checked; throws `bad_credentials`. */
async function demandPassword(
  services: Services,
  address: string,
  account: AccountId,
  password: string,
): Promise<void> {
  const hash = services.view.get("account", account)?.password?.value ?? null;
  await services.passwords.demand(account, address, password, hash);
}

export const accountCommands: Commands<"account"> = {
  "account.create": {
    needs: "nothing",
    async handle(services, caller, params) {
      if (!caller.operator) services.elsewhere.assertTakesSessions();
      const id = params.id as RequestId;
      const account = accountIdFor(services.hash, id);
      assertSameAccount(caller, account);
      const name = checkedName(params.name);
      const displayName = checkDisplayName(params.displayName ?? "");
      const label = checkLabel(params.label ?? "");
      const known = services.view.get("account", account);
      let password: string;
      if (known?.password !== undefined) {
        await services.passwords.demand(
          account,
          caller.address,
          params.password,
          known.password.value,
        );
        password = known.password.value;
      } else {
        if (!caller.operator) {
          services.signUps.demand(caller.address, "too many new accounts from this address");
        }
        preflight(services, caller, { ...params, account, name });
        password = await services.passwords.hash(params.password);
      }
      const made = await write(services, caller, {
        author: account,
        id,
        kind: accountCreate,
        plan: () => {
          const { data, keys } = admissionOf(services, params.invitation, account);
          return {
            content: { scope: null, data, body: { name, displayName, password } },
            depends: [nameKey("account", name), ...keys],
            changes: [accountKey(account), nameKey("account", name), ...keys],
            claim: { space: "account", name, holder: account },
            allow: () => preflight(services, caller, { ...params, account, name }),
          };
        },
      });
      if (made.repeated && known?.password === undefined) {
        // Joined an attempt that was in flight: its password decides.
        const hash = services.view.get("account", account)?.password?.value ?? null;
        await services.passwords.demand(account, caller.address, params.password, hash);
      }
      assertUsable(services, account);
      const sessionRequest = derivedRequestId(services.hash, "session", id);
      const opened = await afterStored(() =>
        openSession(services, caller, account, sessionRequest, label),
      );
      const over = sessionOver(services, { session: opened.session, account });
      if (over !== null) throw new Refusal("session_ended", `this session is over: ${over}`);
      caller.signIn(account, opened.session);
      return {
        account: services.render.account(account),
        session: opened.session,
        token: opened.token,
        receipt: copyReceipt(made.receipt),
      };
    },
  },
  "account.list": {
    needs: "session",
    handle(services, caller, { match, after, limit }) {
      const wanted = limit ?? LIST_PAGE_DEFAULT;
      const found = services.view.listAccounts(foldCase(match ?? "*"), after ?? "", wanted + 1);
      const page = found.slice(0, wanted);
      caller.shows(page.map(({ holder }) => holder as AccountId));
      const last = page.at(-1);
      return {
        accounts: page.map(({ holder }) => {
          const { id, name, displayName } = services.render.account(holder as AccountId);
          return { id, name, displayName, online: services.presence.isOnline(holder as AccountId) };
        }),
        ...(found.length > wanted && last !== undefined ? { next: last.shown } : {}),
      };
    },
  },
  "account.update": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      const displayName = checkDisplayName(params.displayName);
      const { receipt } = await write(services, caller, {
        author: account,
        id: params.id as RequestId,
        kind: accountUpdate,
        plan: () => ({
          content: {
            scope: null,
            data: { version: nextVersion(services.view.get("account", account)?.displayName) },
            body: { displayName },
          },
          depends: [accountKey(account)],
          changes: [accountKey(account)],
        }),
      });
      return { account: services.render.account(account), receipt: copyReceipt(receipt) };
    },
  },
  "account.rename": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      const name = checkedName(params.name);
      const claim = { space: "account", name, holder: account } as const;
      const { receipt } = await write(services, caller, {
        author: account,
        id: params.id as RequestId,
        kind: accountRename,
        plan: () => {
          const state = services.view.get("account", account);
          const old = state?.name?.value ?? name;
          return {
            content: {
              scope: null,
              data: { version: nextVersion(state?.name) },
              body: { name },
            },
            depends: [accountKey(account), nameKey("account", name)],
            changes: [accountKey(account), nameKey("account", name), nameKey("account", old)],
            claim,
            allow: () => assertFree(services, claim),
          };
        },
      });
      return { account: services.render.account(account), receipt: copyReceipt(receipt) };
    },
  },
  "account.password": {
    needs: "session",
    async handle(services, caller, params) {
      const { account, session } = caller;
      const id = params.id as RequestId;
      const current =
        services.view.effect(account, id) === undefined ? params.password : params.newPassword;
      await demandPassword(services, caller.address, account, current);
      const password = await services.passwords.hash(params.newPassword);
      const { receipt } = await write(services, caller, {
        author: account,
        id,
        kind: accountPassword,
        plan: () => ({
          content: {
            scope: account,
            data: {
              version: nextVersion(services.view.get("account", account)?.password),
              keep: session,
            },
            body: { password },
          },
          depends: [accountKey(account)],
          changes: [accountKey(account)],
        }),
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
  "account.delete": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      await demandPassword(services, caller.address, account, params.password);
      const name = services.view.get("account", account)?.name?.value;
      const { receipt } = await write(services, caller, {
        author: account,
        id: params.id as RequestId,
        kind: accountDelete,
        plan: () => ({
          content: { scope: null, data: { erase: params.erase ?? false }, body: null },
          depends: [accountKey(account)],
          changes: [accountKey(account), ...(name === undefined ? [] : [nameKey("account", name)])],
        }),
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
};

/** What a code says in the op, and what must not be in flight while it is judged. */
function admissionOf(
  services: Services,
  code: string | undefined,
  account: AccountId,
): { data: { invitation?: InvitationId; setup?: string }; keys: PendingKey[] } {
  const setup = code === undefined ? null : setupHash(services, code);
  if (setup !== null) return { data: { setup }, keys: [ADMINS_KEY] };
  const invitation = usableInvitation(services, code, account);
  if (invitation === null) return { data: {}, keys: [] };
  return { data: { invitation }, keys: [`invitation ${invitation}`] };
}

/** Whether this account may be made, checked before the costly hash and again when it is minted. */
function preflight(
  services: Services,
  { operator, address }: Caller,
  { account, name, invitation }: { account: AccountId; name: FoldedName; invitation?: string },
): void {
  const setup = invitation === undefined ? null : setupHash(services, invitation);
  if (setup !== null) demandSetup(services, setup, address);
  else {
    if (!operator) assertOpen(signUpPolicy(services), invitation);
    usableInvitation(services, invitation, account);
  }
  assertFree(services, { space: "account", name, holder: account });
}

function assertOpen(policy: SignUpPolicy, code: string | undefined): void {
  if (policy === "closed") {
    throw new Refusal("forbidden", "sign-up is closed here: ask an administrator for an account");
  }
  if (policy === "invitation" && code === undefined) {
    const what = "sign-up needs an invitation code: ask an administrator for one";
    throw new Refusal("forbidden", what);
  }
}
