/** The messages of a conversation: what the state holds of them, with the keys to move among them. */
import { useComputed } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { Spinner } from "../parts/notice.tsx";
import { timeText } from "../parts/time.tsx";
import { useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import type { Timeline, TimelineEnd, TimelineItem } from "../state/timelines.ts";
import type { Desk } from "./desk.ts";
import { useFirstRows } from "./first-rows.ts";
import { typingText } from "./hearing.ts";
import { InviteDialog } from "./invite-dialog.tsx";
import { isMine, messageDeeds } from "./message-deeds.ts";
import { MessageRow, type Said } from "./message-row.tsx";
import { Scroller, type Seen } from "./scroller.tsx";
import { shownName } from "./shown-name.ts";

export type TimelinePaneProps = {
  conversation: ConversationState;
  desk: Desk;
  /** Position of a message to show. */
  at: string | undefined;
};

export function TimelinePane({ conversation, desk, at }: TimelinePaneProps) {
  const app = useApp();
  const timeline = app.timelines.timeline(conversation.id);
  const scroller = useRef<Scroller>(null);
  const items = timeline.items.value;
  const { older, newer } = timeline.state.value;
  const today = app.timelines.today.value;
  const deeds = useMemo(() => messageDeeds(app, timeline, desk), [timeline, desk]);
  const account = app.session.account.value;
  const me = useMemo(
    () => account && { id: account.id, name: account.name, displayName: account.displayName },
    [account?.id, account?.name, account?.displayName],
  );
  const isChannel = conversation.kind === "channel";
  const mayDelete = isChannel && (conversation.standing === "owner" || app.session.isAdmin.value);
  const active = desk.active.value;
  const editing = desk.editing.value?.key;
  const highlighted = timeline.highlighted.value;
  useMoves(timeline, scroller, desk, at);
  const { drawn, isWhole } = useFirstRows(items, at === undefined);
  const onSeen = (seen: Seen) =>
    noteSeen(timeline, isWhole ? seen : { ...seen, lacksOlder: false });
  return (
    <div class="timeline">
      <Scroller
        handle={scroller}
        class="log"
        role="log"
        aria-label="Messages"
        aria-live="off"
        aria-busy={!timeline.loaded.value}
        tabIndex={0}
        begins={at === undefined}
        isNewest={newer === "end"}
        onSeen={onSeen}
        onKeyDown={(event) => onKey(event, { timeline, desk, scroller: scroller.current })}
        onFocusIn={(event) => {
          const row = (event.target as Element).closest<HTMLElement>(".msg");
          if (row !== null) desk.active.value = row.dataset.key;
        }}
      >
        {isWhole && <Beginning conversation={conversation} timeline={timeline} end={older} />}
        {daysOf(drawn).map(({ day, rest }) => (
          <section key={day?.key ?? "before"}>
            {day !== undefined && <Day ms={day.ms} today={today} />}
            {rest.map((item) =>
              item.is === "new" ? (
                <NewLine key={item.key} />
              ) : (
                <MessageRow
                  key={item.key}
                  item={item}
                  me={me}
                  isActive={item.key === active}
                  isEditing={item.key === editing}
                  isHighlighted={item.key === highlighted}
                  mayDelete={mayDelete}
                  deeds={deeds}
                />
              ),
            )}
          </section>
        ))}
        {timeline.loaded.value && (
          <More end={newer} what="newer" onRetry={() => void timeline.loadNewer()} />
        )}
      </Scroller>
      <ToNewest
        timeline={timeline}
        onPress={() => {
          desk.toNewest();
          // The button goes.
          scroller.current?.focus();
        }}
      />
    </div>
  );
}

/** What moves the list from outside of it: a place in the address, the composer, a button. */
function useMoves(
  timeline: Timeline,
  scroller: { readonly current: Scroller | null },
  desk: Desk,
  at: string | undefined,
): void {
  const { place } = useApp();
  /** The place in the address, until it was gone to. */
  const aim = useRef<string | undefined>(undefined);
  useEffect(() => {
    desk.toNewest = () => {
      const here = place.current.peek();
      if (here.is === "conversation" && here.at !== undefined) {
        const { at: _, ...rest } = here;
        place.go(rest, { replace: true });
      }
      scroller.current?.goToEnd();
      void timeline.jumpToNewest().then(() => {
        if (timeline.state.peek().newer === "end") scroller.current?.goToEnd();
        else scroller.current?.forgetGoal();
      });
    };
    desk.focusRow = (key) => scroller.current?.focusRow(key);
    return () => timeline.setVisible(false, undefined);
  }, [timeline]);
  useEffect(() => {
    aim.current = at;
  }, [timeline, at]);
  useEffect(() => {
    const key = aim.current === undefined ? undefined : keyAt(timeline, aim.current);
    if (key === undefined) return;
    aim.current = undefined;
    scroller.current?.goTo(key);
    desk.active.value = key;
  }, [timeline, at, timeline.items.value, timeline.loaded.value]);
}

/** The message at a place, or what is next to it where it is gone; nothing while that is still to come. */
function keyAt({ items, state, loaded }: Timeline, at: string): string | undefined {
  const messages = items.peek().filter(({ is }) => is === "message");
  const older = messages.findLast((item) => (positionOf(item) as string) < at);
  const found = messages.find((item) => (positionOf(item) as string) >= at);
  const { older: begin, newer: end } = state.peek();
  if (!loaded.peek() || (older === undefined && begin !== "end" && positionOf(found) !== at)) {
    return undefined;
  }
  return found === undefined && end !== "end" ? undefined : (found ?? older)?.key;
}

function positionOf(item: TimelineItem | undefined): string | undefined {
  return item?.is === "message" ? item.message.position : undefined;
}

function noteSeen(timeline: Timeline, { last, lacksOlder, lacksNewer }: Seen): void {
  const items = timeline.items.peek();
  const at = items.findLastIndex(({ key }) => key === last);
  const lowest = items.slice(0, at + 1).findLast(({ is }) => is === "message");
  timeline.setVisible(true, positionOf(lowest));
  const { older, newer } = timeline.state.peek();
  if (lacksOlder && older === "more") void timeline.loadOlder();
  if (lacksNewer && newer === "more") void timeline.loadNewer();
}

type Moved = {
  readonly timeline: Timeline;
  readonly desk: Desk;
  readonly scroller: Scroller | null;
};

/** Keys on the list or a message in it; those of fields and buttons are theirs. */
function onKey(event: KeyboardEvent, { timeline, desk, scroller }: Moved): void {
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>(".msg");
  const isOnRow = target === row || target === event.currentTarget;
  if (!isOnRow || event.ctrlKey || event.metaKey || event.altKey) return;
  const said = timeline.items.peek().filter((item): item is Said => "grouped" in item);
  const at = said.findIndex(({ key }) => key === row?.dataset.key);
  const to = (index: number) => scroller?.focusRow(said[index]?.key ?? "");
  const item = said[at];
  switch (event.key) {
    case "ArrowUp":
    case "ArrowDown":
      if (at >= 0) to(at + (event.key === "ArrowUp" ? -1 : 1));
      else scroller?.focusRow(desk.active.peek() ?? scroller.lowestKey() ?? "");
      break;
    case "End":
      desk.toNewest();
      if (at >= 0 && timeline.state.peek().newer === "end") to(said.length - 1);
      break;
    case "e":
    case "E":
      if (!isMine(item) || event.shiftKey) return;
      desk.editing.value = { key: item.key, from: "row" };
      break;
    case "Delete":
      if (!isMine(item)) return;
      desk.deleting.value = item.message;
      break;
    case "Escape":
      desk.focusComposer();
      break;
    default:
      return;
  }
  event.preventDefault();
}

type DayItems = {
  readonly day: Extract<TimelineItem, { is: "day" }> | undefined;
  readonly rest: Exclude<TimelineItem, { is: "day" }>[];
};

/** By day, so that the day's name stays in sight exactly as long as something of it is. */
function daysOf(items: readonly TimelineItem[]): readonly DayItems[] {
  const days: DayItems[] = [];
  for (const item of items) {
    if (item.is === "day") days.push({ day: item, rest: [] });
    else {
      if (days.length === 0) days.push({ day: undefined, rest: [] });
      days.at(-1)?.rest.push(item);
    }
  }
  return days;
}

function Day({ ms, today }: { ms: number; today: number }) {
  const text = timeText(ms, "day", today);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule has no room for words
    <div class="day" role="separator" aria-label={text}>
      <span>{text}</span>
    </div>
  );
}

