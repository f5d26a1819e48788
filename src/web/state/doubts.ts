/** Things to ask the server about, one by one and shortly after: a burst of doubts costs one question. */
import type { Client, Clock } from "../../client/index.ts";

export const ASK_MS = 200;

export class Doubts {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #ask: (id: string) => Promise<void>;
  readonly #due = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(client: Client, clock: Clock, ask: (id: string) => Promise<void>) {
    this.#client = client;
    this.#clock = clock;
    this.#ask = ask;
  }

  about(id: string): void {
    this.#due.add(id);
    this.again();
  }

  /** Asks what is due, soon; what cannot be asked now waits for the next call. */
  again(): void {
    if (this.#due.size === 0) return;
    this.#cancel ??= this.#clock.schedule(ASK_MS, () => {
      this.#cancel = undefined;
      if (this.#client.connection.state !== "live") return;
      const due = [...this.#due];
      this.#due.clear();
      for (const id of due) void this.#ask(id);
    });
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#due.clear();
  }
}
