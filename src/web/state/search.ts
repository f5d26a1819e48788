/** Search over everything one may read. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Author, Client, Clock, Message } from "../../client/index.ts";
import { textOf } from "./errors.ts";
import { newerOf, withAuthor } from "./newer-message.ts";

export type SearchResults =
  | { readonly is: "none" }
  | { readonly is: "loading"; readonly text: string; readonly in?: string }
  | {
      readonly is: "found";
      readonly text: string;
      readonly in?: string;
      /** Newest first. */
      readonly messages: readonly Message[];
      /** `error`: in people's words; `more()` tries again. */
      readonly more: "more" | "loading" | "end" | { readonly error: string };
    }
  | {
      readonly is: "failed";
      readonly text: string;
      readonly in?: string;
      readonly error: string;
    };

export interface SearchState {
  readonly results: ReadonlySignal<SearchResults>;
  /** Searches anew, shortly after the last call: it may be called at every key. `in`: a conversation's id. */
  run(text: string, conversationId?: string): void;
  more(): void;
}

export const WAIT_MS = 150;
const PAGE = 30;
export const RESULTS_MAX = 1_000;
const TEXT_MAX = 200;

type Question = { readonly text: string; readonly in?: string };

export class MessageSearch implements SearchState {
  readonly results = signal<SearchResults>({ is: "none" });
  readonly #client: Client;
  readonly #clock: Clock;
  #question: Question | undefined;
  #next: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  run(text: string, conversationId?: string): void {
    const words = [...text.trim()].slice(0, TEXT_MAX).join("");
    const before = this.#question;
    if (before !== undefined && before.text === words && before.in === conversationId) {
      if (this.results.peek().is !== "failed") return;
    }
    this.clear();
    if (words === "") return;
    const question = {
      text: words,
      ...(conversationId === undefined ? {} : { in: conversationId }),
    };
    this.#question = question;
    this.results.value = { is: "loading", ...question };
    this.#cancel = this.#clock.schedule(WAIT_MS, () => void this.#first(question));
  }

  more(): void {
    const shown = this.results.peek();
    const question = this.#question;
    const next = this.#next;
    if (shown.is !== "found" || question === undefined || next === undefined) return;
    if (shown.more === "loading" || shown.more === "end") return;
    this.results.value = { ...shown, more: "loading" };
    void this.#page(question, next);
  }

  // For the other parts.

  changed(message: Message): void {
    this.#replace((held) => (held.id === message.id ? newerOf(held, message) : held));
  }

  accountChanged(author: Author): void {
    this.#replace((held) => withAuthor(held, author));
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#question = undefined;
    this.#next = undefined;
    this.results.value = { is: "none" };
  }

  #replace(to: (held: Message) => Message): void {
    const shown = this.results.peek();
    if (shown.is !== "found") return;
    const messages = shown.messages.map(to);
    if (messages.some((message, at) => message !== shown.messages[at])) {
      this.results.value = {
        ...shown,
        messages: messages.filter(({ deleted }) => deleted !== true),
      };
    }
  }

  async #first(question: Question): Promise<void> {
    try {
      let page = await this.#client.call("message.search", { ...question, limit: PAGE });
      // A page looks at so many messages only: one without finds is no answer yet.
      while (page.messages.length === 0 && page.next !== undefined) {
        if (this.#question !== question) return;
        const params = { ...question, before: page.next, limit: PAGE };
        page = await this.#client.call("message.search", params);
      }
      if (this.#question !== question) return;
      this.#next = page.next;
      const more = page.next === undefined ? "end" : "more";
      this.results.value = { is: "found", ...question, messages: page.messages, more };
    } catch (error) {
      if (this.#question !== question) return;
      this.results.value = { is: "failed", ...question, error: textOf(error) };
    }
  }

  async #page(question: Question, before: string): Promise<void> {
    try {
      const params = { ...question, before, limit: PAGE };
      const page = await this.#client.call("message.search", params);
      const shown = this.results.peek();
      if (this.#question !== question || shown.is !== "found") return;
      const known = new Set(shown.messages.map(({ id }) => id));
      const fresh = page.messages.filter(({ id }) => !known.has(id));
      const messages = [...shown.messages, ...fresh].slice(0, RESULTS_MAX);
      this.#next = messages.length >= RESULTS_MAX ? undefined : page.next;
      this.results.value = {
        ...shown,
        messages,
        more: this.#next === undefined ? "end" : "more",
      };
    } catch (error) {
      const shown = this.results.peek();
      if (this.#question !== question || shown.is !== "found") return;
      this.results.value = { ...shown, more: { error: textOf(error) } };
    }
  }
}
