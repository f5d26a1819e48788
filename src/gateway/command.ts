/**
 * A row of the command table: what a method needs, and what it does. The dispatcher checks everything else
 * before it is called: shape, session, rights, rates, freshness.
 */
import type { AccountId, RequestId, SessionId } from "../core/ids.ts";
import type { Content, Kind } from "../ops/kind.ts";
import type { MethodName, Params, Result } from "../protocol/methods.ts";
import type { PendingKey } from "../replica/pending.ts";
import type { Line } from "./line.ts";
import type { Services } from "./services.ts";

/** Who calls, over which connection. Filled by signing in. */
export interface Caller {
  readonly address: string;
  /** On the server's own machine, with its secret. */
  readonly operator: boolean;
  readonly line: Line;
  account: AccountId | null;
  session: SessionId | null;
  /** Signs the connection in; on HTTP it does nothing. */
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

/** What a write would mint, worked out anew at each attempt. */
export type Plan<D, B> = {
  readonly content: Content<D, B>;
  /** What must not be in flight when it is decided. */
  readonly depends: readonly PendingKey[];
  readonly changes: readonly PendingKey[];
  /** Throws a Refusal if the caller may not. Not asked for a repeat. */
  readonly allow?: () => void;
};

export type Write<D, B> = {
  readonly author: AccountId;
  readonly id: RequestId;
  readonly kind: Kind<D, B>;
  readonly plan: () => Plan<D, B>;
};