function NewLine() {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule has no room for words
    <div class="msg-new" role="separator" aria-label="New messages">
      <span>New messages</span>
    </div>
  );
}

type BeginningProps = { conversation: ConversationState; timeline: Timeline; end: TimelineEnd };

function Beginning({ conversation, timeline, end }: BeginningProps) {
  if (!timeline.loaded.value && end === "loading") {
    return (
      <div class="log-first">
        <Spinner label="Loading messages" />
      </div>
    );
  }
  if (end !== "end") {
    return <More end={end} what="older" onRetry={() => void timeline.loadOlder()} />;
  }
  const { kind, handle, title, self } = conversation;
  const isEmpty = timeline.items.value.length === 0;
  const where = kind === "channel" ? handle : `your conversation with ${title}`;
  return (
    <div class="log-beginning">
      <h2>
        This is the beginning of <bdi>{self === true ? "your notes to yourself" : where}</bdi>
      </h2>
      <p>{wordsFor(conversation, isEmpty)}</p>
      <InviteFirst conversation={conversation} />
    </div>
  );
}

/** Who is alone in a channel is asked whom to invite. */
function InviteFirst({ conversation }: { conversation: ConversationState }) {
  const [invites, setInvites] = useState(false);
  const { standing, members } = conversation;
  const at = useApp().place.current.value;
  const isBeside = at.is === "conversation" && at.side === "members";
  if (standing !== "owner" || members !== 1 || isBeside) return null;
  return (
    <>
      <Button icon="plus" onClick={() => setInvites(true)}>
        Invite people
      </Button>
      {invites && <InviteDialog channel={conversation} onClose={() => setInvites(false)} />}
    </>
  );
}

