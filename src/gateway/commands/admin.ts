import { Refusal } from "../../core/errors.ts";
import { type AccountId, effectOf, type RequestId, type SessionId } from "../../core/ids.ts";
import { LIST_PAGE_DEFAULT } from "../../core/limits.ts";
import { foldCase } from "../../core/names.ts";
import { nextVersion } from "../../core/register.ts";
import { accountAdmin, accountDisable, accountPassword } from "../../ops/account.ts";
import type { Kind } from "../../ops/kind.ts";
import { settingSet } from "../../ops/setting.ts";
import { subjectKey } from "../../replica/pending.ts";
import { idReused, type Outcome } from "../../replica/replica.ts";
import { assertAdmin, exists, goodSessions } from "../accounts.ts";
import type { Caller, Commands } from "../command.ts";
import type { Services } from "../services.ts";
import { ADMINS_KEY } from "../setup.ts";
import { write } from "../write.ts";
import { copyReceipt } from "./receipt.ts";
import { signUpPolicy } from "./server.ts";
import { listSessions } from "./session.ts";
import { endSession } from "./sign-in.ts";

const accountKey = (key: AccountId) => subjectKey({ table: "account", key });
const SIGN_UP_KEY = "setting sign-up";

type Change<D, B> = {
  readonly account: string;
  readonly id: string;
  readonly kind: Kind<D, B>;
  readonly content: (target: AccountId) => { data: D; body: B | null };
  readonly matches?: (data: NoInfer<D>) => boolean;
};

/** Mints a change of another account's state. */
function changeAccount<D, B>(
  services: Services,
  caller: Caller & { account: AccountId },
  { account, id, kind, content, matches }: Change<D, B>,
): Promise<Outcome> {
  return write(services, caller, {
    author: caller.account,
    id: id as RequestId,
    kind,
    ...(matches === undefined ? {} : { matches }),
    plan: () => {
      const { id: target } = services.access.account(account);
      return {
        content: { scope: target, ...content(target) },
        depends: [accountKey(target)],
        changes: [accountKey(target), ADMINS_KEY],
        allow: () => assertAdmin(services, caller),
      };
    },
  });
}

function setAdmin(admin: boolean) {
  return async (
    services: Services,
    caller: Caller & { account: AccountId },
    params: { account: string; id: string },
  ) => {
    const { receipt } = await changeAccount(services, caller, {
      ...params,
      kind: accountAdmin,
      matches: (data) => data.admin === admin,
      content: (target) => ({
        data: { admin, version: nextVersion(services.view.get("account", target)?.admin) },
        body: null,
      }),
    });
    return { receipt: copyReceipt(receipt) };
  };
}

export const adminCommands: Commands<"admin" | "setting"> = {
  "admin.list": {
    needs: "admin",
    handle(services, _caller, { match, after, limit }) {
      const wanted = limit ?? LIST_PAGE_DEFAULT;
      const pattern = foldCase(match ?? "*");
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
    async handle(services, caller, { account, disabled, id }) {
      const { receipt } = await changeAccount(services, caller, {
        account,
        id,
        kind: accountDisable,
        matches: (data) => data.disabled === disabled,
        content: (target) => {
          if (target === caller.account) {
            throw new Refusal("invalid", "you cannot disable your own account");
          }
          const present = services.view.get("account", target)?.disabled;
          return { data: { disabled, version: nextVersion(present) }, body: null };
        },
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
  "admin.password": {
    needs: "admin",
    async handle(services, caller, params) {
      const password = await services.passwords.hash(params.password);
      const { n, receipt, repeated } = await changeAccount(services, caller, {
        account: params.account,
        id: params.id,
        kind: accountPassword,
        content: (target) => ({
          data: { version: nextVersion(services.view.get("account", target)?.password) },
          body: { password },
        }),
      });
      // Hashes differ each time: whether a repeat asks for the same is told by the first one's.
      const stored = repeated ? accountPassword.parse(n, services.view.op(n))?.body : null;
      if (stored && !(await services.passwords.fits(params.password, stored.password))) {
        throw idReused();
      }
      return { receipt: copyReceipt(receipt) };
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
      const allow = () => assertAdmin(services, caller);
      const receipt = await endSession(services, caller, caller.account, session, id, allow);
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
          allow: () => assertAdmin(services, caller),
        }),
      });
      return { signUp: signUpPolicy(services), receipt: copyReceipt(receipt) };
    },
  },
};
