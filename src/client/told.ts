/**
 * What a server tells the client itself, read and not believed.
 *
 * Problem: an address may lead to anything (a proxy's page, another release, somebody hostile), and what is used
 * unseen throws where nobody catches it: in the listener of a socket. Approach: the few answers that the SDK lives
 * by are looked at where they come in, member by member; undefined stands for what no Holdfast server says.
 * What applications ask for is passed on to them as it came. Rejected: the protocol's schemas (their library
 * would be in every page).
 */
import type { Result } from "../protocol/methods.ts";
import type { RpcError } from "../protocol/rpc.ts";
import type { Account } from "../protocol/schema.ts";
import type { ServerEntry } from "./servers.ts";

/** No server asks for longer: a repeat after this is sensible whatever was said. */
const RETRY_AFTER_MS_MAX = 600_000;

type Members = { readonly [name: string]: unknown };

export function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function textIn(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

function hasTexts(value: unknown, ...names: string[]): value is Members {
  return isRecord(value) && names.every((name) => isText(value[name]));
}

export function greetingIn(result: unknown): Result<"server.hello"> | undefined {
  if (!hasTexts(result, "cluster", "server")) return undefined;
  return result as Result<"server.hello">;
}

export function resumptionIn(result: unknown): Result<"session.resume"> | undefined {
  if (!hasTexts(result, "cursor") || !hasTexts(result.account, "id", "name")) return undefined;
  return result as Result<"session.resume">;
}

export function openingIn(result: unknown): Result<"session.open"> | undefined {
  const opened = resumptionIn(result);
  return hasTexts(opened, "token") ? (opened as Result<"session.open">) : undefined;
}

export function resolutionIn(result: unknown): Result<"conversation.resolve"> | undefined {
  if (!hasTexts(result, "id") || !hasTexts(result.conversation, "id")) return undefined;
  const { account } = result.conversation;
  if (account !== undefined && !hasTexts(account, "id")) return undefined;
  return result as Result<"conversation.resolve">;
}

/** The account as it is called now, if the change is one of it. */
export function renamed(account: Account, changed: unknown): Account {
  if (!hasTexts(changed, "name") || changed.id !== account.id) return account;
  const { name, displayName } = changed;
  return { ...account, name: String(name), displayName: textIn(displayName) ?? "" };
}

/** A server of another release may say less, and one that is none anything. */
export function entriesIn(servers: unknown): ServerEntry[] | undefined {
  if (!Array.isArray(servers)) return undefined;
  return servers.filter((entry) => hasTexts(entry, "name", "url")) as unknown as ServerEntry[];
}

/** What is not as declared is left out. */
export function errorIn(error: unknown): Partial<RpcError> {
  if (!isRecord(error)) return {};
  const { message, data } = error;
  const said = isText(message) ? { message } : {};
  if (!hasTexts(data, "code")) return said;
  const { code, retry, retryAfterMs } = data;
  const waitMs = Math.min(
    Number.isFinite(retryAfterMs) ? Number(retryAfterMs) : 0,
    RETRY_AFTER_MS_MAX,
  );
  const known = {
    code,
    ...(typeof retry === "boolean" ? { retry } : {}),
    ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
  };
  return { ...said, data: known as RpcError["data"] };
}
