/**
 * How far one conversation was read: the line above what is new, what lies unseen below, and the marker.
 *
 * Problem: "read" must mean that somebody saw it, and the line must not run away from under the eyes of who reads.
 * Approach: what was unread when the conversation was opened is fixed then; the marker moves only while the page
 * has somebody's attention, the newest message is on the screen, and both for DWELL_MS. Who leaves the page with
 * everything read finds the line above what came since.
 */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Clock, Conversation, Message } from "../../client/index.ts";
import { counts } from "./conversation-state.ts";
import { indexOf, last, type Range, sideOf } from "./message-range.ts";
import type { Attention } from "./ports.ts";
import { lineOf, type Opening, openingOf } from "./reading-line.ts";

/** One looks at something for this long before it counts as read. */
export const DWELL_MS = 1_000;
const BEYOND_MAX = 1_000;

export type ReadingParts = {
  readonly clock: Clock;
  readonly attention: Attention;
  readonly me: ReadonlySignal<string | undefined>;
  readonly range: ReadonlySignal<Range>;
  readonly loaded: ReadonlySignal<boolean>;
  /** As it is known now, if it is. */
  readonly conversation: () => Conversation | undefined;
  readonly markRead: (upTo: string) => void;
};

export class Reading {
  readonly line = signal<string | undefined>(undefined);
  readonly atNewest: ReadonlySignal<boolean>;
  readonly unseenBelow: ReadonlySignal<number>;
  readonly #parts: ReadingParts;
  #visible = false;
  readonly #lastSeen = signal("");
  /** Everything up to here was on the screen, or was read before. */
  readonly #seenUpTo = signal("");
  /** Positions of messages of others that came and lie behind the range. */
  readonly #beyond = signal<readonly string[]>([]);
  #opening: Opening | undefined;
  #isLineFixed = false;
  /** Nobody looks, and all was read: the line goes above what comes next. */
  #isAwaiting = false;
  #attendedSince: number | undefined;
  /** What was marked last, and how much had come by then: a late arrival is marked again. */
  #marked = "";
  #arrivals = 0;
  #cancel: (() => void) | undefined;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.atNewest = computed(() => {
      const newest = last(parts.range.value)?.position;
      return (
        parts.range.value.reachesNewest && (newest === undefined || newest <= this.#lastSeen.value)
      );
    });
    this.unseenBelow = computed(() => {
      const seen = this.#seenUpTo.value;
      const { messages } = parts.range.value;
      const inside = messages.slice(indexOf(parts.range.value, seen));
      const isUnseen = (message: Message) =>
        message.position > seen && counts(message, parts.me.value);
      return (
        inside.filter(isUnseen).length +
        this.#beyond.value.filter((position) => position > seen).length
      );
    });
  }

  /** On the page, as the view said last. */
  get isVisible(): boolean {
    return this.#visible;
  }

  /** Position of the lowest message on the screen; empty for none. */
  get lowest(): string {
    return this.#visible ? this.#lastSeen.peek() : "";
  }

  /** Somebody sees what comes at once: it is at the end, and has been for a while. */
  get isWatched(): boolean {
    return this.#isAttended && this.#dwellLeft() === 0 && this.atNewest.peek();
  }

  /** The conversation is opened: what is unread now is what the line is about. */
  open(): void {
    this.#opening = undefined;
    this.#isLineFixed = false;
    this.#isAwaiting = false;
    this.line.value = undefined;
    this.look();
  }

  setVisible(visible: boolean, lastSeen: string | undefined): void {
    this.#visible = visible;
    this.#lastSeen.value = lastSeen ?? "";
    if (this.#isAttended) this.#seen(lastSeen ?? "");
    this.#attend();
  }

  /** Somebody came back to the page, or left it. */
  attentionChanged(): void {
    if (this.#parts.attention.has()) {
      if (this.#isAwaiting) this.#isLineFixed = true; // what comes from now on is seen as it comes
      this.#isAwaiting = false;
      if (this.#visible) this.#seen(this.#lastSeen.peek());
    } else if (this.#parts.range.peek().reachesNewest && this.#parts.conversation()?.unread === 0) {
      this.#await(last(this.#parts.range.peek())?.position ?? "");
    }
    this.#attend();
  }

  /** A message came, within the range or beyond it. */
  arrived(message: Message): void {
    this.#arrivals++;
    const { range, me } = this.#parts;
    const isBeyond = sideOf(range.peek(), message.position) === "behind";
    if (isBeyond && counts(message, me.peek())) {
      this.#beyond.value = [...this.#beyond.peek(), message.position].slice(-BEYOND_MAX);
    }
    this.look();
  }

  /** Something that reading depends on may have changed: the range, or what is known of the conversation. */
  look(): void {
    const { range, loaded, conversation, me } = this.#parts;
    const known = conversation();
    if (known !== undefined && this.#opening === undefined) this.#begin(openingOf(known));
    const held = range.peek();
    const newest = last(held)?.position ?? "";
    if (this.#beyond.peek().length > 0) {
      const left = this.#beyond.peek().filter((position) => position > newest);
      if (left.length !== this.#beyond.peek().length) this.#beyond.value = left;
    }
    if (this.#opening !== undefined && loaded.peek() && !this.#isLineFixed) {
      const line = lineOf(this.#opening, held, me.peek());
      if (line !== "unknown") this.#fix(line.at);
    }
    this.#check();
  }

  stop(): void {
    this.#cancel?.();
    this.#visible = false;
    this.#attendedSince = undefined;
  }

  #begin(opening: Opening): void {
    this.#opening = opening;
    this.#seen(opening.unread === 0 ? opening.newest : (opening.marker ?? ""));
    if (opening.unread === 0 && !this.#parts.attention.has()) this.#await(opening.newest);
  }

  /** The line goes above what comes behind this place. */
  #await(newest: string): void {
    this.#opening = { marker: newest, unread: 1, newest };
    this.#isAwaiting = true;
    this.#isLineFixed = false;
    this.line.value = undefined;
  }

  #fix(at: string | undefined): void {
    if (at === undefined && this.#isAwaiting) return;
    this.#isLineFixed = true;
    this.line.value = at;
    const range = this.#parts.range.peek();
    if (at !== undefined) this.#seen(range.messages[indexOf(range, at) - 1]?.position ?? "");
  }

  #seen(upTo: string): void {
    if (upTo > this.#seenUpTo.peek()) this.#seenUpTo.value = upTo;
  }

  get #isAttended(): boolean {
    return this.#visible && this.#parts.attention.has();
  }

  #attend(): void {
    if (!this.#isAttended) this.#attendedSince = undefined;
    else this.#attendedSince ??= this.#parts.clock.monotonicMs();
    this.#check();
  }

  #dwellLeft(): number {
    if (this.#attendedSince === undefined) return DWELL_MS;
    const passed = this.#parts.clock.monotonicMs() - this.#attendedSince;
    return Math.max(0, DWELL_MS - passed);
  }

  /** Marks what was seen as read, now or as soon as it was looked at for long enough. */
  #check(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const upTo = this.#readable();
    if (upTo === undefined) return;
    const wait = this.#dwellLeft();
    if (wait > 0) {
      this.#cancel = this.#parts.clock.schedule(wait, () => this.#check());
      return;
    }
    this.#marked = `${upTo} ${this.#arrivals}`;
    this.#parts.markRead(upTo);
  }

  /** The place that one has read up to, if a server should hear of it. */
  #readable(): string | undefined {
    const known = this.#parts.conversation();
    if (!this.#isAttended || known === undefined || !this.atNewest.peek()) return undefined;
    const upTo = last(this.#parts.range.peek())?.position;
    const standing = known.channel?.standing;
    const mayMark = known.kind === "direct" || standing === "owner" || standing === "member";
    if (upTo === undefined || !mayMark || this.#marked === `${upTo} ${this.#arrivals}`)
      return undefined;
    return known.unread > 0 || this.#hasUnmarked(known.marker) ? upTo : undefined;
  }

  #hasUnmarked(marker = ""): boolean {
    const { messages } = this.#parts.range.peek();
    const me = this.#parts.me.peek();
    const found = messages.findLast((message) => counts(message, me));
    return found !== undefined && found.position > marker;
  }
}
