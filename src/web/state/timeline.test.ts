/** One timeline against a scripted server: whatever happens in whatever order, it shows a piece of the truth. */
import { expect, test } from "bun:test";
import { signal } from "@preact/signals";
import fc from "fast-check";
import type { Conversation, Message } from "../../client/index.ts";
import { FakeClock } from "../../client/testing/clock.ts";
import { RANGE_MAX } from "./message-range.ts";

import { FakeHistory, HERE, settle } from "./testing/fake-history.ts";
import { HIGHLIGHT_MS, LiveTimeline } from "./timeline.ts";

const DAY_MS = 86_400_000;

class World {
  readonly history = new FakeHistory();
  readonly clock = new FakeClock();
  readonly today = signal(0);
  readonly marked: string[] = [];
  looks = true;
  known: Conversation = {
    id: HERE,
    kind: "channel",
    name: "#here",
    channel: { id: HERE, name: "here", topic: "", private: false, members: 2, standing: "member" },
    unread: 0,
  };
  readonly timeline: LiveTimeline;

  constructor(count = 0) {
    this.history.fill(count);
    this.timeline = new LiveTimeline(HERE, {
      client: this.history.client,
      clock: this.clock,
      days: {
        startOf: (ms) => Math.floor(ms / DAY_MS) * DAY_MS,
        endOf: (ms) => (Math.floor(ms / DAY_MS) + 1) * DAY_MS,
      },
      attention: { has: () => this.looks, onChange: () => () => {} },
      me: signal("a_ann"),
      today: this.today,
      conversation: () => this.known,
      reference: (id) => id,
      pending: () => signal([]),
      receiptOf: () => undefined,
      markRead: (_id, upTo) => {
        this.marked.push(upTo);
        this.known = { ...this.known, marker: upTo, unread: 0 };
      },
      changed: (message) => this.timeline.changed(message),
    });
    this.history.heard.posted = (message) => this.timeline.posted(message);
    this.history.heard.changed = (message) => this.timeline.changed(message);
  }

  async opened(): Promise<this> {
    this.timeline.open();
    await this.history.rest();
    return this;
  }

  get shown(): Message[] {
    return this.timeline.items.value.flatMap((item) =>
      item.is === "message" ? [item.message] : [],
    );
  }

  get texts(): string {
    return this.shown.map(({ text }) => text).join(" ");
  }

  /** Nothing twice, nothing out of order. */
  checkShape(): void {
    const positions = this.shown.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort());
    expect(new Set(this.shown.map(({ id }) => id)).size).toBe(positions.length);
    expect(positions.length).toBeLessThanOrEqual(RANGE_MAX);
  }

  /** At rest: a contiguous piece of the truth, as it is now, that reaches the ends that it says it reaches. */
  checkTruth(): void {
    const { truth } = this.history;
    const { older, newer } = this.timeline.state.value;
    const [begin, end] = [this.shown[0], this.shown.at(-1)];
    if (begin === undefined || end === undefined) {
      expect(truth).toEqual([]);
      expect([older, newer]).toEqual(["end", "end"]);
      return;
    }
    const piece = truth.filter(
      ({ position }) => position >= begin.position && position <= end.position,
    );
    expect(this.shown).toEqual(piece);
    if (older === "end") expect(begin.id).toBe(truth[0]?.id as string);
    if (newer === "end") expect(end.id).toBe(truth.at(-1)?.id as string);
  }
}

/** A step: what happens there, what the view wants, what the connection does. */
type Step = { readonly does: string; readonly at: number; readonly to: number };
const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom(
    ...["post", "post", "post", "late", "edit", "delete", "move"],
    ...["older", "newer", "newest", "jump", "reload", "see", "away"],
    ...["answer", "answer", "deliver", "deliver", "deliver", "break"],
  ),
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  to: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

