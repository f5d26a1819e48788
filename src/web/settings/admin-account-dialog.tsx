/** What an administrator does with one account, each with its consequences. */
import { useEffect, useState } from "preact/hooks";
import type { Session } from "../../client/index.ts";
import { Button } from "../parts/button.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Alert, Retry, Spinner } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { AdminAccount } from "../state/admin.ts";
import { SessionList } from "./sessions.tsx";

export type AccountDeed = {
  readonly is: "grant" | "revoke" | "disable" | "enable" | "password" | "sessions";
  readonly account: AdminAccount;
};

export type AccountDialogProps = { deed: AccountDeed; onClose: () => void; onDone: () => void };

export function AccountDialog({ deed, onClose, onDone }: AccountDialogProps) {
  const { admin } = useApp();
  const { is, account } = deed;
  if (is === "password") return <PasswordDialog account={account} onClose={onClose} />;
  if (is === "sessions") {
    return <SessionsDialog account={account} onClose={onClose} onDone={onDone} />;
  }
  const { title, about, confirm } = WORDS[is];
  return (
    <Confirm
      title={title(`@${account.name}`)}
      confirm={confirm}
      danger={is === "disable"}
      onClose={onClose}
      onConfirm={async () => {
        await admin[is](account.id);
        onDone();
      }}
    >
      <p>{about}</p>
    </Confirm>
  );
}

const WORDS = {
  grant: {
    title: (name: string) => `Make ${name} an administrator?`,
    about:
      "Administrators disable accounts, set passwords, end sessions, invite, and make others administrators. They read no conversation that they are not in.",
    confirm: "Make administrator",
  },
  revoke: {
    title: (name: string) => `Take the administrator's rights of ${name}?`,
    about: "The account stays as it is otherwise.",
    confirm: "Take the rights",
  },
  disable: {
    title: (name: string) => `Disable ${name}?`,
    about:
      "All its sessions end at once, and nobody can sign in to it until it is enabled again. Name, channels and messages stay.",
    confirm: "Disable account",
  },
  enable: {
    title: (name: string) => `Enable ${name} again?`,
    about: "Its owner can sign in again with the password it had.",
    confirm: "Enable account",
  },
} as const;

type OneAccount = { account: AdminAccount; onClose: () => void };

function PasswordDialog({ account, onClose }: OneAccount) {
  const { admin } = useApp();
  const [password, setPassword] = useState("");
  const { run, busy, error } = useAction(async () => {
    await admin.setPassword(account.id, password);
    onClose();
  });
  const isReady = password !== "";
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" busy={busy} disabled={!isReady} onClick={run}>
        Set password
      </Button>
    </>
  );
  return (
    <Dialog title={`New password for @${account.name}`} onClose={onClose} actions={actions}>
      <p>All its sessions end. Tell it to its owner over another way than this chat.</p>
      <Field
        label="New password"
        value={password}
        autocomplete="new-password"
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => setPassword(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && isReady) run();
        }}
      />
      {error !== undefined && <Alert kind="error">{error}</Alert>}
    </Dialog>
  );
}

function SessionsDialog({ account, onClose, onDone }: OneAccount & { onDone: () => void }) {
  const { admin } = useApp();
  const [sessions, setSessions] = useState<readonly Session[] | undefined>(undefined);
  const { run: load, error } = useAction(async () => setSessions(await admin.sessions(account.id)));
  const ending = useAction(async (session: Session) => {
    await admin.endSession(session.id);
    setSessions((before) => before?.filter(({ id }) => id !== session.id));
    onDone();
  });
  useEffect(() => load(), []);
  return (
    <Dialog title={`Sessions of @${account.name}`} onClose={onClose} wide>
      {error !== undefined && <Retry error={error} onRetry={load} />}
      {ending.error !== undefined && <Alert kind="error">{ending.error}</Alert>}
      {sessions === undefined && error === undefined && <Spinner label="Loading sessions" />}
      {sessions?.length === 0 && <p class="quiet">It is signed in nowhere.</p>}
      {sessions !== undefined && <SessionList sessions={sessions} onEnd={ending.run} />}
      <span class="unseen" role="status">
        {ending.busy ? "Ending the session" : ""}
      </span>
    </Dialog>
  );
}
