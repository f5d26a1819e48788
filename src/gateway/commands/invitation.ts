import { toBase32Hex, toBase64Url } from "../../core/bytes.ts";
import { Refusal } from "../../core/errors.ts";
import {
  type AccountId,
  type InvitationId,
  invitationIdFor,
  type RequestId,
} from "../../core/ids.ts";
import { invitationCreate, invitationRevoke } from "../../ops/invitation.ts";
import { assertAdmin } from "../accounts.ts";
import type { Commands } from "../command.ts";
import type { Services } from "../services.ts";
import { write } from "../write.ts";
import { copyReceipt } from "./receipt.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const EXPIRES_DEFAULT_MS = 7 * DAY_MS;
const CODE_CHARACTERS = 16;

const invitationKey = (id: InvitationId) => `invitation ${id}`;

function codeHash({ hash }: Services, code: string): string {
  return toBase64Url(hash.sha256(new TextEncoder().encode(`invitation ${code}`)));
}

/** The same code for a repeat of the request: computed, not stored. */
function codeFor(services: Services, author: AccountId, id: RequestId): string {
  const text = toBase32Hex(services.derive(`invitation ${author} ${id}`));
  return text.slice(0, CODE_CHARACTERS).replace(/(....)(?=.)/g, "$1-");
}

function isUsable({ view, replica }: Services, id: InvitationId): boolean {
  const state = view.get("invitation", id);
  if (state?.created === undefined || state.revoked !== undefined) return false;
  return state.used < (state.uses ?? 0) && replica.wallMs() < (state.expiresMs ?? 0);
}

/** The invitation behind a code; null without one. Throws `forbidden` for a code that is no good. */
export function usableInvitation(
  services: Services,
  code: string | undefined,
  _account: AccountId,
): InvitationId | null {
  if (code === undefined) return null;
  const written = code.trim().toLowerCase();
  const id = services.view.invitationOfCode(codeHash(services, written));
  if (id !== null && isUsable(services, id)) return id;
  throw new Refusal("forbidden", "this invitation code is wrong, used up, revoked or expired");
}

function rendered({ view }: Services, id: InvitationId) {
  const state = view.get("invitation", id);
  return {
    id,
    createdAt: state?.createdMs ?? 0,
    expiresAt: state?.expiresMs ?? 0,
    uses: Math.max(0, (state?.uses ?? 0) - (state?.used ?? 0)),
  };
}

export const invitationCommands: Commands<"invitation"> = {
  "invitation.create": {
    needs: "admin",
    async handle(services, caller, params) {
      const author = caller.account;
      const id = params.id as RequestId;
      const code = codeFor(services, author, id);
      const invitation = invitationIdFor(author, id);
      const expiresMs = Math.floor(
        services.replica.wallMs() + (params.expiresInMs ?? EXPIRES_DEFAULT_MS),
      );
      const { receipt } = await write(services, caller, {
        author,
        id,
        kind: invitationCreate,
        plan: () => ({
          content: {
            scope: null,
            data: { uses: params.uses ?? 1, expiresMs },
            body: { code: codeHash(services, code) },
          },
          depends: [],
          changes: [invitationKey(invitation)],
          allow: () => assertAdmin(services, caller),
        }),
      });
      return { invitation: rendered(services, invitation), code, receipt: copyReceipt(receipt) };
    },
  },
  "invitation.list": {
    needs: "admin",
    handle: (services) => ({
      invitations: services.view
        .invitations()
        .filter((id) => isUsable(services, id))
        .map((id) => rendered(services, id)),
    }),
  },
  "invitation.revoke": {
    needs: "admin",
    async handle(services, caller, params) {
      const invitation = params.invitation as InvitationId;
      const { receipt } = await write(services, caller, {
        author: caller.account,
        id: params.id as RequestId,
        kind: invitationRevoke,
        plan: () => ({
          content: { scope: null, data: { invitation }, body: null },
          depends: [invitationKey(invitation)],
          changes: [invitationKey(invitation)],
          allow: () => {
            assertAdmin(services, caller);
            if (services.view.get("invitation", invitation)?.created !== undefined) return;
            throw new Refusal("not_found", "there is no such invitation");
          },
        }),
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
};
