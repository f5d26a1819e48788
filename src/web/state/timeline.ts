/**
 * What is seen of one conversation: a piece of it (message-range.ts), grown at its ends, kept by events.
 *
 * Problem: pages, reloads, jumps and events overlap; a page that answers a question of before a jump must not be
 * glued to what is held after it. Approach: a turn counts whole loads, and an answer of an earlier turn, or one
 * whose end is no longer the range's end, is thrown away. What events say while a whole load is under way is
 * remembered and said to its result again. Rejected: one request at a time (a jump would wait for a page).
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  type Author,
  type Client,
  type Clock,
  type Conversation,
  HoldfastError,
  type Message,
  messageIdOf,
  type OutboxEntry,
  type Receipt,
} from "../../client/index.ts";
import { textOf } from "./errors.ts";
import { AROUND, HistoryPages } from "./history-pages.ts";
import {
  find,
  first,
  indexOf,
  last,
  NOTHING,
  type Range,
  replaced,
  sideOf,
  trimmed,
  withAuthorShown,
  withMessage,
  withNewer,
  withOlder,
} from "./message-range.ts";
import type { Attention, Days } from "./ports.ts";
import { Reading } from "./reading.ts";
import { settled } from "./repeat.ts";
import { itemsOf } from "./timeline-items.ts";
import type { Timeline, TimelineEnd, TimelineItem } from "./timeline-view.ts";

export const HIGHLIGHT_MS = 3_000;
const AGAIN_MS = 5_000;
/** So much cannot be said while one page is read, unless something is wrong: it is read again. */
const HEARD_MAX = 2_000;

export type TimelineParts = {
  readonly client: Client;
  readonly clock: Clock;
  readonly days: Days;
  readonly attention: Attention;
  readonly me: ReadonlySignal<string | undefined>;
  readonly today: ReadonlySignal<number>;
  readonly conversation: (id: string) => Conversation | undefined;
  readonly reference: (id: string) => string;
  readonly pending: (id: string) => ReadonlySignal<readonly OutboxEntry[]>;
  readonly receiptOf: (messageId: string) => Receipt | undefined;
  readonly markRead: (id: string, upTo: string) => void;
  /** A message is now as an answer says. */
  readonly changed: (message: Message) => void;
};

type Busy = "loading" | { readonly error: string } | undefined;

export class LiveTimeline implements Timeline {
  readonly conversation: string;
  readonly items: ReadonlySignal<readonly TimelineItem[]>;
  readonly state: ReadonlySignal<{ readonly older: TimelineEnd; readonly newer: TimelineEnd }>;
  readonly loaded = signal(false);
  readonly highlighted = signal<string | undefined>(undefined);
  readonly #parts: TimelineParts;
  readonly #pages: HistoryPages;
  readonly #reading: Reading;
  readonly #range = signal<Range>(NOTHING);
  readonly #olderBusy = signal<Busy>("loading");
  readonly #newerBusy = signal<Busy>("loading");
  #turn = 0;
  /** The whole load that is under way, and what events said since it began. */
  #whole: { readonly turn: number; readonly heard: Message[] } | undefined;
  #isOutdated = true;
  #isOpen = false;
  #cancelHighlight: (() => void) | undefined;
  #cancelAgain: (() => void) | undefined;

