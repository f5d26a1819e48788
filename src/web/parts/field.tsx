/** Things to fill in: each with its label, what helps, and what is wrong, wired for screen readers. */
import type { ComponentChildren, InputHTMLAttributes, Ref, TextareaHTMLAttributes } from "preact";
import { useId } from "preact/hooks";

type About = {
  label: string;
  hint?: ComponentChildren | undefined;
  error?: string | undefined;
  /** The label is for screen readers only; say what is meant by a placeholder as well. */
  hideLabel?: boolean;
  /** Stands within the box, behind the text. */
  trailing?: ComponentChildren;
  /** Stands within the box, before the text. */
  leading?: ComponentChildren;
};

export type FieldProps = Omit<
  InputHTMLAttributes<HTMLInputElement>,
  "label" | "leading" | "trailing"
> &
  About & { ref?: Ref<HTMLInputElement> | undefined; type?: string };

export function Field({
  ref,
  label,
  hint,
  error,
  hideLabel,
  trailing,
  leading,
  ...rest
}: FieldProps) {
  const id = useId();
  const about = { id, label, hint, error, hideLabel, trailing, leading };
  return (
    <Labelled {...about}>
      <input
        autocomplete="off"
        {...(rest as InputHTMLAttributes<HTMLInputElement>)}
        ref={ref ?? null}
        id={id}
        class="field-input"
        aria-describedby={describedBy(id, hint, error)}
        aria-invalid={error === undefined ? undefined : "true"}
      />
    </Labelled>
  );
}

export type TextAreaProps = Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "label"> &
  About & { ref?: Ref<HTMLTextAreaElement> | undefined };

export function TextArea({ ref, label, hint, error, hideLabel, trailing, ...rest }: TextAreaProps) {
  const id = useId();
  return (
    <Labelled {...{ id, label, hint, error, hideLabel, trailing }}>
      <textarea
        {...rest}
        ref={ref ?? null}
        id={id}
        class="field-input"
        aria-describedby={describedBy(id, hint, error)}
        aria-invalid={error === undefined ? undefined : "true"}
      />
    </Labelled>
  );
}

function describedBy(id: string, hint: unknown, error: unknown): string | undefined {
  const ids = [error !== undefined && `${id}-error`, hint !== undefined && `${id}-hint`];
  return ids.filter(Boolean).join(" ") || undefined;
}

type LabelledProps = { [K in keyof About]?: About[K] | undefined } & {
  id: string;
  label: string;
  children: ComponentChildren;
};

function Labelled({
  id,
  label,
  hint,
  error,
  hideLabel,
  trailing,
  leading,
  children,
}: LabelledProps) {
  return (
    <div class="field">
      <label for={id} class={hideLabel === true ? "unseen" : "field-label"}>
        {label}
      </label>
      <div class="field-box" data-invalid={error !== undefined}>
        {leading}
        {children}
        {trailing}
      </div>
      {error !== undefined && (
        <p id={`${id}-error`} class="field-error">
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} class="field-hint">
          {hint}
        </p>
      )}
    </div>
  );
}

export type ChoiceProps<V extends string> = {
  label: string;
  hint?: string;
  hideLabel?: boolean;
  options: readonly { value: V; label: string; hint?: string }[];
  value: V;
  onChange: (value: V) => void;
  disabled?: boolean;
};

/** One of several, as radio buttons. */
export function Choice<V extends string>(props: ChoiceProps<V>) {
  const { label, hint, hideLabel, options, value, onChange, disabled } = props;
  const id = useId();
  return (
    <fieldset aria-describedby={hint === undefined ? undefined : `${id}-hint`} disabled={disabled}>
      <legend class={hideLabel === true ? "unseen" : "field-label"}>{label}</legend>
      {hint !== undefined && (
        <p id={`${id}-hint`} class="field-hint">
          {hint}
        </p>
      )}
      <div class="choice-list">
        {options.map((option) => (
          <label key={option.value} class="choice-option">
            <input
              type="radio"
              name={id}
              value={option.value}
              checked={option.value === value}
              aria-labelledby={`${id}-${option.value}-label`}
              aria-describedby={option.hint === undefined ? undefined : `${id}-${option.value}`}
              onChange={() => onChange(option.value)}
            />
            <span id={`${id}-${option.value}-label`}>{option.label}</span>
            {option.hint !== undefined && (
              <span id={`${id}-${option.value}`} class="choice-hint">
                {option.hint}
              </span>
            )}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export type SwitchProps = {
  label: string;
  hint?: ComponentChildren;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
};

export function Switch({ label, hint, checked, onChange, disabled }: SwitchProps) {
  const id = useId();
  return (
    <label class="switch">
      <span>{label}</span>
      <input
        type="checkbox"
        role="switch"
        aria-checked={checked}
        aria-label={label}
        aria-describedby={hint === undefined ? undefined : id}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {hint !== undefined && (
        <span id={id} class="switch-hint">
          {hint}
        </span>
      )}
    </label>
  );
}

export type SelectProps = {
  label: string;
  hint?: string;
  options: readonly { value: string; label: string }[];
  value: string;
  onChange: (value: string) => void;
};

/** One of several, folded up. */
export function Select({ label, hint, options, value, onChange }: SelectProps) {
  const id = useId();
  return (
    <Labelled {...{ id, label, hint }}>
      <select
        id={id}
        class="field-input"
        aria-describedby={describedBy(id, hint, undefined)}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Labelled>
  );
}
