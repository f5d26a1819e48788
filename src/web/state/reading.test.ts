/** What counts as read, where the line is, and what lies unseen below. */
import { expect, test } from "bun:test";
import { signal } from "@preact/signals";
import type { Channel, Conversation, Message } from "../../client/index.ts";
import { FakeClock } from "../../client/testing/clock.ts";
import type { Range } from "./message-range.ts";
import { DWELL_MS, Reading } from "./reading.ts";

const at = (n: number) => `p${String(n).padStart(3, "0")}`;

class World {
  readonly clock = new FakeClock();
  readonly range = signal<Range>({ messages: [], reachesOldest: true, reachesNewest: true });
  readonly loaded = signal(true);
  readonly marked: string[] = [];
  looks = true;
  known: Conversation | undefined = {
    id: "c_1",
    kind: "channel",
    name: "#ops",
    channel: { id: "c_1", name: "ops", topic: "", private: false, members: 2, standing: "member" },
    unread: 0,
  };
  readonly reading = new Reading({
    clock: this.clock,
    attention: { has: () => this.looks, onChange: () => () => {} },
    me: signal("a_ann"),
    range: this.range,
    loaded: this.loaded,
    conversation: () => this.known,
    markRead: (upTo) => {
      this.marked.push(upTo);
      if (this.known !== undefined) this.known = { ...this.known, marker: upTo, unread: 0 };
    },
  });
  private made = 0;

  /** Messages that were there, `unread` of the last ones not read. */
  constructor(count = 0, unread = 0) {
    for (let n = 0; n < count; n++) this.add("bob");
    const marker = count > unread ? { marker: at(count - unread) } : {};
    if (this.known !== undefined) {
      const newest = this.range.value.messages.at(-1);
      this.known = { ...this.known, ...marker, unread, ...(newest ? { last: newest } : {}) };
    }
  }

  add(author: string): Message {
    const n = ++this.made;
    const message: Message = {
      id: `m_${n}`,
      conversation: "c_1",
      author: { id: `a_${author}`, name: author },
      text: `${n}`,
      at: n,
      position: at(n),
    };
    this.range.value = { ...this.range.value, messages: [...this.range.value.messages, message] };
    return message;
  }

  /** A message comes; the list counts it unless it is watched. */
  arrive(author = "bob"): void {
    const isWatched = this.reading.isWatched;
    const message = this.add(author);
    if (this.known !== undefined) {
      const counts = author !== "ann" && !isWatched;
      const unread = this.known.unread + (counts ? 1 : 0);
      this.known = { ...this.known, last: message, unread };
    }
    this.reading.arrived(message);
  }

  look(is: boolean): void {
    this.looks = is;
    this.reading.attentionChanged();
  }

  get unread(): number | undefined {
    return this.known?.unread;
  }

  get line(): string | undefined {
    return this.reading.line.value;
  }
}

test("read is what was on the screen to its end, with somebody before it, for a second", async () => {
  const world = new World(5, 3);
  world.reading.open();
  expect(world.line).toBe(at(3));
  expect(world.reading.unseenBelow.value).toBe(3);
  world.reading.setVisible(true, at(4));
  await world.clock.advance(10 * DWELL_MS);
  expect(world.marked).toEqual([]);
  expect(world.reading.unseenBelow.value).toBe(1);
  world.reading.setVisible(true, at(5));
  expect(world.marked).toEqual([at(5)]); // it was looked at for long enough already
  expect(world.line).toBe(at(3));
  expect(world.reading.unseenBelow.value).toBe(0);
  world.reading.open(); // one comes back: all of it was read
  expect(world.line).toBeUndefined();
});

test("whoever only passes by has read nothing", async () => {
  const world = new World(5, 3);
  world.reading.open();
  world.reading.setVisible(true, at(5));
  await world.clock.advance(DWELL_MS - 1);
  world.look(false);
  await world.clock.advance(10 * DWELL_MS);
  world.look(true);
  await world.clock.advance(DWELL_MS - 1);
  world.reading.setVisible(false, undefined);
  await world.clock.advance(10 * DWELL_MS);
  expect(world.marked).toEqual([]);
  world.reading.setVisible(true, at(5));
  await world.clock.advance(DWELL_MS);
  expect(world.marked).toEqual([at(5)]);
});

test("what comes before somebody's eyes is read as it comes, once, and moves no line", async () => {
  const world = new World(2, 0);
  world.reading.open();
  world.reading.setVisible(true, at(2));
  await world.clock.advance(DWELL_MS);
  expect([world.marked, world.reading.isWatched]).toEqual([[], true]);
  world.arrive();
  expect(world.unread).toBe(0);
  world.reading.setVisible(true, at(3));
  expect(world.marked).toEqual([at(3)]);
  world.reading.setVisible(true, at(3));
  await world.clock.advance(10 * DWELL_MS);
  expect(world.marked).toEqual([at(3)]);
  world.arrive("ann");
  world.reading.setVisible(true, at(4));
  expect(world.marked).toEqual([at(3)]);
  expect(world.line).toBeUndefined();
});

