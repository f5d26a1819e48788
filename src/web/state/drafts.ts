/**
 * What is being written, per account and conversation.
 *
 * Kept in the browser under the account's id, so that it is there after a reload, a crash and a sign-out, and
 * nobody else's in the same browser. Written at most every WRITE_MS and when the page is left.
 */
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Clock } from "../../client/index.ts";
import type { PageKeep } from "./page-keep.ts";

export interface Drafts {
  /** Empty for none. */
  draft(conversationId: string): ReadonlySignal<string>;
  set(conversationId: string, text: string): void;
}

export const WRITE_MS = 300;

const prefixOf = (account: string) => `draft/${account}/`;

export class KeptDrafts implements Drafts {
  /** Of the account that is signed in, by conversation. */
  readonly #texts = signal<ReadonlyMap<string, string>>(new Map());
  /** Conversations that have one: moves only when that changes, not with every key. */
  readonly #having = signal<ReadonlySet<string>>(new Set());
  readonly #keep: PageKeep;
  readonly #clock: Clock;
  readonly #account: ReadonlySignal<string | undefined>;
  readonly #dirty = new Set<string>();
  #timer: (() => void) | undefined;
  readonly #ends: (() => void)[];

  constructor(keep: PageKeep, clock: Clock, account: ReadonlySignal<string | undefined>) {
    this.#keep = keep;
    this.#clock = clock;
    this.#account = account;
    let shown: string | undefined;
    this.#ends = [
      account.subscribe((id) => {
        if (id === shown) return;
        this.flush(shown);
        shown = id;
        this.#load(id);
      }),
      keep.watch("draft/", (key, value) => this.#changedElsewhere(key, value)),
    ];
  }

  has(conversationId: string): boolean {
    return this.#having.value.has(conversationId);
  }

  draft(conversationId: string): ReadonlySignal<string> {
    return computed(() => this.#texts.value.get(conversationId) ?? "");
  }

  set(conversationId: string, text: string): void {
    if (this.#account.peek() === undefined) return;
    if ((this.#texts.peek().get(conversationId) ?? "") === text) return;
    this.#put(conversationId, text);
    this.#dirty.add(conversationId);
    this.#timer ??= this.#clock.schedule(WRITE_MS, () => this.flush());
  }

  /** Writes what is not written yet. */
  flush(account = this.#account.peek()): void {
    this.#timer?.();
    this.#timer = undefined;
    if (account !== undefined) {
      for (const id of this.#dirty) {
        this.#keep.write(prefixOf(account) + id, this.#texts.peek().get(id));
      }
    }
    this.#dirty.clear();
  }

  /** Everything that an account left unsaid: for when it is deleted. */
  forget(account: string): void {
    if (this.#account.peek() === account) {
      this.#dirty.clear();
      this.#show(new Map());
    }
    for (const key of this.#keep.keys(prefixOf(account))) this.#keep.write(key, undefined);
  }

  stop(): void {
    this.flush();
    for (const end of this.#ends) end();
  }

  #load(account: string | undefined): void {
    const texts = new Map<string, string>();
    if (account !== undefined) {
      for (const key of this.#keep.keys(prefixOf(account))) {
        const text = this.#keep.read(key);
        if (text) texts.set(key.slice(prefixOf(account).length), text);
      }
    }
    this.#show(texts);
  }

  #put(conversationId: string, text: string): void {
    const texts = new Map(this.#texts.peek());
    if (text === "") texts.delete(conversationId);
    else texts.set(conversationId, text);
    this.#show(texts);
  }

  #show(texts: ReadonlyMap<string, string>): void {
    const before = this.#having.peek();
    batch(() => {
      this.#texts.value = texts;
      const same = texts.size === before.size && [...texts.keys()].every((id) => before.has(id));
      if (!same) this.#having.value = new Set(texts.keys());
    });
  }

  /** What was changed last in any tab counts, but for what is being written here this moment. */
  #changedElsewhere(key: string, value: string | undefined): void {
    const account = this.#account.peek();
    if (account === undefined || !key.startsWith(prefixOf(account))) return;
    const id = key.slice(prefixOf(account).length);
    if (!this.#dirty.has(id)) this.#put(id, value ?? "");
  }
}
