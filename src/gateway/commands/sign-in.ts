/** Opening sessions: shared by `account.create` and `session.open`. */
import { toBase64Url } from "../../core/bytes.ts";
import { Refusal } from "../../core/errors.ts";
import {
  type AccountId,
  type RequestId,
  requestIdFrom,
  type SessionId,
  sessionIdFor,
} from "../../core/ids.ts";
import { SESSIONS_PER_ACCOUNT_MAX } from "../../core/limits.ts";
import { sessionEnd as endKind, sessionOpen, sessionToken } from "../../ops/session.ts";
import { subjectKey } from "../../replica/pending.ts";
import type { Receipt } from "../../replica/replica.ts";
import { exists, goodSessions, isDisabled } from "../accounts.ts";
import type { Caller } from "../command.ts";
import type { Services } from "../services.ts";
import { afterStored, write } from "../write.ts";

const TOKEN_PREFIX = "hft_";
const TOKEN_BYTES = 32;

export function tokenHash({ hash }: Pick<Services, "hash">, token: string): string {
  return toBase64Url(hash.sha256(new TextEncoder().encode(token)));
}

export function newRequestId({ replica, random }: Services): RequestId {
  return requestIdFrom(replica.wallMs(), random.bytes(10));
}

/**
 * Opens the session of this request id, or finds it, and gives it one more token. The password was checked.
 */
export async function openSession(
  services: Services,
  caller: Caller,
  account: AccountId,
  id: RequestId,
  label: string,
): Promise<{ session: SessionId; token: string; receipt: Receipt }> {
  const session = sessionIdFor(account, id);
  const token = TOKEN_PREFIX + toBase64Url(services.random.bytes(TOKEN_BYTES));
  const key = subjectKey({ table: "session", key: session });
  const opened = write(services, caller, {
    author: account,
    id,
    kind: sessionOpen,
    plan: () => ({
      content: { scope: null, data: {}, body: { label } },
      depends: [subjectKey({ table: "account", key: account })],
      changes: [key],
    }),
  });
  const given = write(services, caller, {
    author: account,
    id: newRequestId(services),
    kind: sessionToken,
    plan: () => ({
      content: { scope: null, data: { session }, body: { hash: tokenHash(services, token) } },
      depends: [],
      changes: [key],
    }),
  });
  given.catch(() => {}); // told below, unless the session itself is refused
  await opened;
  return afterStored(async () => {
    const { receipt } = await given;
    await endOldest(services, caller, account);
    return { session, token, receipt };
  });
}

/** An account holds so many sessions; the oldest make room. */
async function endOldest(services: Services, caller: Caller, account: AccountId): Promise<void> {
  const good = goodSessions(services.view, account);
  const surplus = good.slice(0, Math.max(0, good.length - SESSIONS_PER_ACCOUNT_MAX));
  for (const { id } of surplus)
    await endSession(services, caller, account, id, newRequestId(services));
}

export async function endSession(
  services: Services,
  caller: Caller,
  author: AccountId,
  session: SessionId,
  id: RequestId,
  allow?: () => void,
): Promise<Receipt> {
  const { receipt } = await write(services, caller, {
    author,
    id,
    kind: endKind,
    plan: () => ({
      content: { scope: null, data: { session }, body: null },
      depends: [],
      changes: [subjectKey({ table: "session", key: session })],
      ...(allow === undefined ? {} : { allow }),
    }),
  });
  return receipt;
}

/** Throws Refusal for an account that nobody may sign in to. */
export function assertUsable({ view }: Services, account: AccountId): void {
  const state = view.get("account", account);
  if (!exists(state)) {
    throw new Refusal("bad_credentials", "the name or the password is wrong");
  }
  if (isDisabled(state)) {
    throw new Refusal("forbidden", "this account is disabled: ask an administrator");
  }
}
