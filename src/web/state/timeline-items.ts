/** Messages as the list of what is seen: days, the line above what is new, and who goes on speaking. */
import type { Message, OutboxEntry, Receipt } from "../../client/index.ts";
import type { Days } from "./ports.ts";
import type { TimelineItem } from "./timeline-view.ts";

/** Messages of one author this close together are one group. */
export const GROUP_MS = 5 * 60_000;

export type Shown = {
  readonly messages: readonly Message[];
  /** Each with the id of the message that it becomes. */
  readonly pending: readonly { readonly key: string; readonly entry: OutboxEntry }[];
  readonly me: string | undefined;
  readonly firstUnread: string | undefined;
  readonly receiptOf: (messageId: string) => Receipt | undefined;
  readonly days: Days;
};

/** `before`: the items of the last time; those that did not change stay the same objects. */
export function itemsOf(shown: Shown, before: readonly TimelineItem[]): readonly TimelineItem[] {
  const known = new Map(before.map((item) => [item.key, item]));
  const items: TimelineItem[] = [];
  const add = (item: TimelineItem): void => {
    const held = known.get(item.key);
    items.push(held !== undefined && same(held, item) ? held : item);
  };
  const flow = new Flow(shown.days, add);
  let lineDrawn = false;
  for (const message of shown.messages) {
    flow.day(message.at);
    const isNew = shown.firstUnread !== undefined && message.position >= shown.firstUnread;
    if (isNew && !lineDrawn) {
      lineDrawn = true;
      flow.line();
    }
    const own = message.author.id === shown.me;
    const receipt = own ? shown.receiptOf(message.id) : undefined;
    add({
      is: "message",
      key: message.id,
      message,
      grouped: flow.follows(message.author.id, message.at),
      own,
      ...(receipt === undefined ? {} : { receipt }),
    });
  }
  const held = new Set(shown.messages.map(({ id }) => id));
  for (const { key, entry } of shown.pending) {
    if (held.has(key)) continue; // it is stored already, and only the answer is still to come
    flow.day(entry.at);
    add({ is: "pending", key, entry, grouped: flow.follows(shown.me, entry.at) });
  }
  return items.length === before.length && items.every((item, at) => item === before[at])
    ? before
    : items;
}

/** What the next item comes after. */
class Flow {
  readonly #days: Days;
  readonly #add: (item: TimelineItem) => void;
  #dayStart = Number.NaN;
  #dayEnd = Number.NEGATIVE_INFINITY;
  #author: string | undefined;
  #at = 0;

  constructor(days: Days, add: (item: TimelineItem) => void) {
    this.#days = days;
    this.#add = add;
  }

  /** Begins a day where another one ended. Days only go on: a message that is of an earlier one belongs here. */
  day(ms: number): void {
    if (ms < this.#dayEnd) return;
    this.#dayStart = this.#days.startOf(ms);
    this.#dayEnd = this.#days.endOf(ms);
    this.#author = undefined;
    this.#add({ is: "day", key: `day ${this.#dayStart}`, ms: this.#dayStart });
  }

  line(): void {
    this.#author = undefined;
    this.#add({ is: "new", key: "new" });
  }

  follows(author: string | undefined, at: number): boolean {
    const is = author !== undefined && author === this.#author && at - this.#at < GROUP_MS;
    this.#author = author;
    this.#at = at;
    return is;
  }
}

function same(one: TimelineItem, other: TimelineItem): boolean {
  if (one.is === "message" && other.is === "message") {
    return (
      one.message === other.message &&
      one.grouped === other.grouped &&
      one.own === other.own &&
      one.receipt === other.receipt
    );
  }
  if (one.is === "pending" && other.is === "pending") {
    return one.entry === other.entry && one.grouped === other.grouped;
  }
  return one.is === other.is && (one.is === "new" || one.is === "day");
}
