/** The command table: every method of the protocol, with its schema's check compiled once. */
import { Compile } from "typebox/compile";
import { Refusal } from "../core/errors.ts";
import { type MethodName, methods } from "../protocol/methods.ts";
import type { Command } from "./command.ts";
import { accountCommands } from "./commands/account.ts";
import { adminCommands } from "./commands/admin.ts";
import { channelCommands } from "./commands/channel.ts";
import { clusterCommands } from "./commands/cluster.ts";
import { conversationCommands } from "./commands/conversation.ts";
import { invitationCommands } from "./commands/invitation.ts";
import { messageCommands } from "./commands/message.ts";
import { serverCommands } from "./commands/server.ts";
import { sessionCommands } from "./commands/session.ts";

const commands: { readonly [M in MethodName]: Command<M> } = {
  ...serverCommands,
  ...accountCommands,
  ...sessionCommands,
  ...messageCommands,
  ...channelCommands,
  ...conversationCommands,
  ...invitationCommands,
  ...adminCommands,
  ...clusterCommands,
};

export type Row = {
  readonly command: Command<MethodName>;
  /** Whether the method takes an `id`: it writes. */
  readonly writes: boolean;
  readonly hasCursor: boolean;
  /** Throws Refusal `invalid` that names the member that does not fit. */
  check(params: unknown): void;
};

function rowOf(name: MethodName): Row {
  const declared = methods[name];
  const validator = Compile(declared.params);
  return {
    command: commands[name] as unknown as Command<MethodName>,
    writes: Object.hasOwn(declared.params.properties, "id"),
    hasCursor: Object.hasOwn(declared.result.properties, "cursor"),
    check(params) {
      if (validator.Check(params)) return;
      const [first] = validator.Errors(params);
      const where = first?.instancePath === "" ? "params" : `params${first?.instancePath ?? ""}`;
      throw new Refusal("invalid", `${name}: ${where} ${first?.message ?? "is not as declared"}`);
    },
  };
}

export const TABLE: ReadonlyMap<string, Row> = new Map(
  (Object.keys(methods) as MethodName[]).map((name) => [name, rowOf(name)]),
);
