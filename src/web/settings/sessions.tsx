/** Where one is signed in: see, end. */
import { useEffect, useState } from "preact/hooks";
import type { Session } from "../../client/index.ts";
import { Button } from "../parts/button.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Retry, Spinner } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { useAction, useApp } from "../parts/use.ts";
import { Section } from "./pane.tsx";
import { Done } from "./save-form.tsx";

export function Sessions() {
  const app = useApp();
  const [sessions, setSessions] = useState<readonly Session[] | undefined>(undefined);
  const [asked, setAsked] = useState<Session | undefined>(undefined);
  const [done, setDone] = useState("");
  const { run: load, error } = useAction(async () => setSessions(await app.session.sessions()));
  useEffect(() => load(), []);
  const end = async (session: Session) => {
    await app.session.revoke(session.id);
    setSessions((before) => before?.filter(({ id }) => id !== session.id));
    setDone(`The session “${labelOf(session)}” is over.`);
  };
  return (
    <Section
      title="Sessions"
      about="Every sign-in is a session. End one that you don't know, then change your password."
    >
      {error !== undefined && <Retry error={error} onRetry={load} />}
      {sessions === undefined && error === undefined && <Spinner label="Loading your sessions" />}
      {sessions !== undefined && (
        <SessionList sessions={sessions} onEnd={(session) => setAsked(session)} />
      )}
      <Done text={done} />
      {asked !== undefined && (
        <Confirm
          title="End this session?"
          confirm="End session"
          danger
          onConfirm={() => end(asked)}
          onClose={() => setAsked(undefined)}
        >
          <p>
            <bdi>{labelOf(asked)}</bdi> is signed out at once. What it has not sent yet stays there
            until somebody signs in again.
          </p>
        </Confirm>
      )}
    </Section>
  );
}

export type SessionListProps = {
  sessions: readonly Session[];
  onEnd: (session: Session) => void;
};

export function SessionList({ sessions, onEnd }: SessionListProps) {
  const newestFirst = [...sessions].sort((a, b) => b.openedAt - a.openedAt);
  return (
    <ul class="rows" aria-label="Sessions">
      {newestFirst.map((session) => (
        <li key={session.id} class="row">
          <Icon name="monitor" />
          <span class="row-text">
            <bdi>{labelOf(session)}</bdi>
            <span class="quiet">
              {session.current && "this session, "}
              signed in <Time ms={session.openedAt} style="ago" />
            </span>
          </span>
          {!session.current && (
            <Button aria-label={`End session ${labelOf(session)}`} onClick={() => onEnd(session)}>
              End
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}

export function labelOf({ label }: Pick<Session, "label">): string {
  return label.trim() === "" ? "Unnamed device" : label;
}
