import Type from "typebox";
import { Cursor, cursored, Millis, Shape } from "../schema.ts";

export const ServerEntry = Shape({
  name: Type.String(),
  url: Type.String(),
  state: Type.Union([Type.Literal("live"), Type.Literal("suspect"), Type.Literal("unknown")]),
});

export const serverMethods = {
  "server.hello": {
    summary: "Who answers, what it speaks and which bounds hold. Needs no session.",
    params: Shape({
      protocol: Type.Optional(Type.Integer({ minimum: 1 })),
      client: Type.Optional(Type.String({ maxLength: 80 })),
    }),
    result: Shape({
      cluster: Type.String(),
      server: Type.String(),
      version: Type.String(),
      protocol: Type.Integer(),
      signUp: Type.Union([
        Type.Literal("open"),
        Type.Literal("invitation"),
        Type.Literal("closed"),
      ]),
      setup: Type.Optional(
        Type.Literal(true, {
          description: "there is no administrator yet; the server prints a code",
        }),
      ),
      limits: Type.Record(Type.String(), Type.Integer()),
      servers: Type.Array(ServerEntry),
      ...cursored,
    }),
  },
  "server.ping": {
    summary: "An answer, nothing else. Needs no session.",
    params: Shape({}),
    result: Shape({ now: Millis, cursor: Cursor }),
  },
} as const;
