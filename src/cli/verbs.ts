/**
 * What typed commands do: one function for each kind of input, over the chat. They throw HoldfastError for a
 * refusal; the chat shows it. Those about the own account are in verbs-account.ts.
 */
import type { Message, Result } from "../client/index.ts";
import { HoldfastError } from "../client/index.ts";
import { HISTORY_PAGE_MAX, SEARCH_PAGE_DEFAULT } from "../core/limits.ts";
import type { Chat } from "./chat.ts";
import { HELP, type Input, type MessageRef } from "./chat-input.ts";
import { entryLines, tableLines } from "./format.ts";
import { plain, wrap } from "./paint.ts";
import { type Place, refOf } from "./places.ts";
import { printable } from "./printable.ts";
import { allConversations } from "./unread.ts";
import { DEADLINE, type Verb } from "./verb.ts";
import { changePassword, deleteAccount, rename, sessions } from "./verbs-account.ts";

/** Lines of a list; what goes past it asks for a narrower wildcard. */
const LIST_MAX = 200;

const VERBS: { readonly [K in Input["kind"]]: Verb<K> } = {
  nothing: () => {},
  wrong: (chat, { why }) => chat.trouble(why),
  quit: (chat) => chat.leave(),
  say: (chat, { text }) => {
    const place = chat.current;
    if (place === undefined) {
      return chat.trouble(
        "nobody to send it to: /join #CHANNEL, /to NAME, or /msg NAME TEXT first",
      );
    }
    chat.client.outbox.post({ to: refOf(place), text });
  },
  msg: async (chat, { to, text }) => {
    const isFirst = chat.current === undefined && chat.client.connection.state === "live";
    if (isFirst) await go(chat, to);
    chat.client.outbox.post({ to, text });
  },
  go: (chat, { to }) => go(chat, to),
  join: async (chat, { channel }) => {
    const joined = await chat.client.call("channel.join", { in: channel }, DEADLINE);
    chat.enter(chat.places.learnChannel(joined.channel), true);
  },
  leave: async (chat, { channel }) => {
    const place =
      channel === undefined ? here(chat) : await chat.places.find(channel, DEADLINE.deadlineMs);
    await chat.client.call("channel.leave", { in: refOf(place) }, DEADLINE);
    if (chat.current?.id === place.id) chat.enter(undefined);
    chat.notice(`you left ${place.name}`);
  },
  create: async (chat, { name, isPrivate }) => {
    const params = { name, ...(isPrivate ? { private: true } : {}) };
    const made = await chat.client.call("channel.create", params, DEADLINE);
    chat.enter(chat.places.learnChannel(made.channel), true);
    const how = isPrivate ? "/invite NAME lets somebody join" : `others come by /join #${name}`;
    chat.notice(`#${name} is yours: ${how}`);
  },
  invite: async (chat, { account }) => {
    await chat.client.call("channel.invite", { in: refOf(here(chat)), account }, DEADLINE);
  },
  topic: async (chat, { text }) => {
    const place = here(chat);
    if (text === undefined) return chat.notice(place.topic || "no topic");
    await chat.client.call("channel.update", { in: refOf(place), topic: text }, DEADLINE);
  },
  members: async (chat) => {
    const place = here(chat);
    const { members, next } = await chat.client.call(
      "channel.members",
      { in: refOf(place), limit: LIST_MAX },
      DEADLINE,
    );
    const rows = members.map(({ name, displayName, standing, online }) => [
      name,
      standing,
      online ? "online" : "",
      displayName,
    ]);
    table(chat, rows, next !== undefined);
  },
  list: async (chat, { what, match }) => {
    const params = { match, limit: LIST_MAX };
    if (what === "channels") {
      const { channels, next } = await chat.client.call("channel.list", params, DEADLINE);
      const rows = channels.map(({ name, members, standing, topic, ...channel }) => [
        `#${name}`,
        `${members} in it`,
        [channel.private ? "private" : "", standing ?? ""].filter(Boolean).join(", "),
        topic,
      ]);
      return table(chat, rows, next !== undefined);
    }
    const { accounts, next } = await chat.client.call("account.list", params, DEADLINE);
    const rows = accounts.map(({ name, displayName, online }) => [
      name,
      online ? "online" : "",
      displayName,
    ]);
    table(chat, rows, next !== undefined);
  },
  who: async (chat, { match }) => {
    const online: string[] = [];
    let after: string | undefined;
    let page: Result<"account.list">;
    let pages = 0;
    do {
      const params = { match, limit: 500, ...(after === undefined ? {} : { after }) };
      page = await chat.client.call("account.list", params, DEADLINE);
      for (const account of page.accounts) if (account.online) online.push(account.name);
      after = page.next;
    } while (after !== undefined && ++pages < 10 && online.length < LIST_MAX);
    const more = after === undefined ? "" : ", … (narrow it: /who a*)";
    const names = online.length === 0 ? "nobody" : printable(online.join(", "));
    chat.print(wrap([plain(`online: ${names}${more}`)], chat.screen.width, 2));
  },
  conversations: async (chat) => {
    const rows = (await allConversations(chat.client)).map((conversation) => {
      chat.places.learn(conversation);
      const { name, unread, last } = conversation;
      const text = last === undefined ? "" : `${last.author.name}: ${last.text}`;
      return [name, unread === 0 ? "" : `${unread > 999 ? "999+" : unread} unread`, text];
    });
    table(chat, rows, false);
  },
  history: async (chat, { count }) => {
    const place = here(chat);
    const params = { in: refOf(place), limit: count };
    const { messages } = await chat.client.call("message.history", params, DEADLINE);
    if (messages.length === 0) return chat.notice(`nothing was said in ${place.name} yet`);
    chat.transcript.block(`${place.name}: the last ${messages.length}`, messages);
    chat.endBlock();
  },
  search: async (chat, { text }) => {
    const params = { text, limit: SEARCH_PAGE_DEFAULT };
    const { messages, next } = await chat.client.call("message.search", params, DEADLINE);
    if (messages.length === 0) return chat.notice(`no message holds ${text}`);
    const names = new Map<string, string>();
    for (const { conversation } of messages) {
      if (!names.has(conversation)) names.set(conversation, await chat.places.nameOf(conversation));
    }
    const count = `${messages.length}${next === undefined ? "" : " newest"}`;
    chat.transcript.block(
      `${count} with: ${text}`,
      messages.toReversed(),
      ({ conversation }) => names.get(conversation) as string,
    );
    chat.endBlock();
  },
  edit: async (chat, { ref, text }) => {
    const message = await messageOf(chat, ref);
    await chat.client.call("message.edit", { message, text }, DEADLINE);
  },
  delete: async (chat, { ref }) => {
    await chat.client.call("message.delete", { message: await messageOf(chat, ref) }, DEADLINE);
  },
  help: (chat) => {
    const column = Math.max(...HELP.map(({ usage }) => usage.length));
    const { width } = chat.screen;
    chat.print(HELP.flatMap(({ usage, does }) => entryLines(usage, does, column, width)));
    chat.notice("everything else is sent to where the prompt says; Ctrl+J begins a new line");
  },
  rename,
  sessions,
  password: changePassword,
  "account-delete": deleteAccount,
};