async function take(world: World, { does, at, to }: Step): Promise<void> {
  const { history, timeline } = world;
  const somewhere = history.truth[Math.floor(at * history.truth.length)]?.position;
  switch (does) {
    case "post":
      history.post();
      break;
    case "late":
      history.post(at);
      break;
    case "edit":
      history.edit(at);
      break;
    case "delete":
      history.delete(at);
      break;
    case "move":
      history.move(at, to);
      break;
    case "older":
      void timeline.loadOlder();
      break;
    case "newer":
      void timeline.loadNewer();
      break;
    case "newest":
      void timeline.jumpToNewest();
      break;
    case "jump":
      if (somewhere !== undefined) void timeline.jumpTo(somewhere);
      break;
    case "reload":
      timeline.outdated();
      break;
    case "see":
      timeline.setVisible(true, world.shown[Math.floor(to * world.shown.length)]?.position);
      break;
    case "away":
      timeline.setVisible(false, undefined);
      break;
    case "answer":
      history.answer();
      break;
    case "deliver":
      await history.deliver();
      break;
    case "break":
      await history.break();
      break;
  }
  await settle();
  world.checkShape();
}

test("whatever happens in whatever order, what is shown is a piece of the truth", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 1, 60, 400),
      fc.array(step, { maxLength: 80 }),
      async (count, steps) => {
        const world = new World(count);
        world.timeline.open();
        for (const one of steps) await take(world, one);
        await world.history.rest();
        world.checkTruth();
      },
    ),
    { numRuns: Number(process.env.RUNS ?? 300) },
  );
});

test("a conversation of many messages is held in pieces, and walked through without a gap", async () => {
  const world = await new World(1_000).opened();
  const seen = new Set(world.shown.map(({ id }) => id));
  while (world.timeline.state.value.older !== "end") {
    const load = world.timeline.loadOlder();
    await world.history.rest();
    await load;
    world.checkShape();
    world.checkTruth();
    for (const { id } of world.shown) seen.add(id);
  }
  expect(seen.size).toBe(1_000);
  expect(world.timeline.state.value.newer).toBe("more");
  while (world.timeline.state.value.newer !== "end") {
    const load = world.timeline.loadNewer();
    await world.history.rest();
    await load;
    world.checkTruth();
  }
  expect(world.shown.at(-1)?.text).toBe(world.history.truth.at(-1)?.text as string);
});

test("what comes while two pages of a jump are read is not lost between them", async () => {
  const world = await new World(500).opened();
  const { history } = world;
  const place = history.truth[100]?.position as string;
  const jump = world.timeline.jumpTo(place);
  history.answer();
  await history.deliver(); // the page before the place; the one behind it is asked for
  history.post(0.15);
  await history.deliver(); // late, among what was read already
  await history.rest();
  await jump;
  world.checkTruth();
  expect(world.shown.some(({ late }) => late)).toBe(true);
  expect(world.timeline.highlighted.value).toBe(
    history.truth.find((m) => m.position === place)?.id,
  );
  await world.clock.advance(HIGHLIGHT_MS);
  expect(world.timeline.highlighted.value).toBeUndefined();
});

test("an edit at the end of what is held changes nothing but the text", async () => {
  const world = await new World(400).opened();
  const before = world.shown.length;
  const at = world.history.truth.findIndex(({ id }) => id === world.shown[0]?.id);
  world.history.edit((at + 0.5) / 400);
  await world.history.rest();
  world.checkTruth();
  expect(world.shown.length).toBe(before);
  expect(world.shown[0]?.edited).toBe(true);
});

test("what is told again while a page is read takes nothing away", async () => {
  const world = new World(400);
  world.timeline.open();
  const { history } = world;
  for (const message of history.truth.slice(-100)) world.timeline.posted({ ...message });
  await history.rest();
  world.checkTruth();
  expect(world.shown.length).toBe(80);
});

test("a page whose end was let go of meanwhile is thrown away", async () => {
  const world = await new World(400).opened();
  const { history, timeline } = world;
  while (world.shown.length + 50 <= RANGE_MAX) {
    const load = timeline.loadOlder();
    await history.rest();
    await load;
  }
  const older = timeline.loadOlder();
  for (let i = 0; i < 60; i++) history.post();
  while (history.asked > 0) history.answer(); // the page is answered, behind 60 events
  await history.rest();
  await older;
  world.checkTruth();
  const newer = timeline.state.value;
  expect(newer).toEqual({ older: "more", newer: "end" });
});

test("the same towards the newer end", async () => {
  const world = await new World(1_000).opened();
  const { history, timeline } = world;
  const jump = timeline.jumpTo(history.truth[500]?.position as string);
  await history.rest();
  await jump;
  while (world.shown.length < RANGE_MAX) {
    const load = timeline.loadOlder();
    await history.rest();
    await load;
  }
  // Two pages are asked for; the older one lets go of the end that the newer one was to follow.
  const loads = [timeline.loadOlder(), timeline.loadNewer()];
  await history.rest();
  await Promise.all(loads);
  world.checkTruth();
  expect(timeline.state.value).toEqual({ older: "more", newer: "more" });
});

