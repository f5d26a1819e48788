/**
 * What is typed into the composer, as what it asks for. Pure. The commands are those of the terminal as far as they
 * make sense where there are buttons, under the same names.
 *
 * A text that begins with `/` is a command; `//` or a space before it makes it a message. `EXIT` alone asks to leave.
 */
import { nameProblem } from "../start/name-rules.ts";

export type Typed =
  | { readonly is: "nothing" }
  | { readonly is: "wrong"; readonly why: string }
  | { readonly is: "exit" }
  | { readonly is: "say"; readonly text: string }
  | { readonly is: "say_to"; readonly to: string; readonly text: string }
  | { readonly is: "go"; readonly to: string }
  | { readonly is: "join"; readonly channel: string }
  /** Without a channel: the one that is open. */
  | { readonly is: "leave"; readonly channel?: string }
  | { readonly is: "create"; readonly name: string; readonly isPrivate: boolean }
  | { readonly is: "invite"; readonly account: string }
  | { readonly is: "topic"; readonly text: string }
  | { readonly is: "search"; readonly text: string }
  | { readonly is: "members" }
  | { readonly is: "help" };

export type Command = {
  readonly name: string;
  readonly does: string;
  /** What its first word is, for completion. */
  readonly takes?: "person" | "channel";
  readonly parse: (rest: string) => Typed;
};

/** Also one that somebody has to show after a conflict, such as `bob~3f`. */
const SHOWN_NAME = /^[a-z0-9][a-z0-9._-]{0,31}(?:~[0-9a-z]+)?$/;

const wrong = (why: string): Typed => ({ is: "wrong", why });

function nameIn(text: string, mark: "@" | "#"): string | undefined {
  const name = text.toLowerCase();
  const bare = name.startsWith(mark) ? name.slice(1) : name;
  return SHOWN_NAME.test(bare) ? mark + bare : undefined;
}

const conversationIn = (text: string) => nameIn(text, text.startsWith("#") ? "#" : "@");

export const COMMANDS: readonly Command[] = [
  {
    name: "join",
    does: "join a channel and go there",
    takes: "channel",
    parse: (rest) => {
      const channel = nameIn(rest, "#");
      return channel === undefined
        ? wrong("Which channel? For example: /join #ops")
        : { is: "join", channel };
    },
  },
  {
    name: "msg",
    does: "send a direct message",
    takes: "person",
    parse: (rest) => {
      const [name, text] = firstWord(rest);
      const to = conversationIn(name);
      if (to === undefined) return wrong("To whom? For example: /msg @bob hello");
      return text === "" ? { is: "go", to } : { is: "say_to", to, text };
    },
  },
  {
    name: "to",
    does: "go to a conversation",
    takes: "person",
    parse: (rest) => {
      const to = conversationIn(rest);
      return to === undefined ? wrong("Where to? For example: /to @bob") : { is: "go", to };
    },
  },
  {
    name: "invite",
    does: "let somebody join this channel",
    takes: "person",
    parse: (rest) => {
      const account = nameIn(rest, "@");
      return account === undefined
        ? wrong("Whom? For example: /invite @bob")
        : { is: "invite", account };
    },
  },
  {
    name: "topic",
    does: "set the topic of this channel",
    parse: (text) =>
      text === "" ? wrong("Which topic? For example: /topic On call") : { is: "topic", text },
  },
  {
    name: "search",
    does: "search this conversation",
    parse: (text) =>
      text === "" ? wrong("For what? For example: /search invoice") : { is: "search", text },
  },
  {
    name: "create",
    does: "make a channel (--private)",
    parse: (rest) => {
      const words = rest.split(/\s+/).filter((word) => word !== "");
      const names = words.filter((word) => word !== "--private");
      const name = (names[0] ?? "").toLowerCase().replace(/^#/, "");
      const problem = names.length > 1 ? "A name has no spaces." : nameProblem(name);
      if (problem !== undefined) return wrong(problem);
      return { is: "create", name, isPrivate: names.length < words.length };
    },
  },
  {
    name: "members",
    does: "show who is in this channel",
    parse: () => ({ is: "members" }),
  },
  {
    name: "leave",
    does: "leave this channel",
    takes: "channel",
    parse: (rest) => {
      if (rest === "") return { is: "leave" };
      const channel = nameIn(rest, "#");
      return channel === undefined
        ? wrong("Which channel? For example: /leave #ops")
        : { is: "leave", channel };
    },
  },
  { name: "help", does: "show these commands", parse: () => ({ is: "help" }) },
  { name: "quit", does: "sign out", parse: () => ({ is: "exit" }) },
];

const ALIASES: Readonly<Record<string, string>> = {
  exit: "quit",
  part: "leave",
  names: "members",
  query: "msg",
  "?": "help",
};

/** Never throws. */
export function parseTyped(typed: string): Typed {
  const text = typed.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
  const trimmed = text.trim();
  if (trimmed === "") return { is: "nothing" };
  if (trimmed === "EXIT") return { is: "exit" };
  if (!trimmed.startsWith("/")) return { is: "say", text };
  if (!text.startsWith("/")) return { is: "say", text: trimmed };
  if (text.startsWith("//")) return { is: "say", text: text.slice(1) };
  const [word, rest] = firstWord(text.slice(1));
  const name = word.toLowerCase();
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  const command = COMMANDS.find((one) => one.name === known);
  return (
    command?.parse(rest) ??
    wrong(`There is no command /${word}. To send it as a message, begin with //`)
  );
}

/** The first word, and what follows it. */
function firstWord(text: string): [string, string] {
  const end = text.search(/\s/);
  return end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end).trim()];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
const HALF_CHARACTER = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Pasted text without what no server takes and nobody sees. */
export function sendable(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(CONTROL, "").replace(HALF_CHARACTER, "");
}

/** Characters as servers count them: code points. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
