/**
 * Answers every direct message with its own text, each exactly once, also those that came while it was away.
 *
 *     HOLDFAST_NAME=echo HOLDFAST_PASSWORD=... bun examples/echo-bot.ts ./echo-bot-data
 */
import { createClient, type Message, replyId } from "holdfast/client";
import { folderStorage } from "./folder-storage.ts";
import { servers, signIn } from "./sign-in.ts";

const storage = folderStorage(process.argv[2] ?? "echo-bot-data");
const client = createClient({ servers, storage });

/** The answer's id comes from the message: however often this runs, there is one answer. */
function answer(message: Message): void {
  const isDirect = message.conversation.startsWith("d_");
  if (!isDirect || message.deleted || message.author.id === client.account?.id) return;
  client.outbox.post({ to: message.conversation, text: message.text, id: replyId(message) });
}

/** What is unread, in case no event told: at the start, and after too long an absence. */
async function answerUnread(): Promise<void> {
  const { conversations } = await client.call("conversation.list", {});
  for (const { id, kind, unread, marker } of conversations) {
    if (kind !== "direct" || unread === 0) continue;
    const after = marker === undefined ? {} : { after: marker };
    const { messages } = await client.call("message.history", { in: id, ...after });
    for (const message of messages) answer(message);
  }
}

client.on("message.posted", ({ message }) => answer(message));
client.on("reset", answerUnread);
client.on("outbox", ({ entry }) => {
  if (entry.state === "stored" && entry.message !== undefined) {
    const { conversation, position } = entry.message;
    client.call("conversation.read", { in: conversation, upTo: position }).catch(() => {});
  } else if (entry.state === "failed") {
    console.error(`not answered: ${entry.error?.message}`);
    client.outbox.drop(entry.id);
  }
});
client.on("signed_out", ({ reason }) => {
  console.error(`signed out: ${reason}`);
  process.exitCode = 1;
  void client.close();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void client.close());
}

await signIn(client, "echo bot");
await answerUnread();
console.log("echo bot is ready");
