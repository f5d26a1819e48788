/** Leaving: for now, or for good with what that means spelled out. */
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field, Switch } from "../parts/field.tsx";
import { Alert } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import { Section } from "./pane.tsx";

export function AccountEnd() {
  const app = useApp();
  const [isAsked, setAsked] = useState(false);
  const { run: signOut, busy } = useAction(() => app.session.signOut());
  const waiting = app.pending.waiting.value;
  return (
    <Section title="Account">
      <p>
        Signing out ends this session.{" "}
        {waiting > 0 &&
          "Messages that wait to be sent stay in this browser and go out when you sign in again."}
      </p>
      <div>
        <Button icon="out" busy={busy} onClick={signOut}>
          Sign out
        </Button>
      </div>
      <div class="section-danger">
        <h3>Delete account</h3>
        <Consequences />
        <div>
          <Button kind="danger" onClick={() => setAsked(true)}>
            Delete account
          </Button>
        </div>
      </div>
      {isAsked && <DeleteDialog onClose={() => setAsked(false)} />}
    </Section>
  );
}

function Consequences() {
  return (
    <ul class="points">
      <li>You are signed out everywhere, and nobody can sign in to this account again.</li>
      <li>Your name becomes free for anybody.</li>
      <li>Messages that wait for you are read by nobody.</li>
      <li>
        What you wrote stays, as written by a deleted account, unless you have it erased. What
        others wrote stays theirs.
      </li>
      <li>Hand over channels that you own first, or they are left without an owner.</li>
      <li>It cannot be undone.</li>
    </ul>
  );
}

function DeleteDialog({ onClose }: { onClose: () => void }) {
  const app = useApp();
  const [password, setPassword] = useState("");
  const [erase, setErase] = useState(false);
  const { run, busy, error } = useAction(() => app.session.deleteAccount({ password, erase }));
  const isReady = password !== "";
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="danger" busy={busy} disabled={!isReady} onClick={run}>
        Delete my account
      </Button>
    </>
  );
  return (
    <Dialog title="Delete your account?" onClose={onClose} actions={actions} firm>
      <p>This cannot be undone.</p>
      <Field
        label="Password"
        type="password"
        autocomplete="current-password"
        hint="To be sure that it is you."
        value={password}
        onInput={(event) => setPassword(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && isReady) run();
        }}
      />
      <Switch
        label="Erase my messages too"
        hint="The text of everything you wrote leaves the servers' disks, for everybody. Backups that were made before keep it."
        checked={erase}
        onChange={setErase}
      />
      {error !== undefined && <Alert kind="error">{error}</Alert>}
    </Dialog>
  );
}
