/**
 * Everything random in a simulated world, from one seed.
 *
 * xoshiro128** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021), its state filled
 * by splitmix32, so that neighbouring seeds have nothing in common. Rejected: 32 bits of state (a run draws
 * millions of numbers; worlds would repeat each other's).
 */
import type { Random } from "../src/replica/ports.ts";

export class Chance implements Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    // A seed of more than 32 bits counts with all of them.
    const high = Math.floor(seed / 2 ** 32) >>> 0;
    const fill = () => {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = state ^ (state >>> 16) ^ high;
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.a = fill();
    this.b = fill();
    this.c = fill();
    this.d = fill() | 1; // a state of zeros only would stay so
  }

  /** 32 random bits. */
  private bits(): number {
    const times5 = Math.imul(this.b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** In [0, 1), of 32 random bits. */
  next(): number {
    return this.bits() / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const bits = this.bits();
      for (let j = i; j < i + 4 && j < length; j++) bytes[j] = bits >>> (8 * (j - i));
    }
    return bytes;
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

  shuffle<T>(all: readonly T[]): T[] {
    const shuffled = [...all];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
    }
    return shuffled;
  }

  /** A chance of its own, so that what uses it does not move what others draw. */
  fork(): Chance {
    return new Chance(this.bits() * 2 ** 21 + (this.bits() >>> 11));
  }
}
