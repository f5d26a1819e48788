/**
 * What the SDK must know at run time about each method.
 *
 * Problem: which methods take an id, a cursor or names stands in the table of methods, and that pulls the
 * schema library in. Approach: the few facts are written down here, and the compiler compares them with the
 * table: a method added there and forgotten here is a type error. Rejected: deciding by the looks of the
 * params (a new method would then silently be repeated without an id).
 */
import type { MethodName, Params, Result } from "../protocol/methods.ts";

/** The params a caller gives: the SDK makes the `id` of a write if there is none. */
export type CallParams<M extends MethodName> =
  Params<M> extends { id: string } ? Omit<Params<M>, "id"> & { id?: string } : Params<M>;

export type WriteMethod = {
  [M in MethodName]: Params<M> extends { id: string } ? M : never;
}[MethodName];

type ReadMethod = {
  [M in MethodName]: "at" extends keyof Params<M> ? M : never;
}[MethodName];

/** Members of params that may hold `@name` or `#name`. */
export type NameKey = "to" | "in" | "account" | "owner";

/** Every write, with those of its params that may hold names. */
const WRITES: { readonly [M in WriteMethod]: Record<Extract<keyof Params<M>, NameKey>, true> } = {
  "account.create": {},
  "account.update": {},
  "account.rename": {},
  "account.password": {},
  "account.delete": {},
  "session.open": {},
  "session.revoke": {},
  "session.close": {},
  "message.post": { to: true },
  "message.edit": {},
  "message.delete": {},
  "channel.create": {},
  "channel.join": { in: true },
  "channel.leave": { in: true },
  "channel.invite": { in: true, account: true },
  "channel.update": { in: true, owner: true },
  "channel.remove": { in: true, account: true },
  "channel.ban": { in: true, account: true },
  "admin.grant": { account: true },
  "admin.revoke": { account: true },
  "admin.disable": { account: true },
  "admin.password": { account: true },
  "admin.endSession": {},
  "invitation.create": {},
  "invitation.revoke": {},
  "setting.update": {},
  "cluster.remove": {},
};

/** Reads that can be told what their caller has seen before. */
const READS: Readonly<Record<ReadMethod, true>> = {
  "account.list": true,
  "session.list": true,
  "message.history": true,
  "message.search": true,
  "channel.members": true,
  "channel.list": true,
  "conversation.list": true,
  "conversation.resolve": true,
  "admin.list": true,
  "admin.sessions": true,
  "invitation.list": true,
  "setting.read": true,
};

/**
 * Writes that may go to a second server while the first has not answered. The others ask for a password, end
 * sessions, or claim a name, of which two servers would first have to agree whose claim it is.
 */
const HEDGED: ReadonlySet<string> = new Set<WriteMethod>([
  "message.post",
  "message.edit",
  "message.delete",
  "channel.join",
  "channel.leave",
  "channel.invite",
  "channel.remove",
  "channel.ban",
]);

/** Methods that need no session. */
const OPEN: ReadonlySet<string> = new Set<MethodName>([
  "server.hello",
  "server.ping",
  "account.create",
  "session.open",
]);

export const isWrite = (method: string): method is WriteMethod => Object.hasOwn(WRITES, method);
export const takesCursor = (method: string): boolean => Object.hasOwn(READS, method);
export const needsSession = (method: string): boolean => !OPEN.has(method);
export const signsIn = (method: string): boolean =>
  method === "account.create" || method === "session.open";

/**
 * Whether a refusal can leave something done behind. `session.open` is a write, yet a session whose token
 * nobody received is of no use to anyone: a refusal is the whole truth for who asked.
 */
export const leavesTraces = (method: string): boolean =>
  isWrite(method) && method !== "session.open";

/** Whether a request may go to a second server while the first has not answered. */
export const mayHedge = (method: string): boolean => HEDGED.has(method) || takesCursor(method);

/** Whether the cursor of an answer is this connection's; `events.read` goes through events of its own. */
export const movesCursor = (method: string): boolean =>
  !method.startsWith("server.") && method !== "events.read";

/** Events that nobody misses: they may come in the middle of a replay. */
export const passing = (event: string): boolean =>
  event === "typing" || event === "presence.changed" || event.startsWith("server");

/** Those of the params that hold names instead of ids. */
export function namesIn(method: string, params: Record<string, unknown>): [NameKey, string][] {
  if (!isWrite(method)) return [];
  const found: [NameKey, string][] = [];
  for (const key of Object.keys(WRITES[method]) as NameKey[]) {
    const value = params[key];
    if (typeof value === "string" && /^[@#]/.test(value)) found.push([key, value]);
  }
  return found;
}

export type { MethodName, Params, Result };
