/** Whether there is room for one pane only. style/frame.css has the same bound. */
import { type ReadonlySignal, signal } from "@preact/signals";

const query = globalThis.matchMedia?.("(width < 760px)");
const matches = signal(query?.matches ?? false);
query?.addEventListener("change", () => {
  matches.value = query.matches;
});

export const narrow: ReadonlySignal<boolean> = matches;
