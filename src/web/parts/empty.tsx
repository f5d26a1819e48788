/** What an empty place says: what belongs there, and how to begin. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon.tsx";

export type EmptyProps = {
  title: string;
  icon?: IconName;
  children?: ComponentChildren;
  action?: ComponentChildren;
};

export function Empty({ title, icon, children, action }: EmptyProps) {
  return (
    <div class="empty">
      {icon !== undefined && (
        <span class="empty-icon">
          <Icon name={icon} size={28} />
        </span>
      )}
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  );
}
