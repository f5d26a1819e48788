import Type from "typebox";
import { Cursor, cursored, Millis, Shape } from "../schema.ts";
import { RangeAsk, RangeDigest } from "../view-digest.ts";

export const ServerEntry = Shape({
  name: Type.String(),
  url: Type.String(),
  state: Type.Union([Type.Literal("live"), Type.Literal("suspect"), Type.Literal("unknown")]),
  inSync: Type.Optional(
    Type.Boolean({ description: "writes at the server that answers are stored there, too" }),
  ),
});

const Ms = Type.Number({ minimum: 0 });
const Count = Type.Integer({ minimum: 0 });
/** Codes of later releases may be others. */
const Code = Type.String({ maxLength: 64 });

/** A server of the cluster, as the one that answers sees it. */
export const ServerStatus = Shape({
  name: Type.String(),
  url: Type.String(),
  link: Type.String({
    maxLength: 16,
    description:
      "`self`, `live`, `suspect` (linked and silent), `through` (in sync through another server), `none`",
  }),
  inSync: Type.Boolean({ description: "writes here wait for it" }),
  out: Type.Optional(Code),
  removed: Type.Boolean(),
  release: Type.Optional(Type.String()),
  store: Type.Optional(Type.String()),
  quietMs: Ms,
  lagOps: Type.Integer({ minimum: 0, description: "ops that it knows of and lacks" }),
  unheldOps: Type.Optional(
    Type.Integer({ minimum: 0, description: "ops of this server that it is not known to hold" }),
  ),
  fsyncMs: Type.Optional(Ms),
  clockOffsetMs: Type.Optional(
    Type.Number({ description: "how far its clock is ahead of that of the server that answers" }),
  ),
  silentMs: Type.Optional(Ms),
  hears: Type.Optional(
    Type.Array(Type.String(), {
      description: "servers that it is linked to and hears, as it says",
    }),
  ),
});

/** A link, or an address to which there is none. */
export const LinkStatus = Shape({
  server: Type.Optional(Type.String()),
  address: Type.String(),
  state: Type.String({
    maxLength: 16,
    description: "`linked`, `connecting`, `failed`, or `refused` by one of the two",
  }),
  by: Type.String({ maxLength: 16, description: "which side dials: `here` or `there`" }),
  forMs: Ms,
  problem: Type.Optional(Code),
  reason: Type.Optional(Type.String({ description: "the problem in words" })),
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
  "server.status": {
    summary:
      "The cluster as this server sees it: who is alive, in sync, leads; links, lag, clocks.",
    params: Shape({}),
    result: Shape({
      server: Type.String(),
      store: Type.String(),
      leader: Type.String(),
      /** While it has much to take over. */
      catchUp: Type.Optional(Shape({ doneOps: Count, totalOps: Count, perSecond: Count })),
      behind: Type.Boolean({
        description: "a server that can be reached holds what this one lacks",
      }),
      removed: Type.Boolean(),
      minCopies: Count,
      faultBudget: Type.Integer({
        minimum: 0,
        description: "so many more servers may fail, and what is acknowledged now survives",
      }),
      servers: Type.Array(ServerStatus),
      links: Type.Array(LinkStatus),
    }),
  },
  "server.digest": {
    summary:
      "Digest of a range of a server's view, for `holdfast verify`. The operator's; no account may ask.",
    params: Shape({
      of: Type.Optional(
        Type.String({ maxLength: 64, description: "a linked server; the one that is asked" }),
      ),
      range: RangeAsk,
    }),
    result: Shape({ server: Type.String(), range: RangeDigest }),
  },
  "server.ping": {
    summary: "An answer, nothing else. Needs no session.",
    params: Shape({}),
    result: Shape({ now: Millis, cursor: Cursor }),
  },
} as const;
