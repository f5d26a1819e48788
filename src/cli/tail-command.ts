/** `holdfast tail`: follows messages until it is stopped. */
import type { Command } from "commander";
import { HoldfastError } from "../client/index.ts";
import { conversationArg, define, numberArg, outJson, truly } from "./command.ts";
import { messageRow } from "./format.ts";
import { out } from "./io.ts";
import { Tail } from "./tail.ts";

const LAST_DEFAULT = 10;
const LAST_MAX = 10_000;

export function registerTailCommand(program: Command): void {
  const command = program
    .command("tail [conversation]")
    .description(
      "print the last messages of '@bob', '#ops' or all conversations, then each as it comes; goes " +
        "on by itself after servers were away, without gap or repeat. With --json one message a line",
    )
    .option("--last <n>", `begin with the last n messages (${LAST_DEFAULT}; 0 for none)`)
    .option("--from-now", "the same as --last 0")
    .option("--changes", "print edits and deletions, too: the message as it is then");
  type Options = { last?: string; fromNow?: boolean; changes?: boolean };
  define<Options>(command, async ({ reach, options, args }) => {
    const to = args[0] === undefined ? undefined : conversationArg(args[0]);
    const none = options.fromNow || options.last === "0";
    const count = none ? 0 : (numberArg(options.last, "--last", LAST_MAX) ?? LAST_DEFAULT);
    const reached = await reach.signedIn();
    const { client } = reached;
    reach.keep(reached);
    try {
      const found = to && (await client.call("conversation.resolve", { in: to }));
      await new Promise<void>((resolve, reject) => {
        const leave = () => resolve();
        process.once("SIGINT", leave);
        process.once("SIGTERM", leave);
        client.on("signed_out", ({ code, reason }) => reject(new HoldfastError(code, reason)));
        const tail = new Tail({
          client,
          ...(found ? { only: found.conversation.id, ref: found.id } : {}),
          changes: options.changes === true,
          print: (message, where) => {
            if (options.json) outJson(message);
            else out(messageRow(message, where));
          },
          failed: reject,
        });
        tail.start(count).catch(reject);
      });
    } catch (error) {
      throw truly(client, error);
    } finally {
      await client.close();
    }
  });
}
