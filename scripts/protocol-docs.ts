/**
 * The generated parts of docs/PROTOCOL.md: `node scripts/run.mjs bun scripts/protocol-docs.ts`.
 *
 * Problem: a reference written by hand is wrong after the second change. Approach: tables of methods,
 * events, types, codes and bounds are made from the same declarations that the server checks with, and
 * stand between markers in a page that people write; test/protocol-docs.test.ts holds the committed page
 * against them. Rejected: a page of its own for the reference (nobody reads two).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REFUSAL_CODES, RETRYABLE, type RefusalCode } from "../src/core/errors.ts";
import * as declaredLimits from "../src/core/limits.ts";
import { TABLE } from "../src/gateway/table.ts";
import { events } from "../src/protocol/events.ts";
import { Invitation } from "../src/protocol/methods/admin.ts";
import { LinkStatus, ServerEntry, ServerStatus } from "../src/protocol/methods/server.ts";
import { methods } from "../src/protocol/methods.ts";
import { CLOSE_CODES, HTTP_STATUS, RPC_CODES } from "../src/protocol/rpc.ts";
import * as schema from "../src/protocol/schema.ts";

export const PAGE = join(import.meta.dir, "..", "docs", "PROTOCOL.md");

const limits = { ...declaredLimits };
type Json = Readonly<Record<string, unknown>>;

/** Members of params and results that have a name of their own. */
const TEXTS: Readonly<Record<string, unknown>> = {
  "request id": schema.RequestIdText,
  name: schema.Name,
  "display name": schema.DisplayName,
  "new password": schema.NewPassword,
  password: schema.Password,
  token: schema.Token,
  cursor: schema.Cursor,
  position: schema.PositionText,
  text: schema.Text,
  topic: schema.Topic,
  label: schema.Label,
  wildcard: schema.Wildcard,
  "message id": schema.MessageIdText,
  "session id": schema.SessionIdText,
  "invitation id": schema.InvitationIdText,
  ms: schema.Millis,
  reference: schema.ConversationRef,
};
const SHAPES: Readonly<Record<string, unknown>> = {
  Account: schema.Account,
  ListedAccount: schema.ListedAccount,
  Author: schema.Author,
  Session: schema.Session,
  Message: schema.Message,
  Receipt: schema.Receipt,
  Conversation: schema.Conversation,
  Channel: schema.Channel,
  Member: schema.Member,
  Invitation,
  Server: ServerEntry,
  ServerStatus,
  LinkStatus,
};

const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;
const named = new Map(
  Object.entries({ ...TEXTS, ...SHAPES }).map(([name, found]) => [JSON.stringify(found), name]),
);

function rangeOf(from: unknown, to: unknown): string {
  if (from === undefined && to === undefined) return "";
  if (to === undefined) return ` ≥ ${from}`;
  return from === undefined ? ` ≤ ${to}` : ` ${from}–${to}`;
}

/** A type as a reader writes it down. */
function typeOf(found: Json): string {
  const name = named.get(JSON.stringify(found));
  if (name !== undefined) return name;
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (Array.isArray(found.anyOf)) return found.anyOf.map((one: Json) => typeOf(one)).join(" \\| ");
  switch (found.type) {
    case "array":
      return `[${typeOf(found.items as Json)}]`;
    case "object":
      return found.patternProperties === undefined ? `{ ${membersOf(found)} }` : "object";
    case "string": {
      const range = rangeOf(found.minLength, found.maxLength);
      return range === "" ? "string" : `string of${range.replace(" ≤ ", " up to ")}`;
    }
    default:
      return `${found.type}${rangeOf(found.minimum, found.maximum)}`;
  }
}

function membersOf(found: Json): string {
  const properties = Object.entries(found.properties as Record<string, Json>);
  const required = (found.required ?? []) as string[];
  if (properties.length === 0) return "nothing";
  return properties
    .map(([name, member]) => `\`${name}\`${required.includes(name) ? "" : "?"}: ${typeOf(member)}`)
    .join(", ");
}

/** What the members say beyond their type, one line each; named types explain themselves elsewhere. */
function notesOf(found: Json): string[] {
  return Object.entries(found.properties as Record<string, Json>)
    .filter(([, member]) => member.description !== undefined && !named.has(JSON.stringify(member)))
    .map(([name, member]) => `- \`${name}\`: ${member.description}`);
}

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const NEEDS = { nothing: "no session", session: "a session", admin: "an admin" } as const;

function methodsPart(): string {
  return Object.entries(methods)
    .map(([name, { summary, params, result }]) => {
      const row = TABLE.get(name)!;
      const [asked, given] = [json(params), json(result)];
      return [
        `#### \`${name}\``,
        `${summary} *Needs ${NEEDS[row.command.needs]}${row.writes ? "; writes" : ""}.*`,
        [`- params: ${membersOf(asked)}`, `- result: ${membersOf(given)}`].join("\n"),
        [...notesOf(asked), ...notesOf(given)].join("\n"),
      ]
        .filter((part) => part !== "")
        .join("\n\n");
    })
    .join("\n\n");
}

