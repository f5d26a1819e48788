/** Decoders of what clients send to a server: frames, params, cursors, positions, ids, names, texts, headers. */
import { cursorText, parseCursor } from "../../src/core/cursor.ts";
import * as ids from "../../src/core/ids.ts";
import { foldName, literalPrefix, matchesWildcard } from "../../src/core/names.ts";
import { type Place, parsePosition, positionOf } from "../../src/core/position.ts";
import { BadFrame, parseRequest } from "../../src/gateway/frames.ts";
import { TABLE } from "../../src/gateway/table.ts";
import { checkDisplayName, checkedName, checkSearch, checkText } from "../../src/gateway/text.ts";
import { methods } from "../../src/protocol/methods.ts";
import { cookieToken, isOwnPage } from "../../src/server/cookie.ts";
import { allowsOrigin, bearerOf, isPassedOn, requestUrl } from "../../src/server/http-guard.ts";
import { asText, type Decoder } from "./fuzz.ts";
import { toldBy } from "./peer.ts";

const ACCOUNT = `a_${"A".repeat(22)}`;
const CHANNEL = `c_${"C".repeat(21)}A`;
const MESSAGE = `m_${"A".repeat(43)}`;
const TOKEN = `hft_${"T".repeat(43)}`;
const ID = "019a0000-0000-7000-8000-000000000001";
const ORIGIN = "a-b.0123456789";
const STAMP = "06h02d5jg0000";
const POSITION = `${STAMP}-${ORIGIN}-11`;
const PART = `1~store~7~mark~${STAMP}~ff~${ORIGIN}:1,b.0123456789/vvvvvvvvvv:2`;

const REQUEST = { jsonrpc: "2.0", id: 1, method: "message.post" };

const frames: Decoder = {
  name: "requests of clients",
  of: ["src/gateway/frames.ts parseRequest"],
  form: "json",
  good: () =>
    [
      { ...REQUEST, params: { to: "@bob", text: "hi", id: ID } },
      { ...REQUEST, id: "x".repeat(64) },
    ].map((frame) => JSON.stringify(frame)),
  also: () => [JSON.stringify([REQUEST])],
  // As docs/PROTOCOL.md has it: no JSON; JSON that is no request, with its id where it has one.
  outcomes: ["taken", "-32700", "-32600"],
  decode(input) {
    try {
      const { id, method } = parseRequest(asText(input));
      const isId = typeof id === "string" ? id.length <= 64 : Number.isSafeInteger(id);
      if (!isId || method.length > 64) throw new Error("a request past its bounds");
      return "taken";
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      return `${error.rpcCode}: ${error.message}`;
    }
  },
};

/** Good params of every method, by what their members are called. */
const MEMBERS: Readonly<Record<string, unknown>> = {
  id: ID,
  to: "@bob",
  in: "#ops",
  account: ACCOUNT,
  owner: ACCOUNT,
  message: MESSAGE,
  text: "hello",
  session: `s_${"A".repeat(43)}`,
  invitation: `i_${"A".repeat(43)}`,
  token: TOKEN,
  cursor: PART,
  at: PART,
  name: "ann",
  password: "a password",
  newPassword: "another one",
  displayName: "Ann",
  topic: "a topic",
  match: "a*",
  upTo: POSITION,
  before: POSITION,
  after: POSITION,
  limit: 10,
  key: 1,
  protocol: 1,
};

type Shape = {
  type?: string;
  const?: unknown;
  anyOf?: Shape[];
  minimum?: number;
  properties?: object;
};

function goodFor(name: string, { type, const: only, anyOf, minimum, properties }: Shape): unknown {
  if (only !== undefined) return only;
  if (anyOf !== undefined) return goodFor(name, anyOf[0] as Shape);
  if (properties !== undefined) return goodMembers(properties);
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return Math.max(1, minimum ?? 0);
  if (type === "array") return [];
  return MEMBERS[name] ?? "x";
}

const goodMembers = (properties: object): object =>
  Object.fromEntries(Object.entries(properties).map(([key, shape]) => [key, goodFor(key, shape)]));

