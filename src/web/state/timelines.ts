/** The timelines of conversations; the ones looked at last are kept. */
import { effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import type { Author, Message } from "../../client/index.ts";
import { Recent } from "./recent.ts";
import { LiveTimeline, type TimelineParts } from "./timeline.ts";
import type { Timeline } from "./timeline-view.ts";

export type { Timeline, TimelineEnd, TimelineItem } from "./timeline-view.ts";

export interface Timelines {
  /** Always the same object while it is in use. */
  timeline(conversationId: string): Timeline;
  /** Wall-clock ms of the midnight that began today: days are said anew when it passes. */
  readonly today: ReadonlySignal<number>;
}

export const TIMELINES_MAX = 20;
/** How often what comes to a channel that one only looks at is asked for. */
export const POLL_MS = 10_000;

export class LiveTimelines implements Timelines {
  readonly today: Signal<number>;
  readonly #parts: TimelineParts;
  readonly #cached: Recent<string, LiveTimeline>;
  #open: string | undefined;
  /** The one whose conversation is watched for changes: the open one. */
  readonly #watched = signal<string | undefined>(undefined);
  readonly #ends: (() => void)[];
  #cancelMidnight: () => void = () => {};
  #cancelPoll: () => void = () => {};

  constructor(
    parts: Omit<TimelineParts, "today">,
    /** Reads a signal: something that is known of a conversation may have changed. */
    watch: (id: string) => void,
  ) {
    const { days, clock, attention } = parts;
    this.today = signal(days.startOf(clock.wallMs()));
    this.#parts = { ...parts, today: this.today };
    this.#cached = new Recent(
      TIMELINES_MAX,
      (timeline) => timeline.isInUse,
      (timeline) => timeline.stop(),
    );
    this.#ends = [
      attention.onChange(() => this.#attentionChanged()),
      effect(() => {
        const id = this.#watched.value;
        if (id === undefined) return;
        watch(id);
        untracked(() => this.#cached.peek(id)?.look());
      }),
    ];
    this.#awaitMidnight();
    this.#awaitPoll();
  }

  timeline(conversationId: string): Timeline {
    const timeline = this.#get(conversationId);
    // Not at once: whoever asks may be in the middle of rendering.
    if (!timeline.isBegun) queueMicrotask(() => timeline.begin());
    return timeline;
  }

  // For the other parts.

  /** One goes to a conversation, or away from all. */
  opened(id: string | undefined, at?: string): void {
    const isSame = id === this.#open;
    if (!isSame && this.#open !== undefined) this.#cached.peek(this.#open)?.leave();
    this.#open = id;
    this.#watched.value = id;
    if (id === undefined) return;
    if (!isSame) this.#get(id).open(at);
    else if (at !== undefined) void this.#get(id).jumpTo(at);
  }

  isWatched(id: string): boolean {
    return this.#cached.peek(id)?.isWatched === true;
  }

  posted(message: Message): void {
    this.#cached.peek(message.conversation)?.posted(message);
  }

  changed(message: Message): void {
    this.#cached.peek(message.conversation)?.changed(message);
  }

  accountChanged(author: Author): void {
    for (const timeline of this.#cached.values()) timeline.accountChanged(author);
  }

  /** All of it, or one that became readable, is to be read anew. */
  outdated(id?: string): void {
    for (const timeline of this.#cached.values()) {
      if (id === undefined || timeline.conversation === id) timeline.outdated();
    }
  }

  connected(): void {
    for (const timeline of this.#cached.values()) timeline.connected();
  }

  /** One can no longer read it. */
  drop(id: string): void {
    this.#cached.peek(id)?.stop();
    this.#cached.delete(id);
  }

  clear(): void {
    for (const timeline of this.#cached.values()) timeline.stop();
    this.#cached.clear();
    this.#open = undefined;
    this.#watched.value = undefined;
  }

  stop(): void {
    this.clear();
    for (const end of this.#ends) end();
    this.#cancelMidnight();
    this.#cancelPoll();
  }

  #get(id: string): LiveTimeline {
    const known = this.#cached.get(id);
    if (known !== undefined) return known;
    const made = new LiveTimeline(id, this.#parts);
    this.#cached.set(id, made);
    return made;
  }

  #attentionChanged(): void {
    for (const timeline of this.#cached.values()) timeline.attentionChanged();
    if (this.#parts.attention.has()) this.#awaitMidnight(); // a machine that slept missed its timer
  }

  #awaitMidnight(): void {
    const { days, clock } = this.#parts;
    const now = clock.wallMs();
    this.today.value = days.startOf(now);
    this.#cancelMidnight();
    this.#cancelMidnight = clock.schedule(days.endOf(now) - now, () => this.#awaitMidnight());
  }

  #awaitPoll(): void {
    this.#cancelPoll = this.#parts.clock.schedule(POLL_MS, () => {
      this.#awaitPoll();
      const open = this.#open;
      const conversation = open === undefined ? undefined : this.#parts.conversation(open);
      if (conversation?.kind !== "channel" || conversation.channel?.standing !== undefined) return;
      if (this.#parts.client.connection.state !== "live" || !this.#parts.attention.has()) return;
      void this.#cached.peek(open as string)?.poll();
    });
  }
}