function eventsPart(): string {
  const rows = Object.entries(events).map(([name, { summary, params }]) => [
    `\`${name}\``,
    membersOf(json(params)),
    summary,
  ]);
  return table(["event", "params", ""], rows);
}

function typesPart(): string {
  const texts = Object.entries(TEXTS).map(([name, found]) => {
    const { type, pattern, minLength, maxLength, minimum, description } = json(found);
    const bound = pattern === undefined ? rangeOf(minLength ?? minimum, maxLength).trim() : "";
    const form = pattern === undefined ? bound : `\`${String(pattern).replaceAll("|", "\\|")}\``;
    return [name, `${type}`, form, name === "reference" ? REFERENCE : (description ?? "")];
  });
  const shapes = Object.entries(SHAPES).map(([name, found]) => {
    const notes = notesOf(json(found)).map((note) => `  ${note}`);
    return [`- **${name}** { ${membersOf(json(found))} }`, ...notes].join("\n");
  });
  return `${table(["type", "JSON", "form or length", ""], texts)}\n\n${shapes.join("\n")}`;
}

const REFERENCE = "`@name`, `#name`, or an account, channel or conversation id";

/** What a client does about a code. A new code does not compile without its line here. */
const REMEDIES: Readonly<Record<RefusalCode, string>> = {
  invalid: "Correct the request. The message names the member that does not fit.",
  unauthorized: "Sign in, or send a token that this server knows.",
  session_ended: "Forget the token and ask the person to sign in.",
  bad_credentials: "Ask for name and password again.",
  forbidden: "Tell the person. Repeating changes nothing until somebody changes a right.",
  not_found: "Tell the person. It is also the answer for what this account may not see.",
  no_such_recipient: "Tell the person; keep the text they wrote.",
  name_taken: "Ask for another name.",
  id_reused: "A defect of the client: one id was used for two different requests.",
  too_large: "Shorten it, or close connections if it speaks of those.",
  rate_limited: "Wait `retryAfterMs`, then repeat with the same id.",
  storage_full: "Reads go on. Repeat the write with the same id after `retryAfterMs`.",
  indefinite: "It may have happened. Repeat with the same id until something else comes.",
  unavailable: "Repeat with the same id after `retryAfterMs`.",
  shutting_down: "Connect to another server, or to this one in a second; repeat with the same id.",
  version_unsupported: "Update the client.",
  stale: "Repeat, ask another server, or leave `at` out and accept an older answer.",
  behind: "Connect to one of `servers`; repeat there with the same id.",
};

function errorsPart(): string {
  const rows = REFUSAL_CODES.map((code) => [
    `\`${code}\``,
    RPC_CODES[code],
    HTTP_STATUS[code],
    RETRYABLE[code] ? "yes" : "no",
    REMEDIES[code],
  ]);
  return table(["`data.code`", "`code`", "HTTP", "`retry`", "what a client does"], rows);
}

const CLOSES: Readonly<Record<keyof typeof CLOSE_CODES, string>> = {
  going_away: "The server stops. Go to another, or come back.",
  too_large: "A frame was longer than the bound.",
  bad_frames: "Too many frames that were no requests. A defect of the client.",
  slow: "Events could not be delivered. Connect again and resume by cursor.",
  session_ended: "The session is over. Forget the token.",
  idle: "No sign-in within the deadline. Sign in as soon as you are connected.",
  flooding: "Went on sending past its bounds. A defect of the client.",
};

function closesPart(): string {
  const rows = Object.entries(CLOSE_CODES).map(([reason, code]) => [
    code,
    `\`${reason}\``,
    CLOSES[reason as keyof typeof CLOSE_CODES],
  ]);
  return table(["code", "reason", "what it means"], rows);
}