/** Throws HoldfastError. */
export async function carryOut(chat: Chat, input: Input): Promise<void> {
  const { state, error } = chat.client.connection;
  const isLocal = ["nothing", "wrong", "quit", "say", "msg", "help"].includes(input.kind);
  if (state === "waiting" && chat.options.interactive && !isLocal) {
    // What is typed after it must not wait behind it.
    const why = error === undefined ? "" : ` (${error.message})`;
    throw new HoldfastError("unavailable", `no server can be reached just now${why}`);
  }
  await (VERBS[input.kind] as Verb<Input["kind"]>)(chat, input);
}

async function go(chat: Chat, to: string): Promise<void> {
  chat.enter(await chat.places.find(to, DEADLINE.deadlineMs), true);
}

function here(chat: Chat): Place {
  if (chat.current !== undefined) return chat.current;
  throw new HoldfastError(
    "invalid",
    "you are in no conversation: /join #CHANNEL or /to NAME first",
  );
}

function table(chat: Chat, rows: readonly (readonly string[])[], more: boolean): void {
  if (rows.length === 0) chat.notice("none");
  else chat.print(tableLines(rows, chat.screen.width));
  if (more) chat.notice("there are more: narrow the wildcard");
}

/** The id of the message that is meant, in the current conversation. */
async function messageOf(chat: Chat, ref: MessageRef): Promise<string> {
  if (ref.kind === "id") return ref.id;
  await chat.emptied(); // "my last message" may be on its way still
  const params = { in: refOf(here(chat)), limit: HISTORY_PAGE_MAX };
  const { messages } = await chat.client.call("message.history", params, DEADLINE);
  const me = chat.client.account?.id;
  const isMeant = ({ author, deleted }: Message) =>
    deleted !== true && (ref.author === undefined ? author.id === me : author.name === ref.author);
  const found = messages.filter(isMeant).at(-ref.n);
  if (found !== undefined) return found.id;
  const whose = ref.author === undefined ? "yours" : `${ref.author}'s`;
  throw new HoldfastError(
    "not_found",
    `no such message of ${whose} among the last ${messages.length}`,
  );
}
