/**
 * Writes to the storage port: in order, one at a time, newest value of a key only.
 *
 * A failing storage (quota, private mode) must not stop the chat: the failure is reported and what could not
 * be kept is lost with the process, as if there were no storage.
 */
import type { KeptStorage } from "./ports.ts";

export class Keeper {
  private readonly storage: KeptStorage;
  private readonly failed: (error: unknown) => void;
  private dirty = new Map<string, string | undefined>();
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
  async write(key: string, value: string | undefined): Promise<void> {
    this.dirty.delete(key); // to the end: keys are written in the order of their newest values
    this.dirty.set(key, value);
    while (this.dirty.has(key)) await this.round();
  }

  /** Resolves when all that was to be written is. */
  async flushed(): Promise<void> {
    while (this.dirty.size > 0) await this.round();
  }

  private round(): Promise<void> {
    this.writing ??= this.run().finally(() => {
      this.writing = undefined;
    });
    return this.writing;
  }

  private async run(): Promise<void> {
    for (;;) {
      const next = this.dirty.entries().next();
      if (next.done === true) break;
      const [key, value] = next.value;
      try {
        await this.storage.set(key, value);
      } catch (error) {
        this.failed(error);
      }
      if (this.dirty.get(key) === value) this.dirty.delete(key);
    }
  }
}
