/**
 * How a handler writes: it says what it would mint, on what that depends, which name it claims and whether it is
 * allowed; the rest (earlier attempts, requests in flight, the other servers' word on a name, the order of a
 * connection) is the same for every write.
 */
import { Refusal } from "../core/errors.ts";
import type { AccountId, RequestId } from "../core/ids.ts";
import type { Content, Kind } from "../ops/kind.ts";
import { type PendingKey, subjectKey } from "../replica/pending.ts";
import { idReused, type Outcome, type Replica } from "../replica/replica.ts";
import type { Caller } from "./command.ts";
import { type Claim, NameClaim } from "./name-claim.ts";
import type { Services } from "./services.ts";

/** What a write would mint, worked out anew at each attempt. */
export type Plan<D, B> = {
  readonly content: Content<D, B>;
  /** What must not be in flight when it is decided. */
  readonly depends: readonly PendingKey[];
  readonly changes: readonly PendingKey[];
  /** The name that it claims. */
  readonly claim?: Claim;
  /** Throws a Refusal if the caller may not. Not asked for a repeat. */
  readonly allow?: () => void;
};

/** What a repeat may be compared with when it can no longer be planned; false is `id_reused`. */
type Matches<D, B> = (data: D, body: B | null) => boolean;

export type Write<D, B> = {
  readonly author: AccountId;
  readonly id: RequestId;
  readonly kind: Kind<D, B>;
  readonly plan: () => Plan<D, B>;
  readonly matches?: Matches<NoInfer<D>, NoInfer<B>>;
};

/**
 * Writes an op for a caller: finds an earlier attempt, waits for what the decision depends on (the caller's own
 * account and session always) and for the servers to agree on a name, decides, and mints in the same turn: what
 * was true before a wait is asked again after it. Resolves with the outcome once the op is durable and published.
 */
export async function write<D, B>(
  { replica, heldNews }: Services,
  caller: Caller,
  request: Write<D, B>,
): Promise<Outcome> {
  const name = new NameClaim(replica);
  let wanted: Claim | null = null;
  const attempt = (): { outcome: Outcome | Promise<Outcome> } | null => {
    const plan = planOf(request, replica);
    if ("n" in plan) return { outcome: replica.repeated(plan.n) };
    const { author, id, kind } = request;
    const { content, changes, claim } = plan;
    const earlier = replica.earlier(author, id, kind, content);
    if (earlier !== null) return { outcome: earlier };
    wanted = null;
    if (replica.isPending(plan.depends) || replica.isPending(ownKeys(caller))) return null;
    const over = caller.over();
    if (over !== null) throw new Refusal("session_ended", `this session is over: ${over}`);
    plan.allow?.();
    if (claim !== undefined && !name.isAgreed(claim)) {
      wanted = claim;
      return null;
    }
    return { outcome: replica.mint({ author, id, kind, content, changes }) };
  };
  const again = () => (wanted === null ? replica.nextFold() : name.agree(wanted));
  try {
    const { outcome } = await caller.line.inOrder(attempt, again);
    const done = await outcome;
    heldNews.given(done);
    return done;
  } finally {
    void name.release();
  }
}

/**
 * Goes on with a request of which a part is stored already. What stands in the way of the rest for now is no
 * refusal of the whole: the answer is `indefinite`, and a repeat brings the rest (R11).
 */
export async function afterStored<T>(rest: () => Promise<T>): Promise<T> {
  try {
    return await rest();
  } catch (error) {
    if (!(error instanceof Refusal) || !error.retry) throw error;
    const what = `a part of this is stored, the rest is not: repeat it with the same id (${error.message})`;
    throw new Refusal("indefinite", what, error.retryAfterMs);
  }
}

function ownKeys({ account, session }: Caller): PendingKey[] {
  const keys: PendingKey[] = [];
  if (account !== null) keys.push(subjectKey({ table: "account", key: account }));
  if (session !== null) keys.push(subjectKey({ table: "session", key: session }));
  return keys;
}

/**
 * What to write; or, where that can no longer be said, the effect that is there already. Throws Refusal
 * `id_reused` if that is something else.
 */
function planOf<D, B>({ author, id, kind, plan, matches }: Write<D, B>, { view }: Replica) {
  try {
    return plan();
  } catch (error) {
    const n = error instanceof Refusal ? view.effect(author, id) : undefined;
    if (n === undefined) throw error;
    const op = view.op(n);
    const parsed = op.kind === kind.number ? kind.parse(n, op) : null;
    if (parsed === null || matches?.(parsed.data, parsed.body) === false) throw idReused();
    return { n };
  }
}
