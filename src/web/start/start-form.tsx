/** A form of the start page: checks when it is sent, and puts the focus on the first thing that is wrong. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Alert } from "../parts/notice.tsx";

export type StartFormProps = {
  /** Why the server refused, where it belongs to no single field. */
  error: string | undefined;
  /** Counts attempts that failed: each brings the focus to the first field that is wrong. */
  failures: number;
  onSubmit: () => void;
  children: ComponentChildren;
};

export function StartForm({ error, failures, onSubmit, children }: StartFormProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (failures === 0) return;
    const wrong = form.current?.querySelector<HTMLInputElement>("[aria-invalid='true']");
    const target = wrong ?? form.current?.querySelector<HTMLInputElement>("input[name='password']");
    target?.focus();
    target?.select();
  }, [failures]);
  return (
    <form
      ref={form}
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {error !== undefined && <Alert kind="error">{error}</Alert>}
      {children}
    </form>
  );
}
