/**
 * What is held of one conversation: a contiguous piece of the total order.
 *
 * Problem: pages, live events, late arrivals, edits and moves come in any order, and none may show a message twice,
 * lose one, or put one in a wrong place. Approach: one immutable value with these invariants, and one function per
 * thing that can happen to it:
 *  1. `messages` are sorted by position (code units), each id once.
 *  2. Contiguous: the server has no message between the first and the last that is not held.
 *  3. `reachesOldest` / `reachesNewest`: nor any before the first / behind the last, as far as was heard.
 *  4. At most RANGE_MAX messages: what is over is let go at one end, which is then no end of the conversation.
 * So a message that comes is held exactly if it lies within, or at an end that is reached.
 */
import type { Author, Message } from "../../client/index.ts";
import { newerOf, withAuthor } from "./newer-message.ts";

export const RANGE_MAX = 300;

export type Range = {
  readonly messages: readonly Message[];
  readonly reachesOldest: boolean;
  readonly reachesNewest: boolean;
};

/** Holds nothing and knows of no end. */
export const NOTHING: Range = { messages: [], reachesOldest: false, reachesNewest: false };

export function first(range: Range): Message | undefined {
  return range.messages[0];
}

export function last(range: Range): Message | undefined {
  return range.messages.at(-1);
}

export function find(range: Range, id: string): Message | undefined {
  return range.messages.find((message) => message.id === id);
}

/** Index of the first message at or behind a position. */
export function indexOf({ messages }: Range, position: string): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((messages[middle] as Message).position < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where a position is, seen from the range. In an empty one everything is at an end. */
export function sideOf(range: Range, position: string): "before" | "within" | "behind" {
  const oldest = first(range);
  const newest = last(range);
  if (oldest === undefined || newest === undefined) return "behind";
  if (position < oldest.position) return "before";
  return position > newest.position ? "behind" : "within";
}

/** Whether a message at this position belongs into the range. */
export function holds(range: Range, position: string): boolean {
  if (range.messages.length === 0) return range.reachesOldest && range.reachesNewest;
  const side = sideOf(range, position);
  if (side === "before") return range.reachesOldest;
  return side === "within" || range.reachesNewest;
}

/** A message as it is now: it came, was edited, deleted, or moved. The same object if nothing changes. */
export function withMessage(range: Range, came: Message): Range {
  const held = find(range, came.id);
  if (held === undefined) return holds(range, came.position) ? inserted(range, came) : range;
  const message = newerOf(held, came);
  if (message === held) return range;
  if (message.position === held.position) {
    const messages = range.messages.map((other) => (other === held ? message : other));
    return { ...range, messages };
  }
  // What moves is judged by what is left: the place that it leaves is no end by itself.
  const others = without(range, held.id);
  return holds(others, message.position) ? inserted(others, message) : others;
}

function inserted(range: Range, message: Message): Range {
  const at = indexOf(range, message.position);
  return { ...range, messages: range.messages.toSpliced(at, 0, message) };
}

export function without(range: Range, id: string): Range {
  return { ...range, messages: range.messages.filter((message) => message.id !== id) };
}

export function withAuthorShown(range: Range, author: Author): Range {
  const messages = range.messages.map((message) => withAuthor(message, author));
  const same = messages.every((message, at) => message === range.messages[at]);
  return same ? range : { ...range, messages };
}

/** A page that ends right before the range begins. */
export function withOlder(range: Range, page: readonly Message[], reachesOldest: boolean): Range {
  return { ...range, messages: joined(range.messages, page), reachesOldest };
}

/** A page that begins right behind the range's end. */
export function withNewer(range: Range, page: readonly Message[], reachesNewest: boolean): Range {
  return { ...range, messages: joined(range.messages, page), reachesNewest };
}

/** Another range in place of what was held; of messages in both, the newer version. */
export function replaced(before: Range, after: Range): Range {
  const held = new Map(before.messages.map((message) => [message.id, message]));
  const messages = after.messages.map((message) => {
    const known = held.get(message.id);
    return known === undefined ? message : newerOf(known, message);
  });
  return { ...after, messages };
}

function joined(held: readonly Message[], page: readonly Message[]): readonly Message[] {
  const all = new Map(held.map((message) => [message.id, message]));
  for (const message of page) {
    const known = all.get(message.id);
    all.set(message.id, known === undefined ? message : newerOf(known, message));
  }
  return [...all.values()].sort((a, b) => (a.position < b.position ? -1 : 1));
}

/** Lets go of what is over RANGE_MAX at one end. */
export function trimmed(range: Range, end: "oldest" | "newest"): Range {
  const over = range.messages.length - RANGE_MAX;
  if (over <= 0) return range;
  return end === "oldest"
    ? { ...range, messages: range.messages.slice(over), reachesOldest: false }
    : { ...range, messages: range.messages.slice(0, RANGE_MAX), reachesNewest: false };
}
