/**
 * What the page itself keeps in the browser, beside what the SDK keeps: drafts, preferences, what it looked like
 * last. Never messages of others, never a token.
 *
 * Storage may be forbidden (a private window) or full. Then everything goes on in memory, and `failed` hears of
 * it: the page says once what that means.
 */
import type { PageStorage } from "./ports.ts";

/** Keys of the page; the SDK's begin with `holdfast/`. */
const PREFIX = "holdfast-page/";

export class PageKeep {
  readonly #storage: PageStorage;
  /** Something could not be kept. */
  readonly failed: () => void;

  constructor(storage: PageStorage, failed: () => void) {
    this.#storage = storage;
    this.failed = failed;
  }

  read(key: string): string | undefined {
    try {
      return this.#storage.getItem(PREFIX + key) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** What cannot be read is what nobody wrote: storage is not to be trusted. */
  readJson(key: string): unknown {
    try {
      return JSON.parse(this.read(key) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** `undefined` removes the key. */
  write(key: string, value: string | undefined): void {
    try {
      if (value === undefined) this.#storage.removeItem(PREFIX + key);
      else if (this.read(key) !== value) this.#storage.setItem(PREFIX + key, value);
    } catch {
      this.failed();
    }
  }

  /** Keys that begin so. */
  keys(prefix: string): string[] {
    const found: string[] = [];
    try {
      for (let i = 0; i < this.#storage.length; i++) {
        const key = this.#storage.key(i);
        if (key?.startsWith(PREFIX + prefix)) found.push(key.slice(PREFIX.length));
      }
    } catch {
      return [];
    }
    return found;
  }

  /** What another tab changed below a prefix; everything may be gone at once. The answer ends it. */
  watch(prefix: string, changed: (key: string, value: string | undefined) => void): () => void {
    return this.#storage.watch((key, value) => {
      if (key?.startsWith(PREFIX + prefix)) changed(key.slice(PREFIX.length), value ?? undefined);
    });
  }
}
