/** Sessions: opened, given tokens, ended. Only hashes of tokens are stored. */
import Type from "typebox";
import { effectOf, type SessionId, sessionIdFor } from "../core/ids.ts";
import { TOKENS_PER_SESSION_MAX } from "../core/limits.ts";
import { earliest } from "../core/register.ts";
import type { FoldView, SessionState, Subject } from "../core/view.ts";
import { declareKind } from "./kind.ts";
import { SessionKey } from "./schema.ts";

const EMPTY: SessionState = { tokens: [] };

/** Of a session that is over, or whose account is gone, nothing personal stays. */
export function putSession(view: FoldView, key: SessionId, state: SessionState): void {
  const over =
    state.ended !== undefined || view.get("account", effectOf(key).author)?.deleted !== undefined;
  view.put("session", key, over ? withoutPersonal(state) : state);
}

function withoutPersonal({ label: _label, ...rest }: SessionState): SessionState {
  return { ...rest, tokens: [] };
}

function sessionSubject(key: SessionId): Subject[] {
  return [{ table: "session", key, account: effectOf(key).author }];
}

export const sessionOpen = declareKind({
  number: 10,
  name: "session.open",
  scope: "none",
  data: Type.Object({}),
  body: Type.Object({ label: Type.String() }),
  subjects: (parsed) => sessionSubject(sessionIdFor(parsed.op.author, parsed.op.id)),
  apply(view, parsed, subject) {
    if (subject.table !== "session") return;
    const state = view.get("session", subject.key) ?? EMPTY;
    putSession(view, subject.key, {
      ...state,
      account: parsed.op.author,
      opened: parsed.at,
      openedMs: parsed.op.stamp.ms,
      label: parsed.body?.label ?? "",
    });
  },
});

/** One more token for a session: a repeated sign-in gets its own, and none of them is stored. */
export const sessionToken = declareKind({
  number: 11,
  name: "session.token",
  scope: "none",
  data: Type.Object({ session: SessionKey }),
  body: Type.Object({ hash: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }) }),
  subjects: (parsed) => sessionSubject(parsed.data.session as SessionId),
  apply(view, parsed, subject) {
    if (subject.table !== "session" || subject.account !== parsed.op.author) return;
    const state = view.get("session", subject.key) ?? EMPTY;
    const token = parsed.body === null ? [] : [{ hash: parsed.body.hash, at: parsed.at }];
    const tokens = [...state.tokens, ...token]
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .slice(-TOKENS_PER_SESSION_MAX);
    putSession(view, subject.key, { ...state, tokens });
  },
});

export const sessionEnd = declareKind({
  number: 12,
  name: "session.end",
  scope: "none",
  data: Type.Object({ session: SessionKey }),
  body: null,
  final: true,
  subjects: (parsed) => sessionSubject(parsed.data.session as SessionId),
  apply(view, parsed, subject) {
    if (subject.table !== "session") return;
    const state = view.get("session", subject.key) ?? EMPTY;
    putSession(view, subject.key, { ...state, ended: earliest(state.ended, parsed.at) });
  },
});
