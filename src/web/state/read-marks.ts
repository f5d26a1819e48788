/**
 * Tells the servers how far was read: the newest place of each conversation, at most once in TELL_MS, and again
 * when a server is back for what could not be told.
 */
import { type Client, type Clock, HoldfastError } from "../../client/index.ts";

export const TELL_MS = 1_000;
const DEADLINE_MS = 5_000;

export class ReadMarks {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #answered: (conversation: string, upTo: string, unread: number) => void;
  /** Newest place of each conversation that no server was told of yet. */
  readonly #due = new Map<string, string>();
  #cancel: (() => void) | undefined;

  constructor(
    client: Client,
    clock: Clock,
    answered: (conversation: string, upTo: string, unread: number) => void,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#answered = answered;
  }

  mark(conversation: string, upTo: string): void {
    const before = this.#due.get(conversation);
    if (before === undefined || before < upTo) this.#due.set(conversation, upTo);
    this.again();
  }

  /** Tells what is due, soon. */
  again(): void {
    if (this.#due.size === 0) return;
    this.#cancel ??= this.#clock.schedule(TELL_MS, () => void this.flush());
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#due.clear();
  }

  /** Tells what is due now, as far as a server can be reached. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#client.connection.state !== "live" || this.#client.account === undefined) return;
    const due = [...this.#due];
    this.#due.clear();
    await Promise.all(due.map(([conversation, upTo]) => this.#tell(conversation, upTo)));
  }

  async #tell(conversation: string, upTo: string): Promise<void> {
    const account = this.#client.account?.id;
    try {
      const params = { in: conversation, upTo };
      const options = { deadlineMs: DEADLINE_MS };
      const { unread } = await this.#client.call("conversation.read", params, options);
      this.#answered(conversation, upTo, unread);
    } catch (error) {
      if (account !== this.#client.account?.id) return;
      if (error instanceof HoldfastError && error.retry) this.mark(conversation, upTo);
    }
  }
}
