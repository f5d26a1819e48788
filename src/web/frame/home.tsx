/** What stands beside the list while no conversation is open. */
import { useRef } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Empty } from "../parts/empty.tsx";
import { useApp } from "../parts/use.ts";
import { Guide } from "../start/guide.tsx";
import { openDialog } from "./dialogs.ts";
import { narrow } from "./narrow.ts";

export function Home() {
  const { conversations } = useApp();
  const isEmpty = conversations.loaded.value && conversations.list.value.length === 0;
  // Who follows the guide here makes a first channel by it, and is not done with it then.
  const wasEmpty = useRef(false);
  wasEmpty.current ||= isEmpty;
  if (wasEmpty.current && !narrow.value) return <Guide />;
  return (
    <main class="home" aria-label="Home">
      <h1 class="unseen">Home</h1>
      {conversations.list.value.length > 0 && (
        <Empty
          title="Choose a conversation"
          icon="message"
          action={
            <div class="home-actions">
              <Button icon="people" onClick={() => openDialog("finder")}>
                Find people and channels
              </Button>
              <Button icon="compass" onClick={() => openDialog("browse")}>
                Browse channels
              </Button>
            </div>
          }
        >
          Pick one from the list, or begin one with somebody. What you have not read yet is set in
          bold.
        </Empty>
      )}
    </main>
  );
}
