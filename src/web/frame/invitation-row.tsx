/** A channel that one is invited to: join or decline, where one looks for new things. */
import { Avatar } from "../parts/avatar.tsx";
import { Button } from "../parts/button.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";

export function InvitationRow({ conversation }: { conversation: ConversationState }) {
  const { channels, place } = useApp();
  const { id, handle, topic, members } = conversation;
  const join = useAction(async () => {
    await channels.join(id);
    place.go({ is: "conversation", id });
  });
  const decline = useAction(() => channels.leave(id));
  const error = join.error ?? decline.error;
  return (
    <li class="invitation">
      <Avatar
        id={id}
        name={handle}
        size={40}
        kind={conversation.private === true ? "private" : "channel"}
      />
      <div class="invitation-about">
        <p>
          You are invited to <b>{handle}</b>
        </p>
        <p class="invitation-topic">
          {topic || membersWords(members ?? 0, conversation.private === true)}
        </p>
        {error !== undefined && (
          <p class="field-error" role="alert">
            {error}
          </p>
        )}
        <div class="invitation-buttons">
          <Button
            kind="primary"
            busy={join.busy}
            disabled={decline.busy}
            aria-label={`Join ${handle}`}
            onClick={join.run}
          >
            Join
          </Button>
          <Button
            busy={decline.busy}
            disabled={join.busy}
            aria-label={`Decline ${handle}`}
            onClick={decline.run}
          >
            Decline
          </Button>
        </div>
      </div>
    </li>
  );
}

function membersWords(count: number, isPrivate: boolean): string {
  return `${isPrivate ? "Private, " : ""}${count === 1 ? "1 member" : `${count} members`}`;
}
