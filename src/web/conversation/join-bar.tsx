/** What stands in the place of the composer where one may not write, and why. */
import { Button } from "../parts/button.tsx";
import { Alert } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";

export type JoinBarProps = { channel: ConversationState; onLeave: () => void };

export function JoinBar({ channel, onLeave }: JoinBarProps) {
  const { channels, place } = useApp();
  const isInvited = channel.standing === "invited";
  const join = useAction(() => channels.join(channel.id));
  const decline = useAction(async () => {
    onLeave();
    await channels.leave(channel.id);
    place.go({ is: "home" }, { replace: true });
  });
  const error = join.error ?? decline.error;
  return (
    <div class="bar">
      <p>
        {isInvited
          ? `You are invited to ${channel.handle}.`
          : `You are looking at ${channel.handle}. Join it to write here.`}
      </p>
      <div class="bar-actions">
        {isInvited && (
          <Button busy={decline.busy} onClick={decline.run}>
            Decline
          </Button>
        )}
        <Button kind="primary" busy={join.busy} onClick={join.run}>
          Join channel
        </Button>
      </div>
      {error !== undefined && <Alert kind="error">{error}</Alert>}
    </div>
  );
}

export function GoneBar() {
  return (
    <div class="bar">
      <p>This account was deleted. Nobody reads what is written here, so nothing can be sent.</p>
    </div>
  );
}
