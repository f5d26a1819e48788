/** A broken invariant: a defect of ours, never a consequence of input. The process ends on it. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Always on, also in production: going on with a broken invariant is how data gets lost. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AssertionError(`invariant broken: ${what}`);
}

/** Marks a branch that the types prove unreachable. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value: ${JSON.stringify(value)}`);
}
