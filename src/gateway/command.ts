/**
 * A row of the command table: what a method needs, and what it does. The dispatcher checks everything else
 * before it is called: shape, session, rights, rates, freshness.
 */
import type { Seen } from "../core/cursor.ts";
import type { AccountId, SessionId } from "../core/ids.ts";
import type { MethodName, Params, Result } from "../protocol/methods.ts";
import type { Line } from "./line.ts";
import type { Services } from "./services.ts";

/** Who calls, over which connection. Filled by signing in. */
export interface Caller {
  readonly address: string;
  /** On the server's own machine, with its secret. */
  readonly operator: boolean;
  /** The token in the cookie of this server's own page; WebSocket only. */
  readonly cookie: string | null;
  readonly line: Line;
  account: AccountId | null;
  session: SessionId | null;
  /** Wall ms up to which tickets may be had, if it was signed in by one. */
  ticketsUntil: number | null;
  /** What the client has seen elsewhere and this server lacks: its cursors go on vouching for it. */
  readonly carried: readonly Seen[];
  /** Why the session is over, or null while it is good, or while there is none. */
  over(): string | null;
  /**
   * Signs the connection in; on HTTP it does nothing. Throws Refusal for another account than before, and
   * for one connection of the account too many.
   */
  signIn(account: AccountId, session: SessionId): void;
  /** Remembers that this connection shows these accounts: it gets their presence. */
  shows(accounts: readonly AccountId[]): void;
  /** Remembers that this connection has a conversation open. */
  opens(conversation: string): void;
}

export type SignedIn = Caller & { account: AccountId; session: SessionId };

/** The result of a method without its cursor, which the dispatcher adds. */
export type Answer<M extends MethodName> = Omit<Result<M>, "cursor">;

type Handler<M extends MethodName, C extends Caller> = (
  services: Services,
  caller: C,
  params: Params<M>,
) => Answer<M> | Promise<Answer<M>>;

export type Command<M extends MethodName> =
  | { readonly needs: "nothing"; readonly handle: Handler<M, Caller> }
  | { readonly needs: "session"; readonly handle: Handler<M, SignedIn> }
  /** An admin's session, or the operator, who acts under an account of his own. */
  | { readonly needs: "admin"; readonly handle: Handler<M, Caller & { account: AccountId }> };

export type Commands<Prefix extends string> = {
  readonly [M in Extract<MethodName, `${Prefix}.${string}`>]: Command<M>;
};
