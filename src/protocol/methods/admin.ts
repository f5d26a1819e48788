import Type from "typebox";
import {
  AccountRef,
  cursored,
  InvitationIdText,
  Millis,
  NewPassword,
  PageLimit,
  RequestIdText,
  reading,
  receipted,
  Session,
  SessionIdText,
  Shape,
  Wildcard,
} from "../schema.ts";

const done = Shape({ ...receipted, ...cursored });
export const SignUp = Type.Union([
  Type.Literal("open"),
  Type.Literal("invitation"),
  Type.Literal("closed"),
]);

export const Invitation = Shape({
  id: InvitationIdText,
  createdAt: Millis,
  expiresAt: Millis,
  uses: Type.Integer({ description: "accounts it may still make" }),
});

export const adminMethods = {
  "admin.list": {
    summary: "Admins: accounts by wildcard, with what only admins see.",
    params: Shape({
      match: Type.Optional(Wildcard),
      after: Type.Optional(Type.String({ maxLength: 64 })),
      limit: Type.Optional(PageLimit),
      ...reading,
    }),
    result: Shape({
      accounts: Type.Array(
        Shape({
          id: Type.String(),
          name: Type.String(),
          displayName: Type.String(),
          admin: Type.Boolean(),
          disabled: Type.Boolean(),
          createdAt: Millis,
          sessions: Type.Integer(),
          online: Type.Boolean(),
        }),
      ),
      next: Type.Optional(Type.String()),
      ...cursored,
    }),
  },
  "admin.grant": {
    summary: "Admins: makes an account an admin.",
    params: Shape({ account: AccountRef, id: RequestIdText }),
    result: done,
  },
  "admin.revoke": {
    summary: "Admins: takes the admin right away.",
    params: Shape({ account: AccountRef, id: RequestIdText }),
    result: done,
  },
  "admin.disable": {
    summary: "Admins: disables an account and ends its sessions, or enables it again.",
    params: Shape({ account: AccountRef, disabled: Type.Boolean(), id: RequestIdText }),
    result: done,
  },
  "admin.password": {
    summary: "Admins: sets an account's password and ends its sessions.",
    params: Shape({ account: AccountRef, password: NewPassword, id: RequestIdText }),
    result: done,
  },
  "admin.sessions": {
    summary: "Admins: an account's sessions.",
    params: Shape({ account: AccountRef, ...reading }),
    result: Shape({ sessions: Type.Array(Session), ...cursored }),
  },
  "admin.endSession": {
    summary: "Admins: ends a session of an account.",
    params: Shape({ session: SessionIdText, id: RequestIdText }),
    result: done,
  },
  "invitation.create": {
    summary: "Admins: a code with which accounts can be made.",
    params: Shape({
      uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
      expiresInMs: Type.Optional(Type.Integer({ minimum: 60_000, maximum: 31_536_000_000 })),
      id: RequestIdText,
    }),
    result: Shape({ invitation: Invitation, code: Type.String(), ...receipted, ...cursored }),
  },
  "invitation.list": {
    summary: "Admins: invitations that can still be used.",
    params: Shape({ ...reading }),
    result: Shape({ invitations: Type.Array(Invitation), ...cursored }),
  },
  "invitation.revoke": {
    summary: "Admins: makes an invitation unusable.",
    params: Shape({ invitation: InvitationIdText, id: RequestIdText }),
    result: done,
  },
  "setting.read": {
    summary: "Admins: the cluster's settings.",
    params: Shape({ ...reading }),
    result: Shape({ signUp: SignUp, ...cursored }),
  },
  "setting.update": {
    summary: "Admins: changes the cluster's settings.",
    params: Shape({ signUp: SignUp, id: RequestIdText }),
    result: Shape({ signUp: SignUp, ...receipted, ...cursored }),
  },
} as const;
