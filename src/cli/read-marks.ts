/**
 * Tells the servers what was shown here, so that it waits on no other device either: the newest place of each
 * conversation, at most once in READ_INTERVAL_MS. What could not be told is told when a server is back.
 */
import type { Client, Message } from "../client/index.ts";
import { HoldfastError } from "../client/index.ts";

export const READ_INTERVAL_MS = 1_000;
const DEADLINE_MS = 5_000;

export class ReadMarks {
  private readonly client: Pick<Client, "call" | "connection">;
  private readonly schedule: (ms: number, run: () => void) => () => void;
  /** Newest shown place of each conversation; `due` ones are not told yet. */
  private readonly newest = new Map<string, string>();
  private readonly due = new Set<string>();
  private cancel: (() => void) | undefined;

  constructor(
    client: Pick<Client, "call" | "connection">,
    schedule: (ms: number, run: () => void) => () => void,
  ) {
    this.client = client;
    this.schedule = schedule;
  }

  read({ conversation, position }: Message): void {
    const before = this.newest.get(conversation);
    if (before === undefined || position > before) this.newest.set(conversation, position);
    this.due.add(conversation);
    this.again();
  }

  /** Tells what is due, soon. */
  again(): void {
    if (this.due.size === 0) return;
    this.cancel ??= this.schedule(READ_INTERVAL_MS, () => {
      this.cancel = undefined;
      void this.tell();
    });
  }

  /** Tells what is due now, as far as a server can be reached. */
  async flush(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
    await this.tell();
  }

  private async tell(): Promise<void> {
    if (this.client.connection.state !== "live") return;
    const due = [...this.due];
    this.due.clear();
    await Promise.all(
      due.map(async (conversation) => {
        const upTo = this.newest.get(conversation) as string;
        try {
          const params = { in: conversation, upTo };
          await this.client.call("conversation.read", params, { deadlineMs: DEADLINE_MS });
        } catch (error) {
          if (error instanceof HoldfastError && error.retry) this.due.add(conversation);
        }
      }),
    );
  }
}
