/**
 * Own messages that are not stored yet: the outbox as the page shows it.
 *
 * An entry names its recipient as it was written to: a conversation, or the account of a direct conversation that
 * was never used. Which conversation it is shown in is found here; one that is not in the list (written in
 * another tab, or before a reload) is looked up when a server can be reached.
 */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import {
  type Client,
  HoldfastError,
  type Message,
  messageIdOf,
  type OutboxEntry,
} from "../../client/index.ts";
import type { ConversationState } from "./conversations.ts";
import { Recent } from "./recent.ts";

export interface Pending {
  /** Throws HoldfastError if the outbox is full. Brings the newest messages into view. */
  post(conversation: Pick<ConversationState, "id" | "account" | "last">, text: string): OutboxEntry;
  /** Sends one that failed again. */
  retry(id: string): void;
  /** Gives one up. Throws HoldfastError `indefinite` for one that may already be posted. */
  drop(id: string): void;
  /** Oldest first; not what is stored. */
  forConversation(id: string): ReadonlySignal<readonly OutboxEntry[]>;
  /** All that is not stored. */
  readonly waiting: ReadonlySignal<number>;
}

const NONE: readonly OutboxEntry[] = [];
const SELECTIONS_MAX = 200;

export type PendingParts = {
  readonly client: Client;
  readonly me: () => string | undefined;
  /** The conversation that a recipient means, if it is known. Reads a signal. */
  readonly find: (recipient: string) => string | undefined;
  readonly resolve: (recipient: string) => Promise<unknown>;
  /** Something is about to be posted there. */
  readonly posting: (id: string) => void;
};

export class ClientPending implements Pending {
  readonly waiting: ReadonlySignal<number>;
  readonly #parts: PendingParts;
  readonly #client: Client;
  readonly #entries = signal<readonly OutboxEntry[]>(NONE);
  readonly #byConversation: ReadonlySignal<ReadonlyMap<string, readonly OutboxEntry[]>>;
  readonly #selections = new Recent<string, ReadonlySignal<readonly OutboxEntry[]>>(SELECTIONS_MAX);
  readonly #unfindable = new Set<string>();
  /** Ids of entries whose message was seen already: only the answer is still to come. */
  readonly #arrived = new Set<string>();

  constructor(parts: PendingParts) {
    this.#parts = parts;
    this.#client = parts.client;
    this.waiting = computed(() => this.#entries.value.length);
    this.#byConversation = computed(() => this.#sorted());
  }

  post(conversation: Pick<ConversationState, "id" | "account" | "last">, text: string) {
    const { id, account, last } = conversation;
    // A direct conversation has an id for the server from its first message on.
    const to = last === undefined ? (account?.id ?? id) : id;
    this.#parts.posting(id);
    try {
      return this.#client.outbox.post({ to, text });
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "unavailable") throw error;
      throw new HoldfastError(
        "too_large",
        "too many messages wait to be sent: wait until some are",
      );
    }
  }

  retry(id: string): void {
    this.#client.outbox.retry(id);
  }

  drop(id: string): void {
    this.#client.outbox.drop(id);
  }

  forConversation(id: string): ReadonlySignal<readonly OutboxEntry[]> {
    return this.#selections.getOrMake(id, () =>
      computed(() => this.#byConversation.value.get(id) ?? NONE),
    );
  }

  countIn(id: string): number {
    return this.#byConversation.value.get(id)?.length ?? 0;
  }

  /** What the outbox holds may have changed, or whose it is. */
  reread(): void {
    const all = this.#client.outbox.entries;
    const ids = new Set(all.map(({ id }) => id));
    for (const id of this.#arrived) if (!ids.has(id)) this.#arrived.delete(id);
    const entries = all.filter(({ id, state }) => state === "failed" || !this.#arrived.has(id));
    if (entries.length > 0 || this.#entries.peek().length > 0) this.#entries.value = entries;
  }

  /** A message is there: if it was an entry, it no longer waits, whatever became of its answer. */
  posted({ id, author }: Message): void {
    if (author.id !== this.#parts.me()) return;
    const entry = this.#entries.peek().find((one) => messageIdOf(author.id, one.id) === id);
    if (entry === undefined) return;
    this.#arrived.add(entry.id);
    this.reread();
  }

  /** A server can be reached: entries of conversations that nobody knows here are given one. */
  async locate(): Promise<void> {
    for (const { to } of this.#entries.peek()) {
      if (this.#unfindable.has(to) || this.#parts.find(to) !== undefined) continue;
      try {
        await this.#parts.resolve(to);
      } catch (error) {
        if (error instanceof HoldfastError && error.retry) return; // the next connection tries again
        this.#unfindable.add(to);
      }
    }
  }

  clear(): void {
    this.#unfindable.clear();
    this.#arrived.clear();
    this.reread();
  }

  #sorted(): ReadonlyMap<string, readonly OutboxEntry[]> {
    const found = new Map<string, OutboxEntry[]>();
    for (const entry of this.#entries.value) {
      const id = this.#parts.find(entry.to) ?? entry.to;
      const there = found.get(id);
      if (there === undefined) found.set(id, [entry]);
      else there.push(entry);
    }
    return found;
  }
}
