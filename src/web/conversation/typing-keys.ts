/** What composer and editing share: which Enter sends, and how tall what is typed is. */

/** A key that belongs to an input method: it chooses characters, and is not for us. 229: Safari says it that way. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Enter alone; on a touch keyboard Enter breaks the line, and a button sends. */
export function sendsByEnter(event: KeyboardEvent): boolean {
  const isPlain = !event.shiftKey && !event.altKey;
  return event.key === "Enter" && isPlain && !isTouch();
}

export const isTouch = (): boolean => matchMedia("(pointer: coarse)").matches;

/** Where the style sheet does it, by `field-sizing`: nothing has to be measured, which is what takes long. */
const growsByItself = globalThis.CSS?.supports("field-sizing", "content") === true;

/**
 * As tall as its text; style sheets say where it ends and scrolls. While it is measured what is around it keeps its
 * height: the list of messages would otherwise be pushed from its end.
 */
export function grow(area: HTMLTextAreaElement | null): void {
  if (growsByItself) return;
  const holder = area?.parentElement;
  if (area === null || !holder) return;
  holder.style.minHeight = `${holder.offsetHeight}px`;
  area.style.height = "auto";
  const border = area.offsetHeight - area.clientHeight;
  area.style.height = `${area.scrollHeight + border}px`;
  holder.style.minHeight = "";
}
