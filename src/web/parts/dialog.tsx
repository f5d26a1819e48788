/**
 * Dialogs: the browser's own modal ones. They keep the focus inside, close by Escape and give the focus back
 * to what had it, or to what `returnTo` finds if that is gone.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button, classes, IconButton } from "./button.tsx";
import { Alert } from "./notice.tsx";
import { useAction } from "./use.ts";

export type DialogProps = {
  title: string;
  onClose: () => void;
  children?: ComponentChildren;
  /** Buttons at the end, the one that goes on last. */
  actions?: ComponentChildren;
  wide?: boolean;
  /** For what must be decided: no closing by a click beside it. */
  firm?: boolean;
};

export function Dialog({ title, onClose, children, actions, wide, firm }: DialogProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    const before = document.activeElement;
    element.showModal();
    const body = element.querySelector<HTMLElement>(".dialog-body");
    if (body !== null && body.scrollHeight > body.clientHeight) body.tabIndex = 0; // keys scroll it
    const first = element.querySelector<HTMLElement>(
      "[data-autofocus], .dialog-body :is(input, textarea, select):not(:disabled)",
    );
    first?.focus();
    return () => {
      element.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={classes("dialog", wide === true && "dialog-wide")}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      onPointerDown={(event) => {
        if (firm !== true && event.target === dialog.current && isBeside(event)) onClose();
      }}
    >
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      <div class="dialog-body">{children}</div>
      {actions !== undefined && <footer class="dialog-actions">{actions}</footer>}
    </dialog>
  );
}

function isBeside(event: { clientX: number; clientY: number; currentTarget: Element }): boolean {
  const box = event.currentTarget.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right;
  return !inside || event.clientY < box.top || event.clientY > box.bottom;
}

export type ConfirmProps = {
  title: string;
  /** What happens then, in plain words. */
  children?: ComponentChildren;
  /** What the button does: a verb. */
  confirm: string;
  danger?: boolean;
  onConfirm: () => Promise<void> | void;
  onClose: () => void;
};

/** Asks before something is done; stays open and says why if it fails. */
export function Confirm({ title, children, confirm, danger, onConfirm, onClose }: ConfirmProps) {
  const { run, busy, error } = useAction(async () => {
    await onConfirm();
    onClose();
  });
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button
        kind={danger === true ? "danger" : "primary"}
        busy={busy}
        onClick={run}
        data-autofocus={danger === true ? undefined : true}
      >
        {confirm}
      </Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} actions={actions}>
      {children}
      {error !== undefined && <Alert kind="error">{error}</Alert>}
    </Dialog>
  );
}
