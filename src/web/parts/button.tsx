/** Buttons. One with `busy` shows that it works and takes no second press. */
import type { ButtonHTMLAttributes, ComponentChildren, Ref } from "preact";
import { Icon, type IconName } from "./icon.tsx";

type ButtonAttributes = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "icon"> & {
  ref?: Ref<HTMLButtonElement> | undefined;
};

export type ButtonProps = ButtonAttributes & {
  kind?: "primary" | "plain" | "quiet" | "danger";
  busy?: boolean;
  icon?: IconName;
  children?: ComponentChildren;
};

export function Button({ kind = "plain", busy, icon, disabled, children, ...rest }: ButtonProps) {
  const { class: extra, ...attributes } = rest;
  return (
    <button
      type="button"
      {...attributes}
      class={classes("button", `button-${kind}`, extra)}
      disabled={busy === true || disabled === true}
      aria-busy={busy === true ? "true" : undefined}
    >
      {busy === true ? <span class="spinner" /> : icon && <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

export type IconButtonProps = ButtonAttributes & {
  icon: IconName;
  /** What it is called, for everybody. */
  label: string;
  pressed?: boolean;
  size?: number;
};

export function IconButton({ icon, label, pressed, size = 20, ...rest }: IconButtonProps) {
  const { class: extra, ...attributes } = rest;
  return (
    <button
      type="button"
      title={label}
      {...attributes}
      class={classes("icon-button", extra)}
      aria-label={label}
      aria-pressed={pressed}
    >
      <Icon name={icon} size={size} />
    </button>
  );
}

/** Class names in one attribute; what is no text is left out. */
export function classes(...names: unknown[]): string {
  return names.filter((name) => typeof name === "string" && name !== "").join(" ");
}
