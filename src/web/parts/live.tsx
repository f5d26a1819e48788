/** What screen readers say without being asked: politely, when they are done with what they say now. */
import { signal } from "@preact/signals";

const spoken = signal<{ readonly text: string; readonly turn: number }>({ text: "", turn: 0 });

export function announce(text: string): void {
  spoken.value = { text, turn: spoken.value.turn + 1 };
}

/** Mounted once. Two places take turns, so that the same words are heard twice when they are said twice. */
export function LiveRegion() {
  const { text, turn } = spoken.value;
  return (
    <div class="unseen">
      {[0, 1].map((place) => (
        <p key={place} role="status" aria-live="polite" aria-label="Announcements">
          {turn % 2 === place ? text : ""}
        </p>
      ))}
    </div>
  );
}
