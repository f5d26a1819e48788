import { Refusal } from "../../core/errors.ts";
import { type AccountId, effectOf, type RequestId, type SessionId } from "../../core/ids.ts";
import { LIST_PAGE_DEFAULT } from "../../core/limits.ts";
import { nextVersion } from "../../core/register.ts";
import { accountAdmin, accountDisable, accountPassword } from "../../ops/account.ts";
import type { Kind } from "../../ops/kind.ts";
import { settingSet } from "../../ops/setting.ts";
import { subjectKey } from "../../replica/pending.ts";
import { exists, goodSessions } from "../accounts.ts";
import type { Caller, Commands } from "../command.ts";
import { type Services, write } from "../services.ts";
import { copyReceipt } from "./receipt.ts";
import { signUpPolicy } from "./server.ts";
import { listSessions } from "./session.ts";
import { endSession } from "./sign-in.ts";

const accountKey = (key: AccountId) => subjectKey({ table: "account", key });
const SIGN_UP_KEY = "setting sign-up";

/** Mints a change of another account's state. */
async function changeAccount<D, B>(
  services: Services,
  caller: Caller & { account: AccountId },
  target: AccountId,
  id: string,
  kind: Kind<D, B>,
  content: () => { data: D; body: B | null },
) {
  const { receipt } = await write(services, caller, {
    author: caller.account,
    id: id as RequestId,
    kind,
    plan: () => ({
      content: { scope: target, ...content() },
      depends: [accountKey(target), accountKey(caller.account)],
      changes: [accountKey(target)],
    }),
  });
  return { receipt: copyReceipt(receipt) };
}

function setAdmin(admin: boolean) {
  return (
    services: Services,
    caller: Caller & { account: AccountId },
    params: { account: string; id: string },
  ) => {
    const { id: target } = services.access.account(params.account);
    return changeAccount(services, caller, target, params.id, accountAdmin, () => ({
      data: { admin, version: nextVersion(services.view.get("account", target)?.admin) },
      body: null,
    }));
  };
}

export const adminCommands: Commands<"admin" | "setting"> = {
  "admin.list": {
    needs: "admin",
    handle(services, _caller, { match, after, limit }) {
      const wanted = limit ?? LIST_PAGE_DEFAULT;
      const pattern = (match ?? "*").toLowerCase();
      const found = services.view.listAccounts(pattern, after ?? "", wanted + 1);
      const page = found.slice(0, wanted);
      const last = page.at(-1);
      return {
        accounts: page.map(({ holder }) => {
          const account = holder as AccountId;
          const state = services.view.get("account", account);
          const { id, name, displayName } = services.render.account(account);
          return {
            id,
            name,
            displayName,
            admin: state?.admin?.value === true,
            disabled: state?.disabled?.value === true,
            createdAt: state?.createdMs ?? 0,
            sessions: goodSessions(services.view, account).length,
            online: services.presence.isOnline(account),
          };
        }),
        ...(found.length > wanted && last !== undefined ? { next: last.shown } : {}),
      };
    },
  },
  "admin.grant": { needs: "admin", handle: setAdmin(true) },
  "admin.revoke": { needs: "admin", handle: setAdmin(false) },
  "admin.disable": {
    needs: "admin",
    handle(services, caller, { account, disabled, id }) {
      const { id: target } = services.access.account(account);
      if (target === caller.account) {
        throw new Refusal("invalid", "you cannot disable your own account");
      }
      return changeAccount(services, caller, target, id, accountDisable, () => ({
        data: { disabled, version: nextVersion(services.view.get("account", target)?.disabled) },
        body: null,
      }));
    },
  },
  "admin.password": {
    needs: "admin",
    async handle(services, caller, params) {
      const { id: target } = services.access.account(params.account);
      const password = await services.passwords.hash(params.password);
      return changeAccount(services, caller, target, params.id, accountPassword, () => ({
        data: { version: nextVersion(services.view.get("account", target)?.password) },
        body: { password },
      }));
    },
  },
  "admin.sessions": {
    needs: "admin",
    handle(services, _caller, params) {
      const { id } = services.access.account(params.account);
      return { sessions: listSessions(services, id, null) };
    },
  },
  "admin.endSession": {
    needs: "admin",
    async handle(services, caller, params) {
      const session = params.session as SessionId;
      const state = services.view.get("session", session);
      if (state === undefined || !exists(services.view.get("account", effectOf(session).author))) {
        throw new Refusal("not_found", "there is no such session");
      }
      const id = params.id as RequestId;
      const receipt = await endSession(services, caller, caller.account, session, id);
      return { receipt: copyReceipt(receipt) };
    },
  },
  "setting.read": {
    needs: "admin",
    handle: (services) => ({ signUp: signUpPolicy(services) }),
  },
  "setting.update": {
    needs: "admin",
    async handle(services, caller, params) {
      const { receipt } = await write(services, caller, {
        author: caller.account,
        id: params.id as RequestId,
        kind: settingSet,
        plan: () => ({
          content: {
            scope: null,
            data: {
              key: "sign-up",
              value: params.signUp,
              version: nextVersion(services.view.get("setting", "sign-up")),
            },
            body: null,
          },
          depends: [SIGN_UP_KEY],
          changes: [SIGN_UP_KEY],
        }),
      });
      return { signUp: signUpPolicy(services), receipt: copyReceipt(receipt) };
    },
  },
};
