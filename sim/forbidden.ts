/**
 * Takes real time, real chance and real turns of the event loop away while a world runs: whoever asks for one of
 * them has a defect, and is named.
 */
import { assert } from "../src/core/assert.ts";

type Taken = { readonly from: object; readonly name: string; readonly was: unknown };

const FORBIDDEN: readonly (readonly [object, readonly string[]])[] = [
  [globalThis, ["setTimeout", "setInterval", "setImmediate", "fetch", "WebSocket"]],
  [Date, ["now"]],
  [Math, ["random"]],
  [performance, ["now"]],
  [crypto, ["getRandomValues", "randomUUID"]],
  [process, ["nextTick", "hrtime"]],
  [Bun, ["sleep", "sleepSync", "nanoseconds", "randomUUIDv7"]],
];

/** Runs `act`, which must end in this turn; throws what was asked for first, by whom. */
export function withoutReality<T>(act: () => T): T {
  const taken: Taken[] = [];
  let asked: Error | null = null;
  for (const [from, names] of FORBIDDEN) {
    for (const name of names) {
      const was = (from as Record<string, unknown>)[name];
      taken.push({ from, name, was });
      const trap = () => {
        asked ??= new Error(`[REALITY] ${name} was asked for in a simulated world`);
        throw asked;
      };
      put(from, name, trap);
    }
  }
  try {
    const result = act();
    if (asked !== null) throw asked;
    return result;
  } finally {
    for (const { from, name, was } of taken) put(from, name, was);
  }
}

function put(from: object, name: string, value: unknown): void {
  (from as Record<string, unknown>)[name] = value;
  assert((from as Record<string, unknown>)[name] === value, `${name} can be taken away`);
}
