/** How one is called. */
import { useState } from "preact/hooks";
import { Avatar } from "../parts/avatar.tsx";
import { Field } from "../parts/field.tsx";
import { useApp } from "../parts/use.ts";
import { Section } from "./pane.tsx";
import { SaveForm } from "./save-form.tsx";

export function Profile() {
  const app = useApp();
  const account = app.session.account.value;
  const [displayName, setDisplayName] = useState(account?.displayName ?? "");
  const [name, setName] = useState(account?.name ?? "");
  if (account === undefined) return null;
  const shown = displayName.trim() === "" ? account.name : displayName;
  return (
    <Section title="Profile">
      <div class="profile-card">
        <Avatar id={account.id} name={shown} size={56} />
        <div>
          <bdi class="profile-shown">{shown}</bdi>
          <span class="quiet">@{account.name}</span>
        </div>
      </div>
      <SaveForm
        label="Save display name"
        disabled={displayName === account.displayName}
        onSave={() => app.session.setDisplayName(displayName)}
      >
        <Field
          label="Display name"
          hint="Shown instead of your name. Any script, any case; leave it empty to show your name."
          value={displayName}
          autocomplete="name"
          dir="auto"
          onInput={(event) => setDisplayName(event.currentTarget.value)}
        />
      </SaveForm>
      <SaveForm
        label="Change name"
        done="Name changed"
        disabled={name.trim() === account.name || name.trim() === ""}
        onSave={() => app.session.rename(name.trim())}
      >
        <Field
          label="Name"
          hint="You sign in with it, and others mention you by it. The old name becomes free for anybody."
          value={name}
          leading={<span class="field-mark">@</span>}
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </SaveForm>
    </Section>
  );
}
