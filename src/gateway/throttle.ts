/** Rates: token buckets by key, in a table with a bound. What is forgotten starts full again. */
import { BoundedMap } from "../core/bounded-map.ts";
import { Refusal } from "../core/errors.ts";
import type { Clock } from "../replica/ports.ts";

type Bucket = { tokens: number; atMs: number };

export class Throttle {
  private readonly buckets: BoundedMap<string, Bucket>;
  private readonly clock: Clock;
  private readonly burst: number;
  private readonly perMs: number;

  /** `burst` at once, refilled evenly over `windowMs`. */
  constructor(clock: Clock, burst: number, windowMs: number, entries: number) {
    this.clock = clock;
    this.burst = burst;
    this.perMs = burst / windowMs;
    this.buckets = new BoundedMap(entries);
  }

  private bucket(key: string): Bucket {
    const now = this.clock.monotonicMs();
    const bucket = this.buckets.get(key) ?? { tokens: this.burst, atMs: now };
    bucket.tokens = Math.min(this.burst, bucket.tokens + (now - bucket.atMs) * this.perMs);
    bucket.atMs = now;
    return bucket;
  }

  /** Whether one more is within the rate; does not count it. */
  allows(key: string): boolean {
    return this.bucket(key).tokens >= 1;
  }

  /** Counts one. */
  take(key: string): void {
    const bucket = this.bucket(key);
    bucket.tokens -= 1;
    this.buckets.set(key, bucket);
  }

  /** Counts one back. */
  giveBack(key: string): void {
    const bucket = this.bucket(key);
    bucket.tokens = Math.min(this.burst, bucket.tokens + 1);
  }

  /** Counts one, or throws Refusal `rate_limited` with the time until the next. */
  demand(key: string, what: string): void {
    const bucket = this.bucket(key);
    if (bucket.tokens < 1) throw this.refusal(bucket, what);
    bucket.tokens -= 1;
    this.buckets.set(key, bucket);
  }

  /** Throws as {@link demand}, without counting. */
  check(key: string, what: string): void {
    const bucket = this.bucket(key);
    if (bucket.tokens < 1) throw this.refusal(bucket, what);
  }

  private refusal(bucket: Bucket, what: string): Refusal {
    const waitMs = Math.ceil((1 - bucket.tokens) / this.perMs);
    return new Refusal(
      "rate_limited",
      `${what}: try again in ${Math.ceil(waitMs / 1000)} s`,
      waitMs,
    );
  }
}
