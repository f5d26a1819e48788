/**
 * What the finder offers for what is typed, best first.
 *
 * Problem: own conversations are known here, people and channels only to the server, and both answer one
 * question. Approach: one list, ranked by how well a name fits, then own conversations before people before
 * channels; what is in two sources is shown once. Text matches anywhere in a name or a shown name, `*` and `?`
 * as the server's wildcards do, `@` and `#` limit it to people and channels. Rejected: groups one below the
 * other (the person meant by name would stand below ten channels that merely hold the same letters).
 */
import type { Channel, ListedAccount } from "../../client/index.ts";
import type { ConversationState } from "../state/conversations.ts";

export const OPTIONS_MAX = 50;
const RECENT_MAX = 8;

export type FinderOption = {
  /** What is opened: a conversation's id, or `@bob`, `#ops`. */
  readonly reference: string;
  readonly id: string;
  readonly kind: "person" | "channel" | "private";
  /** `@bob`, `#ops`. */
  readonly handle: string;
  /** The shown name of a person, the topic of a channel; may be empty. */
  readonly detail: string;
  readonly online?: boolean;
  readonly joined: boolean;
  readonly unread: number;
};

export type Sources = {
  readonly conversations: readonly ConversationState[];
  readonly people: readonly ListedAccount[];
  readonly channels: readonly Channel[];
};

export function finderOptions(typed: string, sources: Sources): FinderOption[] {
  const text = typed.trim();
  const own = sources.conversations.filter(({ standing }) => standing !== "invited").map(ofOwn);
  if (text === "") return own.slice(0, RECENT_MAX);
  const known = new Set(sources.conversations.map(({ id, account }) => account?.id ?? id));
  const all = [
    own,
    sources.people.filter(({ id }) => !known.has(id)).map(ofPerson),
    sources.channels
      .filter(({ id, standing }) => !known.has(id) || standing === "invited")
      .map(ofChannel),
  ];
  return all
    .flatMap((options, group) =>
      options.map((option) => ({ option, group, rank: rankOf(text, option) })),
    )
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => (a.rank as number) - (b.rank as number) || a.group - b.group)
    .slice(0, OPTIONS_MAX)
    .map(({ option }) => option);
}

function ofOwn(conversation: ConversationState): FinderOption {
  const { id, kind, handle, title, topic, online, unread } = conversation;
  const personal = kind === "direct" && title !== handle.slice(1);
  return {
    reference: id,
    id: conversation.account?.id ?? id,
    kind: kind === "direct" ? "person" : conversation.private === true ? "private" : "channel",
    handle,
    detail: kind === "direct" ? (personal ? title : "") : (topic ?? ""),
    ...(online === undefined ? {} : { online }),
    joined: true,
    unread,
  };
}

function ofPerson({ id, name, displayName, online }: ListedAccount): FinderOption {
  const handle = `@${name}`;
  return {
    reference: id,
    id,
    kind: "person",
    handle,
    detail: displayName,
    online,
    joined: true,
    unread: 0,
  };
}

function ofChannel(channel: Channel): FinderOption {
  const { id, name, topic, standing } = channel;
  return {
    reference: id,
    id,
    kind: channel.private ? "private" : "channel",
    handle: `#${name}`,
    detail: topic,
    joined: standing === "owner" || standing === "member",
    unread: 0,
  };
}

/** `@bob, Bob Example, online`; `#ops, TOPIC`; `#ops, not joined`. */
export function optionName({ handle, detail, online, joined }: FinderOption): string {
  const parts = [handle, detail, online === true && "online", !joined && "not joined"];
  return parts.filter(Boolean).join(", ");
}

/** 0 is best; nothing for what does not match. */
function rankOf(text: string, { kind, handle, detail }: FinderOption): number | undefined {
  const person = kind === "person";
  if (text.startsWith("@") && !person) return undefined;
  if (text.startsWith("#") && person) return undefined;
  const wanted = fold(/^[@#]/.test(text) ? text.slice(1) : text);
  const name = fold(handle.slice(1));
  if (/[*?]/.test(wanted)) return matchesWildcard(wanted, name) ? 1 : undefined;
  const shown = person ? fold(detail) : "";
  if (name === wanted || shown === wanted) return 0;
  if (name.startsWith(wanted) || shown.startsWith(wanted)) return 1;
  const words = `${name} ${shown}`.split(/[\s._-]+/);
  if (words.some((word) => word.startsWith(wanted))) return 2;
  return name.includes(wanted) || shown.includes(wanted) ? 3 : undefined;
}

function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** As the server matches: `*` any run of characters, `?` one. Greedy with one point to return to. */
export function matchesWildcard(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === "*") {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(p));
}
