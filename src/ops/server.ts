/**
 * Servers of the cluster: added when they join, removed by an administrator. Their author is the operator
 * and their ids are computed from what they say, so that several servers that mint the same make one effect.
 */
import Type from "typebox";
import { utf8 } from "../core/bytes.ts";
import type { Hash } from "../core/hash.ts";
import { type RequestId, requestIdFrom } from "../core/ids.ts";
import { merge, nextVersion } from "../core/register.ts";
import type { ServerState } from "../core/view.ts";
import { declareKind } from "./kind.ts";
import { Version } from "./schema.ts";

const ServerName = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" });

export const serverAdd = declareKind({
  number: 80,
  name: "server.add",
  scope: "none",
  data: Type.Object({
    name: ServerName,
    /** Public key, as text. */
    key: Type.String({ maxLength: 200 }),
    url: Type.String({ maxLength: 300 }),
    version: Version,
  }),
  body: null,
  subjects: (parsed) => [{ table: "server", key: parsed.data.name }],
  apply(view, parsed, subject) {
    if (subject.table !== "server") return;
    const { at, data } = parsed;
    const { key, url, version } = data;
    const state = view.get("server", subject.key) ?? {};
    view.put("server", subject.key, {
      standing: merge(state.standing, { value: "member", version, at }),
      address: merge(state.address, { value: { key, url }, version, at }),
    });
  },
});

export const serverRemove = declareKind({
  number: 81,
  name: "server.remove",
  scope: "none",
  data: Type.Object({ name: ServerName, version: Version }),
  body: null,
  subjects: (parsed) => [{ table: "server", key: parsed.data.name }],
  apply(view, parsed, subject) {
    if (subject.table !== "server") return;
    const { at, data } = parsed;
    const state = view.get("server", subject.key) ?? {};
    view.put("server", subject.key, {
      ...state,
      standing: merge(state.standing, { value: "removed", version: data.version, at }),
    });
  },
});

/** One more than the version that this state has: what a change of it carries. */
export function nextServerVersion(state: ServerState | undefined): number {
  return Math.max(nextVersion(state?.standing), nextVersion(state?.address));
}

/** The request id of an op about a server: the same wherever it is minted. */
export function serverRequestId(hash: Hash, kind: { readonly name: string }, data: object) {
  const text = `holdfast/${kind.name}\0${JSON.stringify(data)}`;
  return requestIdFrom(0, hash.sha256(utf8(text)).subarray(0, 10)) satisfies RequestId;
}
