import Type from "typebox";
import { cursored, Millis, RequestIdText, receipted, Shape } from "../schema.ts";

const ServerName = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" });
const DAY_MS = 24 * 60 * 60 * 1000;

/** What the operator does with the servers of the cluster, on the machine of one of them. */
export const clusterMethods = {
  "cluster.invite": {
    summary:
      "The operator: makes a token with which one server may join, through this server only.",
    params: Shape({
      expiresInMs: Type.Optional(Type.Integer({ minimum: 60_000, maximum: 30 * DAY_MS })),
      urls: Type.Optional(
        Type.Array(Type.String({ maxLength: 300 }), {
          minItems: 1,
          maxItems: 4,
          description: "where the new server reaches this one, if not at its own address",
        }),
      ),
    }),
    result: Shape({
      token: Type.String({ description: "works once; holds no secret of the cluster" }),
      expiresAt: Millis,
      ...cursored,
    }),
  },
  "cluster.remove": {
    summary: "The operator: removes a server, also a dead one. Not the one that is asked.",
    params: Shape({ server: ServerName, id: RequestIdText }),
    result: Shape({ ...receipted, ...cursored }),
  },
  "cluster.rotateSecret": {
    summary: "The operator: makes a new secret and tells it to all members that are linked.",
    params: Shape({}),
    result: Shape({
      generation: Type.Integer({ description: "how many secrets the cluster had before" }),
      held: Type.Array(Type.String(), { description: "servers that have it on disk" }),
      away: Type.Array(Type.String(), {
        description: "members that get it when they are linked again",
      }),
      ...cursored,
    }),
  },
} as const;
