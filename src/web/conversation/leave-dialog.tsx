/** Leaving a channel, with what follows from it. An owner hands it over first. */
import { Button } from "../parts/button.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";

export type LeaveDialogProps = {
  channel: ConversationState;
  onLeave: () => void;
  onHandOver: () => void;
  onClose: () => void;
};

export function LeaveDialog({ channel, onLeave, onHandOver, onClose }: LeaveDialogProps) {
  const { channels, place } = useApp();
  const title = `Leave ${channel.handle}?`;
  if (channel.standing === "owner") {
    return (
      <Dialog
        title={title}
        onClose={onClose}
        actions={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button kind="primary" onClick={onHandOver} data-autofocus>
              Show members
            </Button>
          </>
        }
      >
        <p>You own this channel. Hand it over to another member first, then you can leave.</p>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={title}
      confirm="Leave"
      danger
      onConfirm={async () => {
        onLeave();
        await channels.leave(channel.id);
        place.go({ is: "home" }, { replace: true });
      }}
      onClose={onClose}
    >
      <p>
        {channel.private === true
          ? "You can no longer read it, and come back only by another invitation."
          : "It leaves your list. You can join again whenever you like."}
      </p>
    </Confirm>
  );
}
