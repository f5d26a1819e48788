/** `EXIT` alone: leaving, as it was in a terminal, or a word that somebody wants to say. */
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { useAction, useApp } from "../parts/use.ts";

export type ExitDialogProps = { onSay: () => void; onSignOut: () => void; onClose: () => void };

export function ExitDialog({ onSay, onSignOut, onClose }: ExitDialogProps) {
  const { session, pending } = useApp();
  const waiting = pending.waiting.value;
  const signOut = useAction(async () => {
    onSignOut();
    await session.signOut();
  });
  return (
    <Dialog
      title="Sign out?"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button onClick={onSay}>Send as a message</Button>
          <Button kind="primary" busy={signOut.busy} onClick={signOut.run} data-autofocus>
            Sign out
          </Button>
        </>
      }
    >
      <p>You typed EXIT, and nothing else.</p>
      {waiting > 0 && (
        <p>
          {waiting === 1 ? "1 message is" : `${waiting} messages are`} not sent yet. In this browser
          {waiting === 1 ? " it waits" : " they wait"} until you sign in again.
        </p>
      )}
    </Dialog>
  );
}