function wordsFor({ kind, private: isPrivate, self }: ConversationState, isEmpty: boolean): string {
  if (self === true) return "Nobody else can read what you write here.";
  if (kind === "direct") {
    return isEmpty
      ? "Nothing was said yet. Only the two of you can read what you write here."
      : "Only the two of you can read this.";
  }
  const who = isPrivate === true ? "Only its members can read it." : "Everybody here can read it.";
  return isEmpty ? `Nothing was said yet. ${who}` : who;
}

type MoreProps = { end: TimelineEnd; what: "older" | "newer"; onRetry: () => void };

function More({ end, what, onRetry }: MoreProps) {
  if (end === "end") return null;
  return (
    <div class="log-more">
      {end === "loading" && <Spinner label={`Loading ${what} messages`} />}
      {typeof end === "object" && (
        <>
          <span role="alert">{end.error}</span>
          <Button onClick={onRetry}>Try again</Button>
        </>
      )}
    </div>
  );
}

function ToNewest({ timeline, onPress }: { timeline: Timeline; onPress: () => void }) {
  const isHidden = useComputed(() => timeline.atNewest.value || !timeline.loaded.value);
  if (isHidden.value || timeline.items.value.length === 0) return null;
  const count = timeline.unseenBelow.value;
  const shown = count > 999 ? "999+" : String(count);
  return (
    <button type="button" class="to-newest" onClick={onPress}>
      <Icon name="down" size={16} />
      Jump to newest
      {count > 0 && (
        <>
          <span class="unseen">, </span>
          <span class="to-newest-count">
            {shown} <span>new</span>
          </span>
        </>
      )}
    </button>
  );
}

/** Who is typing. The line is always there, so that nothing moves when somebody begins. */
export function TypingLine({ conversation }: { conversation: string }) {
  const authors = useApp().typing.inConversation(conversation).value;
  return (
    <p class="typing" role="status" aria-label="Typing">
      {typingText(authors.map(shownName))}
    </p>
  );
}
