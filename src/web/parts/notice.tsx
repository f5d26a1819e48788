/** What went wrong, well, or needs to be known, where it happened. */
import type { ComponentChildren } from "preact";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

const ICONS = { error: "alert", warn: "alert", info: "info", good: "check" } as const satisfies {
  [kind: string]: IconName;
};

export type AlertProps = { kind: keyof typeof ICONS; children: ComponentChildren };

export function Alert({ kind, children }: AlertProps) {
  return (
    <div class={`alert alert-${kind}`} role={kind === "error" ? "alert" : "status"}>
      <Icon name={ICONS[kind]} size={18} />
      <div>{children}</div>
    </div>
  );
}

export function Spinner({ label }: { label: string }) {
  return (
    <span role="status">
      <span class="spinner" aria-hidden="true" />
      <span class="unseen">{label}</span>
    </span>
  );
}

/** What could not be loaded, with a way to try again. */
export function Retry({ error, onRetry }: { error: string; onRetry: () => void }) {
  return (
    <Alert kind="error">
      {error} <Button onClick={onRetry}>Try again</Button>
    </Alert>
  );
}
