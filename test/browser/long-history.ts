/** A channel with far more messages than a page can hold. */
import { generator, overYear } from "../../bench/history.ts";
import { scratch } from "../server-process.ts";
import { type DataDirectory, Ledger } from "./ledger.ts";

const LINES = [
  "a short one",
  "one that goes on for a while, as people do when they explain why it was not as easy as it looked",
  "two\nlines",
  "```\nsome code\nwith lines\n```",
  "**bold** and `code` and https://example.org/a/path",
];

/** The word in a message by which it is known; the first is 1. */
export function wordOf(n: number): string {
  return `h${String(n).padStart(6, "0")}`;
}

/** `reader` owns #archive, in which three people wrote so many messages. */
export async function longHistory(messages: number): Promise<DataDirectory> {
  const ledger = await Ledger.open(scratch(), overYear(messages));
  const reader = await ledger.account("reader");
  const people = [reader, await ledger.account("writer"), await ledger.account("scribe")];
  const archive = await ledger.channel(reader, { name: "archive" });
  for (const account of people.slice(1)) await ledger.join(archive, account);
  const random = generator(13);
  for (let n = 1; n <= messages; n++) {
    const author = people[Math.floor(random() ** 2 * people.length)] ?? reader;
    const line = LINES[Math.floor(random() * LINES.length)];
    await ledger.post(author, archive, `${wordOf(n)} ${line}`);
  }
  return await ledger.close();
}
