/** What an owner sets of a channel; members see it. */
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Field, Switch, TextArea } from "../parts/field.tsx";
import { Alert, Spinner } from "../parts/notice.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import { ChannelMembers } from "./channel-members.tsx";
import { Pane, Section } from "./pane.tsx";
import { SaveForm } from "./save-form.tsx";

export function ChannelSettingsView({ id }: { id: string }) {
  const app = useApp();
  const channel = app.conversations.byId(id).value;
  if (channel === undefined || channel.kind !== "channel") {
    return (
      <Pane title="Channel settings">
        {app.conversations.loaded.value ? (
          <Alert kind="warn">There is no such channel, or you are not in it.</Alert>
        ) : (
          <Spinner label="Loading" />
        )}
      </Pane>
    );
  }
  const mayChange =
    channel.standing === "owner" || (channel.standing === "member" && app.session.isAdmin.value);
  return (
    <Pane title={`Settings of ${channel.handle}`}>
      {mayChange ? (
        <Basics key={channel.id} channel={channel} />
      ) : (
        <Alert kind="info">Only owners change a channel. You see who is in it.</Alert>
      )}
      <ChannelMembers channel={channel} mayChange={mayChange} />
      <Leave channel={channel} />
    </Pane>
  );
}

function Basics({ channel }: { channel: ConversationState }) {
  const app = useApp();
  const shownName = channel.handle.slice(1);
  const [name, setName] = useState(shownName);
  const [topic, setTopic] = useState(channel.topic ?? "");
  const [isPrivate, setPrivate] = useState(channel.private === true);
  const changes = {
    ...(name.trim() === shownName ? {} : { name: name.trim() }),
    ...(topic === (channel.topic ?? "") ? {} : { topic }),
    ...(isPrivate === (channel.private === true) ? {} : { private: isPrivate }),
  };
  return (
    <Section title="Channel">
      <SaveForm
        label="Save"
        kind="primary"
        disabled={Object.keys(changes).length === 0}
        onSave={() => app.channels.update(channel.id, changes)}
      >
        <Field
          label="Name"
          hint="Links by the old name stop leading here."
          value={name}
          leading={<span class="field-mark">#</span>}
          autocapitalize="none"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <TextArea
          label="Topic"
          hint="What belongs here, in a line or two. Everybody who sees the channel sees it."
          value={topic}
          dir="auto"
          rows={2}
          onInput={(event) => setTopic(event.currentTarget.value)}
        />
        <Switch
          label="Private"
          hint={
            isPrivate
              ? "Only members see it, read it and find it in a search. New ones are invited."
              : "Everybody may find it, read it from its beginning, and join."
          }
          checked={isPrivate}
          onChange={setPrivate}
        />
        {channel.private === true && !isPrivate && (
          <Alert kind="warn">Everybody will be able to read all that was ever written here.</Alert>
        )}
      </SaveForm>
    </Section>
  );
}

function Leave({ channel }: { channel: ConversationState }) {
  const app = useApp();
  const [isAsked, setAsked] = useState(false);
  const isOwner = channel.standing === "owner";
  const isIn = isOwner || channel.standing === "member";
  if (!isIn) return null;
  return (
    <Section title="Leave">
      <p>
        {isOwner
          ? "Make another member the owner first; then you can leave."
          : channel.private === true
            ? "To come back you need to be invited again."
            : "You can join again at any time."}
      </p>
      <div>
        <Button icon="out" disabled={isOwner} onClick={() => setAsked(true)}>
          Leave channel
        </Button>
      </div>
      {isAsked && (
        <Confirm
          title={`Leave ${channel.handle}?`}
          confirm="Leave channel"
          danger
          onClose={() => setAsked(false)}
          onConfirm={async () => {
            await app.channels.leave(channel.id);
            app.place.go({ is: "home" });
          }}
        >
          <p>It leaves your list, and you get no more messages of it.</p>
        </Confirm>
      )}
    </Section>
  );
}