  constructor(conversation: string, parts: TimelineParts) {
    this.conversation = conversation;
    this.#parts = parts;
    this.#pages = new HistoryPages(parts.client, () => parts.reference(conversation));
    this.#reading = new Reading({
      ...parts,
      range: this.#range,
      loaded: this.loaded,
      conversation: () => parts.conversation(conversation),
      markRead: (upTo) => parts.markRead(conversation, upTo),
    });
    this.items = this.#computeItems();
    this.state = computed(() => ({
      older: this.#olderBusy.value ?? (this.#range.value.reachesOldest ? "end" : "more"),
      newer: this.#newerBusy.value ?? (this.#range.value.reachesNewest ? "end" : "more"),
    }));
  }

  get atNewest(): ReadonlySignal<boolean> {
    return this.#reading.atNewest;
  }

  get unseenBelow(): ReadonlySignal<number> {
    return this.#reading.unseenBelow;
  }

  get firstUnread(): string | undefined {
    return this.#reading.line.value;
  }

  loadOlder(): Promise<void> {
    if (!this.loaded.peek()) return this.jumpToNewest();
    const begin = first(this.#range.peek());
    if (begin === undefined || this.#range.peek().reachesOldest) return Promise.resolve();
    return this.#extend(this.#olderBusy, async () => {
      const page = await this.#pages.older(begin.position);
      return (range) =>
        first(range)?.position === begin.position
          ? trimmed(withOlder(range, page.messages, page.isLast), "newest")
          : range;
    });
  }

  loadNewer(): Promise<void> {
    if (!this.loaded.peek()) return this.jumpToNewest();
    const end = last(this.#range.peek());
    if (end === undefined || this.#range.peek().reachesNewest) return Promise.resolve();
    return this.#extend(this.#newerBusy, async () => {
      const page = await this.#pages.newer(end.position);
      return (range) =>
        last(range)?.position === end.position
          ? trimmed(withNewer(range, page.messages, page.isLast), "oldest")
          : range;
    });
  }

  async jumpToNewest(): Promise<void> {
    const isComing = !this.loaded.peek() && this.#whole !== undefined;
    if (isComing || (this.loaded.peek() && this.#range.peek().reachesNewest)) return;
    await this.#replace(() => this.#pages.newest());
  }

  async jumpTo(position: string): Promise<void> {
    if (!this.#holdsExactly(position)) {
      await this.#replace(() =>
        this.#pages.around(position).catch((error) => {
          // A link may be made up, or cut: the conversation is there all the same.
          if (error instanceof HoldfastError && error.code === "invalid")
            return this.#pages.newest();
          throw error;
        }),
      );
    }
    const range = this.#range.peek();
    this.#highlight(range.messages[indexOf(range, position)]?.id);
  }

  async edit(messageId: string, text: string): Promise<void> {
    const { message } = await settled(this.#parts.client, "message.edit", {
      message: messageId,
      text,
    });
    this.#parts.changed(message);
  }

  async delete(messageId: string): Promise<void> {
    const { message } = await settled(this.#parts.client, "message.delete", { message: messageId });
    this.#parts.changed(message);
  }

  setVisible(visible: boolean, lastSeen: string | undefined): void {
    this.#reading.setVisible(visible, lastSeen);
  }

  // For the other parts.

  /** Somebody is there, or its view is on the page. */
  get isInUse(): boolean {
    return this.#isOpen || this.#reading.isVisible;
  }

  get isWatched(): boolean {
    return this.#reading.isWatched;
  }

  /** Whether a first page was asked for. */
  get isBegun(): boolean {
    return this.#turn > 0;
  }

  begin(): void {
    if (!this.isBegun) void this.reload();
  }

  /** One comes to it: `at` a place, or wherever it was. */
  open(at?: string): void {
    this.#isOpen = true;
    batch(() => this.#reading.open());
    if (at !== undefined) void this.jumpTo(at);
    else if (this.#isOutdated) void this.reload();
    if (at !== undefined || !this.#isOutdated) void this.reopen();
  }

  /** Reads what is visible anew, or the newest; nothing jumps. */
  reload(): Promise<void> {
    const lowest = this.#reading.lowest;
    const isAtEnd = lowest === "" || (this.loaded.peek() && this.#reading.atNewest.peek());
    return this.#replace(() => (isAtEnd ? this.#pages.newest(AROUND) : this.#pages.around(lowest)));
  }

  /** One went elsewhere. */
  leave(): void {
    this.#isOpen = false;
  }

  /** What is held may be wrong: it is read anew when somebody looks. */
  outdated(): void {
    this.#isOutdated = true;
    if (this.isInUse) void this.reload();
  }

  /** There is a connection again. */
  connected(): void {
    for (const busy of [this.#olderBusy, this.#newerBusy]) {
      if (this.loaded.peek() && busy.peek() !== "loading") busy.value = undefined;
    }
    if (!this.isInUse || this.#whole !== undefined) return;
    if (this.#isOutdated) void this.reload();
    else void this.reopen();
  }

  /**
   * Tells a server that the conversation is open here, so that it tells who types. The newest message comes with
   * it: if it is none that should be held, something was missed.
   */
  async reopen(): Promise<void> {
    const newest = await this.#pages.newest(1).then(last, () => undefined);
    const range = this.#range.peek();
    if (newest === undefined || !range.reachesNewest || find(range, newest.id) !== undefined)
      return;
    if (sideOf(range, newest.position) === "behind") await this.reload();
  }

  /** For a channel whose events one does not get: what came since. */
  async poll(): Promise<void> {
    const end = last(this.#range.peek());
    if (!this.#range.peek().reachesNewest || this.#newerBusy.peek() === "loading") return;
    if (end === undefined) await this.reload();
    const page = end && (await this.#pages.newer(end.position).catch(() => undefined));
    if (page === undefined || last(this.#range.peek())?.position !== end?.position) return;
    this.#become(
      trimmed(withNewer(this.#range.peek(), page.messages, page.isLast), this.#farEnd()),
    );
  }

  posted(message: Message): void {
    this.#say(message);
    this.#reading.arrived(message);
  }

  changed(message: Message): void {
    this.#say(message);
    this.#reading.look();
  }

  accountChanged(author: Author): void {
    const after = withAuthorShown(this.#range.peek(), author);
    if (after === this.#range.peek()) return;
    this.#range.value = after;
    // What it wrote may be erased with it, and no event says so.
    if (author.deleted === true) this.outdated();
  }

  attentionChanged(): void {
    this.#reading.attentionChanged();
  }

  /** What is known of the conversation changed. */
  look(): void {
    this.#reading.look();
  }

  stop(): void {
    this.#turn++;
    this.#reading.stop();
    this.#cancelHighlight?.();
    this.#cancelAgain?.();
  }

  // Whole loads.

  async #replace(read: () => Promise<Range>): Promise<void> {
    const turn = ++this.#turn;
    const heard: Message[] = [];
    this.#whole = { turn, heard };
    if (!this.loaded.peek()) this.#busyBoth("loading");
    try {
      const came = await read();
      if (turn !== this.#turn) return;
      this.#whole = undefined;
      if (heard.length >= HEARD_MAX) {
        await this.#replace(read);
        return;
      }
      this.#isOutdated = false;
      batch(() => {
        this.loaded.value = true;
        this.#busyBoth(undefined);
        this.#become(heard.reduce(withMessage, replaced(this.#range.peek(), came)));
      });
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#whole = undefined;
      this.#isOutdated = true;
      if (!this.loaded.peek()) this.#busyBoth({ error: textOf(error) });
      this.#cancelAgain = this.#parts.clock.schedule(AGAIN_MS, () => {
        const isLive = this.#parts.client.connection.state === "live";
        if (turn === this.#turn && isLive && this.isInUse) void this.reload();
      });
    }
  }

  #busyBoth(busy: Busy): void {
    batch(() => {
      this.#olderBusy.value = busy;
      this.#newerBusy.value = busy;
    });
  }

  // One more page.

  async #extend(busy: Signal<Busy>, read: () => Promise<(range: Range) => Range>): Promise<void> {
    const turn = this.#turn;
    if (busy.peek() === "loading") return;
    busy.value = "loading";
    try {
      const grow = await read();
      if (turn !== this.#turn) return;
      batch(() => {
        busy.value = undefined;
        this.#become(grow(this.#range.peek()));
      });
    } catch (error) {
      if (turn === this.#turn) busy.value = { error: textOf(error) };
    }
  }

  // What is held.

  #say(message: Message): void {
    if (this.#whole !== undefined && this.#whole.heard.length < HEARD_MAX) {
      this.#whole.heard.push(message);
    }
    if (!this.loaded.peek()) return;
    const before = this.#range.peek();
    const after = withMessage(before, message);
    if (after !== before) this.#become(trimmed(after, this.#farEnd()));
  }

  #become(range: Range): void {
    if (range === this.#range.peek()) return;
    batch(() => {
      this.#range.value = range;
      this.#reading.look();
    });
    // All that was held moved elsewhere: what is around here has to be asked for.
    const isWhole = range.reachesOldest && range.reachesNewest;
    if (range.messages.length === 0 && !isWhole) void this.reload();
  }

  /** The end that is farther from what is on the screen. */
  #farEnd(): "oldest" | "newest" {
    const { lowest } = this.#reading;
    const range = this.#range.peek();
    if (lowest === "" || indexOf(range, lowest) >= range.messages.length / 2) return "oldest";
    return "newest";
  }

  #holdsExactly(position: string): boolean {
    const range = this.#range.peek();
    return range.messages[indexOf(range, position)]?.position === position;
  }

  #highlight(id: string | undefined): void {
    this.#cancelHighlight?.();
    this.highlighted.value = id;
    if (id === undefined) return;
    this.#cancelHighlight = this.#parts.clock.schedule(HIGHLIGHT_MS, () => {
      this.highlighted.value = undefined;
    });
  }

  #computeItems(): ReadonlySignal<readonly TimelineItem[]> {
    const parts = this.#parts;
    const pending = parts.pending(this.conversation);
    let shown: readonly TimelineItem[] = [];
    let day = parts.today.peek();
    return computed(() => {
      const me = parts.me.value;
      // What was today is said otherwise tomorrow: every item is made anew.
      if (day !== parts.today.value) shown = [];
      day = parts.today.value;
      shown = itemsOf(
        {
          messages: this.#range.value.messages,
          pending: pending.value.map((entry) => ({ key: keyOf(me, entry), entry })),
          me,
          firstUnread: this.#reading.line.value,
          receiptOf: parts.receiptOf,
          days: parts.days,
        },
        shown,
      );
      return shown;
    });
  }
}

function keyOf(me: string | undefined, { id }: OutboxEntry): string {
  return me === undefined ? id : messageIdOf(me, id);
}
