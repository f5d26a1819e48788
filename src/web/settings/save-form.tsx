/** A form with one button: says that it works, that it is saved, or why not. Enter in a field saves. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Alert } from "../parts/notice.tsx";
import { useAction } from "../parts/use.ts";

export type SaveFormProps = {
  label: string;
  onSave: () => Promise<void> | void;
  children: ComponentChildren;
  disabled?: boolean;
  kind?: "primary" | "plain";
  /** What is said when it went well. */
  done?: string;
};

export function SaveForm(props: SaveFormProps) {
  const { label, onSave, children, disabled, kind = "plain", done = "Saved" } = props;
  const [isDone, setDone] = useState(false);
  const { run, busy, error } = useAction(async () => {
    setDone(false);
    await onSave();
    setDone(true);
  });
  return (
    <form
      class="save-form"
      noValidate
      onInput={() => setDone(false)}
      onSubmit={(event) => {
        event.preventDefault();
        if (disabled !== true) run();
      }}
    >
      {children}
      {error !== undefined && <Alert kind="error">{error}</Alert>}
      <div class="save-row">
        <Button type="submit" kind={kind} busy={busy} disabled={disabled === true}>
          {label}
        </Button>
        <Done text={isDone ? done : ""} />
      </div>
    </form>
  );
}

/** Says what was done, to eyes and ears. */
export function Done({ text }: { text: string }) {
  return (
    <span class="save-done" role="status">
      {text}
    </span>
  );
}
