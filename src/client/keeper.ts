/**
 * Writes to the storage port: in order, one at a time, newest value of a key only.
 *
 * A failing storage (quota, private mode) must not stop the chat: the failure is reported and what could not
 * be kept is lost with the process, as if there were no storage.
 */
import type { KeptStorage } from "./ports.ts";

type Write = { readonly value: string | undefined; readonly done: readonly (() => void)[] };

export class Keeper {
  private readonly storage: KeptStorage;
  private readonly failed: (error: unknown) => void;
  /** To be written, in the order of the newest values, with those who wait for it. */
  private readonly dirty = new Map<string, Write>();
  private writing: Promise<void> | undefined;

  constructor(storage: KeptStorage, failed: (error: unknown) => void) {
    this.storage = storage;
    this.failed = failed;
  }

  async load(prefix: string): Promise<[string, string][]> {
    try {
      return [...(await this.storage.list(prefix))];
    } catch (error) {
      this.failed(error);
      return [];
    }
  }

  /** Resolves when this value, or a newer one, is written; never rejects. */
  write(key: string, value: string | undefined): Promise<void> {
    const before = this.dirty.get(key);
    this.dirty.delete(key); // to the end
    return new Promise((resolve) => {
      this.dirty.set(key, { value, done: [...(before?.done ?? []), resolve] });
      void this.round();
    });
  }

  /** Resolves when all that was to be written is. */
  async flushed(): Promise<void> {
    while (this.dirty.size > 0) await this.round();
  }

  private round(): Promise<void> {
    this.writing ??= this.run().finally(() => {
      this.writing = undefined;
      if (this.dirty.size > 0) void this.round();
    });
    return this.writing;
  }

  private async run(): Promise<void> {
    for (;;) {
      const next = this.dirty.entries().next();
      if (next.done === true) return;
      const [key, write] = next.value;
      try {
        await this.storage.set(key, write.value);
      } catch (error) {
        this.failed(error);
      }
      if (this.dirty.get(key) !== write) continue; // changed meanwhile: its writers wait for that
      this.dirty.delete(key);
      for (const done of write.done) done();
    }
  }
}
