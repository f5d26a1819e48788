/** The password. */
import { useState } from "preact/hooks";
import { Field } from "../parts/field.tsx";
import { useApp } from "../parts/use.ts";
import { Section } from "./pane.tsx";
import { SaveForm } from "./save-form.tsx";

export function Security() {
  const app = useApp();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const [shown, setShown] = useState(false);
  const type = shown ? "text" : "password";
  return (
    <Section title="Security" about="Changing the password signs you out on all other devices.">
      <SaveForm
        label="Change password"
        done="Password changed. Your other sessions are over."
        disabled={current === "" || fresh === ""}
        onSave={async () => {
          await app.session.changePassword(current, fresh);
          setCurrent("");
          setFresh("");
        }}
      >
        <input type="text" hidden autocomplete="username" value={app.session.account.value?.name} />
        <Field
          label="Current password"
          type={type}
          value={current}
          autocomplete="current-password"
          onInput={(event) => setCurrent(event.currentTarget.value)}
        />
        <Field
          label="New password"
          type={type}
          value={fresh}
          hint="A few words that belong to you alone are better than one with signs in it."
          autocomplete="new-password"
          onInput={(event) => setFresh(event.currentTarget.value)}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={shown}
            onChange={(event) => setShown(event.currentTarget.checked)}
          />
          Show passwords
        </label>
      </SaveForm>
    </Section>
  );
}
