/**
 * Posts the lines of standard input to a channel, in order: at most one message a second, of as many lines
 * as came meanwhile and fit. Ends when the input has ended and every line is stored.
 *
 *     tail -f app.log | HOLDFAST_NAME=logger HOLDFAST_PASSWORD=... bun examples/log-to-channel.ts '#ops'
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { createClient } from "holdfast/client";
import { servers, signIn } from "./sign-in.ts";

const MESSAGE_CHARACTERS = 4_000;
const PAUSE_MS = 1_000;
/** What waits here at most, in characters, before the input is left to wait instead. */
const BACKLOG_CHARACTERS = 1_000_000;

const [channel] = process.argv.slice(2);
if (channel === undefined) throw new Error("name the channel to post to, such as '#ops'");

const client = createClient({ servers });
await signIn(client, "log to channel");
await client.call("channel.join", { in: channel });

const input = createInterface({ input: process.stdin });
const lines: string[] = [];
let waiting = 0;
let ended = false;
input.on("line", (line) => {
  for (let at = 0; at === 0 || at < line.length; at += MESSAGE_CHARACTERS) {
    lines.push(line.slice(at, at + MESSAGE_CHARACTERS));
  }
  waiting += line.length + 1;
  if (waiting > BACKLOG_CHARACTERS) input.pause();
});
input.once("close", () => {
  ended = true;
});

/** As many of the lines as fit into one message. */
function nextMessage(): string {
  let text = lines.shift() ?? "";
  while (lines[0] !== undefined && text.length + 1 + lines[0].length <= MESSAGE_CHARACTERS) {
    text += `\n${lines.shift()}`;
  }
  waiting = Math.max(0, waiting - text.length - 1);
  return text;
}

const done = new Set<string>();
client.on("outbox", ({ entry }) => {
  if (entry.state === "failed") {
    console.error(`not posted: ${entry.error?.message}`);
    process.exitCode = 1;
    client.outbox.drop(entry.id);
  }
  if (entry.state === "stored" || entry.state === "failed") done.add(entry.id);
});

while (!ended || lines.length > 0) {
  if (lines.length === 0) {
    await Promise.race([once(input, "line"), once(input, "close")]);
    continue;
  }
  const text = nextMessage();
  if (waiting < BACKLOG_CHARACTERS && !ended) input.resume();
  if (text.trim() === "") continue;
  const { id } = client.outbox.post({ to: channel, text });
  while (!done.delete(id)) await wait(20);
  if (lines.length > 0 || !ended) await wait(PAUSE_MS);
}
await client.close();
