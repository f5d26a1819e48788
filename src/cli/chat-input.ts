/**
 * A typed line as what it asks for. Pure: knows nothing of servers or of what is shown.
 *
 * A line that begins with `/` is a command, one that begins with `//` a message that begins with `/`;
 * everything else is a message to the current conversation. `EXIT` alone leaves.
 */
import { isAccountId, isChannelId, isDirectId, isMessageId } from "../core/ids.ts";
import { HISTORY_PAGE_MAX } from "../core/limits.ts";
import { foldName } from "../core/names.ts";

/** Which message: one by id, or the n-th last of an author; without one, the own. */
export type MessageRef =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "last"; readonly n: number; readonly author?: string };

export type Input =
  | { readonly kind: "nothing" }
  | { readonly kind: "wrong"; readonly why: string }
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "msg"; readonly to: string; readonly text: string }
  | { readonly kind: "go"; readonly to: string }
  | { readonly kind: "join"; readonly channel: string }
  | { readonly kind: "leave"; readonly channel?: string }
  | { readonly kind: "create"; readonly name: string; readonly isPrivate: boolean }
  | { readonly kind: "invite"; readonly account: string }
  | { readonly kind: "topic"; readonly text?: string }
  | { readonly kind: "list"; readonly what: "accounts" | "channels"; readonly match: string }
  | { readonly kind: "history"; readonly count: number }
  | { readonly kind: "search"; readonly text: string }
  | { readonly kind: "edit"; readonly ref: MessageRef; readonly text: string }
  | { readonly kind: "delete"; readonly ref: MessageRef }
  | { readonly kind: "who"; readonly match: string }
  | { readonly kind: "rename"; readonly name: string }
  | { readonly kind: "sessions"; readonly end?: string }
  | {
      readonly kind: "members" | "conversations" | "password" | "account-delete" | "help" | "quit";
    };

export const HISTORY_DEFAULT = 20;

type Row = {
  readonly usage: string;
  readonly does: string;
  /** What follows the command, trimmed. */
  readonly parse: (rest: string) => Input;
};

const wrong = (why: string): Input => ({ kind: "wrong", why });

/** `bob`, `@bob`, or an account id; null if it is none. */
export function accountRef(text: string): string | null {
  if (isAccountId(text)) return text;
  const name = text.replace(/^@/, "");
  // A name that somebody has to show after a conflict, such as `bob~3f`, is found by that too.
  return foldName(name.replace(/~[0-9a-z]+$/, "")) === null ? null : `@${name.toLowerCase()}`;
}

