/**
 * Follows messages: each once, none left out, whatever happens to servers and connections.
 *
 * Problem: between reading the last messages and listening there is a moment that belongs to both; and after
 * a long break the server says `reset` instead of sending what was missed. Approach: listen first and hold
 * what arrives, read, then print what was held; ids printed are remembered, so that nothing comes twice. After
 * `reset` the history of each conversation is read from the last printed place on. Everything passes one
 * queue, so the order of arrival is the order of printing, and the SDK's cursor waits for it.
 */
import type { Client, Message, Result } from "../client/index.ts";
import { HoldfastError } from "../client/index.ts";
import { HISTORY_PAGE_MAX } from "../core/limits.ts";
import { Places } from "./places.ts";
import { allConversations } from "./unread.ts";

export type TailOptions = {
  readonly client: Pick<Client, "call" | "on" | "connection">;
  readonly print: (message: Message, where: string) => void;
  /** One conversation, and how requests name it; all of them without it. */
  readonly only?: string;
  readonly ref?: string;
  /** Print edits and deletions, too. */
  readonly changes?: boolean;
  /** What ends it: a refusal that no repeat cures. */
  readonly failed: (error: unknown) => void;
};

const PRINTED_MAX = 20_000;
const FILL_MAX = 10_000;
const RETRY_MS = 1_000;

export class Tail {
  private readonly options: TailOptions;
  private readonly places: Places;
  private readonly printed = new Set<string>();
  /** Last printed place of each conversation. */
  private readonly last = new Map<string, string>();
  /** Where a conversation begins that nothing was printed of: its newest place when the tail began. */
  private readonly from = new Map<string, string>();
  private queue: Promise<void> = Promise.resolve();

  constructor(options: TailOptions) {
    this.options = options;
    this.places = new Places(options.client);
  }

  /** Prints the last `count` messages, then everything that comes. */
  async start(count: number): Promise<void> {
    const { client } = this.options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.queue = promise;
    client.on("message.posted", ({ message }) => this.after(() => this.show(message)));
    client.on("message.changed", ({ message }) => {
      if (this.options.changes && (message.edited || message.deleted)) {
        return this.after(() => this.show(message, true));
      }
      return undefined;
    });
    client.on("reset", () => this.after(() => this.patiently(() => this.fill())));
    client.on("channel.changed", ({ channel }) => void this.places.learnChannel(channel));
    client.on("account.changed", ({ account }) => this.places.rename(account));
    client.on("conversation.opened", ({ conversation }) => void this.places.learn(conversation));
    await this.patiently(() => this.begin(count));
    resolve();
  }

  /** Settled when everything that came so far is printed. */
  async idle(): Promise<void> {
    await this.queue;
  }

  private after(run: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(run);
    return this.queue;
  }

  /** Again and again while no server can be reached. */
  private async patiently(run: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof HoldfastError) || !error.retry) return this.options.failed(error);
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? RETRY_MS));
      }
    }
  }

  private async begin(count: number): Promise<void> {
    const { client, ref } = this.options;
    const conversations = await allConversations(client);
    for (const conversation of conversations) {
      this.places.learn(conversation);
      if (conversation.last !== undefined) {
        this.from.set(conversation.id, conversation.last.position);
      }
    }
    if (count === 0) return;
    // The newest n of all lie in the n conversations of newest activity.
    const ids = ref === undefined ? conversations.slice(0, count).map(({ id }) => id) : [ref];
    const found: Message[] = [];
    for (const id of ids) found.push(...(await this.newest(id, count)));
    found.sort((a, b) => (a.position < b.position ? -1 : 1));
    for (const message of found.slice(-count)) await this.show(message);
  }

  private async newest(id: string, count: number): Promise<Message[]> {
    let found: Message[] = [];
    let before: string | undefined;
    do {
      const page = await this.options.client.call("message.history", {
        in: id,
        limit: Math.min(HISTORY_PAGE_MAX, count - found.length),
        ...(before === undefined ? {} : { before }),
      });
      found = [...page.messages, ...found];
      before = page.next;
    } while (before !== undefined && found.length < count);
    return found;
  }

  /** Too much was missed to be sent: reads it. */
  private async fill(): Promise<void> {
    const { client, only } = this.options;
    const missed: Message[] = [];
    for (const conversation of await allConversations(client)) {
      const { id, last } = conversation;
      this.places.learn(conversation);
      if (only !== undefined && id !== only) continue;
      let after = this.last.get(id) ?? this.from.get(id);
      if (last === undefined || (after !== undefined && last.position <= after)) continue;
      if (after === undefined) {
        missed.push(...(await this.newest(id, FILL_MAX))); // it is new since the tail began
        continue;
      }
      for (;;) {
        const page: Result<"message.history"> = await client.call("message.history", {
          in: id,
          limit: HISTORY_PAGE_MAX,
          after,
        });
        missed.push(...page.messages);
        if (page.next === undefined) break;
        after = page.next;
      }
    }
    missed.sort((a, b) => (a.position < b.position ? -1 : 1));
    for (const message of missed) await this.show(message);
  }

  private async show(message: Message, again = false): Promise<void> {
    const { conversation, id, position } = message;
    if (this.options.only !== undefined && conversation !== this.options.only) return;
    if (!again && this.printed.has(id)) return;
    const where = await this.places.nameOf(conversation);
    this.options.print(message, where);
    this.printed.add(id);
    if (this.printed.size > PRINTED_MAX) {
      this.printed.delete(this.printed.values().next().value as string);
    }
    if (position > (this.last.get(conversation) ?? "")) this.last.set(conversation, position);
  }
}
