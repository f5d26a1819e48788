/** Days, groups and the line. */
import { expect, test } from "bun:test";
import type { Message, OutboxEntry } from "../../client/index.ts";
import type { Days } from "./ports.ts";
import { GROUP_MS, itemsOf, type Shown } from "./timeline-items.ts";
import type { TimelineItem } from "./timeline-view.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Days that begin at one in the morning, and one of 23 hours. */
const days: Days = {
  startOf: (ms) => (ms < 3 * DAY ? Math.floor((ms - HOUR) / DAY) * DAY + HOUR : 3 * DAY),
  endOf: (ms) => (ms < 2 * DAY + HOUR ? Math.floor((ms - HOUR) / DAY) * DAY + DAY + HOUR : 3 * DAY),
};

let made = 0;
function message(at: number, author = "bob", more: Partial<Message> = {}): Message {
  const n = String(++made).padStart(4, "0");
  const who = { id: `a_${author}`, name: author };
  return {
    id: `m_${n}`,
    conversation: "c_1",
    author: who,
    text: n,
    at,
    position: `p${n}`,
    ...more,
  };
}

function pending(at: number): { key: string; entry: OutboxEntry } {
  const id = String(++made);
  return { key: `m_${id}`, entry: { id, to: "c_1", text: id, state: "waiting", at } };
}

const shown = (messages: Message[], more: Partial<Shown> = {}): Shown => ({
  messages,
  pending: [],
  me: "a_ann",
  firstUnread: undefined,
  receiptOf: () => undefined,
  days,
  ...more,
});

/** `day`, `new`, `bob` where a group begins, `.` where it goes on; own and pending ones in brackets. */
function sketch(items: readonly TimelineItem[]): string {
  return items
    .map((item) => {
      if (item.is === "day" || item.is === "new") return item.is;
      if (item.is === "pending") return item.grouped ? "(.)" : "(ann)";
      return item.grouped ? "." : item.message.author.name;
    })
    .join(" ");
}

test("one author within five minutes is a group; another one, a pause, a day, or the line ends it", () => {
  const at = 10 * HOUR;
  expect(sketch(itemsOf(shown([message(at), message(at + 1), message(at + 2, "cid")]), []))).toBe(
    "day bob . cid",
  );
  const pause = [message(at), message(at + GROUP_MS - 1), message(at + 2 * GROUP_MS - 1)];
  expect(sketch(itemsOf(shown(pause), []))).toBe("day bob . bob");
  const night = [message(DAY + HOUR - 1), message(DAY + HOUR)];
  expect(sketch(itemsOf(shown(night), []))).toBe("day bob day bob");
  const line = [message(at), message(at + 1), message(at + 2)];
  const firstUnread = line[1]?.position;
  expect(sketch(itemsOf(shown(line, { firstUnread }), []))).toBe("day bob new bob .");
});

test("the line comes below the day, and where it belongs when its own message is not held", () => {
  const [old, fresh] = [message(10 * HOUR), message(DAY + 10 * HOUR)];
  expect(sketch(itemsOf(shown([old, fresh], { firstUnread: fresh.position }), []))).toBe(
    "day bob day new bob",
  );
  const between = `${old.position}.5`;
  expect(sketch(itemsOf(shown([old, fresh], { firstUnread: between }), []))).toBe(
    "day bob day new bob",
  );
  expect(sketch(itemsOf(shown([old], { firstUnread: between }), []))).toBe("day bob");
});

test("what waits comes after everything, of whatever day, and is not there beside its message", () => {
  const own = message(10 * HOUR, "ann");
  const entry = pending(10 * HOUR + 1);
  expect(sketch(itemsOf(shown([own], { pending: [entry] }), []))).toBe("day ann (.)");
  const stored = { ...message(10 * HOUR + 2, "ann"), id: entry.key };
  expect(sketch(itemsOf(shown([own, stored], { pending: [entry] }), []))).toBe("day ann .");
  const yesterday = message(DAY + 10 * HOUR);
  expect(sketch(itemsOf(shown([yesterday], { pending: [entry] }), []))).toBe("day bob (ann)");
  expect(sketch(itemsOf(shown([], { pending: [entry] }), []))).toBe("day (ann)");
});

test("items that did not change are the same objects, so that nothing is drawn again", () => {
  const messages = [message(10 * HOUR), message(10 * HOUR + 1), message(10 * HOUR + 2, "ann")];
  const receipt = { held: ["a"], of: 1 };
  const before = itemsOf(shown(messages), []);
  expect(itemsOf(shown([...messages]), before)).toBe(before);
  const edited = { ...(messages[1] as Message), text: "other", edited: true as const };
  const after = itemsOf(
    shown([messages[0] as Message, edited, messages[2] as Message], { receiptOf: () => receipt }),
    before,
  );
  expect(after.map((item, at) => item === before[at])).toEqual([true, true, false, false]);
  const [, , , own] = after;
  expect(own?.is === "message" && own.own && own.receipt).toEqual(receipt);
  const keys = after.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});