/** `ops`, `#ops`, or a channel id; null if it is none. */
export function channelRef(text: string): string | null {
  if (isChannelId(text)) return text;
  const name = text.replace(/^#/, "");
  return foldName(name.replace(/~[0-9a-z]+$/, "")) === null ? null : `#${name.toLowerCase()}`;
}

/** `@bob`, `#ops`, an id, or a plain name for an account. */
export function conversationRef(text: string): string | null {
  if (isDirectId(text) || isChannelId(text)) return text;
  return text.startsWith("#") ? channelRef(text) : accountRef(text);
}

function withAccount(rest: string, usage: string, then: (account: string) => Input): Input {
  const account = accountRef(rest);
  return account === null ? wrong(usage) : then(account);
}

const ROWS: Readonly<Record<string, Row>> = {
  msg: {
    usage: "/msg NAME [TEXT]",
    does: "sends TEXT to somebody (or a #channel); without TEXT goes there",
    parse: (rest) => {
      const [, name = "", text = ""] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
      const to = conversationRef(name);
      if (to === null) return wrong("/msg NAME TEXT, as in: /msg bob hi");
      return text === "" ? { kind: "go", to } : { kind: "msg", to, text };
    },
  },
  to: {
    usage: "/to NAME | #CHANNEL",
    does: "what you type goes there from now on",
    parse: (rest) => {
      const to = conversationRef(rest);
      return to === null ? wrong("/to NAME, or /to #CHANNEL") : { kind: "go", to };
    },
  },
  join: {
    usage: "/join #CHANNEL",
    does: "joins a channel and goes there",
    parse: (rest) => {
      const channel = channelRef(rest);
      return channel === null ? wrong("/join #CHANNEL") : { kind: "join", channel };
    },
  },
  leave: {
    usage: "/leave [#CHANNEL]",
    does: "leaves this channel, or another one",
    parse: (rest) => {
      if (rest === "") return { kind: "leave" };
      const channel = channelRef(rest);
      return channel === null ? wrong("/leave #CHANNEL") : { kind: "leave", channel };
    },
  },
  create: {
    usage: "/create #CHANNEL [--private]",
    does: "makes a channel and goes there",
    parse: (rest) => {
      const words = rest.split(/\s+/);
      const names = words.filter((word) => word !== "--private");
      const name = foldName((names[0] ?? "").replace(/^#/, ""));
      if (name === null || names.length !== 1) {
        return wrong("/create #CHANNEL: a to z, 0 to 9, and . _ - after the first, at most 32");
      }
      return { kind: "create", name, isPrivate: names.length < words.length };
    },
  },
  invite: {
    usage: "/invite NAME",
    does: "lets somebody join this channel",
    parse: (rest) => withAccount(rest, "/invite NAME", (account) => ({ kind: "invite", account })),
  },
  topic: {
    usage: "/topic [TEXT]",
    does: "shows or sets this channel's topic",
    parse: (rest) => (rest === "" ? { kind: "topic" } : { kind: "topic", text: rest }),
  },
  members: {
    usage: "/members",
    does: "who is in this channel",
    parse: () => ({ kind: "members" }),
  },
  list: {
    usage: "/list [a* | #a*]",
    does: "accounts, or channels with #, by wildcard: * any run, ? one character",
    parse: (rest) =>
      rest.startsWith("#")
        ? { kind: "list", what: "channels", match: rest.slice(1) || "*" }
        : { kind: "list", what: "accounts", match: rest.replace(/^@/, "") || "*" },
  },
  who: {
    usage: "/who [a*]",
    does: "who is online",
    parse: (rest) => ({ kind: "who", match: rest.replace(/^@/, "") || "*" }),
  },
  conversations: {
    usage: "/conversations",
    does: "your channels and people, with what is unread",
    parse: () => ({ kind: "conversations" }),
  },
  history: {
    usage: "/history [N]",
    does: `the last N messages here (${HISTORY_DEFAULT})`,
    parse: (rest) => {
      const count = rest === "" ? HISTORY_DEFAULT : Number(rest);
      if (!Number.isInteger(count) || count < 1 || count > HISTORY_PAGE_MAX) {
        return wrong(`/history N: 1 to ${HISTORY_PAGE_MAX}`);
      }
      return { kind: "history", count };
    },
  },
  search: {
    usage: "/search WORDS",
    does: "messages that hold every word",
    parse: (rest) => (rest === "" ? wrong("/search WORDS") : { kind: "search", text: rest }),
  },
  edit: {
    usage: "/edit [^N] TEXT",
    does: "replaces your last message here, or your N-th last",
    parse: (rest) => {
      const [first, text] = refAndText(rest);
      return text === ""
        ? wrong("/edit TEXT, or /edit ^2 TEXT")
        : { kind: "edit", ref: first, text };
    },
  },
  delete: {
    usage: "/delete [^N | NAME^N]",
    does: "deletes your last message here, your N-th last, or somebody's in your channel",
    parse: (rest) => {
      const [ref, text] = refAndText(rest);
      return text === "" ? { kind: "delete", ref } : wrong("/delete, /delete ^2, or /delete bob^1");
    },
  },
  password: {
    usage: "/password",
    does: "changes your password; ends your other sessions",
    parse: () => ({ kind: "password" }),
  },
  rename: {
    usage: "/rename NAME",
    does: "changes your name; the old one becomes free",
    parse: (rest) => {
      const name = foldName(rest.replace(/^@/, ""));
      return name === null ? wrong("/rename NAME") : { kind: "rename", name };
    },
  },
  sessions: {
    usage: "/sessions [end N]",
    does: "where you are signed in; ends one",
    parse: (rest) => {
      if (rest === "") return { kind: "sessions" };
      const end = /^end\s+(\S+)$/.exec(rest)?.[1];
      return end === undefined ? wrong("/sessions, or /sessions end 2") : { kind: "sessions", end };
    },
  },
  account: {
    usage: "/account delete",
    does: "deletes your account: asks for the password and says what follows",
    parse: (rest) => (rest === "delete" ? { kind: "account-delete" } : wrong("/account delete")),
  },
  help: { usage: "/help", does: "this list", parse: () => ({ kind: "help" }) },
  quit: { usage: "/quit, EXIT", does: "leaves", parse: () => ({ kind: "quit" }) },
};
const ALIASES: Readonly<Record<string, string>> = {
  exit: "quit",
  part: "leave",
  names: "members",
  query: "msg",
  "?": "help",
};

export const HELP: readonly { usage: string; does: string }[] = Object.values(ROWS);

function refAndText(rest: string): [MessageRef, string] {
  const [, first = "", text = ""] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (isMessageId(first)) return [{ kind: "id", id: first }, text];
  const found = /^@?([A-Za-z0-9][A-Za-z0-9._~-]*)?\^(\d{1,3})$/.exec(first);
  if (found === null || Number(found[2]) < 1) return [{ kind: "last", n: 1 }, rest];
  const author = found[1]?.toLowerCase();
  return [{ kind: "last", n: Number(found[2]), ...(author === undefined ? {} : { author }) }, text];
}

/** What a line asks for; never throws. */
export function parseInput(line: string): Input {
  const text = line.trim();
  if (text === "") return { kind: "nothing" };
  if (text === "EXIT") return { kind: "quit" };
  if (!text.startsWith("/")) return { kind: "say", text: line.trimEnd() };
  if (text.startsWith("//")) return { kind: "say", text: text.slice(1) };
  const [, word = "", rest = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(text) ?? [];
  const name = word.toLowerCase();
  const known = Object.hasOwn(ALIASES, name) ? (ALIASES[name] as string) : name;
  if (!Object.hasOwn(ROWS, known)) {
    return wrong(`/${word} is no command: see /help. To send a text that begins with /, type //`);
  }
  return (ROWS[known] as Row).parse(rest.trim());
}
