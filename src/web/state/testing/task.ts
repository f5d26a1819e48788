/** Runs something in a task of its own, after everything that waits for no timer, as browsers do with frames. */
export const task: (run: () => void) => void = (
  globalThis as unknown as { setImmediate: (run: () => void) => void }
).setImmediate;
