/** Who is typing. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Author, Client, Clock } from "../../client/index.ts";

export interface Typing {
  /** Others, the one who began first in front. */
  inConversation(id: string): ReadonlySignal<readonly Author[]>;
  /** Call it at every key: it is told at most every 3 s. */
  tell(conversationId: string): void;
}

/** How long a `typing` holds: docs/PROTOCOL.md. */
export const HOLDS_MS = 5_000;
export const TELL_EVERY_MS = 3_000;
/** More than these at once are of no use to anybody. */
export const TYPISTS_MAX = 50;

type Typist = { readonly conversation: string; readonly author: Author; readonly until: number };

export class LiveTyping implements Typing {
  readonly #typists = signal<readonly Typist[]>([]);
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #told = new Map<string, number>();
  #timer: (() => void) | undefined;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  inConversation(id: string): ReadonlySignal<readonly Author[]> {
    return computed(() =>
      this.#typists.value
        .filter(({ conversation }) => conversation === id)
        .map((one) => one.author),
    );
  }

  tell(conversationId: string): void {
    const now = this.#clock.monotonicMs();
    const before = this.#told.get(conversationId);
    if (before !== undefined && now - before < TELL_EVERY_MS) return;
    if (this.#client.connection.state !== "live" || this.#client.account === undefined) return;
    for (const [id, at] of this.#told) if (now - at >= TELL_EVERY_MS) this.#told.delete(id);
    this.#told.set(conversationId, now);
    // Nobody needs to hear that it was not heard.
    this.#client
      .call("typing.set", { in: conversationId }, { deadlineMs: HOLDS_MS })
      .catch(() => {});
  }

  /** Somebody is typing. */
  heard(conversation: string, author: Author): void {
    if (author.id === this.#client.account?.id) return;
    const others = this.#without(conversation, author.id);
    const known = this.#typists.peek().findIndex((one) => isOf(one, conversation, author.id));
    const typist = { conversation, author, until: this.#clock.monotonicMs() + HOLDS_MS };
    const at = known < 0 ? others.length : known;
    this.#typists.value = others.toSpliced(at, 0, typist).slice(-TYPISTS_MAX);
    this.#timer ??= this.#clock.schedule(HOLDS_MS, () => this.#expire());
  }

  /** Somebody's message came: it is written. Also told again at once, if it is one's own. */
  posted(conversation: string, author: string): void {
    if (author === this.#client.account?.id) this.#told.delete(conversation);
    const others = this.#without(conversation, author);
    if (others.length < this.#typists.peek().length) this.#typists.value = others;
  }

  clear(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#told.clear();
    this.#typists.value = [];
  }

  #without(conversation: string, author: string): readonly Typist[] {
    return this.#typists.peek().filter((one) => !isOf(one, conversation, author));
  }

  #expire(): void {
    const now = this.#clock.monotonicMs();
    this.#typists.value = this.#typists.peek().filter(({ until }) => until > now);
    const next = Math.min(...this.#typists.peek().map(({ until }) => until));
    this.#timer = Number.isFinite(next)
      ? this.#clock.schedule(next - now, () => this.#expire())
      : undefined;
  }
}

function isOf(one: Typist, conversation: string, author: string): boolean {
  return one.conversation === conversation && one.author.id === author;
}
