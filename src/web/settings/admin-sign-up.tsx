/** Who may make an account. Saved at once. */
import { useEffect, useState } from "preact/hooks";
import { Choice } from "../parts/field.tsx";
import { Alert, Retry, Spinner } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { SignUp } from "../state/admin.ts";
import { Section } from "./pane.tsx";
import { Done } from "./save-form.tsx";

export function AdminSignUp() {
  return (
    <Section title="Sign-up">
      <SignUpChoice />
    </Section>
  );
}

export function SignUpChoice() {
  const { admin } = useApp();
  const [signUp, setSignUp] = useState<SignUp | undefined>(undefined);
  const [done, setDone] = useState("");
  const { run: load, error } = useAction(async () => setSignUp(await admin.signUp.read()));
  const saving = useAction(async (wanted: SignUp) => {
    const before = signUp;
    setDone("");
    setSignUp(wanted);
    try {
      await admin.signUp.update(wanted);
      setDone("Saved");
    } catch (failure) {
      setSignUp(before);
      throw failure;
    }
  });
  useEffect(() => load(), []);
  if (error !== undefined) return <Retry error={error} onRetry={load} />;
  if (signUp === undefined) return <Spinner label="Loading" />;
  return (
    <>
      <Choice
        label="Who may make an account"
        value={signUp}
        disabled={saving.busy}
        onChange={saving.run}
        options={[
          { value: "open", label: "Everybody", hint: "Whoever reaches this server." },
          { value: "invitation", label: "By invitation", hint: "Whoever has a link of yours." },
          {
            value: "closed",
            label: "Nobody",
            hint: "No new accounts until this is changed.",
          },
        ]}
      />
      {saving.error !== undefined && <Alert kind="error">{saving.error}</Alert>}
      <Done text={done} />
    </>
  );
}