test("when all that is held moves elsewhere, what is around is read again", async () => {
  const world = await new World(300).opened();
  const { history, timeline } = world;
  for (const { id } of world.shown) {
    const at = history.truth.findIndex((one) => one.id === id);
    history.move((at + 0.5) / history.truth.length, 0.001);
  }
  await history.rest();
  world.checkTruth();
  expect(world.shown.length).toBeGreaterThan(0);
  expect(timeline.state.value.newer).toBe("end");
});

test("live messages enter at the end only if the end is held, and are counted otherwise", async () => {
  const world = await new World(400).opened();
  const { history, timeline } = world;
  const jump = timeline.jumpTo(history.truth[100]?.position as string);
  await history.rest();
  await jump;
  const before = world.texts;
  timeline.setVisible(true, world.shown.at(-1)?.position);
  expect(timeline.atNewest.value).toBe(false);
  const seen = timeline.unseenBelow.value;
  history.post();
  history.post(undefined, "a_ann");
  history.post();
  await history.rest();
  expect(world.texts).toBe(before);
  expect(timeline.unseenBelow.value - seen).toBe(2);
  const newest = timeline.jumpToNewest();
  await history.rest();
  await newest;
  world.checkTruth();
  expect(world.shown.at(-1)?.id).toBe(history.truth.at(-1)?.id as string);
  timeline.setVisible(true, world.shown.at(-1)?.position);
  expect(timeline.unseenBelow.value).toBe(0);
  expect(timeline.atNewest.value).toBe(true);
});

test("whoever reads far above keeps what is before their eyes, however much comes", async () => {
  const world = await new World(290).opened();
  const { history, timeline } = world;
  while (timeline.state.value.older !== "end") {
    const load = timeline.loadOlder();
    await history.rest();
    await load;
  }
  const seen = world.shown[20];
  timeline.setVisible(true, seen?.position);
  for (let i = 0; i < 100; i++) history.post();
  await history.rest();
  world.checkTruth();
  expect(world.shown.some(({ id }) => id === seen?.id)).toBe(true);
  expect(timeline.state.value).toEqual({ older: "end", newer: "more" });
  expect(timeline.unseenBelow.value).toBeGreaterThan(90);
});

test("a reload keeps to what is on the screen", async () => {
  const world = await new World(400).opened();
  const { history, timeline } = world;
  const place = history.truth[100]?.position as string;
  const jump = timeline.jumpTo(place);
  await history.rest();
  await jump;
  timeline.setVisible(true, place);
  history.truth = history.truth.filter((_, at) => at % 10 !== 3); // much was missed
  timeline.outdated();
  expect(world.shown.some(({ position }) => position === place)).toBe(true);
  expect(timeline.state.value.older).toBe("more"); // no spinner in place of what is read
  await history.rest();
  world.checkTruth();
  expect(world.shown.some(({ position }) => position === place)).toBe(true);
});

test("a link to a place that is none shows the newest", async () => {
  const world = new World(100);
  const { history, timeline } = world;
  history.refuse = (params) => params.before === "nonsense";
  timeline.open("nonsense");
  await history.rest();
  world.checkTruth();
  expect(timeline.state.value.newer).toBe("end");
});

test("a first page that cannot be had says so, and is asked for again with the next connection", async () => {
  const world = new World(10);
  const { history, timeline } = world;
  history.refuse = () => true;
  timeline.open();
  await history.rest();
  expect(timeline.loaded.value).toBe(false);
  expect(timeline.state.value.older).toEqual({ error: "This is no position." });
  history.refuse = () => false;
  timeline.connected();
  expect(timeline.state.value.older).toBe("loading");
  await history.rest();
  world.checkTruth();
  expect(world.shown.length).toBe(10);
});

test("a gap that nobody told of is found when the conversation is opened on a new connection", async () => {
  const world = await new World(10).opened();
  world.history.fill(3); // no event came for these
  world.timeline.connected();
  await world.history.rest();
  world.checkTruth();
  expect(world.shown.length).toBe(13);
});
