/** An invitation's link, opened by who has an account here already. */
import { Button } from "../parts/button.tsx";
import { Empty } from "../parts/empty.tsx";
import { useApp } from "../parts/use.ts";
import { BackToConversations } from "./back.tsx";
import { openDialog } from "./dialogs.ts";

export function Invited() {
  const { session, place } = useApp();
  return (
    <main class="home" aria-label="Invitation">
      <header class="home-head">
        <BackToConversations />
        <h1>Invitation</h1>
      </header>
      <Empty
        title={`You are signed in as @${session.account.value?.name}`}
        icon="person"
        action={
          <div class="home-actions">
            <Button kind="primary" onClick={() => place.go({ is: "home" }, { replace: true })}>
              Go to your conversations
            </Button>
            <Button onClick={() => openDialog("sign-out")}>Sign out</Button>
          </div>
        }
      >
        This link makes a new account on this server, and you have one. Pass it on to somebody else,
        or sign out first to make another account.
      </Empty>
    </main>
  );
}
