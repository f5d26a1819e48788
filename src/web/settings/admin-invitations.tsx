/** Invitations: links with which accounts can be made. The code is shown once, when it is made. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Field, Select } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Alert, Retry, Spinner } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { Invitation } from "../state/admin.ts";
import { Section } from "./pane.tsx";
import { Done } from "./save-form.tsx";

export function AdminInvitations() {
  const { admin } = useApp();
  const [list, setList] = useState<readonly Invitation[] | undefined>(undefined);
  const [isMaking, setMaking] = useState(false);
  const [asked, setAsked] = useState<Invitation | undefined>(undefined);
  const { run: load, error } = useAction(async () => setList(await admin.invitations()));
  useEffect(() => load(), []);
  return (
    <Section
      title="Invitations"
      about="An invitation is a link. Whoever has it can make an account until it is used up, over or revoked."
    >
      <div>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          New invitation
        </Button>
      </div>
      {error !== undefined && <Retry error={error} onRetry={load} />}
      {list === undefined && error === undefined && <Spinner label="Loading invitations" />}
      {list?.length === 0 && <p class="quiet">No invitation can be used at present.</p>}
      <ul class="rows" aria-label="Invitations">
        {list?.map((invitation) => (
          <li key={invitation.id} class="row">
            <Icon name="link" />
            <span class="row-text">
              <span>
                {invitation.uses === 1
                  ? "For 1 more account"
                  : `For ${invitation.uses} more accounts`}
              </span>
              <span class="quiet">
                made <Time ms={invitation.createdAt} style="full" />, until{" "}
                <Time ms={invitation.expiresAt} style="full" />
              </span>
            </span>
            <Button
              aria-label={`Revoke invitation of ${new Date(invitation.createdAt).toLocaleString()}`}
              onClick={() => setAsked(invitation)}
            >
              Revoke
            </Button>
          </li>
        ))}
      </ul>
      {isMaking && <NewInvitation onMade={load} onClose={() => setMaking(false)} />}
      {asked !== undefined && (
        <Confirm
          title="Revoke this invitation?"
          confirm="Revoke invitation"
          danger
          onClose={() => setAsked(undefined)}
          onConfirm={async () => {
            await admin.revokeInvitation(asked.id);
            load();
          }}
        >
          <p>Its link stops working. Accounts that were made with it stay.</p>
        </Confirm>
      )}
    </Section>
  );
}

const HOUR_MS = 3_600_000;
const PERIODS = [
  { label: "1 hour", ms: HOUR_MS },
  { label: "1 day", ms: 24 * HOUR_MS },
  { label: "7 days", ms: 7 * 24 * HOUR_MS },
  { label: "30 days", ms: 30 * 24 * HOUR_MS },
] as const;
const WEEK = 2;

function NewInvitation({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const app = useApp();
  const [uses, setUses] = useState("1");
  const [period, setPeriod] = useState(WEEK);
  const [code, setCode] = useState<string | undefined>(undefined);
  const count = Number(uses);
  const isCount = Number.isInteger(count) && count >= 1 && count <= 10_000;
  const { run, busy, error } = useAction(async () => {
    const expiresInMs = (PERIODS[period] ?? PERIODS[WEEK]).ms;
    const made = await app.admin.createInvitation({ uses: count, expiresInMs });
    setCode(made.code);
    onMade();
  });
  if (code !== undefined) {
    return (
      <Dialog
        title="New invitation"
        onClose={onClose}
        actions={
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <p>Give this link to whom you invite. It is shown only now.</p>
        <InvitationLink code={code} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="New invitation"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} disabled={!isCount} onClick={run}>
            Create invitation
          </Button>
        </>
      }
    >
      <Field
        label="Uses"
        type="number"
        min={1}
        max={10_000}
        inputMode="numeric"
        hint="How many accounts may be made with it."
        error={isCount ? undefined : "A whole number from 1 to 10,000."}
        value={uses}
        onInput={(event) => setUses(event.currentTarget.value)}
      />
      <Select
        label="Valid for"
        options={PERIODS.map(({ label }, index) => ({ value: String(index), label }))}
        value={String(period)}
        onChange={(value) => setPeriod(Number(value))}
      />
      {error !== undefined && <Alert kind="error">{error}</Alert>}
    </Dialog>
  );
}

/** The link, to copy; where the browser gives no clipboard it is marked, to be copied by hand. */
export function InvitationLink({ code }: { code: string }) {
  const app = useApp();
  const field = useRef<HTMLInputElement>(null);
  const [done, setDone] = useState("");
  const link = new URL(app.place.href({ is: "invite", code }), location.href).href;
  const copy = async () => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(link);
      setDone("Copied");
    } catch {
      setDone("Marked: copy it with your keyboard or its menu");
    }
  };
  return (
    <div class="copy-row">
      <Field
        ref={field}
        label="Invitation link"
        readOnly
        value={link}
        onFocus={(event) => event.currentTarget.select()}
      />
      <Button icon="copy" onClick={() => void copy()} data-autofocus>
        Copy link
      </Button>
      <Done text={done} />
    </div>
  );
}
