/** The steps of who runs the server: who may come, where people meet, and bringing them in. */
import { useState } from "preact/hooks";
import { openDialog } from "../frame/dialogs.ts";
import { Button } from "../parts/button.tsx";
import { Alert } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import { InvitationLink } from "../settings/admin-invitations.tsx";
import { SignUpChoice } from "../settings/admin-sign-up.tsx";
import { Step } from "./step.tsx";

const FIRST_CHANNEL = "general";
const INVITATION = { uses: 25, expiresInMs: 7 * 24 * 3_600_000 };

export function AdminSteps() {
  const { conversations } = useApp();
  const channels = conversations.list.value.filter(({ kind }) => kind === "channel");
  return (
    <>
      <Step
        number={1}
        title="Decide who may come"
        about="It holds from now on, and can be changed at any time."
      >
        <SignUpChoice />
      </Step>
      <Step
        number={2}
        title="Make the first channels"
        isDone={channels.length > 0}
        about="A channel is where people talk about one thing. Most servers begin with one for everybody."
      >
        <FirstChannels names={channels.map(({ handle }) => handle)} />
      </Step>
      <InvitePeople />
    </>
  );
}

function FirstChannels({ names }: { names: readonly string[] }) {
  const { channels } = useApp();
  const handle = `#${FIRST_CHANNEL}`;
  const { run, busy, error } = useAction(async () => {
    await channels.create({
      name: FIRST_CHANNEL,
      topic: "For everybody and everything",
    });
  });
  return (
    <>
      {names.length > 0 && (
        <p class="step-made">
          There {names.length === 1 ? "is" : "are"} {names.slice(0, 8).join(", ")}
          {names.length > 8 && ` and ${names.length - 8} more`}.
        </p>
      )}
      <div class="step-buttons">
        {!names.includes(handle) && (
          <Button kind="primary" busy={busy} onClick={run}>
            Make {handle}
          </Button>
        )}
        <Button icon="plus" onClick={() => openDialog("new-channel")}>
          New channel
        </Button>
      </div>
      {error !== undefined && <Alert kind="error">{error}</Alert>}
    </>
  );
}

function InvitePeople() {
  const { admin, place } = useApp();
  const [code, setCode] = useState<string | undefined>(undefined);
  const { run, busy, error } = useAction(async () => {
    setCode((await admin.createInvitation(INVITATION)).code);
  });
  return (
    <Step
      number={3}
      title="Invite people"
      isDone={code !== undefined}
      about={`A link with which ${INVITATION.uses} people can make an account, within 7 days. Give it to those whom you want here.`}
    >
      {code === undefined ? (
        <div class="step-buttons">
          <Button kind="primary" icon="link" busy={busy} onClick={run}>
            Make an invitation link
          </Button>
        </div>
      ) : (
        <InvitationLink code={code} />
      )}
      {error !== undefined && <Alert kind="error">{error}</Alert>}
      <p class="step-more">
        <a href={place.href({ is: "admin", tab: "invitations" })}>Invite people</a> one by one, or
        for longer, in the administration. Who is here already is found by name:
      </p>
      <div class="step-buttons">
        <Button icon="people" onClick={() => openDialog("finder")}>
          Find people and channels
        </Button>
      </div>
    </Step>
  );
}
