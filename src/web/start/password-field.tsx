/** A password: can be looked at, and says when Caps Lock is on. */
import { useState } from "preact/hooks";
import { IconButton } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";

export type PasswordFieldProps = {
  label: string;
  value: string;
  /** `new-password` lets the browser propose one. */
  autocomplete: "current-password" | "new-password";
  hint?: string | undefined;
  error?: string | undefined;
  maxLength?: number | undefined;
  onChange: (value: string) => void;
};

export function PasswordField(props: PasswordFieldProps) {
  const { label, value, autocomplete, hint, error, maxLength, onChange } = props;
  const [isShown, setShown] = useState(false);
  const [isCapsLock, setCapsLock] = useState(false);
  const heard = (event: KeyboardEvent) => {
    // Browsers fill in passwords with key events that have no modifiers to ask for.
    setCapsLock(event.getModifierState?.("CapsLock") ?? false);
  };
  return (
    <Field
      label={label}
      type={isShown ? "text" : "password"}
      name="password"
      autocomplete={autocomplete}
      autocapitalize="none"
      spellcheck={false}
      maxLength={maxLength}
      value={value}
      hint={isCapsLock ? "Caps Lock is on." : hint}
      error={error}
      trailing={
        <IconButton
          icon={isShown ? "eye-off" : "eye"}
          label="Show password"
          pressed={isShown}
          onClick={() => setShown(!isShown)}
        />
      }
      onKeyDown={heard}
      onKeyUp={heard}
      onBlur={() => setCapsLock(false)}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}
