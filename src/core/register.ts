/**
 * A last-writer-wins register whose order no clock can freeze: the version (one more than the version its
 * writer saw) decides first, and only between concurrent writes the place in the total order.
 */
import type { Position } from "./position.ts";

export type Register<T> = {
  readonly value: T;
  readonly version: number;
  readonly at: Position;
};

/** The winner of two writes: commutative, associative and idempotent. */
export function merge<T>(current: Register<T> | undefined, next: Register<T>): Register<T> {
  if (current === undefined) return next;
  if (next.version !== current.version) return next.version > current.version ? next : current;
  return next.at > current.at ? next : current;
}

/** The version that a new write of this register carries. */
export function nextVersion(current: Register<unknown> | undefined): number {
  return (current?.version ?? 0) + 1;
}

/** The earlier of two places, where the first time something happened is what counts. */
export function earliest(a: Position | undefined, b: Position): Position {
  return a === undefined || b < a ? b : a;
}

/** The later of two places. */
export function latest(a: Position | undefined, b: Position): Position {
  return a === undefined || b > a ? b : a;
}
