/** What administrators do. Its promises reject with HoldfastError. */
import type { Client, Result, Session } from "../../client/index.ts";
import { settled } from "./repeat.ts";

export type AdminAccount = Result<"admin.list">["accounts"][number];
export type Invitation = Result<"invitation.list">["invitations"][number];
export type ClusterStatus = Result<"server.status">;
export type SignUp = Result<"setting.read">["signUp"];

export interface Admin {
  /** By wildcard, or by text anywhere in the name; `next` is the `after` of the next page. */
  accounts(
    match?: string,
    after?: string,
  ): Promise<{ readonly accounts: readonly AdminAccount[]; readonly next?: string }>;
  /** `account`: `@name` or an id, here and below. */
  grant(account: string): Promise<void>;
  revoke(account: string): Promise<void>;
  disable(account: string): Promise<void>;
  enable(account: string): Promise<void>;
  setPassword(account: string, password: string): Promise<void>;
  sessions(account: string): Promise<readonly Session[]>;
  endSession(sessionId: string): Promise<void>;
  invitations(): Promise<readonly Invitation[]>;
  /** The code is told once, here. */
  createInvitation(params?: {
    uses?: number;
    expiresInMs?: number;
  }): Promise<{ readonly invitation: Invitation; readonly code: string }>;
  revokeInvitation(invitationId: string): Promise<void>;
  /** The servers, as the one that answers sees them. */
  cluster(): Promise<ClusterStatus>;
  readonly signUp: {
    read(): Promise<SignUp>;
    update(signUp: SignUp): Promise<void>;
  };
}

const PAGE = 50;
const WILDCARD_MAX = 64;

/** `signUpChanged`: the page's own idea of it is out of date. */
export function createAdmin(client: Client, signUpChanged: () => void): Admin {
  const done = async (call: Promise<unknown>): Promise<void> => {
    await call;
  };
  return {
    accounts: (match = "", after) =>
      client.call("admin.list", {
        match: wildcardOf(match.trim()),
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      }),
    grant: (account) => done(settled(client, "admin.grant", { account })),
    revoke: (account) => done(settled(client, "admin.revoke", { account })),
    disable: (account) => done(settled(client, "admin.disable", { account, disabled: true })),
    enable: (account) => done(settled(client, "admin.disable", { account, disabled: false })),
    setPassword: (account, password) =>
      done(settled(client, "admin.password", { account, password })),
    sessions: async (account) => (await client.call("admin.sessions", { account })).sessions,
    endSession: (session) => done(settled(client, "admin.endSession", { session })),
    invitations: async () => (await client.call("invitation.list")).invitations,
    createInvitation: (params = {}) => settled(client, "invitation.create", params),
    revokeInvitation: (invitation) => done(settled(client, "invitation.revoke", { invitation })),
    cluster: () => client.call("server.status"),
    signUp: {
      read: async () => (await client.call("setting.read")).signUp,
      update: async (signUp) => {
        await settled(client, "setting.update", { signUp });
        signUpChanged();
      },
    },
  };
}

function wildcardOf(text: string): string {
  const plain = text.replace(/^@/, "").slice(0, WILDCARD_MAX - 2);
  if (plain === "") return "*";
  return /[*?]/.test(plain) ? plain : `*${plain}*`;
}
