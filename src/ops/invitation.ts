/** Invitations: codes with which accounts can be made. Only the hash of a code is stored. */
import Type from "typebox";
import { type InvitationId, invitationIdFor } from "../core/ids.ts";
import { earliest } from "../core/register.ts";
import { declareKind } from "./kind.ts";
import { InvitationKey } from "./schema.ts";

export const invitationCreate = declareKind({
  number: 60,
  name: "invitation.create",
  scope: "none",
  data: Type.Object({
    uses: Type.Integer({ minimum: 1 }),
    expiresMs: Type.Integer({ minimum: 0 }),
  }),
  body: Type.Object({ code: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }) }),
  subjects: ({ op }) => [{ table: "invitation", key: invitationIdFor(op.author, op.id) }],
  apply(view, parsed, subject) {
    if (subject.table !== "invitation") return;
    const { at, op, data, body } = parsed;
    view.put("invitation", subject.key, {
      ...(view.get("invitation", subject.key) ?? { used: 0 }),
      created: at,
      createdMs: op.stamp.ms,
      expiresMs: data.expiresMs,
      uses: data.uses,
      ...(body === null ? {} : { code: body.code }),
    });
  },
  // When it expires is computed from the server's clock: a repeat asks for the same span.
  same: (a, b) => a.data.uses === b.data.uses,
});

export const invitationRevoke = declareKind({
  number: 61,
  name: "invitation.revoke",
  scope: "none",
  data: Type.Object({ invitation: InvitationKey }),
  body: null,
  final: true,
  subjects: (parsed) => [{ table: "invitation", key: parsed.data.invitation as InvitationId }],
  apply(view, parsed, subject) {
    if (subject.table !== "invitation") return;
    const state = view.get("invitation", subject.key) ?? { used: 0 };
    view.put("invitation", subject.key, {
      ...state,
      revoked: earliest(state.revoked, parsed.at),
    });
  },
});
