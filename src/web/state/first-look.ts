/**
 * When to draw first.
 *
 * Problem: the page is up before it has read what one came for. Drawn at once it shows an empty frame, and lays out
 * and paints everything twice: that costs more than the wait. Approach: where the connection was begun before the
 * script (first-words.ts) the answers are about to come; the first drawing waits until the state holds them, and no
 * longer than it is told. Rejected: waiting for the answers themselves (the SDK has still to take them in).
 */
import { effect } from "@preact/signals";
import type { App } from "./app.ts";

type Looked = Pick<App, "session" | "conversations" | "timelines" | "place">;

/** Whether all is there that the address asks for, or nobody is signed in. Reads signals. */
export function isKnown({ session, conversations, timelines, place }: Looked): boolean {
  const { is } = session.phase.value;
  if (is !== "signed_in") return is !== "loading";
  if (!conversations.loaded.value) return false;
  const at = place.current.value;
  return at.is !== "conversation" || timelines.timeline(at.id).loaded.value;
}

/** Resolves when it is known, or after so many ms. */
export async function firstLook(app: Looked, patienceMs: number): Promise<void> {
  let end = () => {};
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, patienceMs);
    const stop = effect(() => {
      if (isKnown(app)) resolve();
    });
    end = () => {
      clearTimeout(timer);
      stop();
    };
  });
  end();
}