const params: Decoder = {
  name: "params of methods",
  of: ["src/gateway/table.ts TABLE"],
  form: "json",
  good: () =>
    Object.entries(methods)
      .map(([name, { params: shape }]) => [name, goodMembers(shape.properties)] as const)
      .filter(([name, all]) => toldBy(() => TABLE.get(name)?.check(all)) === "taken")
      .map((said) => JSON.stringify(said)),
  outcomes: ["taken", "invalid", "no such method"],
  decode(input) {
    let said: unknown;
    try {
      said = JSON.parse(asText(input));
    } catch {
      return "no such method";
    }
    const [name, given] = (Array.isArray(said) ? said : []) as unknown[];
    const row = typeof name === "string" ? TABLE.get(name) : undefined;
    return row === undefined ? "no such method" : toldBy(() => row.check(given));
  },
};

/** What is read has one text only. */
function once(input: string, again: string): "taken" {
  if (input !== again) throw new Error(`it has another text: ${again}`);
  return "taken";
}

const cursors: Decoder = {
  name: "cursors",
  of: ["src/core/cursor.ts parseCursor", "src/core/stamp.ts parseStamp"],
  form: "text",
  good: () => [PART, `${PART}!1~other~0~~${STAMP}~0~`, `1~s~0~~${"0".repeat(13)}~0~`],
  outcomes: ["taken", "none"],
  decode(input) {
    const cursor = parseCursor(asText(input));
    return cursor === null ? "none" : once(asText(input), cursorText(cursor));
  },
};

const positions: Decoder = {
  name: "positions",
  of: ["src/core/position.ts parsePosition"],
  form: "text",
  good: () => [POSITION, `${STAMP}-${ORIGIN}/vvvvvvvvvv-2vv`],
  outcomes: ["taken", "none"],
  decode(input) {
    const place: Place | null = parsePosition(asText(input));
    return place === null ? "none" : once(asText(input), positionOf(place));
  },
};

const IDS = [
  ACCOUNT,
  CHANNEL,
  MESSAGE,
  ID,
  ORIGIN,
  `${ORIGIN}/vvvvvvvvvv`,
  `d_${"A".repeat(22)}`,
  `s_${"A".repeat(43)}`,
  `i_${"A".repeat(43)}`,
];

const idTexts: Decoder = {
  name: "ids",
  of: [
    "src/core/ids.ts isAccountId",
    "src/core/ids.ts effectOf",
    "src/core/bytes.ts fromBase64Url",
  ],
  form: "text",
  good: () => IDS,
  outcomes: ["taken", "none"],
  decode(input) {
    const text = asText(input);
    if (ids.isAccountId(text)) return once(text, ids.accountIdOf(ids.idBytes(text)));
    if (ids.isChannelId(text)) return once(text, ids.channelIdOf(ids.idBytes(text)));
    if (ids.isDirectId(text)) return ids.idBytes(text).length === 16 ? "taken" : "none";
    if (ids.isMessageId(text) || ids.isSessionId(text) || ids.isInvitationId(text)) {
      const { author, id } = ids.effectOf(text);
      return once(text.slice(2), ids.messageIdFor(author, id).slice(2));
    }
    if (ids.isRequestId(text)) return once(text, ids.requestIdOf(ids.requestIdBytes(text)));
    return ids.isIncarnation(text) ? "taken" : "none";
  },
};

/** The same by another way: each character of the name against each of the pattern. */
function matches(pattern: string, name: string): boolean {
  let reached = new Set([0]);
  const skip = (at: Set<number>) => {
    for (const p of at) if (pattern[p] === "*") at.add(p + 1);
    return at;
  };
  skip(reached);
  for (let n = 0; n < name.length; n++) {
    const next = new Set<number>();
    for (const p of reached) {
      if (pattern[p] === "*") next.add(p);
      else if (pattern[p] === "?" || pattern[p] === name[n]) next.add(p + 1);
    }
    reached = skip(next);
  }
  return reached.has(pattern.length);
}

