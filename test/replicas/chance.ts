/** Everything random in a world, from one seed. */
import type { Random } from "../../src/replica/ports.ts";
import { bytesFrom, randomFrom } from "../../src/storage/log-testing.ts";

export class Chance implements Random {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = randomFrom(seed);
  }

  bytes(length: number): Uint8Array {
    return bytesFrom(this.next, length);
  }

  /** 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }

  /** A chance of its own, so that what uses it does not move what others draw. */
  fork(): Chance {
    return new Chance(Math.floor(this.next() * 2 ** 32));
  }
}
