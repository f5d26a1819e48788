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

/**
 * What is known of a message: when it came (what waited longer to be taken in is older), in which process, and whether
 * an event told of it as it is: what an application only read the SDK has not noted.
 */
type Known = {
  readonly message: ShownMessage;
  readonly cameMs: number;
  readonly by: object;
  readonly isTold: boolean;
};

const DOUBTED = {};

export class Shown {
  private readonly all = new Map<string, Map<string, Known>>();

  /** Called with a message whose text came back where it may not. */
  onUndeleted: (message: ShownMessage, how: string) => void = () => {};

  /**
   * An event told of it to this process. `cameMs`: when it arrived, however long it waited. What is known to be
   * deleted stays so: a server that has not heard of it may still tell of it, but not the SDK, to a process that
   * it told of the deletion.
   */
  keep(conversation: string, message: ShownMessage, cameMs: number, by: object): void {
    const messages = this.all.get(conversation) ?? new Map<string, Known>();
    this.all.set(conversation, messages);
    const before = messages.get(message.id);
    if (before !== undefined && before.cameMs > cameMs) return;
    if (before?.message.isDeleted && !message.isDeleted) {
      if (before.by === by && before.isTold) this.onUndeleted(message, "by an event");
      return;
    }
    messages.set(message.id, { message, cameMs, by, isTold: true });
  }

  /** Who is told to read anew is told that what was seen may be gone: nothing of it is held to. */
  doubt(): void {
    for (const messages of this.all.values()) {
      for (const [id, known] of messages) messages.set(id, { ...known, by: DOUBTED });
    }
  }

  /** Forgets everything, as who is told to read anew from the beginning. */
  clear(): void {
    this.all.clear();
  }

  /** The whole of a conversation, read anew. A process says to servers what it has seen itself, or had kept. */
  replace(
    conversation: string,
    messages: readonly ShownMessage[],
    cameMs: number,
    by: object,
  ): void {
    const before = this.all.get(conversation);
    const now = new Map<string, Known>();
    this.all.set(conversation, now);
    for (const message of messages) {
      const known = before?.get(message.id);
      const isSeen = known?.message.isDeleted === true && known.by === by;
      if (isSeen && !message.isDeleted) this.onUndeleted(message, "by a read");
      const isTold = isSeen && message.isDeleted && known.isTold;
      now.set(message.id, { message, cameMs, by, isTold });
    }
  }

  /** What this process was told is deleted. */
  deletedFor(conversation: string, by: object): string[] {
    const all = [...(this.all.get(conversation)?.values() ?? [])];
    return all.flatMap((known) =>
      known.message.isDeleted && known.by === by ? [known.message.id] : [],
    );
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
