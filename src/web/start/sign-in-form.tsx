/** Name and password of who has an account. */
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { useApp } from "../parts/use.ts";
import { textOf } from "../state/errors.ts";
import { keepLastName, lastName } from "./last-name.ts";
import { nameProblem } from "./name-rules.ts";
import { PasswordField } from "./password-field.tsx";
import { StartForm } from "./start-form.tsx";

export function SignInForm() {
  const { session } = useApp();
  const [name, setName] = useState(lastName);
  const [password, setPassword] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [attempt, setAttempt] = useState({ failures: 0, error: undefined as string | undefined });
  const [isChecked, setChecked] = useState(false);
  const bare = name.trim().replace(/^@/, "");
  const nameError = bare === "" ? "Type the name of your account." : nameProblem(bare);
  const passwordError = password === "" ? "Type your password." : undefined;
  const fail = (error?: string) =>
    setAttempt(({ failures }) => ({ failures: failures + 1, error }));
  const submit = async () => {
    setChecked(true);
    if ((nameError ?? passwordError) !== undefined) return fail();
    setBusy(true);
    setAttempt(({ failures }) => ({ failures, error: undefined }));
    try {
      await session.signIn({ name: bare, password });
      keepLastName(bare);
    } catch (failure) {
      setBusy(false);
      fail(textOf(failure));
    }
  };
  return (
    <StartForm {...attempt} onSubmit={() => void (isBusy || submit())}>
      <Field
        label="Name"
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        enterkeyhint="next"
        value={name}
        error={isChecked ? nameError : undefined}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <PasswordField
        label="Password"
        autocomplete="current-password"
        value={password}
        error={isChecked ? passwordError : undefined}
        onChange={setPassword}
      />
      <Button type="submit" kind="primary" class="start-submit" busy={isBusy}>
        Sign in
      </Button>
    </StartForm>
  );
}
