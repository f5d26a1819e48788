/** Where one writes: it grows, completes, knows commands, and keeps what is not sent. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { classes, IconButton } from "../parts/button.tsx";
import { useApp } from "../parts/use.ts";
import type { App } from "../state/app.ts";
import type { ConversationState } from "../state/conversations.ts";
import type { Desk } from "./desk.ts";
import { ExitDialog } from "./exit-dialog.tsx";
import { isMine } from "./message-deeds.ts";
import { grow, isComposing, isTouch, sendsByEnter } from "./typing-keys.ts";
import { useCompletion } from "./use-completion.tsx";
import { useComposer } from "./use-composer.ts";

export type ComposerProps = {
  conversation: ConversationState;
  desk: Desk;
  onLeave: () => void;
};

export function Composer({ conversation, desk, onLeave }: ComposerProps) {
  const app = useApp();
  const written = useComposer(conversation, desk, onLeave);
  const { text, write, left } = written;
  const area = useRef<HTMLTextAreaElement>(null);
  const [caret, setCaret] = useState(text.length);
  const completion = useCompletion(conversation, text, caret, (next, at) => {
    write(next);
    setCaret(at);
    moveCaret(area.current, next, at);
  });
  const send = () => {
    written.send();
    area.current?.focus();
  };
  useDesk(desk, area, (back) => text === "" && write(back));
  useLayoutEffect(() => grow(area.current), [text]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (completion.hears(event)) event.preventDefault();
    else if (sendsByEnter(event)) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && text === "" && editsLast(app, conversation.id, desk)) {
      event.preventDefault();
    }
  };
  const name = `Message ${conversation.handle}`;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {completion.list}
      <Hint error={written.error} />
      <div class="composer-box">
        <textarea
          ref={area}
          class="composer-text"
          aria-label={name}
          placeholder={name}
          dir="auto"
          rows={1}
          enterkeyhint={isTouch() ? "enter" : "send"}
          value={text}
          {...completion.attributes}
          onInput={(event) => {
            const { value, selectionStart } = event.currentTarget;
            write(value);
            setCaret(selectionStart);
            if (value.trim() !== "" && !value.startsWith("/")) app.typing.tell(conversation.id);
          }}
          onKeyUp={(event) => setCaret(event.currentTarget.selectionStart)}
          onClick={(event) => setCaret(event.currentTarget.selectionStart)}
          onBlur={completion.close}
          onKeyDown={onKeyDown}
        />
        {left !== undefined && <Left left={left} />}
        <IconButton
          type="submit"
          class="composer-send"
          icon="send"
          label="Send"
          disabled={!written.maySend}
        />
      </div>
      {written.asksExit && (
        <ExitDialog
          onSay={() => {
            written.endExit();
            written.say(text.trim());
          }}
          onSignOut={() => write("")}
          onClose={written.endExit}
        />
      )}
    </form>
  );
}

/** What others ask of the composer. */
function useDesk(
  desk: Desk,
  area: { readonly current: HTMLTextAreaElement | null },
  putBack: (text: string) => void,
): void {
  const latest = useRef(putBack);
  latest.current = putBack;
  useEffect(() => {
    desk.focusComposer = () => area.current?.focus();
    desk.putBack = (text) => {
      latest.current(text);
      area.current?.focus();
    };
  }, [desk]);
}

/** The text has to be there before the caret can stand in it. */
function moveCaret(area: HTMLTextAreaElement | null, text: string, caret: number): void {
  if (area === null) return;
  area.value = text;
  area.setSelectionRange(caret, caret);
  area.focus();
}

/** Whether there is a last message of one's own that can be edited. */
function editsLast(app: App, id: string, desk: Desk): boolean {
  const last = app.timelines.timeline(id).items.peek().findLast(isMine);
  if (last !== undefined) desk.editing.value = { key: last.key, from: "composer" };
  return last !== undefined;
}

function Left({ left }: { left: number }) {
  const isOver = left < 0;
  return (
    <span
      class={classes("composer-left", isOver && "composer-over")}
      role={isOver ? "alert" : undefined}
    >
      {isOver ? `${-left} ${left === -1 ? "character" : "characters"} too many` : `${left} left`}
    </span>
  );
}

const AWAY = "Not connected. What you send waits here and goes out by itself.";

function Hint({ error }: { error: string | undefined }) {
  const isAway = useApp().connection.isTroubled.value;
  if (error !== undefined) {
    return (
      <p class="composer-error" role="alert">
        {error}
      </p>
    );
  }
  return isAway ? <p class="composer-hint">{AWAY}</p> : null;
}
