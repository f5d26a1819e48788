/** Everything of the `holdfast` command that is a client's: the chat and the one-shot commands. */
import type { Command } from "commander";
import { registerAccountCommands } from "./account-commands.ts";
import { registerChannelCommands } from "./channel-commands.ts";
import { registerChatCommand } from "./chat-command.ts";
import { registerMessageCommands } from "./message-commands.ts";
import { registerTailCommand } from "./tail-command.ts";

export function registerClientCommands(program: Command): void {
  registerChatCommand(program);
  registerMessageCommands(program);
  registerTailCommand(program);
  registerChannelCommands(program);
  registerAccountCommands(program);
}
