/** The table of methods: one declaration gives types, checks and the OpenRPC document. */
import type { Static } from "typebox";
import { accountMethods } from "./methods/account.ts";
import { adminMethods } from "./methods/admin.ts";
import { channelMethods } from "./methods/channel.ts";
import { clusterMethods } from "./methods/cluster.ts";
import { conversationMethods } from "./methods/conversation.ts";
import { messageMethods } from "./methods/message.ts";
import { serverMethods } from "./methods/server.ts";
import { sessionMethods } from "./methods/session.ts";

export const methods = {
  ...serverMethods,
  ...accountMethods,
  ...sessionMethods,
  ...messageMethods,
  ...channelMethods,
  ...conversationMethods,
  ...adminMethods,
  ...clusterMethods,
} as const;

export type MethodName = keyof typeof methods;
export type Params<M extends MethodName> = Static<(typeof methods)[M]["params"]>;
export type Result<M extends MethodName> = Static<(typeof methods)[M]["result"]>;

export function isMethodName(text: string): text is MethodName {
  return Object.hasOwn(methods, text);
}
