/**
 * Seeded chance for the torture tests: mulberry32. One number repeats the choices of a run; what the
 * system's scheduler does with them it does not repeat.
 */

export class Chance {
  readonly seed: number;
  private state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.fraction() * list.length)] as T;
  }

  /** Lower-case letters and digits, the first a letter. */
  word(length: number): string {
    let word = String.fromCharCode(97 + this.whole(0, 25));
    while (word.length < length) word += this.whole(0, 35).toString(36);
    return word;
  }
}

/** The seed of this run: from HOLDFAST_TEST_SEED to repeat one, else new. */
export function runSeed(): number {
  const given = process.env.HOLDFAST_TEST_SEED;
  return given === undefined ? (Date.now() ^ (process.pid << 12)) >>> 0 : Number(given);
}

let lastMs = 0;
let inMs = 0;

/** A UUIDv7 above all before it; made here, so that nothing is shared with what is tested. */
export function newRequestId(): string {
  const now = Date.now();
  inMs = now > lastMs || inMs === 0xfff ? 0 : inMs + 1;
  lastMs = inMs === 0 ? Math.max(lastMs + 1, now) : lastMs;
  const random = crypto.getRandomValues(new Uint8Array(8));
  random[0] = 0x80 | ((random[0] as number) & 0x3f);
  const counter = inMs.toString(16).padStart(3, "0");
  const hex = `${lastMs.toString(16).padStart(12, "0")}7${counter}${Buffer.from(random).toString("hex")}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
