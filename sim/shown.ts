/**
 * What one client shows: conversations as a client by docs/PROTOCOL.md keeps them, from events and from histories
 * that it reads where it was told to.
 *
 * It outlives the client's process, as a page's store would; what a process took in and had not kept yet dies with
 * it. In the end it must be what the servers have: a gap, an edit that never came, a deletion that was missed show.
 */
import type { Message } from "../src/client/index.ts";

export type ShownMessage = {
  readonly id: string;
  readonly author: string;
  readonly text: string;
  readonly position: string;
  readonly isDeleted: boolean;
};

export function shownOf({ id, author, text, position, deleted }: Message): ShownMessage {
  return { id, author: author.id, text, position, isDeleted: deleted === true };
}

/** A message, and when what is known of it came: what waited longer to be taken in is older. */
type Known = { readonly message: ShownMessage; readonly cameMs: number };

export class Shown {
  private readonly all = new Map<string, Map<string, Known>>();

  /** Called with a message whose text came back after it was shown as deleted. */
  onUndeleted: (message: ShownMessage) => void = () => {};

  /** `cameMs`: when it arrived, however long it waited. */
  keep(conversation: string, message: ShownMessage, cameMs: number): void {
    const messages = this.all.get(conversation) ?? new Map<string, Known>();
    this.all.set(conversation, messages);
    const before = messages.get(message.id);
    if (before !== undefined && before.cameMs > cameMs) return;
    if (before?.message.isDeleted && !message.isDeleted) this.onUndeleted(message);
    messages.set(message.id, { message, cameMs });
  }

  /** Forgets everything, as who is told to read anew from the beginning. */
  clear(): void {
    this.all.clear();
  }

  /** The whole of a conversation, read anew. */
  replace(conversation: string, messages: readonly ShownMessage[], cameMs: number): void {
    const before = this.all.get(conversation);
    this.all.set(conversation, new Map());
    for (const message of messages) {
      const known = before?.get(message.id);
      if (known?.message.isDeleted && !message.isDeleted) this.onUndeleted(message);
      this.keep(conversation, message, cameMs);
    }
  }

  forget(conversation: string): void {
    this.all.delete(conversation);
  }

  get conversations(): string[] {
    return [...this.all.keys()];
  }

  get(conversation: string): ReadonlyMap<string, ShownMessage> {
    const all = this.all.get(conversation) ?? new Map<string, Known>();
    return new Map([...all].map(([id, { message }]) => [id, message]));
  }
}
