import Type from "typebox";
import {
  Account,
  COOKIE,
  Cursor,
  cursored,
  Label,
  Name,
  Password,
  RequestIdText,
  reading,
  receipted,
  Session,
  SessionIdText,
  Shape,
  Ticket,
  Token,
} from "../schema.ts";
import { signedIn } from "./account.ts";

export const sessionMethods = {
  "session.open": {
    summary: "Signs in with name and password; signs a WebSocket in.",
    params: Shape({
      name: Name,
      password: Password,
      label: Type.Optional(Label),
      id: RequestIdText,
    }),
    result: Shape({ ...signedIn, ...receipted, ...cursored }),
  },
  "session.resume": {
    summary:
      "Signs a WebSocket in by token. With a cursor, what was missed follows the answer as events, then `caught_up`; or `reset`.",
    params: Shape({
      token: Type.Union([Token, Ticket, Type.Literal(COOKIE)], {
        description: "`cookie`: the token in the page's cookie; WebSocket only, as is a ticket",
      }),
      cursor: Type.Optional(Cursor),
    }),
    result: Shape({ account: Account, session: SessionIdText, ...cursored }),
  },
  "session.ticket": {
    summary:
      "For `session.resume` on any server of the cluster: stands for this session for an hour, as long as the session is good.",
    params: Shape({}),
    result: Shape({
      ticket: Ticket,
      forMs: Type.Integer({ minimum: 0, description: "how long it is good" }),
    }),
  },
  "session.list": {
    summary: "The own sessions.",
    params: Shape({ ...reading }),
    result: Shape({ sessions: Type.Array(Session), ...cursored }),
  },
  "session.revoke": {
    summary: "Ends one of the own sessions.",
    params: Shape({ session: SessionIdText, id: RequestIdText }),
    result: Shape({ ...receipted, ...cursored }),
  },
  "session.close": {
    summary: "Ends this session: signs out.",
    params: Shape({ id: RequestIdText }),
    result: Shape({ ...receipted }),
  },
} as const;