/** The pattern, a space, and what it is held against. */
const wildcards: Decoder = {
  name: "wildcards",
  of: ["src/core/names.ts matchesWildcard", "src/core/names.ts literalPrefix"],
  form: "text",
  good: () => ["a* ann", "*n?? banner", "* x", `${"*a".repeat(20)} ${"a".repeat(32)}`],
  outcomes: ["taken", "no match"],
  decode(input) {
    const [pattern = "", name = ""] = asText(input).slice(0, 130).split(" ");
    const isMatch = matchesWildcard(pattern, name);
    if (isMatch !== matches(pattern, name)) throw new Error("another way matches otherwise");
    if (isMatch && !name.startsWith(literalPrefix(pattern)))
      throw new Error("it lies out of range");
    return isMatch ? "taken" : "no match";
  },
};

const texts: Decoder = {
  name: "names and texts of people",
  of: ["src/gateway/text.ts checkText", "src/core/names.ts foldName"],
  form: "text",
  good: () => ["ann", "Bob-2._x"],
  also: () => ["hello\n\tworld", "\u{1f600}".repeat(8_000), "\u{1f600}".repeat(8_001), "\ud800"],
  outcomes: ["taken", "invalid", "too_large"],
  decode(input) {
    const text = asText(input);
    const name = foldName(text);
    if (name !== null && (foldName(name) !== name || toldBy(() => checkedName(text)) !== "taken")) {
      throw new Error("a folded name is no name");
    }
    for (const check of [checkSearch, checkDisplayName]) {
      const told = toldBy(() => check(text));
      if (told !== "taken" && !told.startsWith("invalid")) return told;
    }
    return toldBy(() => checkText(text));
  },
};

const HEADERS = {
  url: "http://chat.example:7300/v1/rpc",
  host: "chat.example:7300",
  origin: "http://chat.example:7300",
  authorization: `Bearer ${TOKEN}`,
  cookie: `a=b; holdfast-k_1=${TOKEN}`,
  via: "1.1 x",
};

const HEADER_NAMES = Object.keys(HEADERS).filter((name) => name !== "url");
/** The port's own parser lets no other through. */
const HEADER_VALUE = /^[ -~\u0080-\u00ff]*$/;

const headers: Decoder = {
  name: "headers of requests",
  of: ["src/server/cookie.ts cookieToken", "src/server/http-guard.ts allowsOrigin"],
  form: "json",
  good: () => [JSON.stringify(HEADERS)],
  also: () => [JSON.stringify({ ...HEADERS, origin: "https://evil.example" }), "{}"],
  outcomes: ["taken", "turned away", "no headers"],
  decode(input) {
    let said: Record<string, unknown>;
    try {
      said = (JSON.parse(asText(input)) ?? {}) as Record<string, unknown>;
    } catch {
      return "no headers";
    }
    const all = new Headers();
    for (const name of HEADER_NAMES) {
      const value = said[name];
      if (value === undefined) continue;
      if (typeof value === "object" || !HEADER_VALUE.test(String(value))) return "no headers";
      all.set(name, String(value));
    }
    const token = cookieToken(all, "holdfast-k_1");
    if (token !== null && !/^hft_[\w-]{43}$/.test(token)) throw new Error("a token that is none");
    const isOwn = isOwnPage(all, false, "https://chat.example");
    isPassedOn(all);
    bearerOf(all);
    requestUrl({ url: typeof said.url === "string" ? said.url : "/", headers: all } as Request);
    const isAllowed = allowsOrigin(all.get("origin"), all.get("host"), ["https://other.example"]);
    const { host } = new URL(isOwn ? (all.get("origin") as string) : "https://chat.example");
    if (host !== "chat.example" && host !== new URL(`http://${all.get("host")}`).host) {
      throw new Error("a page of another host is taken for the own one");
    }
    return isAllowed ? "taken" : "turned away";
  },
};

export const clientDecoders: readonly Decoder[] = [
  frames,
  params,
  cursors,
  positions,
  idTexts,
  wildcards,
  texts,
  headers,
];
