/** Editing an own message in its place. Enter saves, Escape gives up; the focus goes back to where it came from. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { useAction } from "../parts/use.ts";
import { grow, isComposing, sendsByEnter } from "./typing-keys.ts";

export type MessageEditProps = {
  text: string;
  /** Rejects with HoldfastError. */
  onSave: (text: string) => Promise<void>;
  /** Nothing is left of it. */
  onEmpty: () => void;
  onEnd: () => void;
};

export function MessageEdit({ text, onSave, onEmpty, onEnd }: MessageEditProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [typed, setTyped] = useState(text);
  const save = useAction(async () => {
    const trimmed = typed.trimEnd();
    if (trimmed === "") return onEmpty();
    if (trimmed !== text) await onSave(trimmed);
    onEnd();
  });
  useLayoutEffect(() => {
    area.current?.focus({ preventScroll: true });
    area.current?.setSelectionRange(text.length, text.length);
    area.current?.scrollIntoView({ block: "nearest" });
  }, []);
  useLayoutEffect(() => grow(area.current), [typed]);
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (isComposing(event)) return;
    if (event.key === "Escape") onEnd();
    else if (sendsByEnter(event)) save.run();
    else return;
    event.preventDefault();
  };
  return (
    <div class="msg-edit">
      <textarea
        ref={area}
        class="msg-edit-text"
        aria-label="Edit message"
        dir="auto"
        rows={1}
        value={typed}
        aria-invalid={save.error !== undefined ? "true" : undefined}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {save.error !== undefined && (
        <p class="msg-failed" role="alert">
          {save.error}
        </p>
      )}
      <div class="msg-edit-actions">
        <Button kind="primary" busy={save.busy} onClick={save.run}>
          Save
        </Button>
        <Button onClick={onEnd}>Cancel</Button>
        <span class="msg-edit-keys">Enter saves, Escape cancels</span>
      </div>
    </div>
  );
}
