/** Short words about what happened, at the foot of the page. Trouble stays until it is dismissed. */
import { Button, IconButton } from "../parts/button.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { useApp } from "../parts/use.ts";
import type { Toast, ToastKind } from "../state/alerts.ts";
import { focusMainIfLost } from "./focus.ts";

const ICONS: Readonly<Record<ToastKind, IconName>> = {
  error: "alert",
  warn: "alert",
  info: "info",
  good: "check",
};

export function Notices() {
  const { alerts } = useApp();
  const toasts = alerts.toasts.value;
  if (toasts.length === 0) return null;
  return (
    <section class="notices" aria-label="Notices">
      {toasts.map((toast) => (
        <Notice key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

function Notice({ toast }: { toast: Toast }) {
  const { alerts } = useApp();
  const { id, kind, text, action } = toast;
  const dismiss = () => {
    alerts.dismiss(id);
    requestAnimationFrame(focusMainIfLost);
  };
  return (
    <div class={`notice notice-${kind}`} role={kind === "error" ? "alert" : "status"}>
      <Icon name={ICONS[kind]} size={18} />
      <p>{text}</p>
      {action !== undefined && (
        <Button
          kind="quiet"
          onClick={() => {
            action.run();
            dismiss();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton icon="close" label="Dismiss" size={16} onClick={dismiss} />
    </div>
  );
}
