/** A map that forgets what was used least recently past its bound, unless it is in use. */
export class Recent<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #max: number;
  readonly #isUsed: (value: V) => boolean;
  readonly #forgotten: (value: V) => void;

  constructor(
    max: number,
    isUsed: (value: V) => boolean = () => false,
    forgotten: (value: V) => void = () => {},
  ) {
    this.#max = max;
    this.#isUsed = isUsed;
    this.#forgotten = forgotten;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Without counting as a use. */
  peek(key: K): V | undefined {
    return this.#entries.get(key);
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    for (const [oldest, candidate] of this.#entries) {
      if (oldest === key || this.#isUsed(candidate)) continue;
      this.#entries.delete(oldest);
      this.#forgotten(candidate);
      return;
    }
  }

  getOrMake(key: K, make: () => V): V {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.set(key, made);
    return made;
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  values(): V[] {
    return [...this.#entries.values()];
  }
}