test("whoever comes back finds the line above what came meanwhile, once", async () => {
  const world = new World(2, 0);
  world.reading.open();
  world.reading.setVisible(true, at(2));
  await world.clock.advance(DWELL_MS);
  world.look(false);
  world.reading.look(); // something else changed
  world.arrive();
  world.arrive();
  expect(world.line).toBe(at(3));
  world.reading.setVisible(true, at(4));
  expect(world.reading.unseenBelow.value).toBe(2);
  expect(world.marked).toEqual([]);
  world.look(true);
  await world.clock.advance(DWELL_MS);
  expect([world.marked, world.line]).toEqual([[at(4)], at(3)]);
  world.arrive();
  expect(world.line).toBe(at(3));
  world.reading.setVisible(true, at(5));
  world.look(false);
  expect(world.line).toBeUndefined();
  world.look(true);
  world.arrive();
  expect(world.line).toBeUndefined();
});

test("the line that there is stays while one is away with something unread", () => {
  const world = new World(5, 3);
  world.reading.open();
  world.look(false);
  world.arrive();
  expect(world.line).toBe(at(3));
  world.look(true);
  expect(world.line).toBe(at(3));
  world.reading.open();
  expect(world.line).toBe(at(3));
});

test("it waits for what is not known yet: the conversation, the page, older pages", async () => {
  const world = new World(5, 3);
  const { known } = world;
  world.known = undefined;
  world.loaded.value = false;
  world.reading.open();
  world.reading.setVisible(true, at(5));
  await world.clock.advance(10 * DWELL_MS);
  expect([world.line, world.marked]).toEqual([undefined, []]);
  world.known = known;
  const { messages } = world.range.value;
  world.range.value = { ...world.range.value, messages: messages.slice(4), reachesOldest: false };
  world.loaded.value = true;
  world.reading.look();
  expect(world.line).toBeUndefined();
  await world.clock.advance(DWELL_MS);
  expect(world.marked).toEqual([at(5)]); // read is read, also above
  world.range.value = { ...world.range.value, messages, reachesOldest: true };
  world.reading.look();
  expect(world.line).toBe(at(3)); // of what was unread when it was opened
});

test("a channel that one only looks at, or is invited to, has no marker", async () => {
  const world = new World(5, 3);
  const known = world.known as Conversation & { channel: Channel };
  const { standing: _, ...channel } = known.channel;
  for (const strange of [channel, { ...channel, standing: "invited" as const }]) {
    world.known = { ...known, channel: strange };
    world.reading.open();
    world.reading.setVisible(true, at(5));
    await world.clock.advance(10 * DWELL_MS);
    expect(world.marked).toEqual([]);
  }
});

test("what arrived late is marked anew at the same place, once for each", async () => {
  const world = new World(3, 0);
  world.reading.open();
  world.reading.setVisible(true, at(3));
  await world.clock.advance(DWELL_MS);
  expect(world.marked).toEqual([]);
  const late = { ...(world.range.value.messages[0] as Message), id: "m_late", late: true as const };
  for (let n = 1; n <= 2; n++) {
    world.known = { ...(world.known as Conversation), unread: 1 };
    world.reading.arrived({ ...late, id: `m_late${n}` });
    expect(world.marked).toEqual(Array(n).fill(at(3)));
    // The server still says that something is unread: asking again changes nothing.
    world.known = { ...(world.known as Conversation), unread: 1 };
    world.reading.look();
    await world.clock.advance(10 * DWELL_MS);
    expect(world.marked.length).toBe(n);
  }
});

test("messages beyond what is held are counted until they are held or seen", () => {
  const world = new World(5, 0);
  world.reading.open();
  world.reading.setVisible(true, at(5));
  world.range.value = { ...world.range.value, reachesNewest: false };
  const beyond = { ...(world.range.value.messages[0] as Message), id: "m_x", position: at(9) };
  world.reading.arrived(beyond);
  world.reading.arrived({ ...beyond, position: at(10), author: { id: "a_ann", name: "ann" } });
  expect(world.reading.unseenBelow.value).toBe(1);
  expect(world.reading.atNewest.value).toBe(false);
  world.range.value = {
    messages: [...world.range.value.messages, beyond],
    reachesOldest: true,
    reachesNewest: true,
  };
  world.reading.look();
  expect(world.reading.unseenBelow.value).toBe(1);
  world.reading.setVisible(true, at(9));
  expect(world.reading.unseenBelow.value).toBe(0);
});
