/** An open conversation: head, messages, composer, and a panel beside them. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { BackToConversations } from "../frame/back.tsx";
import { focusMainIfLost } from "../frame/focus.ts";
import { narrow } from "../frame/narrow.ts";
import { Button } from "../parts/button.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Empty } from "../parts/empty.tsx";
import { Spinner } from "../parts/notice.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import type { PlaceAt } from "../state/place.ts";
import { Composer } from "./composer.tsx";
import { ConversationHead, type Side } from "./conversation-head.tsx";
import { createDesk, type Desk } from "./desk.ts";
import { DetailsPanel } from "./details-panel.tsx";
import { GoneBar, JoinBar } from "./join-bar.tsx";
import { MembersPanel } from "./members-panel.tsx";
import { TimelinePane, TypingLine } from "./timeline-pane.tsx";
import { useAnnounced } from "./use-announced.ts";

export type ConversationViewProps = { place: Extract<PlaceAt, { is: "conversation" }> };

/** Give it the conversation's id as its key: another conversation is another view. */
export function ConversationView({ place }: ConversationViewProps) {
  const app = useApp();
  const conversation = app.conversations.byId(place.id).value;
  const leaving = useRef(false);
  useGone(conversation, leaving);
  if (conversation === undefined) return <Unknown isLoading={!app.conversations.loaded.value} />;
  return (
    <Open
      conversation={conversation}
      place={place}
      onLeave={() => {
        leaving.current = true;
      }}
    />
  );
}

/** Says so when a conversation that was open is no longer readable, and goes where there is something. */
function useGone(
  conversation: ConversationState | undefined,
  leaving: { readonly current: boolean },
): void {
  const app = useApp();
  const before = useRef(conversation);
  useEffect(() => {
    const was = before.current;
    before.current = conversation;
    if (was === undefined || leaving.current) return;
    const wasIn = was.standing === "owner" || was.standing === "member";
    const isOut = conversation === undefined || (wasIn && conversation.standing === undefined);
    if (!isOut) return;
    const text = wasIn ? `You are no longer in ${was.handle}.` : `${was.handle} is closed to you.`;
    app.alerts.show({ kind: "warn", text });
    if (conversation === undefined) app.place.go({ is: "home" }, { replace: true });
  }, [conversation]);
}

/** So long a server may take to say what is behind an address. */
const UNKNOWN_AFTER_MS = 1_500;

function Unknown({ isLoading }: { isLoading: boolean }) {
  const { place, connection } = useApp();
  const [isLate, setLate] = useState(false);
  const waits = isLoading || connection.isTroubled.value;
  useEffect(() => {
    if (waits) return;
    const timer = setTimeout(() => setLate(true), UNKNOWN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [waits]);
  return (
    <main class="talk" aria-label="Conversation">
      <div class="talk-pane">
        <header class="talk-head">
          <BackToConversations />
          <h1 tabIndex={-1}>Conversation</h1>
        </header>
        {waits || !isLate ? (
          <div class="log-first">
            <Spinner label="Loading the conversation" />
          </div>
        ) : (
          <Empty
            title="There is nothing here"
            icon="message"
            action={<Button onClick={() => place.go({ is: "home" })}>To your conversations</Button>}
          >
            This conversation does not exist, or you may not read it.
          </Empty>
        )}
      </div>
    </main>
  );
}

type OpenProps = ConversationViewProps & { conversation: ConversationState; onLeave: () => void };

function Open({ conversation, place: at, onLeave }: OpenProps) {
  const { place } = useApp();
  const desk = useMemo(createDesk, [conversation.id]);
  const { id, handle, kind } = conversation;
  const side = kind === "direct" && at.side === "members" ? undefined : at.side;
  const isCovered = side !== undefined && narrow.value;
  useAnnounced(id);
  const onSide = (next: Side | undefined) => {
    const to = { is: "conversation", id, ...(next === undefined ? {} : { side: next }) } as const;
    // Where it covers the conversation it is a step of its own, for the way back.
    if (next === undefined && isCovered) place.back();
    else place.go(to, { replace: !narrow.peek() || side !== undefined });
  };
  // A private channel shows nothing before one has joined.
  const isClosed = conversation.standing === "invited" && conversation.private === true;
  return (
    <main class="talk" aria-label={`Conversation ${handle}`} data-side={side}>
      <div class="talk-pane" inert={isCovered}>
        <ConversationHead {...{ conversation, side, onSide, onLeave }} />
        {isClosed ? (
          <Empty title={`You are invited to ${handle}`} icon="lock">
            Only its members can read it. Join to see what was said.
          </Empty>
        ) : (
          <TimelinePane conversation={conversation} desk={desk} at={at.at} />
        )}
        <Foot {...{ conversation, desk, onLeave }} />
      </div>
      {side === "members" && (
        <MembersPanel channel={conversation} onClose={() => onSide(undefined)} />
      )}
      {side === "details" && (
        <DetailsPanel conversation={conversation} onClose={() => onSide(undefined)} />
      )}
      <DeleteDialog id={id} desk={desk} />
    </main>
  );
}

type FootProps = { conversation: ConversationState; desk: Desk; onLeave: () => void };

function Foot({ conversation, desk, onLeave }: FootProps) {
  const { kind, standing, account } = conversation;
  const mayWrite = kind === "direct" || standing === "owner" || standing === "member";
  // The button that was pressed to join, or the composer, is gone.
  useEffect(focusMainIfLost, [mayWrite]);
  if (account?.deleted === true) return <GoneBar />;
  if (!mayWrite) {
    return <JoinBar channel={conversation} onLeave={onLeave} />;
  }
  return (
    <div class="talk-foot">
      <TypingLine conversation={conversation.id} />
      <Composer {...{ conversation, desk, onLeave }} />
    </div>
  );
}

function DeleteDialog({ id, desk }: { id: string; desk: Desk }) {
  const app = useApp();
  const message = desk.deleting.value;
  if (message === undefined) return null;
  return (
    <Confirm
      title="Delete this message?"
      confirm="Delete"
      danger
      onConfirm={() => app.timelines.timeline(id).delete(message.id)}
      onClose={() => {
        desk.deleting.value = undefined;
      }}
    >
      <blockquote class="deleting" dir="auto">
        {message.text}
      </blockquote>
      <p>It goes for everybody, and cannot be brought back.</p>
    </Confirm>
  );
}
