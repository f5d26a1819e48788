/** Waiting for what comes by itself. No test asserts how long it took. */

const POLL_MS = 50;
const PATIENCE_MS = 20_000;

/** Resolves with the first answer that is right; throws with the last one that was not. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  isRight: (answer: T) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (performance.now() > end) {
      throw new Error(`waited in vain for ${what}; at last: ${JSON.stringify(answer)}`);
    }
    await Bun.sleep(POLL_MS);
  }
}
