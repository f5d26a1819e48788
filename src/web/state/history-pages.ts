/** Pages of history as contiguous ranges. */
import type { Client, Message } from "../../client/index.ts";
import type { Range } from "./message-range.ts";

export const PAGE = 50;
/** On each side of a place, where what is around it is read: more than fits a screen. */
export const AROUND = 80;

type Page = { readonly messages: readonly Message[]; readonly isLast: boolean };

export class HistoryPages {
  readonly #client: Client;
  /** What the conversation is called in a request; it may change with its first message. */
  readonly #reference: () => string;

  constructor(client: Client, reference: () => string) {
    this.#client = client;
    this.#reference = reference;
  }

  older(before: string, limit = PAGE): Promise<Page> {
    return this.#page({ before, limit });
  }

  newer(after: string, limit = PAGE): Promise<Page> {
    return this.#page({ after, limit });
  }

  /** Also tells the server that this conversation is open here. */
  async newest(limit = PAGE): Promise<Range> {
    const { messages, isLast } = await this.#page({ limit });
    return { messages, reachesOldest: isLast, reachesNewest: true };
  }

  /**
   * What is before a place, at it, and behind it. Places are left out of their own pages, so the second page
   * begins behind the last message of the first; where there is none, the first is read from the second.
   */
  async around(place: string): Promise<Range> {
    const older = await this.older(place, AROUND);
    const end = older.messages.at(-1);
    if (end !== undefined) return rangeOf(older, await this.newer(end.position, AROUND));
    const newer = await this.newer(place, AROUND);
    const begin = newer.messages[0];
    return begin === undefined
      ? this.newest(AROUND)
      : rangeOf(await this.older(begin.position, AROUND), newer);
  }

  async #page(where: { before?: string; after?: string; limit: number }): Promise<Page> {
    const params = { in: this.#reference(), ...where };
    const { messages, next } = await this.#client.call("message.history", params);
    return { messages, isLast: next === undefined };
  }
}

function rangeOf(older: Page, newer: Page): Range {
  return {
    messages: [...older.messages, ...newer.messages],
    reachesOldest: older.isLast,
    reachesNewest: newer.isLast,
  };
}