/** Bounds that a client meets: the constant of src/core/limits.ts, and what happens at it. */
const BOUNDS: readonly (readonly [keyof typeof limits, string, string])[] = [
  [
    "FRAME_BYTES_MAX",
    "one frame, or the body of one HTTP request",
    "closed with 1009; `too_large`",
  ],
  ["MESSAGE_CHARACTERS_MAX", "text of a message, in code points", "`too_large`, `invalid`"],
  ["DISPLAY_NAME_CHARACTERS_MAX", "display name, in code points", "`invalid`"],
  ["TOPIC_CHARACTERS_MAX", "topic, in code points", "`invalid`"],
  ["SESSION_LABEL_CHARACTERS_MAX", "label of a session, in code points", "`invalid`"],
  ["PASSWORD_CHARACTERS_MIN", "shortest new password", "`invalid`"],
  ["PASSWORD_CHARACTERS_MAX", "longest password", "`invalid`"],
  ["WILDCARD_CHARACTERS_MAX", "wildcard", "`invalid`"],
  ["SEARCH_CHARACTERS_MAX", "text of a search", "`invalid`"],
  ["SEARCH_TERMS_MAX", "words of a search", "`invalid`"],
  ["CURSOR_CHARACTERS_MAX", "cursor", "`invalid`; the server's own are never longer"],
  ["HISTORY_PAGE_DEFAULT", "messages of a page of history without `limit`", ""],
  ["HISTORY_PAGE_MAX", "largest `limit` of `message.history`", "`invalid`"],
  ["LIST_PAGE_DEFAULT", "entries of a list without `limit`", ""],
  ["LIST_PAGE_MAX", "largest `limit` of a list", "`invalid`"],
  ["SEARCH_PAGE_DEFAULT", "messages of a page of search without `limit`", ""],
  ["SEARCH_PAGE_MAX", "largest `limit` of `message.search`", "`invalid`"],
  ["UNREAD_EXACT_MAX", "unread counts are exact up to this", "one more means more"],
  ["SESSIONS_PER_ACCOUNT_MAX", "sessions of an account", "the oldest one ends"],
  ["TOKENS_PER_SESSION_MAX", "valid tokens of a session", "the oldest one stops being valid"],
  ["CONNECTIONS_PER_ACCOUNT_MAX", "connections of an account", "`too_large`"],
  ["CONNECTIONS_MAX", "connections of a server", "503 instead of a WebSocket"],
  ["SIGN_IN_DEADLINE_MS", "until a connection has signed in, ms", "closed with 4003"],
  ["IDLE_TIMEOUT_S", "silence in both directions, s", "closed"],
  ["REQUESTS_IN_FLIGHT_MAX", "unanswered requests of a connection", "`rate_limited`"],
  ["BAD_FRAMES_MAX", "frames that are no requests", "closed with 4000"],
  ["CONNECTION_BACKLOG_BYTES_MAX", "bytes sent and not taken by the client", "cut off"],
  ["BEAT_INTERVAL_MS", "between two `server.beat`, ms", ""],
  ["RESUME_EVENTS_MAX", "changes that a resume replays", "`reset`"],
  ["EVENTS_PAGE_DEFAULT", "events of one `events.read` without `limit`", ""],
  ["EVENTS_PAGE_MAX", "largest `limit` of `events.read`", "`invalid`"],
  ["EVENTS_WAIT_MS_MAX", "largest `waitMs` of `events.read`", "`invalid`"],
  ["READ_WAIT_MS", "how long a read with `at` waits, ms", "`stale`"],
  ["RECEIPT_DEADLINE_MS", "how long a write waits for the disk, ms", "`indefinite`"],
  ["MARKER_INTERVAL_MS", "between two stored markers of a conversation, ms", "the newest waits"],
  ["TYPING_INTERVAL_MS", "between two `typing` of a conversation, ms", "those between are dropped"],
  ["OPEN_CONVERSATIONS_MAX", "conversations a connection has open", "the oldest is forgotten"],
  ["PRESENCE_WATCH_MAX", "accounts whose presence a connection gets", "the oldest is forgotten"],
  ["PRESENCE_LINGER_MS", "absence that is not told, ms", ""],
  ["CONVERSATIONS_PER_ACCOUNT_MAX", "channels that an account is in", "`too_large`"],
  ["MEMBERS_PER_CHANNEL_MAX", "members of a channel", "`too_large`"],
  ["BANS_PER_MEMBER_MAX", "bans of an account from a channel", "the last one stays: `too_large`"],
  ["WRITES_PER_SECOND", "writes of an account per second, unless configured", "`rate_limited`"],
  ["WRITES_BURST", "writes of an account at once", "`rate_limited`"],
  ["PASSWORD_FAILURES_MAX", "wrong passwords of one name from one address", "`rate_limited`"],
  ["PASSWORD_FAILURES_PER_ADDRESS_MAX", "wrong passwords from one address", "`rate_limited`"],
  ["PASSWORD_WINDOW_MS", "in which those are forgotten, evenly, ms", ""],
  ["SIGN_UPS_PER_ADDRESS_MAX", "new accounts from one address", "`rate_limited`"],
  ["SIGN_UP_WINDOW_MS", "in which those are forgotten, evenly, ms", ""],
];

function limitsPart(): string {
  const count = (value: unknown) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  const rows = BOUNDS.map(([name, what, past]) => [what, count(limits[name]), past, `\`${name}\``]);
  return table(["bound", "value", "past it", "constant"], rows);
}

const PARTS: Readonly<Record<string, () => string>> = {
  errors: errorsPart,
  closes: closesPart,
  limits: limitsPart,
  types: typesPart,
  methods: methodsPart,
  events: eventsPart,
};

/** The page with its generated parts written anew. Throws if one of them has no place in it. */
export function withReference(page: string): string {
  let text = page;
  for (const [name, make] of Object.entries(PARTS)) {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`docs/PROTOCOL.md has no ${begin} ... ${end}`);
    text = `${text.slice(0, from + begin.length)}\n${make()}\n${text.slice(to)}`;
  }
  return text;
}

if (import.meta.main) writeFileSync(PAGE, withReference(readFileSync(PAGE, "utf8")));
