/**
 * The list of conversations, newest activity first; invitations stand above it.
 *
 * Problem: it may hold 2,000 rows, and every message changes one of them and the order. Approach: a row is drawn
 * again only when its conversation's state is another object: the same row for the same state is the same node,
 * which Preact skips; rows out of sight cost no layout (`content-visibility`). One row is a Tab stop, arrows
 * move between them. Rejected: drawing only what is in sight (find in page, and a reader's list, would end).
 */
import { useComputed } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Alert } from "../parts/notice.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import { ConversationRow } from "./conversation-row.tsx";
import { openDialog } from "./dialogs.ts";
import { InvitationRow } from "./invitation-row.tsx";

export function ConversationList() {
  const { conversations, place } = useApp();
  const open = useComputed(() => {
    const at = place.current.value;
    return at.is === "conversation" ? at.id : undefined;
  }).value;
  const all = conversations.list.value;
  const isLoaded = conversations.loaded.value;
  const error = conversations.error.value;
  const invited = all.filter(({ standing }) => standing === "invited");
  const joined = all.filter(({ standing }) => standing !== "invited");
  return (
    <div class="convos-pane">
      {error !== undefined && <Alert kind="warn">{error}</Alert>}
      {invited.length > 0 && (
        <section class="invitations" aria-label="Invitations">
          <ul>
            {invited.map((conversation) => (
              <InvitationRow key={conversation.id} conversation={conversation} />
            ))}
          </ul>
        </section>
      )}
      {joined.length > 0 && <Rows conversations={joined} open={open} />}
      {joined.length === 0 && isLoaded && invited.length === 0 && <NoConversations />}
      {joined.length === 0 && !isLoaded && error === undefined && <RowsToCome />}
    </div>
  );
}

function Rows(props: { conversations: readonly ConversationState[]; open: string | undefined }) {
  const { conversations, open } = props;
  const list = useRef<HTMLUListElement>(null);
  const rowOf = useRows();
  useLayoutEffect(() => keepOneTabStop(list.current));
  useEffect(() => {
    const row = list.current?.querySelector("a[aria-current]");
    row?.scrollIntoView({ block: "nearest" });
  }, [open]);
  return (
    <ul
      ref={list}
      class="convos"
      onKeyDown={(event) => moveByArrows(event, list.current)}
      onFocusIn={() => keepOneTabStop(list.current)}
    >
      {conversations.map((conversation) => rowOf(conversation, conversation.id === open))}
    </ul>
  );
}

/** The same node for the same state; anew each day, because times are written by the day. */
function useRows(): (conversation: ConversationState, isOpen: boolean) => VNode {
  const day = useDay();
  return useMemo(() => {
    const known = new WeakMap<ConversationState, { isOpen: boolean; node: VNode }>();
    return (conversation, isOpen) => {
      const drawn = known.get(conversation);
      if (drawn?.isOpen === isOpen) return drawn.node;
      const node = (
        <ConversationRow key={conversation.id} conversation={conversation} isOpen={isOpen} />
      );
      known.set(conversation, { isOpen, node });
      return node;
    };
  }, [day]);
}

/** Changes at each local midnight. */
function useDay(): number {
  const [day, setDay] = useState(() => startOfDay(Date.now()));
  useEffect(() => {
    const timer = setInterval(() => setDay(startOfDay(Date.now())), 30_000);
    return () => clearInterval(timer);
  }, []);
  return day;
}

function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}

function links(list: HTMLElement | null): HTMLElement[] {
  return list === null ? [] : [...list.querySelectorAll<HTMLElement>("a.convo-link")];
}

/** The row that has the focus, else the open one, else the first. */
function keepOneTabStop(list: HTMLElement | null): void {
  const all = links(list);
  const stop =
    all.find((link) => link === document.activeElement) ??
    all.find((link) => link.hasAttribute("aria-current")) ??
    all[0];
  for (const link of all) {
    const wanted = link === stop ? 0 : -1;
    if (link.getAttribute("tabindex") !== String(wanted)) link.tabIndex = wanted;
  }
}

function moveByArrows(event: KeyboardEvent, list: HTMLElement | null): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const all = links(list);
  const at = all.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  all[Math.min(Math.max(to, 0), all.length - 1)]?.focus();
}

function NoConversations() {
  return (
    <div class="convos-empty">
      <h2>No conversations yet</h2>
      <p>
        Channels that you join and people that you write to stand here. Look for somebody, join a
        channel, or make one.
      </p>
      <Button icon="compass" onClick={() => openDialog("browse")}>
        Browse channels
      </Button>
    </div>
  );
}

const PLACES = [68, 42, 56, 36, 60];

function RowsToCome() {
  return (
    <div class="convos-to-come">
      <p role="status" class="unseen">
        Loading conversations
      </p>
      {PLACES.map((width) => (
        <div key={width} class="convo-to-come" aria-hidden="true">
          <span />
          <span style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}
