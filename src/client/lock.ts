/** Holding a lock for as long as a client lives. */
import type { Lock } from "./ports.ts";

/**
 * Runs `begin` once the lock is ours, at once where there is none; no lock is no reason not to send. The
 * answer lets go of it, also of one that is still to come.
 */
export function holdLock(lock: Lock | undefined, begin: () => void): () => void {
  if (lock === undefined) {
    begin();
    return () => {};
  }
  let release = () => {};
  const over = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held = () => {
    begin();
    return over;
  };
  lock(held).catch(begin);
  return release;
}
