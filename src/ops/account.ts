/** Accounts: created, changed, disabled, deleted. Everything personal is body. */
import Type from "typebox";
import type { InvitationId, SessionId } from "../core/ids.ts";
import type { FoldedName } from "../core/names.ts";
import type { Position } from "../core/position.ts";
import { earliest, merge } from "../core/register.ts";
import type { AccountState, FoldView, Subject } from "../core/view.ts";
import { declareKind, type Parsed } from "./kind.ts";
import { claimName } from "./names.ts";
import { InvitationKey, NameText, Version } from "./schema.ts";

/** Merges a change of an account's state, and what follows from it for names. */
export function changeAccount(
  view: FoldView,
  key: Extract<Subject, { table: "account" }>["key"],
  change: (state: AccountState) => AccountState,
): void {
  const before = view.get("account", key) ?? {};
  const after = withoutPersonal(change(before));
  view.put("account", key, after);
  const old = claimOf(before);
  const now = claimOf(after);
  if (old?.name !== now?.name || old?.at !== now?.at) {
    claimName(view, "account", key, old?.name ?? null, now);
  }
}

/** Of a deleted account nothing personal stays, whatever arrives in which order. */
function withoutPersonal(state: AccountState): AccountState {
  if (state.deleted === undefined) return state;
  const { name: _name, displayName: _displayName, password: _password, ...rest } = state;
  return rest;
}

function claimOf(state: AccountState): { name: FoldedName; at: Position } | null {
  if (state.name === undefined || state.deleted !== undefined) return null;
  return { name: state.name.value, at: state.name.at };
}

function laterCut(a: AccountState["cut"], b: NonNullable<AccountState["cut"]>) {
  return a === undefined || b.at > a.at ? b : a;
}

const own = (parsed: Parsed<unknown, unknown>): Subject[] => [
  { table: "account", key: parsed.op.author },
];

const target = (parsed: Parsed<unknown, unknown>): Subject[] => [
  { table: "account", key: parsed.op.scope as Extract<Subject, { table: "account" }>["key"] },
];

export const accountCreate = declareKind({
  number: 1,
  name: "account.create",
  scope: "none",
  data: Type.Object({
    invitation: Type.Optional(InvitationKey),
    /** SHA-256 of a set-up code in base64url: the account is an administrator from the start. */
    setup: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" })),
  }),
  body: Type.Object({
    name: NameText,
    displayName: Type.String(),
    password: Type.String(),
  }),
  subjects: (parsed) => {
    const invitation = parsed.data.invitation as InvitationId | undefined;
    return invitation === undefined
      ? own(parsed)
      : [...own(parsed), { table: "invitation", key: invitation }];
  },
  apply(view, parsed, subject) {
    if (subject.table === "invitation") {
      const state = view.get("invitation", subject.key) ?? { used: 0 };
      view.put("invitation", subject.key, { ...state, used: state.used + 1 });
      return;
    }
    if (subject.table !== "account") return;
    const { at, body, data, op } = parsed;
    changeAccount(view, subject.key, (state) => ({
      ...state,
      ...(data.setup === undefined
        ? {}
        : { admin: merge(state.admin, { value: true, version: 1, at }) }),
      ...(earliest(state.created, at) === at ? { created: at, createdMs: op.stamp.ms } : {}),
      ...(body === null
        ? {}
        : {
            name: merge(state.name, { value: body.name as FoldedName, version: 1, at }),
            displayName: merge(state.displayName, { value: body.displayName, version: 1, at }),
            password: merge(state.password, { value: body.password, version: 1, at }),
          }),
    }));
  },
  // The password is compared by whoever has it in the clear; its hash differs each time.
  same: (a, b) =>
    a.data.invitation === b.data.invitation &&
    a.data.setup === b.data.setup &&
    (a.body === null ||
      b.body === null ||
      (a.body.name === b.body.name && a.body.displayName === b.body.displayName)),
});

export const accountUpdate = declareKind({
  number: 2,
  name: "account.update",
  scope: "none",
  data: Type.Object({ version: Version }),
  body: Type.Object({ displayName: Type.String() }),
  subjects: own,
  apply(view, parsed, subject) {
    if (subject.table !== "account") return;
    const { body, at } = parsed;
    if (body !== null) {
      changeAccount(view, subject.key, (state) => ({
        ...state,
        displayName: merge(state.displayName, {
          value: body.displayName,
          version: parsed.data.version,
          at,
        }),
      }));
    }
  },
});

export const accountRename = declareKind({
  number: 3,
  name: "account.rename",
  scope: "none",
  data: Type.Object({ version: Version }),
  body: Type.Object({ name: NameText }),
  subjects: own,
  apply(view, parsed, subject) {
    if (subject.table !== "account") return;
    const { body, at } = parsed;
    if (body !== null) {
      changeAccount(view, subject.key, (state) => ({
        ...state,
        name: merge(state.name, {
          value: body.name as FoldedName,
          version: parsed.data.version,
          at,
        }),
      }));
    }
  },
});

/** Sets a password: the account's own (scope: itself) or by an admin; ends the other sessions. */
export const accountPassword = declareKind({
  number: 4,
  name: "account.password",
  scope: "account",
  data: Type.Object({ version: Version, keep: Type.Optional(Type.String()) }),
  body: Type.Object({ password: Type.String() }),
  subjects: target,
  apply(view, parsed, subject) {
    if (subject.table !== "account") return;
    const { body, at, data } = parsed;
    changeAccount(view, subject.key, (state) => ({
      ...state,
      cut: laterCut(state.cut, { at, keep: (data.keep as SessionId | undefined) ?? null }),
      ...(body === null
        ? {}
        : {
            password: merge(state.password, {
              value: body.password,
              version: data.version,
              at,
            }),
          }),
    }));
  },
  same: (a, b) => a.scope === b.scope && a.data.keep === b.data.keep,
});

/** Ends an account for good. Its name becomes free; nothing brings it back. */
export const accountDelete = declareKind({
  number: 5,
  name: "account.delete",
  scope: "none",
  data: Type.Object({ erase: Type.Boolean() }),
  body: null,
  final: true,
  subjects: own,
  apply(view, parsed, subject) {
    if (subject.table !== "account") return;
    const { at, data, n } = parsed;
    if (data.erase) view.eraseAuthor(subject.key, n);
    changeAccount(view, subject.key, (state) => ({
      ...state,
      deleted: {
        at: state.deleted === undefined || at < state.deleted.at ? at : state.deleted.at,
        erase: data.erase || (state.deleted?.erase ?? false),
      },
    }));
  },
});

export const accountAdmin = declareKind({
  number: 6,
  name: "account.admin",
  scope: "account",
  data: Type.Object({ admin: Type.Boolean(), version: Version }),
  body: null,
  subjects: target,
  apply(view, parsed, subject) {
    if (subject.table !== "account") return;
    const { at, data } = parsed;
    changeAccount(view, subject.key, (state) => ({
      ...state,
      admin: merge(state.admin, { value: data.admin, version: data.version, at }),
    }));
  },
});

export const accountDisable = declareKind({
  number: 7,
  name: "account.disable",
  scope: "account",
  data: Type.Object({ disabled: Type.Boolean(), version: Version }),
  body: null,
  subjects: target,
  apply(view, parsed, subject) {
    if (subject.table !== "account") return;
    const { at, data } = parsed;
    changeAccount(view, subject.key, (state) => ({
      ...state,
      disabled: merge(state.disabled, { value: data.disabled, version: data.version, at }),
      ...(data.disabled ? { cut: laterCut(state.cut, { at, keep: null }) } : {}),
    }));
  },
});
