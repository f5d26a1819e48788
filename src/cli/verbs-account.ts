/** Typed commands about the own account: name, password, sessions, and its end. */
import type { Session } from "../client/index.ts";
import { HoldfastError } from "../client/index.ts";
import type { Chat } from "./chat.ts";
import { dayKey, tableLines, timeText } from "./format.ts";
import { plain, wrap } from "./paint.ts";
import { DEADLINE, type Verb } from "./verb.ts";

/** What follows from deleting an account, for people. */
export const DELETION = [
  "Deleting your account can't be taken back:",
  "- all your sessions end, on every device, and nobody can sign in as you again;",
  "- your name becomes free for others;",
  "- what waits for you is gone, nobody can read it;",
  "- what others wrote to you stays with them; your messages stay as from a deleted account,",
  "  unless you have them erased: then their text leaves every server's disk.",
] as const;

export const rename: Verb<"rename"> = async (chat, { name }) => {
  const { account } = await chat.client.call("account.rename", { name }, DEADLINE);
  chat.notice(`you are ${account.name} now`);
};

export const sessions: Verb<"sessions"> = async (chat, { end }) => {
  const { sessions: all } = await chat.client.call("session.list", {}, DEADLINE);
  if (end === undefined) return list(chat, all);
  const session = all[Number(end) - 1]?.id ?? end;
  const isOwn = all.some(({ id, current }) => id === session && current);
  if (isOwn) throw new HoldfastError("invalid", "that is this one: holdfast sign-out ends it");
  await chat.client.call("session.revoke", { session }, DEADLINE);
  chat.notice("that session is over");
};

function list(chat: Chat, all: readonly Session[]): void {
  const rows = all.map(({ label, openedAt, current }, i) => {
    const moment = chat.options.calendar(openedAt);
    const since = `since ${dayKey(moment)} ${timeText(moment)}`;
    return [String(i + 1), since, `${label || "(no label)"}${current ? ", this one" : ""}`];
  });
  chat.print(tableLines(rows, chat.screen.width));
}

export const changePassword: Verb<"password"> = async (chat) => {
  const password = await secret(chat, "Present password: ");
  if (password === undefined) return;
  const newPassword = await secret(chat, "New password: ");
  if (newPassword === undefined) return;
  if ((await secret(chat, "Once more: ")) !== newPassword) {
    return chat.trouble("these two are not the same: nothing was changed");
  }
  await chat.client.call("account.password", { password, newPassword }, DEADLINE);
  chat.notice("your password is changed; your other sessions are over");
};

export const deleteAccount: Verb<"account-delete"> = async (chat) => {
  await chat.ready; // until then it may not be known who this is
  const name = chat.client.account?.name;
  if (name === undefined) throw new HoldfastError("unavailable", "not signed in");
  const { width } = chat.screen;
  chat.print(DELETION.flatMap((line) => wrap([plain(line)], width, 2)));
  const password = await secret(chat, "Password (empty to keep the account): ");
  if (password === undefined || password === "") return chat.notice("nothing was deleted");
  const erase = await chat.screen.ask("Erase your messages too? [y/N]: ");
  const typed = await chat.screen.ask(`Type ${name} to delete it: `);
  if (erase === undefined || typed?.trim() !== name) return chat.notice("nothing was deleted");
  const params = { password, ...(/^y(es)?$/i.test(erase.trim()) ? { erase: true } : {}) };
  chat.ending = true;
  try {
    await chat.client.call("account.delete", params, DEADLINE);
  } catch (error) {
    chat.ending = false;
    throw error;
  }
  chat.notice(`the account ${name} is deleted`);
  chat.leave();
};

async function secret(chat: Chat, question: string): Promise<string | undefined> {
  if (!chat.options.interactive) {
    throw new HoldfastError("invalid", "this asks for a password: it needs a terminal");
  }
  return chat.screen.ask(question, true);
}
