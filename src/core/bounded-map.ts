/** A map that forgets its oldest entries past a bound. */
export class BoundedMap<K, V> {
  private readonly entries = new Map<K, V>();
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
    for (const [oldest, dropped] of this.entries) {
      this.entries.delete(oldest);
      return { key: oldest, value: dropped };
    }
    return null;
  }

  delete(key: K): void {
    this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
  }

  keys(): IterableIterator<K> {
    return this.entries.keys();
  }
}
