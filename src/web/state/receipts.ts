/** Where own messages are stored, as far as this page was told: answers and later growth, the newest ones. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Receipt } from "../../client/index.ts";

export const RECEIPTS_MAX = 1_000;

export class Receipts {
  readonly #known = signal<ReadonlyMap<string, Receipt>>(new Map());

  get all(): ReadonlySignal<ReadonlyMap<string, Receipt>> {
    return this.#known;
  }

  /** Reads a signal. */
  of(messageId: string): Receipt | undefined {
    return this.#known.value.get(messageId);
  }

  /** A receipt only grows: an older answer takes nothing back. */
  told(messageId: string, receipt: Receipt): void {
    const before = this.#known.peek().get(messageId);
    if (before !== undefined && before.held.length > receipt.held.length) return;
    const known = new Map(this.#known.peek());
    known.delete(messageId);
    known.set(messageId, receipt);
    if (known.size > RECEIPTS_MAX) known.delete(known.keys().next().value as string);
    this.#known.value = known;
  }

  clear(): void {
    this.#known.value = new Map();
  }
}
