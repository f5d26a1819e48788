/**
 * A map that forgets its oldest entries past a bound.
 *
 * One iterator stands before the oldest entry and stays: an iterator of a Map goes on with what is put later, and
 * what it has passed is gone from this one. A new one for each eviction would walk over all that was deleted
 * before (a hundred times the price, measured).
 */
export class BoundedMap<K, V> {
  private readonly entries = new Map<K, V>();
  private oldest = this.entries.entries();
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: K): V | undefined {
    return this.entries.get(key);
  }

  has(key: K): boolean {
    return this.entries.has(key);
  }

  /** Puts an entry; what was put first goes first. Returns what had to go. */
  set(key: K, value: V): { readonly key: K; readonly value: V } | null {
    this.entries.set(key, value);
    if (this.entries.size <= this.max) return null;
    const [oldest, dropped] = this.oldest.next().value as [K, V];
    this.entries.delete(oldest);
    return { key: oldest, value: dropped };
  }

  delete(key: K): void {
    this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
    this.oldest = this.entries.entries();
  }

  keys(): IterableIterator<K> {
    return this.entries.keys();
  }
}
