/** Chance from a seed, so that a run can be played again. */

/** Numbers from a seed (mulberry32). */
export class Dice {
  readonly seed: number;
  private state: number;

  constructor(seed = Number(process.env.HOLDFAST_TEST_SEED ?? Date.now() % 2 ** 32)) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  private next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
