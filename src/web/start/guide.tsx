/**
 * The first minute: what to do on a server that one has just come to.
 *
 * Each step has what it takes, so that nobody is sent away and forgets to come back. It can be left at any time
 * and is found again in the account menu.
 */
import { BackToConversations } from "../frame/back.tsx";
import { Button } from "../parts/button.tsx";
import { useApp } from "../parts/use.ts";
import { AdminSteps } from "./guide-admin.tsx";
import { MemberSteps } from "./guide-member.tsx";

export function Guide() {
  const { session, conversations, place } = useApp();
  const account = session.account.value;
  const isAdmin = session.isAdmin.value;
  const newest = conversations.list.value.find(({ standing }) => standing !== "invited");
  return (
    <main class="guide" aria-label="Getting started">
      <header class="guide-head">
        <BackToConversations />
        <div>
          <h1 tabIndex={-1}>Getting started</h1>
          <p class="guide-welcome">
            {isAdmin ? "You run this server, " : "Welcome, "}
            <bdi>{account?.displayName || account?.name}</bdi>.{" "}
            {isAdmin
              ? "Three steps, and others can come."
              : "Three things to begin with, in any order."}
          </p>
        </div>
      </header>
      <ol class="steps">{isAdmin ? <AdminSteps /> : <MemberSteps />}</ol>
      <footer class="guide-foot">
        {newest !== undefined && (
          <Button kind="primary" onClick={() => place.go({ is: "conversation", id: newest.id })}>
            Go to {newest.handle}
          </Button>
        )}
        <p>You find this page again in the account menu.</p>
      </footer>
    </main>
  );
}
