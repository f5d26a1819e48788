/** Signs out: at once when nothing waits, else after saying what becomes of what does. */
import { useEffect, useState } from "preact/hooks";
import { Confirm } from "../parts/dialog.tsx";
import { useApp } from "../parts/use.ts";

export function SignOut({ onClose }: { onClose: () => void }) {
  const { session, pending, connection, alerts } = useApp();
  const waiting = pending.waiting.value;
  const [asks] = useState(waiting > 0);
  useEffect(() => {
    if (asks) return;
    onClose();
    if (connection.kind.peek() !== "live") {
      alerts.show({ kind: "info", text: "Signing out. The server is told, if it can be reached." });
    }
    void session.signOut();
  }, []);
  if (!asks) return null;
  return (
    <Confirm
      title="Sign out?"
      confirm="Sign out"
      onConfirm={() => session.signOut()}
      onClose={onClose}
    >
      <p>
        {waiting === 1
          ? "1 message is not sent yet. It stays"
          : `${waiting} messages are not sent yet. They stay`}
        {" in this browser, and "}
        {waiting === 1 ? "goes" : "go"} out when you sign in here again with the same account.
      </p>
      <p>On a device that others use, wait until everything is sent.</p>
    </Confirm>
  );
}
